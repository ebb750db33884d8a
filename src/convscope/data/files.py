"""Read untrusted files: with a size limit, and errors that name the file."""

from __future__ import annotations

import gzip
import lzma
import os
import stat
import struct
import zipfile
import zlib
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

from convscope.errors import DataError, printable

CHUNK = 1 << 20
"""Bytes per read. Memory grows with the bytes that are there, not with what a header claims."""

MAX_NAME = 300
GZIP_MAGIC = b"\x1f\x8b"

ZIP_ERRORS = (
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What the zipfile module raises on damaged, encrypted or unusual archives."""


@runtime_checkable
class ByteStream(Protocol):
    """The common interface of a plain file, a gzip file and a member of a zip archive."""

    def read(self, size: int = -1, /) -> bytes:
        """Read at most ``size`` bytes; none at the end."""
        ...

    def readline(self, size: int = -1, /) -> bytes:
        """Read the rest of a line, at most ``size`` bytes."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...

    def __enter__(self) -> ByteStream: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None, /
    ) -> object: ...


def shown(path: Path) -> str:
    r"""A path as text for an error message: printable, and at most 300 characters.

    Example:
        >>> shown(Path("a\x00b.png")), len(shown(Path("d" * 5000)))
        ('a\\x00b.png', 300)
    """
    text = printable(str(path))
    return text if len(text) <= MAX_NAME else f"{text[:100]}…{text[101 - MAX_NAME :]}"


def check_regular(path: Path, limit: int) -> int:
    """The size of a regular file, in bytes.

    Raises:
        DataError: Missing, not a regular file (a pipe would block), empty, or larger than ``limit``.
    """
    try:
        info = path.stat()
    except (OSError, ValueError) as error:
        raise DataError.about_file("Expected a readable file", shown(path), _reason(error)) from None
    if not stat.S_ISREG(info.st_mode):
        raise DataError.about_file("Expected a regular file", shown(path), "a folder, a pipe or a device")
    if info.st_size == 0:
        raise DataError.about_file("Expected a file that is not empty", shown(path), "0 bytes")
    if info.st_size > limit:
        raise DataError.about_file(
            f"Expected a file of at most {limit:,} bytes", shown(path), f"{info.st_size:,} bytes"
        )
    return info.st_size


def open_regular(path: Path, limit: int) -> BufferedReader:
    """Open a regular file of at most ``limit`` bytes for reading; the caller closes it.

    Raises:
        DataError: See ``check_regular``; or no permission.
    """
    check_regular(path, limit)
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError.about_file("Expected a readable file", shown(path), _reason(error)) from None


def read_regular(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most ``limit`` bytes.

    Raises:
        DataError: See ``open_regular``.
    """
    with open_regular(path, limit) as file:
        return read_at_most(file, limit, str(path))


def stamp(path: Path) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds, by which a file that was replaced is noticed.

    Raises:
        OSError: It cannot be found.
    """
    info = path.stat()
    return info.st_size, info.st_mtime_ns


def read_start(path: Path, count: int) -> bytes:
    """The first bytes of a file; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except (OSError, ValueError):
        return b""


def read_at_most(file: ByteStream, limit: int, name: str) -> bytes:
    """Read the rest of a stream in chunks, and stop as soon as it is longer than ``limit`` bytes.

    Raises:
        DataError: Longer than that, truncated, or its checksum does not match.
    """
    pieces, total = [], 0
    try:
        while piece := file.read(CHUNK):
            total += len(piece)
            if total > limit:
                raise DataError.about_file(f"Expected at most {limit:,} bytes", name, "more than that")
            pieces.append(piece)
    except ZIP_ERRORS as error:
        raise DataError.about_file("Expected an undamaged file", name, f"damaged: {_reason(error)}") from None
    return b"".join(pieces)


def open_maybe_gzip(path: Path, limit: int) -> ByteStream:
    """Open a file, decompressing it if its content is gzip, whatever its name.

    Browsers decompress downloads but may keep the .gz in the name.

    Raises:
        DataError: See ``open_regular``.
    """
    file = open_regular(path, limit)
    if file.read(2) == GZIP_MAGIC:
        file.close()
        return gzip.open(path, "rb")
    file.seek(0)
    return file


def list_folder(folder: Path) -> list[os.DirEntry[str]]:
    """The entries of a folder in no particular order, without hidden files and files that macOS and Windows create.

    Raises:
        DataError: The folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not is_hidden(entry.name)]
    except OSError as error:
        raise DataError(
            f"Expected a readable folder. Received: folder={shown(folder)}, {_reason(error)}.",
            file=shown(folder),
            reason=_reason(error),
        ) from None


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden or was created by a file manager.

    Example:
        >>> [is_hidden(name) for name in ("._1.png", "__MACOSX", "Thumbs.db", "1.png")]
        [True, True, True, False]
    """
    return name.startswith((".", "__MACOSX")) or name.lower() in ("thumbs.db", "desktop.ini")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
