"""The binary files of CIFAR-10 and CIFAR-100: labels and the red, green and blue plane of each image, byte by byte.

They may be in a folder, or in the tar archive as it is published.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convscope.data.build_dataset import MAX_BYTES, Part, assemble
from convscope.data.dataset import LoadedData
from convscope.data.files import list_folder, read_regular, read_start
from convscope.data.load_options import LoadOptions
from convscope.data.reader import Candidate, Reader
from convscope.data.tar_files import first_names, is_tar, read_members
from convscope.errors import DataError

SIDE = 32
PIXELS = 3 * SIDE * SIDE
MAX_NAMES_BYTES = 100_000

PICKLE_START = b"\x80"
PICKLE_NAMES = re.compile(r"data_batch_\d+|test_batch|train|test|meta|batches\.meta")


NAMES = re.compile(
    r"data_batch_\d+(\.bin)?|(test|train)(_batch)?(\.bin)?|(batches\.)?meta(\.txt)?|fine_label_names\.txt"
)
"""The files of both versions in an archive; the others are not read."""

ARCHIVE_MEMBER = re.compile(r"(\./)?cifar-100?-[^/]*(/.*)?|(.*/)?data_batch_\d+\.bin")
MEMBERS_LOOKED_AT = 4


@dataclass(frozen=True)
class Version:
    """CIFAR-10 or CIFAR-100.

    Attributes:
        name: The name of the dataset.
        train: Pattern of the names of training files.
        test: The name of the test file.
        labels: Bytes before the pixels of an image; the last one is the label.
        class_names: The name of the file of class names.
    """

    name: str
    train: re.Pattern[str]
    test: str
    labels: int
    class_names: str


VERSIONS = (
    Version("CIFAR-10", re.compile(r"data_batch_\d+\.bin"), "test_batch.bin", 1, "batches.meta.txt"),
    Version("CIFAR-100", re.compile(r"train\.bin"), "test.bin", 2, "fine_label_names.txt"),
)


def load(path: Path, options: LoadOptions) -> LoadedData:
    """Load a folder or a tar archive with the files of the binary version.

    They are ``data_batch_1.bin``, …, ``test_batch.bin`` with ``batches.meta.txt``, or ``train.bin``, ``test.bin`` with
    ``fine_label_names.txt``. Without the file of class names, classes are numbers.

    Raises:
        DataError: A file does not consist of whole images; or the Python version, which consists of pickles.
    """
    files = _files(path)
    version = _version(files)
    if version is None:
        raise DataError.about_file(
            "Expected the binary version of CIFAR",
            path,
            "the Python version, whose files are pickles and could execute code when opened",
            hint="Download the binary version, such as cifar-10-binary.tar.gz; it need not be unpacked.",
        )
    training = [_read(files[name], path / name, version) for name in sorted(files) if version.train.fullmatch(name)]
    pixels, labels = (np.concatenate(arrays) for arrays in zip(*training, strict=True))
    train = Part(pixels, labels)
    test = Part(*_read(files[version.test], path / version.test, version)) if version.test in files else None
    names = (
        _class_names(files[version.class_names], path / version.class_names) if version.class_names in files else None
    )
    return assemble("cifar", f"{version.name} in {path.name}", train, test, options=options, class_names=names)


def _files(path: Path) -> dict[str, Callable[[int], bytes]]:
    """How to read each file of a folder, of the only folder in it, or of a tar archive, up to a limit; by name."""
    if not path.is_dir():
        members = read_members(path, is_wanted=lambda name: bool(NAMES.fullmatch(name)))
        return {name: lambda limit, data=data: data[: limit + 1] for name, data in members.items()}
    return {name: functools.partial(read_regular, place) for name, place in _places(path).items()}


def _places(folder: Path) -> dict[str, Path]:
    entries = list_folder(folder)
    inner = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    if len(inner) == 1 and len(entries) == 1:
        entries = list_folder(Path(inner[0].path))
    return {entry.name: Path(entry.path) for entry in entries if entry.is_file()}


def _version(files: Iterable[str]) -> Version | None:
    return next((one for one in VERSIONS if any(one.train.fullmatch(name) for name in files)), None)


def _read(read: Callable[[int], bytes], name: Path, version: Version) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and labels of a file."""
    data = np.frombuffer(read(MAX_BYTES), np.uint8)
    size = version.labels + PIXELS
    if len(data) % size:
        raise DataError.about_file(
            f"Expected images of {size:,} bytes each, as in {version.name}", name, f"{len(data):,} bytes"
        )
    rows = data.reshape(-1, size)
    planes = rows[:, version.labels :].reshape(-1, 3, SIDE, SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), rows[:, version.labels - 1].astype(np.int64)


def _class_names(read: Callable[[int], bytes], name: Path) -> dict[int, str]:
    try:
        text = read(MAX_NAMES_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError.about_file("Expected class names in UTF-8", name, "other bytes") from None
    return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))


def _recognizes(candidate: Candidate) -> bool:
    if not candidate.is_folder:
        return not candidate.is_zip and is_tar(candidate.path) and _is_archive_of_cifar(candidate.path)
    files = _places(candidate.path)
    if version := _version(files):
        return version.name == "CIFAR-10" or version.test in files
    pickles = [name for name in files if PICKLE_NAMES.fullmatch(name)]
    return len(pickles) > 1 and all(read_start(files[name], 1) == PICKLE_START for name in pickles)


def _is_archive_of_cifar(path: Path) -> bool:
    """By its first members alone: a large archive takes long to decompress."""
    try:
        names = first_names(path, MEMBERS_LOOKED_AT)
    except DataError:
        return False  # the reader of tar archives reports what is wrong with it
    return any(ARCHIVE_MEMBER.fullmatch(name) for name in names)


READER = Reader(
    name="cifar",
    form="CIFAR-10 or CIFAR-100",
    contents="the binary version: data_batch_1.bin, …; or train.bin, test.bin; or its .tar.gz",
    order=35,
    recognizes=_recognizes,
    load=load,
)
