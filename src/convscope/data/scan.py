"""What there is to be said of each picture of a data set, before it becomes an array. Hot: reads the files."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from convscope.data import folder, zipped
from convscope.data.dataset import Skipped
from convscope.data.decode import Examined, decode, examine, quiet
from convscope.data.files import ZIP_TROUBLE, open_regular
from convscope.data.near_duplicates import Fingerprint, fingerprint
from convscope.data.preprocess import AnyPicture
from convscope.data.readers import detect, load
from convscope.data.tree import Member, PictureFile, Tree, sort_tree
from convscope.errors import DataError

ORDINARY = ("L", "RGB", "P", "1")
"""Modes in which digits and photos usually come."""

SUFFIXES = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".mpo"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
}
"""What a file of each format is usually called."""


@dataclass(frozen=True)
class ImageRecord:
    """One readable picture.

    Attributes:
        name: Its file, or its part and number.
        part: ``train`` or ``test``.
        class_name: Its label.
        size: Rows and columns, upright.
        digest: Equal for equal pixels.
        fingerprint: See `near_duplicates`; None for a blank picture.
        oddities: What is unusual about the file: kind of finding to words.
        show: Gives the picture again.
    """

    name: str
    part: str
    class_name: str
    size: tuple[int, int]
    digest: bytes
    fingerprint: Fingerprint | None = field(repr=False)
    oddities: dict[str, str]
    show: Callable[[], AnyPicture] = field(repr=False)


@dataclass(frozen=True)
class ScanResult:
    """All that was seen of a data set.

    Attributes:
        source: Its name.
        kind: A key of `readers.READERS`.
        records: The readable pictures, the training part first.
        unreadable: The other files of classes, with reasons.
        strays: Files in no class.
        empty: Classes without a file.
    """

    source: str
    kind: str
    records: tuple[ImageRecord, ...]
    unreadable: tuple[Skipped, ...] = ()
    strays: tuple[Skipped, ...] = ()
    empty: tuple[str, ...] = ()


OnProgress = Callable[[int, int], None]
"""Told how many pictures have been looked at, of how many."""


def scan(source: str | Path, tell: OnProgress = lambda done, total: None) -> ScanResult:
    """Look at every picture of a data set; what is wrong with one is kept, not raised.

    Args:
        source: As `readers.load` takes it.
        tell: Told of the progress.

    Raises:
        DataError: There is no such data set, or nothing in it that could be looked at.
    """
    kind = detect(source)
    if kind == "folder":
        return _look_at_tree(folder.scan(Path(source)), tell)
    if kind == "zip":
        with open_regular(Path(source), zipped.MAX_ARCHIVE_BYTES) as file:
            try:
                archive = zipfile.ZipFile(file)
            except ZIP_TROUBLE:
                raise DataError(f"Expected a zip archive. Received: file={source}, damaged.") from None
            return _look_at_tree(zipped.scan(archive, Path(source).name), tell)
    return _look_at_arrays(source, kind, tell)


def _look_at_tree(tree: Tree, tell: OnProgress) -> ScanResult:
    found = sort_tree(tree)
    members = [("train", member) for member in found.train] + [("test", member) for member in found.test]
    records, unreadable = [], list(found.tree.skipped)
    with quiet(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        try:
            for index, result in enumerate(pool.map(lambda pair: _sight(*pair), members)):
                tell(index + 1, len(members))
                if isinstance(result, ImageRecord):
                    records.append(result)
                else:
                    unreadable.append(result)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return ScanResult(tree.source, tree.kind, tuple(records), tuple(unreadable), found.skipped, found.empty)


def _sight(part: str, member: Member) -> ImageRecord | Skipped:
    file = member.file
    try:
        examined = examine(file.read(), file.name)
    except DataError as error:
        return Skipped(file.name, error.args[0].partition(f"{file.name}, ")[2].rstrip(".") or error.args[0])
    pixels = examined.pixels
    return ImageRecord(
        name=file.name,
        part=part,
        class_name=member.class_name,
        size=(pixels.shape[0], pixels.shape[1]),
        digest=_digest(pixels),
        fingerprint=fingerprint(pixels),
        oddities=_oddities(file, examined),
        show=lambda: decode(file.read(), file.name),
    )


def _oddities(file: PictureFile, examined: Examined) -> dict[str, str]:
    odd = {}
    suffix = Path(file.path[-1]).suffix.lower()
    if suffix not in SUFFIXES.get(examined.format, (suffix,)):
        odd["wrong_extension"] = f"it is {examined.format}" + ("" if suffix else ", with no extension")
    if examined.mode not in ORDINARY:
        odd["odd_mode"] = f"mode {examined.mode}"
    if examined.orientation != 1:
        odd["turned"] = f"EXIF orientation {examined.orientation}"
    if examined.frames > 1:
        odd["animated"] = f"{examined.frames} frames"
    return odd


def _look_at_arrays(source: str | Path, kind: str, tell: OnProgress) -> ScanResult:
    loaded = load(source, test_fraction=0)
    records = []
    parts = {"train": loaded.train} | ({"test": loaded.test} if loaded.test else {})
    total = sum(len(dataset) for dataset in parts.values())
    for part, dataset in parts.items():
        h, w, _ = dataset.image_shape
        for index, pixels in enumerate(dataset.pixels):
            tell(len(records) + 1, total)
            name, label = f"{part}/{index}", dataset.class_names[dataset.labels[index]]
            records.append(
                ImageRecord(
                    name, part, label, (h, w), _digest(pixels), fingerprint(pixels), {}, lambda pixels=pixels: pixels
                )
            )
    return ScanResult(loaded.train.source, kind, tuple(records))


def _digest(pixels: np.ndarray) -> bytes:
    return hashlib.blake2b(repr(pixels.shape).encode() + pixels.tobytes(), digest_size=16).digest()
