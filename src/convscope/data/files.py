"""Files that may lie: read with a bound, name the file in each refusal."""

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
"""What is read at once: memory grows with what is really there, never with what a header says."""

LONGEST_NAME = 300
GZIP_MAGIC = b"\x1f\x8b"

ZIP_TROUBLE = (
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
"""What the zipfile module raises on damaged, encrypted or oddly packed archives."""


@runtime_checkable
class ByteStream(Protocol):
    """What a plain file, a gzip file and a member of a zip archive have in common: bytes to read, then to close."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...

    def readline(self, size: int = -1, /) -> bytes:
        """The rest of a line, at most ``size`` bytes."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...

    def __enter__(self) -> ByteStream: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None, /
    ) -> object: ...


def shown(path: Path) -> str:
    r"""A path for one line of a message: printable, and not longer than a line may be.

    Example:
        >>> shown(Path("a\x00b.png")), len(shown(Path("d" * 5000)))
        ('a\\x00b.png', 300)
    """
    text = printable(str(path))
    return text if len(text) <= LONGEST_NAME else f"{text[:100]}…{text[101 - LONGEST_NAME :]}"


def check_regular(path: Path, limit: int) -> int:
    """The size of a regular file, in bytes.

    Raises:
        DataError: Missing, not a regular file (a pipe would wait for ever), empty, or larger than ``limit``.
    """
    try:
        info = path.stat()
    except (OSError, ValueError) as error:
        raise DataError(f"Expected a readable file. Received: file={shown(path)}, {_reason(error)}.") from None
    if not stat.S_ISREG(info.st_mode):
        raise DataError(f"Expected a regular file. Received: file={shown(path)}, a folder, a pipe or a device.")
    if info.st_size == 0:
        raise DataError(f"Expected a file with something in it. Received: file={shown(path)}, 0 bytes.")
    if info.st_size > limit:
        raise DataError(
            f"Expected a file of at most {limit:,} bytes. Received: file={shown(path)}, {info.st_size:,} bytes."
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
        raise DataError(f"Expected a readable file. Received: file={shown(path)}, {_reason(error)}.") from None


def read_regular(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most ``limit`` bytes.

    Raises:
        DataError: See ``open_regular``.
    """
    with open_regular(path, limit) as file:
        return read_at_most(file, limit, str(path))


def read_at_most(file: ByteStream, limit: int, name: str) -> bytes:
    """All that is left in a stream, piece by piece, refused as soon as it is more than ``limit`` bytes.

    Raises:
        DataError: More than that, or a stream that breaks off or does not match its checksum.
    """
    pieces, total = [], 0
    try:
        while piece := file.read(CHUNK):
            total += len(piece)
            if total > limit:
                raise DataError(f"Expected at most {limit:,} bytes. Received: file={name}, which holds more.")
            pieces.append(piece)
    except ZIP_TROUBLE as error:
        raise DataError(f"Expected a whole file. Received: file={name}, damaged: {_reason(error)}.") from None
    return b"".join(pieces)


def open_maybe_gzip(path: Path, limit: int) -> ByteStream:
    """Open a file, unpacked on the fly if its content (not its name) is gzip.

    The name may say .gz while the content is plain: browsers unpack downloads.

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
    """What lies in a folder, hidden files and what macOS and Windows leave behind taken out, in no order.

    Raises:
        DataError: A folder that cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not is_hidden(entry.name)]
    except OSError as error:
        raise DataError(f"Expected a readable folder. Received: folder={shown(folder)}, {_reason(error)}.") from None


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden or a leftover of a file manager.

    Example:
        >>> [is_hidden(name) for name in ("._1.png", "__MACOSX", "Thumbs.db", "1.png")]
        [True, True, True, False]
    """
    return name.startswith((".", "__MACOSX")) or name.lower() in ("thumbs.db", "desktop.ini")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
