"""NumPy .npz archives: each array's header is read by us, so that nothing is unpickled or allocated on its word."""

from __future__ import annotations

import ast
import math
import re
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convscope.data.build_dataset import MAX_BYTES, LoadOptions, Part, assemble, to_labels, to_pixels
from convscope.data.dataset import LoadedData
from convscope.data.files import ZIP_TROUBLE, ByteStream, open_regular, read_at_most
from convscope.errors import DataError

MAX_HEADER = 10_000
"""NumPy writes headers of about 120 bytes and refuses longer ones than this by itself."""

PLAIN_DTYPE = re.compile(r"[<>|=]?(\?|[biuf][0-9]{1,2}|U[0-9]{1,7})")
"""Whole numbers, fractions, true or false, text. NumPy itself is not asked about other words: `m8[3ms/0]` ends the
process with a division by zero (NumPy 2.4)."""

MAX_NAMES_BYTES = 10_000_000
"""Of class names: 1,000 of 200 characters take a tenth of it."""

TRAIN_KEYS = (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"), ("x", "y"))
TEST_KEYS = (("x_test", "y_test"), ("test_images", "test_labels"))
VALIDATION_KEYS = (("x_val", "y_val"), ("val_images", "val_labels"))
EXPECTED = "x_train and y_train, train_images and train_labels, images and labels, or x and y"


@dataclass(frozen=True)
class Header:
    """What a .npy header says."""

    dtype: np.dtype
    fortran_order: bool
    shape: tuple[int, ...]
    length: int


def load_npz(path: Path, options: LoadOptions) -> LoadedData:
    """Load an .npz file.

    Keys, capitals or not: ``x_train, y_train, x_test, y_test`` (Keras), ``train_images, train_labels`` and ``test_…``
    (MedMNIST), ``images, labels`` or ``x, y``. A validation part (``x_val``, ``val_images``) is added to the training
    part: validation is split off that. ``class_names`` may hold one text for each label from 0. Pictures are
    ``(n, h, w)``, ``(n, h, w, 1 or 3)``, ``(n, 1 or 3, h, w)`` or flat ``(n, h·w)`` with a square number of pixels;
    ``to_pixels`` states which numbers they may hold.

    Raises:
        DataError: Damaged, pickled, lying about its size, without the keys, or see ``build_dataset.assemble``.
    """
    with open_regular(path, MAX_BYTES) as file:
        try:
            archive = zipfile.ZipFile(file)
            members = _members(archive, path)
        except ZIP_TROUBLE as error:
            raise DataError(f"Expected an .npz archive. Received: file={path}, {_words(error)}.") from None
        train = _read_part(archive, members, TRAIN_KEYS, path)
        if train is None:
            received = ", ".join(sorted(members)[:10]) or "none"
            raise DataError(f"Expected the arrays {EXPECTED}. Received: file={path}, arrays: {received}.")
        validation = _read_part(archive, members, VALIDATION_KEYS, path)
        test = _read_part(archive, members, TEST_KEYS, path)
        names = _class_names(archive, members, path)
    if validation is not None:
        train = _joined(train, validation, path)
    mapping = None if names is None else dict(enumerate(names))
    return assemble("npz", path.name, train, test, options=options, class_names=mapping)


def read_array(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str, *, max_bytes: int = MAX_BYTES
) -> np.ndarray:
    """Read one .npy member.

    The shape and the dtype of its header must account for the member's size to the byte before any pixel is read;
    the bytes are then read piece by piece.

    Raises:
        DataError: Not .npy, pickled objects, another size than the header says, too large, or damaged.
    """
    if member.flag_bits & 1:
        raise DataError(f"Expected an archive without password. Received: {where}, encrypted.")
    try:
        with archive.open(member) as stream:
            header = read_header(stream, where)
            expected = math.prod(header.shape) * header.dtype.itemsize
            if math.prod(max(size, 1) for size in header.shape) * header.dtype.itemsize > max_bytes:
                raise DataError(f"Expected at most {max_bytes:,} bytes. Received: {where} says {expected:,}.")
            if header.length + expected != member.file_size:
                raise DataError(
                    f"Expected {expected:,} bytes, as the header's shape {header.shape} of {header.dtype} says. "
                    f"Received: {where}, {member.file_size - header.length:,} bytes."
                )
            raw = read_at_most(stream, expected, where)
    except ZIP_TROUBLE as error:
        raise DataError(f"Expected a whole archive. Received: {where}, {_words(error)}.") from None
    if len(raw) != expected:
        raise DataError(f"Expected {expected:,} bytes. Received: {where}, {len(raw):,} bytes.")
    array = np.frombuffer(raw, header.dtype).reshape(header.shape, order="F" if header.fortran_order else "C")
    return np.ascontiguousarray(array).astype(header.dtype.newbyteorder("="), copy=False)


def read_header(stream: ByteStream, where: str) -> Header:
    """Read a .npy header, versions 1 to 3, as hostile input.

    Raises:
        DataError: Another magic, a long header, other keys, an object or structured dtype, a strange shape.
    """
    start = stream.read(8)
    if len(start) < 8 or start[:6] != b"\x93NUMPY" or start[6] not in (1, 2, 3):
        raise DataError(f"Expected a NumPy array (.npy, version 1 to 3). Received: {where}, starts {start.hex(' ')}.")
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
            + (", which would run code when it is opened." if pickled else "."),
            hint="Save the array with a plain dtype such as uint8." if pickled else "",
        )
    return Header(dtype, order, shape, 8 + width + length)


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        key = member.filename.removesuffix(".npy").lower()
        if key in members:
            raise DataError(f"Expected each array once. Received: file={path}, {member.filename!r} twice.")
        members[key] = member
    return members


def _read_part(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], pairs: tuple[tuple[str, str], ...], path: Path
) -> Part | None:
    for images_key, labels_key in pairs:
        if images_key not in members:
            continue
        if labels_key not in members:
            raise DataError(f"Expected {labels_key!r} beside {images_key!r}. Received: file={path}, no {labels_key!r}.")
        where = f"file={path}, array {images_key!r}"
        pixels = arrange(read_array(archive, members[images_key], where), where)
        label_where = f"file={path}, array {labels_key!r}"
        labels = to_labels(read_array(archive, members[labels_key], label_where), label_where)
        if len(labels) != len(pixels):
            raise DataError(
                f"Expected one label a picture. Received: {where} has {len(pixels)}, {labels_key!r} has {len(labels)}."
            )
        return Part(to_pixels(pixels, where), labels)
    return None


def arrange(array: np.ndarray, where: str) -> np.ndarray:
    """Put an array of pictures into the order ``(n, h, w, c)``; see ``load_npz`` for what is understood.

    Raises:
        DataError: Another number of axes or channels.
    """
    shape = array.shape
    if array.ndim == 4 and shape[-1] in (1, 3):
        return array
    if array.ndim == 4 and shape[1] in (1, 3):
        return np.ascontiguousarray(array.transpose(0, 2, 3, 1))
    if array.ndim == 3:
        return array[..., None]
    if array.ndim == 2 and shape[1] and math.isqrt(shape[1]) ** 2 == shape[1]:
        side = math.isqrt(shape[1])
        return array.reshape(-1, side, side, 1)
    raise DataError(f"Expected pictures of shape (n, h, w) or (n, h, w, 1 or 3). Received: {where}, shape={shape}.")


def _joined(train: Part, more: Part, path: Path) -> Part:
    if train.pixels.shape[1:] != more.pixels.shape[1:]:
        raise DataError(
            f"Expected training and validation pictures of one form. Received: file={path}, "
            f"train={train.pixels.shape[1:]}, validation={more.pixels.shape[1:]}."
        )
    return Part(np.concatenate([train.pixels, more.pixels]), np.concatenate([train.labels, more.labels]))


def _class_names(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], path: Path) -> list[str] | None:
    if "class_names" not in members:
        return None
    array = read_array(archive, members["class_names"], f"file={path}, array 'class_names'", max_bytes=MAX_NAMES_BYTES)
    good = array.ndim == 1 and array.dtype.kind == "U"
    # NumPy hands a number that is no character to Python, which may end with a SystemError
    good = good and bool((array.view(np.uint32) <= sys.maxunicode).all())
    names = array.tolist() if good else []
    if not good or len(set(names)) != len(names):
        raise DataError(
            "Expected class_names as different texts, one a class. "
            f"Received: file={path}, shape={array.shape}, dtype={array.dtype}."
        )
    return names


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
