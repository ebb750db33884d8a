"""Files on a disk that may fail: written atomically, and read up to a limit."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from convscope.errors import ModelFileError


def replace_file(path: Path, parts: Sequence[bytes]) -> None:
    """Write a file atomically: a reader sees the old file or the new one, never a part of it, even after a power cut.

    Raises:
        OSError: The disk is full, the folder is read-only, or the path is not a regular file. What was there is left as
            it was, and no temporary file stays behind.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if path.exists() and not path.is_file():  # a device or a pipe would become a file
        raise FileExistsError(errno.EEXIST, "Not an ordinary file")
    temporary = path.with_name(f".{path.name[:60]}.{os.getpid()}.part")  # a name has at most 255 bytes
    try:
        with temporary.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:  # an interrupt too must leave nothing behind
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def make_folder(path: Path, *, exist_ok: bool = True) -> None:
    """Make a folder and its parents, so that they survive a power cut.

    Raises:
        OSError: It cannot be made; FileExistsError if it exists and ``exist_ok`` is False.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=exist_ok)
    except RecursionError:  # some thousand folders in each other; none of them is made
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG)) from None
    for folder in missing or [path]:  # an existing one may be new and not on the disk yet
        _sync_folder(folder.parent)


def read_small(path: Path, max_bytes: int) -> bytes:
    """The bytes of a small file.

    Raises:
        ModelFileError: It is not a regular file, or larger. The message does not name the file.
        OSError: It cannot be read.
    """
    with open_regular(path) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ModelFileError(f"it has more than {max_bytes:,} bytes.")
    return content


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading, without blocking.

    Raises:
        ModelFileError: It is not a regular file. The message does not name the file.
        OSError: It cannot be opened.
    """
    # Non-blocking, because opening a named pipe would otherwise wait for a writer forever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ModelFileError("it is not a regular file.")
    return open(descriptor, "rb")  # noqa: PTH123


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
