"""Open a data set by name or by path. Hot: this is where files are read.

Each format has its module; ``READERS`` names them, and ``load`` finds out which one a path needs.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from convscope.data import csv_format, folder, idx, mnist, npz, zipped
from convscope.data.build_dataset import LoadOptions, convert
from convscope.data.dataset import Dataset, LoadedData
from convscope.data.files import GZIP_MAGIC, ZIP_TROUBLE, check_regular, open_regular
from convscope.data.preprocess import Preprocessing
from convscope.errors import DataError


def load(
    source: str | Path,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    test_fraction: int | float = 0.15,
    seed: int = 0,
    strict: bool = False,
) -> LoadedData:
    """Load a data set.

    Args:
        source: ``"mnist"``, or the path of a folder or file in one of the forms that ``describe_sources`` lists. A path
            called mnist is reached as ``./mnist``.
        size: Rows and columns to bring all pictures to; None for their own (see ``pictures.load_tree`` for folders).
        channels: 1 (grey) or 3 (RGB); None for what the pictures are.
        test_fraction: The share of each class held out for testing where the source has no test part; 0 for none.
        seed: Decides which pictures are held out.
        strict: Stop at the first unreadable picture instead of leaving it out.

    Returns:
        The training part, the test part, the preprocessing contract and what was left out.

    Raises:
        DataError: There is no such data set or it is not usable; the message names the file.
        OptionError: An option out of its range.

    Example:
        >>> load("mnist").test
        Dataset(10,000 images 28×28×1, 10 classes, MNIST test)
    """
    options = LoadOptions(size, channels, test_fraction, seed, strict)
    kind = detect(source)
    return READERS[kind].load(Path(source), options)


def load_test(
    source: str | Path,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    test_fraction: int | float = 0.15,
    seed: int = 0,
    strict: bool = False,
) -> Dataset:
    """Load the test part alone; for MNIST the training part is not unpacked.

    With the same options this is ``load(…).test``.

    Raises:
        DataError: As ``load``, or there is no test part.

    Example:
        >>> load_test("mnist")
        Dataset(10,000 images 28×28×1, 10 classes, MNIST test)
    """
    options = LoadOptions(size, channels, test_fraction, seed, strict)
    if detect(source) == "mnist":
        return _fitted(mnist.load_part("test"), _mnist_contract(options))
    test = READERS[detect(source)].load(Path(source), options).test
    if test is None:
        raise DataError(
            f"Expected a test part. Received: source={source}, without one, and test_fraction=0.",
            hint="Give a test fraction above 0.",
        )
    return test


def detect(source: str | Path) -> str:
    """Which reader a source needs: a key of ``READERS``.

    Content decides; a name counts only where content cannot tell (CSV). Folders: IDX files, then a training CSV,
    else pictures.

    Raises:
        DataError: Nothing there, or a file of another kind.
    """
    if str(source) == "mnist":
        return "mnist"
    path = Path(source)
    try:
        if path.is_dir():
            return "idx" if idx.has_idx(path) else "csv" if csv_format.has_csv(path) else "folder"
        there = path.exists()
    except (OSError, ValueError):
        there = False
    if not there:
        raise DataError(
            f"Expected the name of a data set (mnist) or a path. Received: source={str(source)[:300]!r}, not found.",
            hint="`convscope data` lists what can be loaded.",
        )
    check_regular(path, zipped.MAX_ARCHIVE_BYTES)
    with open_regular(path, zipped.MAX_ARCHIVE_BYTES) as file:
        start = file.read(4)
    if start == b"PK\x03\x04" or start == b"PK\x05\x06":
        return "npz" if _holds_arrays(path) else "zip"
    return _detect_other(path, start)


def _detect_other(path: Path, start: bytes) -> str:
    name = path.name.lower()
    is_text_name = name.endswith((*csv_format.SUFFIXES, ".txt"))
    if is_text_name and (start[:2] == GZIP_MAGIC or start[:4] != b"\0\0\x08\x03"):
        return "csv"
    if name.endswith((".npz", ".zip")):
        return name[-3:]  # the reader says what is wrong with it
    hint = "`convscope data` lists what can be loaded."
    if start[:2] == b"\0\0" or "ubyte" in name:
        hint = "Give the folder that holds the images and the labels, not one of the files."
    elif start[:3] in (b"\x89PN", b"\xff\xd8\xff", b"GIF", b"RIF") or start[:2] == b"BM":
        hint = "One picture is not a data set; `convscope predict` reads it."
    raise DataError(
        "Expected a folder, a zip archive, an .npz file or a CSV file. "
        f"Received: file={path}, it starts with {start.hex(' ')}.",
        hint=hint,
    )


def _holds_arrays(path: Path) -> bool:
    """Whether an archive holds .npy members; the suffix counts where it holds nothing or cannot be opened."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except ZIP_TROUBLE:
        names = []
    return any(name.endswith(".npy") for name in names) or (not names and path.suffix.lower() == ".npz")


def load_mnist(path: Path, options: LoadOptions) -> LoadedData:
    """The digits in the box; the path is not looked at."""
    contract = _mnist_contract(options)
    train, test = mnist.load_parts("train", "test")
    return LoadedData(_fitted(train, contract), _fitted(test, contract), contract, kind="mnist")


def _mnist_contract(options: LoadOptions) -> Preprocessing:
    height, width = options.size or (28, 28)
    if options.channels == 3:
        return Preprocessing(height, width, 3, polarity="auto")
    return Preprocessing(height, width, 1, fit="mnist", polarity="auto")


def _fitted(dataset: Dataset, contract: Preprocessing) -> Dataset:
    return replace(dataset, pixels=convert(dataset.pixels, contract))


@dataclass(frozen=True)
class Reader:
    """A way to read data.

    Attributes:
        load: Path and options to ``LoadedData``.
        form: What a path must be.
        contents: What must be in it.
    """

    load: Callable[[Path, LoadOptions], LoadedData]
    form: str
    contents: str


READERS: dict[str, Reader] = {
    "mnist": Reader(load_mnist, "the name mnist", "60,000 + 10,000 handwritten digits, in the box, no download"),
    "folder": Reader(
        folder.load_folder, "a folder of pictures", "one sub-folder a class, with or without train/ and test/ above"
    ),
    "zip": Reader(zipped.load_zip, "a .zip archive", "such a folder of pictures; nothing is extracted"),
    "idx": Reader(
        idx.load_folder, "a folder of IDX files", "MNIST, Fashion-MNIST, KMNIST, EMNIST as downloaded, .gz or not"
    ),
    "npz": Reader(
        npz.load_npz, "an .npz file", "x_train, y_train, x_test, y_test; train_images, …; images, labels; or x, y"
    ),
    "csv": Reader(
        csv_format.load_csv, "a CSV file", "label,pixel0,pixel1,… in 0..255; or a folder with a train and a test CSV"
    ),
}
"""Name of the form to its reader."""


@dataclass(frozen=True)
class Source:
    """One line of ``convscope data``."""

    kind: str
    form: str
    contents: str


def describe_sources() -> tuple[Source, ...]:
    """What can be loaded, for people.

    Example:
        >>> [source.kind for source in describe_sources()]
        ['mnist', 'folder', 'zip', 'idx', 'npz', 'csv']
    """
    return tuple(Source(kind, reader.form, reader.contents) for kind, reader in READERS.items())
