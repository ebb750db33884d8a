"""Read every image of a dataset and record what the data checks need to know. Heavy: reads files."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from convscope.data.background import decide_background
from convscope.data.dataset import Skipped
from convscope.data.decode import DecodedImage, decode
from convscope.data.image_folder import check_trainable
from convscope.data.image_tree import ImageFile, ImageTree, LabeledFile, SortedTree, are_on_disk, sort_tree
from convscope.data.near_duplicates import Fingerprint, Tone, fingerprint, is_comparable, tone
from convscope.data.parallel import in_parallel
from convscope.data.pixels import AnyPicture
from convscope.data.preprocess import BACKGROUNDS
from convscope.data.readers import READERS, detect, load
from convscope.decisions import Decision
from convscope.errors import DataError


@dataclass(frozen=True, slots=True)
class FileFacts:
    """How a file stores its image; see `decode.DecodedImage`."""

    suffix: str
    format: str
    mode: str
    orientation: int
    frames: int


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One readable image.

    Attributes:
        name: Its file name, or its part and index.
        part: ``train`` or ``test``.
        class_name: Its label.
        size: Rows and columns, upright.
        digest: Equal for equal pixels.
        fingerprint: See `near_duplicates`; None for a blank image, empty if images are not compared.
        file: How its file stores it; None for arrays.
        load: Returns the pixels again.
        tone: See `near_duplicates`.
    """

    name: str
    part: str
    class_name: str
    size: tuple[int, int]
    digest: bytes
    fingerprint: Fingerprint | None = field(repr=False)
    file: FileFacts | None = field(repr=False)
    load: Callable[[], AnyPicture] = field(repr=False)
    tone: Tone | None = field(repr=False, default=None)


@dataclass(frozen=True)
class ScanResult:
    """The images of a dataset, and the files that are not usable.

    Attributes:
        source: The name of the dataset.
        kind: A key of `readers.READERS`.
        records: The readable images, the training part first.
        unreadable: Files of a class that cannot be read, with reasons.
        unlabeled: Files outside any class folder.
        empty: Classes without a file.
        others: Files that are not images.
        refusal: Why a training on this dataset would be refused; empty if it would not.
        decisions: How parts and classes were found.
        is_compared: Whether images can be compared for near duplicates, which is not done for very many.
    """

    source: str
    kind: str
    records: tuple[ImageRecord, ...]
    unreadable: tuple[Skipped, ...] = ()
    unlabeled: tuple[Skipped, ...] = ()
    empty: tuple[str, ...] = ()
    others: tuple[Skipped, ...] = ()
    refusal: str = ""
    decisions: tuple[Decision, ...] = ()
    is_compared: bool = True


OnProgress = Callable[[int, int], None]
"""Called with the number of images scanned so far, and the total."""


def scan(source: str | Path, on_progress: OnProgress = lambda done, total: None, *, parts: str = "auto") -> ScanResult:
    """Read every image of a dataset. Unreadable files are recorded and do not raise.

    Args:
        source: The name or path of a dataset, as for `readers.load`.
        on_progress: Called after each image. An exception that it raises stops the scan.
        parts: See `folder_layout.find_layout`.

    Raises:
        DataError: The dataset does not exist or has no images.
    """
    reader = READERS[detect(source)]
    if reader.open_images:
        with reader.open_images(Path(source)) as tree:
            return _scan_files(tree, on_progress, parts)
    return _scan_arrays(source, reader.name, on_progress, parts)


def _scan_files(tree: ImageTree, on_progress: OnProgress, parts: str) -> ScanResult:
    found = sort_tree(tree, parts=parts)
    files = [("train", one) for one in found.train] + [("test", one) for one in found.test]
    is_compared = is_comparable(len(files))
    background, chosen = decide_background([one.file for _, one in files], "auto")
    record = functools.partial(_record, background=BACKGROUNDS[background], is_compared=is_compared)
    records, unreadable = [], []
    can_send = are_on_disk([one.file for _, one in files])
    with closing(in_parallel(record, files, can_send_items=can_send)) as results:
        for index, result in enumerate(results):
            on_progress(index + 1, len(files))
            if isinstance(result, ImageRecord):
                records.append(result)
            else:
                unreadable.append(result)
    return ScanResult(
        tree.source,
        tree.kind,
        tuple(records),
        (*found.tree.skipped, *unreadable),
        found.skipped,
        found.empty,
        found.others,
        _refusal(found, unreadable),
        (*found.decisions, *chosen),
        is_compared,
    )


def _refusal(found: SortedTree, unreadable: list[Skipped]) -> str:
    """What `readers.load` would raise, decided by the same code."""
    try:
        check_trainable(found, unreadable)
    except DataError as error:
        return str(error)
    return ""


NOT_COMPARED = np.zeros(0, np.uint8)
"""The fingerprint of images that are not compared, of which each would take 1.3 kB."""


def _record(entry: tuple[str, LabeledFile], *, background: int, is_compared: bool) -> ImageRecord | Skipped:
    part, labeled = entry
    file = labeled.file
    try:
        decoded = decode(file.read(), file.name, background=background)
    except DataError as error:
        return Skipped(file.name, error.reason)
    pixels = decoded.pixels
    found = fingerprint(pixels)
    return ImageRecord(
        name=file.name,
        part=part,
        class_name=labeled.class_name,
        size=(pixels.shape[0], pixels.shape[1]),
        digest=_digest(pixels),
        fingerprint=NOT_COMPARED if found is not None and not is_compared else found,
        file=_facts(file.path[-1], decoded),
        load=_Load(file, background),
        tone=tone(pixels),
    )


@dataclass(frozen=True)
class _Load:
    """Decodes a file again."""

    file: ImageFile
    background: int

    def __call__(self) -> AnyPicture:
        return decode(self.file.read(), self.file.name, background=self.background).pixels


def _facts(name: str, decoded: DecodedImage) -> FileFacts:
    suffix = Path(name).suffix.lower()
    return FileFacts(suffix, decoded.format, decoded.mode, decoded.orientation, decoded.frames)


def _scan_arrays(source: str | Path, kind: str, on_progress: OnProgress, parts: str) -> ScanResult:
    loaded = load(source, test_fraction=0, parts=parts)
    records: list[ImageRecord] = []
    datasets = {"train": loaded.train} | ({"test": loaded.test} if loaded.test else {})
    total = sum(len(dataset) for dataset in datasets.values())
    for part, dataset in datasets.items():
        h, w, _ = dataset.image_shape
        for index, pixels in enumerate(dataset.pixels):
            records.append(
                ImageRecord(
                    name=dataset.names[index] if dataset.names else f"{part}/{index}",
                    part=part,
                    class_name=dataset.class_names[dataset.labels[index]],
                    size=(h, w),
                    digest=_digest(pixels),
                    fingerprint=fingerprint(pixels),
                    file=None,
                    load=lambda pixels=pixels: pixels,
                    tone=tone(pixels),
                )
            )
            on_progress(len(records), total)
    return ScanResult(
        loaded.train.source,
        kind,
        tuple(records),
        unlabeled=loaded.skipped,
        decisions=loaded.decisions,
        is_compared=is_comparable(len(records)),
    )


def _digest(pixels: np.ndarray) -> bytes:
    return hashlib.blake2b(repr(pixels.shape).encode() + pixels.tobytes(), digest_size=16).digest()
