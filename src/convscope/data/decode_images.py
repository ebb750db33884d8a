"""Decode labeled image files to one size, into memory or into a cache on disk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from convscope.arrays import Picture
from convscope.data.attempt import Attempt, DecodeFile
from convscope.data.background import decide_background
from convscope.data.build_dataset import MAX_BYTES
from convscope.data.cache import Cached, cache_name, cached
from convscope.data.dataset import Skipped
from convscope.data.decode import decode, image_size
from convscope.data.file_pixels import FilePixels
from convscope.data.image_size import choose_size, fit_decision, size_decision
from convscope.data.image_tree import ImageFile, ImageTree, are_on_disk
from convscope.data.load_options import Caching, LoadOptions
from convscope.data.mapped_pixels import MappedPixels, StoredPixels
from convscope.data.parallel import in_parallel
from convscope.data.preprocess import BACKGROUNDS, Preprocessing
from convscope.decisions import Decision
from convscope.errors import DataError, RunError

MAX_MEMORY_BYTES = 2 * MAX_BYTES
"""The most bytes of pixels in memory."""

SECONDS_BETWEEN_STOPS = 0.1
"""How often it is asked whether reading shall stop."""

SECONDS_BETWEEN_SIZES = 1.0
"""The same while headers are read, most of which takes less."""

MAX_CACHE_BYTES = 2**40
"""The most bytes of pixels in a cache."""


@dataclass(frozen=True)
class Decoded:
    """The result of decoding the files of a tree.

    Attributes:
        pixels: The images of the files that can be read, in order.
        is_readable: Whether each file can be read.
        unreadable: Those files, with reasons.
        decisions: Size, channels and frames.
        background: What transparent images were laid on: a key of `BACKGROUNDS`.
    """

    pixels: StoredPixels
    is_readable: np.ndarray
    unreadable: tuple[Skipped, ...]
    decisions: tuple[Decision, ...] = ()
    background: str = "white"


def decode_images(files: list[ImageFile], tree: ImageTree, options: LoadOptions) -> Decoded:
    """Decode and resize each file, into memory or into a cache.

    Args:
        files: The files.
        tree: Its kind and source are used.
        options: See `image_folder.load_images`.

    Raises:
        DataError: Too many bytes of pixels; with ``strict``, an image that cannot be read; or see `cache.cached`.
    """
    sizes = _sizes_of(files, options.caching)
    size = options.size or choose_size(sizes)
    height, width = size
    fit = "pad" if options.fit == "auto" else options.fit
    background, chosen = decide_background(files, options.background)
    contracts = {c: Preprocessing(height, width, c, fit=fit, decoding=options.decoding) for c in (1, 3)}

    decode_file = _Decode(contracts, options.channels, BACKGROUNDS[background])
    needed = height * width * (options.channels or 3) * len(files)
    decisions = [] if options.size else [size_decision(sizes, size)]
    decisions += fit_decision(sizes, size, options.fit)
    decisions += (*_draft_decision(sizes, contracts[3]), *chosen)
    if options.caching.on_demand and needed > options.caching.above:
        decoded = _decoded_on_demand(files, decode_file, size, options)
    elif options.caching.folder is None or needed <= options.caching.above:
        _check_bytes(needed, MAX_MEMORY_BYTES, size, files, tree)
        decoded = _decoded_in_memory(files, decode_file, options)
    else:
        _check_bytes(needed, MAX_CACHE_BYTES, size, files, tree)
        options = replace(options, background=background)
        decoded = _decoded_into_cache(files, decode_file, size, tree, options)
    return replace(decoded, decisions=(*decisions, *decoded.decisions), background=background)


@dataclass(frozen=True)
class _Decode:
    """Decodes a file, and preprocesses it with the contract of its channels."""

    contracts: dict[int, Preprocessing]
    channels: int | None
    background: int

    def __call__(self, file: ImageFile) -> tuple[Picture, int]:
        found = decode(file.read(), file.name, background=self.background, draft=self.contracts[3].draft_factor)
        return self.contracts[self.channels or found.pixels.shape[-1]].apply(found.pixels), found.frames


@dataclass(frozen=True)
class _WithoutRows:
    """Decodes a file and drops its pixels, so that they are not sent from one process to another."""

    decode_file: DecodeFile

    def __call__(self, file: ImageFile) -> tuple[Picture, int]:
        image, frames = self.decode_file(file)
        return image[:0], frames


def _check_bytes(needed: int, most: int, size: tuple[int, int], files: list[ImageFile], tree: ImageTree) -> None:
    if needed > most:
        raise DataError(
            f"Expected at most {most:,} bytes of pixels from {tree.source}. "
            f"Received: {len(files):,} images of {size[0]}×{size[1]}, {needed:,} bytes.",
            hint="Use a cache on disk (--cache DIR), or a smaller --size."
            if most == MAX_MEMORY_BYTES
            else "Use fewer images.",
        )


def _sizes_of(files: list[ImageFile], caching: Caching) -> list[tuple[int, int]]:
    """The sizes of all images that have one, from their headers."""
    found, asked = [], time.monotonic()
    with closing(in_parallel(_size_of, files, can_send_items=are_on_disk(files))) as sizes:
        for index, size in enumerate(sizes):
            found += [size] if size is not None else []
            if time.monotonic() - asked >= SECONDS_BETWEEN_SIZES:
                asked = time.monotonic()
                caching.on_images(index + 1, len(files))
                if caching.is_stopped():
                    raise RunError(f"Stopped while decoding images, after 0 of {len(files):,}.")
    return found


class _Tally:
    """What was found while files were decoded one after another.

    Args:
        files: The files.
        options: Whom to tell, and whether an unreadable image is an error.
    """

    def __init__(self, files: list[ImageFile], options: LoadOptions) -> None:
        self._files, self._options = files, options
        self.color = self.several = 0
        self.is_readable = np.ones(len(files), bool)
        self.unreadable: list[Skipped] = []

    def each(self, decode_file: DecodeFile) -> Iterator[Picture]:
        """Decode all files, several at a time, and give the images of those that can be read."""
        caching, asked = self._options.caching, time.monotonic()
        attempt, can_send = Attempt(decode_file), are_on_disk(self._files)
        with closing(in_parallel(attempt, self._files, can_send_items=can_send)) as results:
            for index, result in enumerate(results):
                if isinstance(result, DataError):
                    if self._options.strict:
                        raise result
                    self.is_readable[index] = False
                    self.unreadable.append(Skipped(self._files[index].name, result.reason))
                else:
                    self.color += result[0].shape[-1] == 3
                    self.several += result[1] > 1
                    yield result[0]
                caching.on_images(index + 1, len(self._files))
                if time.monotonic() - asked >= SECONDS_BETWEEN_STOPS:
                    asked = time.monotonic()
                    if caching.is_stopped():
                        raise RunError(f"Stopped while decoding images, after {index + 1:,} of {len(self._files):,}.")

    def decoded(self, pixels: StoredPixels) -> Decoded:
        """The result, with these pixels."""
        decisions = _content_decisions(self.color, self.several, len(pixels), self._options)
        return Decoded(pixels, self.is_readable, tuple(self.unreadable), decisions)


def _decoded_in_memory(files: list[ImageFile], decode_file: DecodeFile, options: LoadOptions) -> Decoded:
    tally = _Tally(files, options)
    images = list(tally.each(decode_file))
    height, width = images[0].shape[:2] if images else (1, 1)
    pixels = np.empty((len(images), height, width, options.channels or (3 if tally.color else 1)), np.uint8)
    while images:  # each is given up once it is copied, so that none is in memory twice
        image = images.pop()
        pixels[len(images)] = image  # grayscale becomes RGB by broadcasting
    return tally.decoded(pixels)


def _decoded_on_demand(
    files: list[ImageFile], decode_file: DecodeFile, size: tuple[int, int], options: LoadOptions
) -> Decoded:
    """Decode all files once, to know which can be read, and keep none."""
    tally = _Tally(files, options)
    for _ in tally.each(_WithoutRows(decode_file)):
        pass
    source = FilePixels(files, decode_file, (*size, options.channels or (3 if tally.color else 1)))
    return tally.decoded(MappedPixels(source, np.flatnonzero(tally.is_readable)))


def _decoded_into_cache(
    files: list[ImageFile], decode_file: DecodeFile, size: tuple[int, int], tree: ImageTree, options: LoadOptions
) -> Decoded:
    where = options.caching.folder or Path()

    def on_images(done: int, total: int) -> None:
        options.caching.on_images(done, total)
        if options.caching.is_stopped():
            raise RunError(
                f"Stopped while decoding images, after {done:,} of {total:,}. They are kept in {where}.",
                hint="Run it again with the same cache to go on.",
            )

    settings = [tree.kind, tree.source, size, options.channels, options.fit]
    settings += [] if options.decoding == "exact" else [options.decoding]
    settings += [] if options.background == "white" else [options.background]
    name = cache_name(files, settings)
    found = cached(
        files,
        decode_file,
        folder=where / name,
        size=size,
        channels=options.channels,
        on_images=on_images,
    )
    is_readable = np.ones(len(files), bool)
    is_readable[list(found.unreadable)] = False
    unreadable = tuple(Skipped(files[index].name, reason) for index, reason in found.unreadable.items())
    decisions = _content_decisions(found.color, found.several, len(found.pixels), options)
    return Decoded(
        found.pixels, is_readable, unreadable, (*decisions, _cache_decision(found, options.caching, len(files)))
    )


def _cache_decision(found: Cached, caching: Caching, files: int) -> Decision:
    size = found.pixels.nbytes
    pixels = f"{size / 1e9:.2f} GB of pixels" if size >= 1e9 else f"{size / 1e6:.1f} MB of pixels"
    if found.reused == files:
        because = f"{pixels}, decoded before"
    elif found.reused:
        because = f"{pixels}, {found.reused:,} of {files:,} images decoded before"
    else:
        because = f"{pixels}, read from there batch by batch"
    because += "" if caching.is_kept else "; removed at the end of the training"
    return Decision("cache", str(caching.folder), f"{because}; {found.note}" if found.note else because)


def _draft_decision(sizes: list[tuple[int, int]], contract: Preprocessing) -> tuple[Decision, ...]:
    if contract.decoding == "exact":
        return ()
    count = sum(contract.draft_factor(*size) > 1 for size in sizes)
    return (
        Decision(
            "decoding", contract.decoding, f"{count:,} of {len(sizes):,} images are reduced while JPEG is decoded"
        ),
    )


def _content_decisions(color: int, several: int, images: int, options: LoadOptions) -> tuple[Decision, ...]:
    """Channels and frames, where the images differ or have more than one."""
    decisions = []
    if options.channels is None and 0 < color < images:
        decisions.append(Decision("channels", "RGB", f"{color:,} of {images:,} images are in color"))
    if several:
        decisions.append(Decision("frames", f"the first one of {several:,} files", "they hold several frames or pages"))
    return tuple(decisions)


def _size_of(file: ImageFile) -> tuple[int, int] | None:
    try:
        return image_size(file.read(), file.name)
    except DataError:
        return None  # reported when it is decoded
