"""IDX files, the format of MNIST, Fashion-MNIST, KMNIST and EMNIST, plain or gzipped."""

from __future__ import annotations

import math
import re
import struct
import sys
import zlib
from pathlib import Path

import numpy as np

from convscope.data.build_dataset import MAX_BYTES, Part, assemble, to_labels
from convscope.data.dataset import LoadedData
from convscope.data.files import CHUNK, ByteStream, list_folder, open_maybe_gzip, read_regular
from convscope.data.load_options import LoadOptions
from convscope.data.pixel_values import as_pixels
from convscope.data.reader import Reader
from convscope.errors import DataError

DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""Third byte of the file to dtype; the format is big-endian."""

NAME = re.compile(r"(?P<set>.*?)-?(?P<part>train|t10k|test)-(?P<what>images|labels)[-.]idx[13][-.]ubyte(\.gz)?", re.I)
"""``train-images-idx3-ubyte``, ``emnist-letters-test-labels-idx1-ubyte.gz``, ``t10k-images.idx3-ubyte``."""

LABEL = re.compile("[0-9]{1,10}")
"""An integer in EMNIST's mapping file."""


def read_idx(path: Path) -> np.ndarray:
    """Read one IDX file, plain or gzipped.

    The header is read first (at most 20 bytes); the file must have exactly the length that it states. Memory grows with
    the bytes that are there.

    Args:
        path: The file; gzip is detected from the content.

    Returns:
        An array of 1 to 4 axes, in native byte order.

    Raises:
        DataError: Not IDX, too short, too long, too large, or a damaged gzip file.
    """
    with open_maybe_gzip(path, MAX_BYTES) as file:
        raw = _read_some(file, 4, path)
        if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in DTYPES or not 1 <= raw[3] <= 4:
            types = ", ".join(f"0x{code:02x}" for code in DTYPES)
            raise DataError.about_file(
                f"Expected an IDX file: two zero bytes, a type of {types}, 1 to 4 axes",
                path,
                f"it starts with {raw.hex(' ') or 'nothing'}",
            )
        sizes = _read_some(file, 4 * raw[3], path)
        if len(sizes) < 4 * raw[3]:
            raise DataError.about_file(f"Expected {raw[3]} sizes in the IDX header", path, "truncated")
        shape = struct.unpack(f">{raw[3]}I", sizes)
        dtype = np.dtype(DTYPES[raw[2]])
        expected = math.prod(shape) * dtype.itemsize  # Python integers do not overflow
        if (
            math.prod(max(size, 1) for size in shape) * dtype.itemsize > MAX_BYTES
        ):  # a size of 0 must not hide the others
            raise DataError.about_file(
                f"Expected an IDX file of at most {MAX_BYTES:,} bytes",
                path,
                f"{expected:,} by its header (shape {'×'.join(map(str, shape))})",
            )
        items = _read_items(file, expected, path, shape)
    return np.frombuffer(items, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def load_folder(folder: Path, options: LoadOptions) -> LoadedData:
    """Load a folder of IDX files.

    The files are found by name: ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the same with ``t10k`` or
    ``test``; a prefix (``emnist-letters-``), ``.`` for ``-`` and ``.gz`` are accepted. Without test files, a test part
    is held out. ``<prefix>-mapping.txt`` gives the class names. See `orientation` for EMNIST, which is transposed.

    Raises:
        DataError: A file is missing or found twice, or see `read_idx` and `build_dataset.assemble`.
    """
    found = _find(folder)
    prefix = _the_prefix(folder, found, ("train", "test") if options.whole else ("train",))
    if (prefix, "train", "images") not in found and options.whole:
        found = {(name, "train", what): path for (name, _, what), path in found.items()}
    train = _read_part(found, prefix, "train", folder)
    has_test = any(key[:2] == (prefix, "test") for key in found)
    test = _read_part(found, prefix, "test", folder) if has_test else None
    names = _mapping(folder / f"{prefix}-mapping.txt", train.labels) if prefix else None
    return assemble("idx", f"{folder.name or folder}", train, test, options=options, class_names=names)


def has_idx(folder: Path) -> bool:
    """Whether a folder contains files with the names of IDX files."""
    return bool(_find(folder))


def _find(folder: Path) -> dict[tuple[str, str, str], Path]:
    found: dict[tuple[str, str, str], Path] = {}
    for entry in sorted(list_folder(folder), key=lambda entry: entry.name):
        match = NAME.fullmatch(entry.name)
        if not match:
            continue
        part = "train" if match["part"].lower() == "train" else "test"
        key = (match["set"], part, match["what"].lower())
        if key in found and not _is_twin(found[key].name, entry.name):
            raise DataError(
                f"Expected one file of {part} {key[2]}. "
                f"Received: {found[key].name} and {entry.name} in folder={folder}."
            )
        found.setdefault(key, folder / entry.name)  # sorted: the plain file comes before its .gz
    return found


def _is_twin(first: str, second: str) -> bool:
    return second in (first + ".gz", first.replace(".", "-") + ".gz")


def _the_prefix(folder: Path, found: dict[tuple[str, str, str], Path], parts: tuple[str, ...]) -> str:
    prefixes = sorted({key[0] for key in found if key[1] in parts})
    if len(prefixes) != 1:
        received = f"several datasets: {', '.join(prefixes)}" if prefixes else "no train-images file"
        raise DataError(
            f"Expected the IDX files of one dataset. Received: folder={folder}, {received}.",
            hint="Put each dataset into its own folder." if prefixes else "",
        )
    return prefixes[0]


def _read_part(found: dict[tuple[str, str, str], Path], prefix: str, part: str, folder: Path) -> Part:
    arrays = []
    for what in ("images", "labels"):
        if (prefix, part, what) not in found:
            raise DataError(f"Expected {part} images and {part} labels. Received: folder={folder}, no {part} {what}.")
        arrays.append(read_idx(found[prefix, part, what]))
    images, labels = arrays
    path = found[prefix, part, "images"]
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] not in (1, 3)):
        raise DataError.about_file(
            "Expected images as count×rows×columns", path, f"shape {'×'.join(map(str, images.shape))}"
        )
    pixels, interpretation = as_pixels(images, str(path))
    pixels = pixels if pixels.ndim == 4 else pixels[..., None]
    label_path = found[prefix, part, "labels"]
    values = to_labels(labels, str(label_path))
    if len(pixels) != len(values):
        raise DataError(
            f"Expected one label per image. Received: {len(pixels)} images in file={path}, "
            f"{len(values)} labels in file={label_path}."
        )
    return Part(pixels, values, interpretation=interpretation, file_name=path.name)


def _mapping(path: Path, labels: np.ndarray) -> dict[int, str] | None:
    """Read EMNIST's mapping: ``label code [code]`` in each line, the codes of upper and lower case."""
    if not path.is_file():
        return None
    names = {}
    for number, line in enumerate(read_regular(path, 1 << 16).decode("ascii", "replace").split("\n"), start=1):
        words = line.split()
        if not words:
            continue
        text = "".join(dict.fromkeys(_character(word) for word in words[1:]))
        if not LABEL.fullmatch(words[0]) or not text.isprintable() or not text:
            raise DataError.about_file(
                f"Expected a label and printable character codes in line {number}", path, f"{line[:40]!r}"
            )
        names[int(words[0])] = text
    present = set(np.unique(labels).tolist())
    # If a label is not in the mapping, all classes are named by number.
    return {key: names[key] for key in sorted(present)} if present <= set(names) else None


def _character(code: str) -> str:
    """The character with a code; an unprintable one if there is none."""
    return chr(int(code)) if LABEL.fullmatch(code) and int(code) <= sys.maxunicode else "\0"


def _read_some(file: ByteStream, count: int, path: Path) -> bytes:
    try:
        return file.read(count)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError.about_file("Expected an undamaged IDX file", path, f"damaged gzip: {error}") from None


def _read_items(file: ByteStream, expected: int, path: Path, shape: tuple[int, ...]) -> bytes:
    stated = f"{expected:,} bytes for shape {'×'.join(map(str, shape))}"
    pieces, total = [], 0
    while total <= expected and (piece := _read_some(file, min(CHUNK, expected + 1 - total), path)):
        pieces.append(piece)
        total += len(piece)
    if total != expected:
        received = "more than that" if total > expected else f"{total:,}"
        raise DataError.about_file(f"Expected {stated}, as stated in the IDX header", path, received)
    return b"".join(pieces)


READER = Reader(
    name="idx",
    form="a folder of IDX files",
    contents="MNIST, Fashion-MNIST, KMNIST, EMNIST as downloaded, .gz or not",
    order=30,
    recognizes=lambda candidate: candidate.is_folder and has_idx(candidate.path),
    load=load_folder,
)
