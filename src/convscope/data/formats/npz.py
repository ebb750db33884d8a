"""NumPy .npz archives. Array headers are checked before anything is allocated, and nothing is unpickled."""

from __future__ import annotations

import ast
import math
import re
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convscope.data.build_dataset import MAX_BYTES, Part, assemble, to_labels
from convscope.data.dataset import LoadedData
from convscope.data.files import ZIP_ERRORS, ByteStream, open_regular, read_at_most
from convscope.data.load_options import LoadOptions
from convscope.data.natural_order import natural_key
from convscope.data.pixel_values import as_batch, as_pixels
from convscope.data.reader import Candidate, Reader
from convscope.errors import DataError, printable

MAX_HEADER = 10_000
"""NumPy writes headers of about 120 bytes, and does not read longer ones than this."""

PLAIN_DTYPE = re.compile(r"[<>|=]?(\?|[biuf][0-9]{1,2}|U[0-9]{1,7})")
"""Integers, floats, booleans, text. Other dtypes are not passed to NumPy: `m8[3ms/0]` crashes the process by a
division by zero (NumPy 2.4)."""

MAX_NAMES_BYTES = 10_000_000
"""Ten times what 1,000 class names of 200 characters need."""

TRAIN_KEYS = (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"), ("x", "y"))
TEST_KEYS = (("x_test", "y_test"), ("test_images", "test_labels"))
VALIDATION_KEYS = (("x_val", "y_val"), ("val_images", "val_labels"))
EXPECTED = "x_train and y_train, train_images and train_labels, images and labels, or x and y"


@dataclass(frozen=True)
class Header:
    """The contents of a .npy header."""

    dtype: np.dtype
    fortran_order: bool
    shape: tuple[int, ...]
    length: int


def load_npz(path: Path, options: LoadOptions) -> LoadedData:
    """Load an .npz file.

    Keys, in any case: ``x_train, y_train, x_test, y_test`` (Keras), ``train_images, train_labels`` and ``test_…``
    (MedMNIST), ``images, labels`` or ``x, y``. A validation part (``x_val``, ``val_images``) joins the training part;
    validation data is split off later. Labels are integers or texts; ``class_names`` may hold one text per integer from
    0, or the texts in the order that the classes get, which is natural order without it. See
    `pixel_values.as_batch` for the shapes and `pixel_values.as_pixels` for the values.

    Raises:
        DataError: Damaged, pickled, of another size than stated, without these keys, or see `build_dataset.assemble`.
    """
    with open_regular(path, MAX_BYTES) as file:
        try:
            archive = zipfile.ZipFile(file)
            members = _members(archive, path)
        except ZIP_ERRORS as error:
            raise DataError.about_file("Expected an .npz archive", path, _words(error)) from None
        names = _class_names(archive, members, path)
        texts = _texts(archive, members, names, path)
        train, validation, test = (
            _read_part(archive, members, pairs, path, texts) for pairs in (TRAIN_KEYS, VALIDATION_KEYS, TEST_KEYS)
        )
        if options.whole and train is None:
            train, validation, test = (validation, None, test) if validation else (test, None, None)
        if train is None:
            received = ", ".join(sorted(members)[:10]) or "none"
            raise DataError.about_file(f"Expected the arrays {EXPECTED}", path, f"arrays: {received}")
    if validation is not None:
        train = _joined(train, validation, path)
    mapping = dict(enumerate(texts or names or ())) or None
    return assemble("npz", path.name, train, test, options=options, class_names=mapping)


def read_array(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str, *, max_bytes: int = MAX_BYTES
) -> np.ndarray:
    """Read one .npy member.

    The size of the member must match the shape and dtype in its header before any pixel is read; the data is then read
    in chunks.

    Raises:
        DataError: Not .npy, pickled objects, of another size than stated, too large, or damaged.
    """
    if member.flag_bits & 1:
        raise DataError(f"Expected an archive without password. Received: {where}, encrypted.")
    try:
        with archive.open(member) as stream:
            header = read_header(stream, where)
            expected = math.prod(header.shape) * header.dtype.itemsize
            if math.prod(max(size, 1) for size in header.shape) * header.dtype.itemsize > max_bytes:
                raise DataError(f"Expected at most {max_bytes:,} bytes. Received: {where}, {expected:,} by its header.")
            if header.length + expected != member.file_size:
                raise DataError(
                    f"Expected {expected:,} bytes, as stated in the header (shape {header.shape} of {header.dtype}). "
                    f"Received: {where}, {member.file_size - header.length:,} bytes."
                )
            raw = read_at_most(stream, expected, where)
    except ZIP_ERRORS as error:
        raise DataError(f"Expected an undamaged archive. Received: {where}, {_words(error)}.") from None
    if len(raw) != expected:
        raise DataError(f"Expected {expected:,} bytes. Received: {where}, {len(raw):,} bytes.")
    array = np.frombuffer(raw, header.dtype).reshape(header.shape, order="F" if header.fortran_order else "C")
    return np.ascontiguousarray(array).astype(header.dtype.newbyteorder("="), copy=False)


def read_header(stream: ByteStream, where: str) -> Header:
    """Read an untrusted .npy header, versions 1 to 3.

    Raises:
        DataError: Another magic number, a long header, other keys, an object or structured dtype, an invalid shape.
    """
    start = stream.read(8)
    if len(start) < 8 or start[:6] != b"\x93NUMPY" or start[6] not in (1, 2, 3):
        raise DataError(
            f"Expected a NumPy array (.npy, version 1 to 3). Received: {where}, it starts with {start.hex(' ')}."
        )
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(stream.read(width), "little")
    text = stream.read(length) if length <= MAX_HEADER else b""
    if length > MAX_HEADER or len(text) < length:
        raise DataError(
            f"Expected a NumPy header of at most {MAX_HEADER:,} bytes. Received: {where}, {length:,} bytes."
        )
    try:
        fields = ast.literal_eval(text.decode("latin1" if start[6] < 3 else "utf-8").strip())
        if set(fields) != {"descr", "fortran_order", "shape"}:
            raise ValueError("other keys")
        descr, order, shape = fields["descr"], fields["fortran_order"], fields["shape"]
        good_shape = isinstance(shape, tuple) and len(shape) <= 32
        good_shape = good_shape and all(type(side) is int and 0 <= side < 2**63 for side in shape)
        if not (isinstance(descr, str) and isinstance(order, bool) and good_shape):
            raise ValueError("other types")
        dtype = np.dtype(descr) if PLAIN_DTYPE.fullmatch(descr) else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, UnicodeDecodeError) as error:
        raise DataError(
            f"Expected a NumPy header with descr, fortran_order and shape. Received: {where}, {_words(error)}."
        ) from None
    if dtype is None or dtype.itemsize == 0:
        pickled = descr.endswith("O")
        raise DataError(
            f"Expected numbers or text. Received: {where}, dtype={ascii(descr)[:40]}"
            + (", which would execute code when opened." if pickled else "."),
            hint="Save the array with a plain dtype such as uint8." if pickled else "",
        )
    return Header(dtype, order, shape, 8 + width + length)


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        key = member.filename.removesuffix(".npy").lower()
        if key in members:
            raise DataError.about_file("Expected each array once", path, f"{member.filename!r} twice")
        members[key] = member
    return members


def _read_part(
    archive: zipfile.ZipFile,
    members: dict[str, zipfile.ZipInfo],
    pairs: tuple[tuple[str, str], ...],
    path: Path,
    texts: list[str],
) -> Part | None:
    """The first pair of arrays that is there; ``texts`` are the classes of labels that are texts."""
    for images_key, labels_key in pairs:
        if images_key not in members:
            continue
        if labels_key not in members:
            raise DataError.about_file(f"Expected {labels_key!r} with {images_key!r}", path, f"no {labels_key!r}")
        where = f"file={path}, array {images_key!r}"
        batch = as_batch(read_array(archive, members[images_key], where), where)
        label_where = f"file={path}, array {labels_key!r}"
        array = read_array(archive, members[labels_key], label_where)
        labels = to_labels(_numbered(array, texts, label_where) if _is_text(array) else array, label_where)
        if len(labels) != len(batch):
            raise DataError(
                f"Expected one label per image. Received: {where} has {len(batch)}, {labels_key!r} has {len(labels)}."
            )
        pixels, interpretation = as_pixels(batch, where)
        return Part(pixels, labels, interpretation=interpretation, file_name=path.name)
    return None


def _joined(train: Part, more: Part, path: Path) -> Part:
    if train.pixels.shape[1:] != more.pixels.shape[1:]:
        raise DataError(
            f"Expected training and validation images of the same shape. Received: file={path}, "
            f"train={train.pixels.shape[1:]}, validation={more.pixels.shape[1:]}."
        )
    return Part(
        np.concatenate([train.pixels, more.pixels]),
        np.concatenate([train.labels, more.labels]),
        interpretation=train.interpretation,
        file_name=train.file_name,
    )


def _texts(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], names: list[str] | None, path: Path
) -> list[str]:
    """The classes of labels that are texts, in order; empty for numbers."""
    found: set[str] = set()
    for images, labels in (pair for pairs in (TRAIN_KEYS, VALIDATION_KEYS, TEST_KEYS) for pair in pairs):
        if images in members and labels in members:
            array = read_array(archive, members[labels], f"file={path}, array {labels!r}")
            found |= set(array.ravel().tolist()) if _is_text(array) else set()
    unknown = sorted(found - set(names)) if names else []
    if unknown:
        raise DataError(
            f"Expected labels that are among the class_names. Received: file={path}, label {printable(unknown[0])!r}.",
        )
    return [name for name in names if name in found] if names else sorted(found, key=natural_key)


def _is_text(array: np.ndarray) -> bool:
    # NumPy passes invalid code points to Python, which may raise SystemError
    return array.dtype.kind == "U" and bool((array.view(np.uint32) <= sys.maxunicode).all())


def _numbered(array: np.ndarray, texts: list[str], where: str) -> np.ndarray:
    if "" in texts:
        raise DataError(f"Expected a label for each image. Received: {where}, with an empty text.")
    numbers = {text: number for number, text in enumerate(texts)}
    return np.array([numbers[text] for text in array.ravel().tolist()], np.int64).reshape(array.shape)


def _class_names(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], path: Path) -> list[str] | None:
    if "class_names" not in members:
        return None
    array = read_array(archive, members["class_names"], f"file={path}, array 'class_names'", max_bytes=MAX_NAMES_BYTES)
    good = array.ndim == 1 and _is_text(array)
    names = array.tolist() if good else []
    if not good or len(set(names)) != len(names):
        raise DataError(
            "Expected class_names as distinct texts, one per class. "
            f"Received: file={path}, shape={array.shape}, dtype={array.dtype}."
        )
    return names


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


def _holds_arrays(path: Path) -> bool:
    """Whether all members are .npy files, or some are in a file named .npz; for an empty archive, the name decides."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except ZIP_ERRORS:
        names = []
    check = any if path.suffix.lower() == ".npz" else all
    return check(name.endswith(".npy") for name in names) if names else path.suffix.lower() == ".npz"


def _recognizes(candidate: Candidate) -> bool:
    if candidate.is_zip:
        return _holds_arrays(candidate.path)
    return not candidate.is_folder and candidate.name.endswith(".npz")  # the reader reports what is wrong with it


READER = Reader(
    name="npz",
    form="an .npz file",
    contents="x_train, y_train, x_test, y_test; train_images, …; images, labels; or x, y",
    order=40,
    recognizes=_recognizes,
    load=load_npz,
)
