"""Files for the tests of the readers, written with other people's code or byte by byte, never with ours."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def idx_bytes(array: np.ndarray) -> bytes:
    header = struct.pack(">HBB", 0, CODES[array.dtype.name], array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def digits(n: int = 20, side: int = 8, channels: int = 0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random pictures of two classes, as many of each."""
    shape = (n, side, side, channels) if channels else (n, side, side)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8), (np.arange(n) % 2).astype(np.uint8)


def write_idx(
    folder: Path, images: np.ndarray, labels: np.ndarray, *, part: str = "train", zipped: bool = False
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in ((f"{part}-images-idx3-ubyte", images), (f"{part}-labels-idx1-ubyte", labels)):
        data = idx_bytes(array)
        (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(data) if zipped else data)


def png(array: np.ndarray, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind, **options)
    return file.getvalue()


def write_pictures(root: Path, classes: dict[str, int], *, side: int = 8, colour: bool = False) -> None:
    """``classes`` is the path of a class folder and how many pictures it gets."""
    rng = np.random.default_rng(1)
    for name, count in classes.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            shape = (side, side, 3) if colour else (side, side)
            (folder / f"{number}.png").write_bytes(png(rng.integers(0, 256, shape, np.uint8)))


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def npy_bytes(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def npy_lie(descr: str, shape: str, data: bytes = b"") -> bytes:
    """A .npy file whose header says what it is told to."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data
