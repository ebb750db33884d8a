"""A cache of decoded pixels on disk, for data that are larger than memory.

Images are decoded once, several at a time, into a memory-mapped file. What is complete is kept if decoding is stopped,
and each block is checked before it is used again: its checksum, and size and time of change of its source files.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from convscope.arrays import Picture
from convscope.data.attempt import Attempt, DecodeFile
from convscope.data.cache_file import NAMES, PIXELS_FILE, Block, CacheFile, channels_of, remove_cache
from convscope.data.image_tree import ImageFile, are_on_disk
from convscope.data.mapped_pixels import MappedPixels, PixelFile, Shape
from convscope.data.parallel import CHUNK, MOST_THREADS, Each, in_order
from convscope.data.processes import ProcessEndedError, ProcessPool, can_be_sent, process_count, usable_cores
from convscope.errors import DataError

BLOCK_BYTES = 1 << 22
"""Images of about this many bytes are one block: what is decoded, checked and recorded as a whole."""

SAMPLE = 64
"""Images that are decoded first to see whether any is in color."""

T = TypeVar("T")
R = TypeVar("R")

OnImages = Callable[[int, int], None]


@dataclass(frozen=True)
class Cached:
    """The images of some files in a cache.

    Attributes:
        pixels: The images of the files that can be read, in order.
        unreadable: Position and reason of the others.
        color: How many images are in color.
        several: How many files hold several frames or pages.
        reused: How many of the images were there already.
        note: What was wrong with those that were there; empty if nothing was.
    """

    pixels: MappedPixels
    unreadable: dict[int, str]
    color: int
    several: int
    reused: int
    note: str = ""


class _OtherChannelsError(Exception):
    """A color image among images taken for grayscale, or no color image among those taken for RGB."""


def cache_name(files: Sequence[ImageFile], settings: object) -> str:
    """The folder of a cache: a fingerprint of the paths of the files and of how they are resized."""
    digest = hashlib.sha256(json.dumps(settings).encode())
    for file in files:
        digest.update("/".join(file.path).encode("utf-8", "surrogatepass") + b"\0")
    return f"{NAMES[:-1]}{digest.hexdigest()[:16]}"


def cached(
    files: Sequence[ImageFile],
    decode_file: DecodeFile,
    *,
    folder: Path,
    size: tuple[int, int],
    channels: int | None,
    on_images: OnImages = lambda done, total: None,
) -> Cached:
    """Decode files into a cache, or take what is there.

    Args:
        files: The files.
        decode_file: Gives images of this size, with 1 or 3 channels; gray ones are repeated where others are in color.
        folder: The folder of this cache.
        size: Rows and columns.
        channels: 1 or 3; None takes 1 if all images are grayscale, else 3.
        on_images: Called several times a second with the number of images done, and their total. May raise to stop.

    Raises:
        DataError: The cache cannot be written, another process uses it, or a file changed while it was read.
    """
    likely = channels or channels_of(folder, len(files), size) or _channels_of_sample(files, decode_file)
    for attempt in (likely,) if channels else (likely, 4 - likely):
        try:
            filling = _Filling(files, decode_file, (len(files), *size, attempt), folder, on_images)
            return filling.run(may_be_other=channels is None)
        except _OtherChannelsError as error:  # the sample, or the cache of before, was not like all images
            error.with_traceback(None)  # which would keep this call, and with it the lock of its result, alive
            remove_cache(folder)
    raise DataError.about_file("Expected images that do not change", folder, "some changed while they were read")


class _Filling:
    """One pass over the files: check what is there, decode what is missing."""

    def __init__(
        self, files: Sequence[ImageFile], decode_file: DecodeFile, shape: Shape, folder: Path, on_images: OnImages
    ) -> None:
        self._files, self._attempt, self._shape, self._on_images = files, Attempt(decode_file), shape, on_images
        self._processes: ProcessPool | None = None
        image_bytes = shape[1] * shape[2] * shape[3]
        self._cache = CacheFile(folder, shape, max(1, min(256, BLOCK_BYTES // image_bytes)))
        self._done = 0
        self._counter = threading.Lock()
        self._is_stopped = threading.Event()
        self._changed: list[str] = []

    def run(self, *, may_be_other: bool) -> Cached:
        cache = self._cache
        try:
            stamps = [_stamp_of(file) for file in self._files]
            kept, damaged = self._check(stamps)
            cache.blocks = {block.number: block for block in kept}
            missing = [number for number in range(cache.count) if number not in cache.blocks]
            reused = sum(len(cache.rows_of(number)) for number in cache.blocks)
            if missing:
                cache.begin_writing()
                self._fill_all(missing, stamps)
                cache.finish()
            if may_be_other and self._shape[-1] == 3 and not any(block.color for block in cache.blocks.values()):
                raise _OtherChannelsError
        except BaseException:
            cache.close()
            raise
        return self._result(reused, self._note(damaged))

    def _check(self, stamps: list[list[int]]) -> tuple[list[Block], int]:
        """The blocks that are complete, undamaged, and of the files as they are now; and the number of damaged ones."""
        blocks = [self._cache.blocks[number] for number in sorted(self._cache.blocks)]
        current = []
        for block in blocks:
            rows = self._cache.rows_of(block.number)
            other = [row for row, stamp in zip(rows, block.stamps, strict=True) if stamp != stamps[row]]
            self._changed += [self._files[row].name for row in other]
            current += [] if other else [block]
        whole = self._each(self._is_whole, current)
        kept = [block for block, is_whole in zip(current, whole, strict=True) if is_whole]
        return kept, len(current) - len(kept)

    def _is_whole(self, block: Block) -> bool:
        is_whole = self._cache.is_whole(block)
        self._count(len(block.stamps) if is_whole else 0)
        return is_whole

    def _fill_all(self, missing: Sequence[int], stamps: list[list[int]]) -> None:
        count = process_count(None, len(missing) * self._cache.per_block)
        if count > 1 and are_on_disk(self._files) and can_be_sent(self._attempt):
            with contextlib.suppress(ProcessEndedError):  # then threads decode
                self._processes = ProcessPool(Each(self._attempt), count)
        try:
            self._each(lambda number: self._fill(number, stamps), missing)
        finally:
            if self._processes:
                self._processes.close()

    def _attempts(self, files: Sequence[ImageFile]) -> Iterator[tuple[Picture, int] | DataError]:
        """Decode the files of a block, one after another or in processes."""
        if self._processes is None:
            yield from map(self._attempt, files)
            return
        done = 0
        chunks = (files[start : start + CHUNK] for start in range(0, len(files), CHUNK))
        try:
            for found in in_order(self._processes.submit, chunks, waiting=len(files)):
                for one in found:
                    yield one
                    done += 1
        except ProcessEndedError:
            if not self._is_stopped.is_set():
                yield from map(self._attempt, files[done:])

    def _fill(self, number: int, stamps: list[list[int]]) -> None:
        """Decode a block and write it."""
        rows = self._cache.rows_of(number)
        found = self._attempts([self._files[row] for row in rows])
        pixels = np.zeros((len(rows), *self._shape[1:]), np.uint8)
        color, several, unreadable = 0, 0, {}
        for index, row in enumerate(rows):
            if self._is_stopped.is_set():
                return
            file, result = self._files[row], next(found, None)
            if result is None:  # it was stopped meanwhile
                return
            if isinstance(result, DataError):
                unreadable[str(index)] = result.reason
            else:
                image, frames = result
                color, several = color + (image.shape[-1] == 3), several + (frames > 1)
                if image.shape[-1] > self._shape[-1]:
                    raise _OtherChannelsError
                pixels[index] = image
            if _stamp_of(file) != stamps[row]:
                raise DataError.about_file(
                    "Expected files that do not change while they are read",
                    file.name,
                    "changed or removed meanwhile",
                    hint="Run this again when nothing writes there; what is decoded so far is kept.",
                )
            self._count(1)
        sha256 = hashlib.sha256(pixels.data).hexdigest()
        block = Block(number, sha256, [stamps[row] for row in rows], color, several, unreadable)
        self._cache.write(block, pixels.data)

    def _each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Work on items in threads, few of them at a time, and report progress meanwhile."""
        total = len(self._files)
        results: dict[int, R] = {}
        running: dict[Future[R], int] = {}
        waiting = iter(enumerate(items))
        threads = self._processes.count if self._processes else min(MOST_THREADS, usable_cores())
        with ThreadPoolExecutor(threads) as pool:
            try:
                while len(results) < len(items):
                    while len(running) < threads + 2 and (entry := next(waiting, None)):
                        running[pool.submit(work, entry[1])] = entry[0]
                    done, _ = wait(running, timeout=0.1, return_when=FIRST_COMPLETED)
                    for future in done:
                        results[running.pop(future)] = future.result()
                    self._on_images(self._done, total)
            except BaseException:
                self._is_stopped.set()
                if self._processes:  # else each thread would wait for all of its block
                    self._processes.close()
                pool.shutdown(wait=True, cancel_futures=True)  # at most the image at hand
                raise
        return [results[index] for index in range(len(items))]

    def _count(self, images: int) -> None:
        with self._counter:
            self._done += images

    def _note(self, damaged: int) -> str:
        """What was wrong with the cache that was there."""
        if self._changed:
            more = f" and {len(self._changed) - 1:,} more" if len(self._changed) > 1 else ""
            return f"{self._changed[0]}{more} changed since"
        if damaged:
            return f"{damaged:,} of {self._cache.count:,} blocks were damaged"
        return self._cache.damage

    def _result(self, reused: int, note: str) -> Cached:
        cache = self._cache
        unreadable = {
            number * cache.per_block + int(index): reason
            for number, block in sorted(cache.blocks.items())
            for index, reason in block.unreadable.items()
        }
        rows = np.setdiff1d(np.arange(len(self._files)), np.array(sorted(unreadable), np.int64))
        file = PixelFile(cache.folder / PIXELS_FILE, self._shape, lock=cache.lock)
        color = sum(block.color for block in cache.blocks.values())
        several = sum(block.several for block in cache.blocks.values())
        return Cached(MappedPixels(file, rows), unreadable, color, several, reused, note)


def _channels_of_sample(files: Sequence[ImageFile], decode_file: DecodeFile) -> int:
    """3 if one of some evenly spaced images is in color, else 1; a color image found later starts the cache anew."""
    for index in np.unique(np.linspace(0, len(files) - 1, SAMPLE).astype(int)):
        try:
            if decode_file(files[index])[0].shape[-1] == 3:
                return 3
        except DataError:
            continue
    return 1


def _stamp_of(file: ImageFile) -> list[int]:
    """Size and time of change of a file, or what else tells its version; ``[-1, 0]`` if it cannot be found."""
    try:
        if file.stamp:
            return list(file.stamp())
        data = file.read()
        return [len(data), zlib.crc32(data)]
    except (OSError, DataError):
        return [-1, 0]
