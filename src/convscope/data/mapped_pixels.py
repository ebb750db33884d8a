"""Images in a memory-mapped file: only those that are asked for are read, so that data may be larger than memory."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int64, UInt8

from convscope.arrays import Picture, Pixels

RELEASE_AFTER = 1 << 26
"""After this many bytes read, the pages of the map are given back to the system, which may keep them cached."""

Shape = tuple[int, int, int, int]


class PixelFile:
    """A file of uint8 pixels, memory-mapped for reading. May be used from several threads at once.

    Args:
        path: The file.
        shape: Images, rows, columns, channels.
        lock: An open file that is locked while the map is in use; closed with it. None if there is none.

    Raises:
        OSError: The file cannot be read.
        ValueError: It does not have as many bytes as the shape needs.
    """

    def __init__(self, path: Path, shape: Shape, *, lock: object = None) -> None:
        self.path = path
        self._lock = lock
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._array = np.frombuffer(self._map, np.uint8).reshape(shape)
        self._unreleased = 0
        self._counter = threading.Lock()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Rows, columns, channels."""
        h, w, c = self._array.shape[1:]
        return int(h), int(w), int(c)

    def read(self, rows: np.ndarray) -> Pixels:
        """Copy images, by their positions in the file."""
        copied = self._array.take(rows, axis=0)
        with self._counter:
            self._unreleased += copied.nbytes
            is_due = self._unreleased > RELEASE_AFTER
            self._unreleased = 0 if is_due else self._unreleased
        if is_due and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
        return copied


@runtime_checkable
class PixelSource(Protocol):
    """Where the images of a `MappedPixels` come from: a `PixelFile`, or files that are decoded when they are read."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Rows, columns, channels."""
        ...

    def read(self, rows: np.ndarray) -> Pixels:
        """Images, by their positions."""
        ...


class MappedPixels:
    """Some images of a `PixelFile` or another source, in any order. Indexing copies the images it names, as an array.

    Slices, integers, arrays of indices and Boolean masks select images, and further indices apply to the array of
    these. ``take`` selects without copying.

    Args:
        file: The file, or the other source.
        rows: Positions in the file, one for each image.
        is_transposed: Whether rows and columns of the images are exchanged.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, file: PixelSource, rows: Int64[np.ndarray, " n"], *, is_transposed: bool = False) -> None:
        self._file, self._rows, self._is_transposed = file, rows, is_transposed

    @property
    def shape(self) -> Shape:
        """Images, rows, columns, channels."""
        h, w, c = self._file.image_shape
        return (len(self._rows), w, h, c) if self._is_transposed else (len(self._rows), h, w, c)

    @property
    def nbytes(self) -> int:
        """Bytes of all these images."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Picture]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        first, *rest = key if isinstance(key, tuple) else (key,)
        if isinstance(first, int | np.integer):
            return self._read(self._rows[np.array([first])])[0][(*rest,)]
        return self._read(self._rows[first])[(slice(None), *rest)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or np.uint8)

    def take(self, indices: np.ndarray) -> MappedPixels:
        """Select images by index, in the given order, without reading them."""
        return MappedPixels(self._file, self._rows[indices], is_transposed=self._is_transposed)

    def transposed(self) -> MappedPixels:
        """The same images with rows and columns exchanged."""
        return MappedPixels(self._file, self._rows, is_transposed=not self._is_transposed)

    def joined(self, other: MappedPixels) -> MappedPixels:
        """These images and then those of another selection of the same file."""
        rows = np.concatenate([self._rows, other._rows])
        return MappedPixels(self._file, rows, is_transposed=self._is_transposed)

    def _read(self, rows: np.ndarray) -> Pixels:
        images = self._file.read(rows)
        return np.ascontiguousarray(images.transpose(0, 2, 1, 3)) if self._is_transposed else images


StoredPixels = Pixels | UInt8[MappedPixels, "n h w c"]
"""Stored images, 0..255, in memory or in a memory-mapped file."""

OtherPixels = UInt8[np.ndarray, "n2 h2 w2 c2"] | UInt8[MappedPixels, "n2 h2 w2 c2"]
"""The same, of another shape than other images of a signature."""

CHUNK_BYTES = 1 << 24


def chunks(pixels: StoredPixels) -> Iterator[Pixels]:
    """All images in order, about 16 MB at a time.

    Example:
        >>> [len(piece) for piece in chunks(np.zeros((3, 1, 1, 1), np.uint8))]
        [3]
    """
    size = max(1, CHUNK_BYTES // max(int(np.prod(pixels.shape[1:])), 1))
    for start in range(0, len(pixels), size):
        yield pixels[start : start + size]


def select(pixels: StoredPixels, chosen: np.ndarray | slice) -> OtherPixels:
    """Select images; mapped ones are not read."""
    if isinstance(pixels, MappedPixels):
        return pixels.take(np.arange(len(pixels))[chosen])
    return pixels[chosen]


def join(one: StoredPixels, two: OtherPixels) -> UInt8[np.ndarray | MappedPixels, "n3 h w c"]:
    """Two parts of one dataset as one array; mapped ones are not read."""
    if isinstance(one, MappedPixels) and isinstance(two, MappedPixels):
        return one.joined(two)
    return np.concatenate([one[:], two[:]])


def transpose(pixels: StoredPixels) -> OtherPixels:
    """Exchange rows and columns of all images; mapped ones are not read."""
    if isinstance(pixels, MappedPixels):
        return pixels.transposed()
    return np.ascontiguousarray(pixels.transpose(0, 2, 1, 3))
