"""Files of ours on a disk that may fail: written whole or not at all, and read within a bound."""

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
    """Write a file so that a reader, also after a power cut, sees the old one or the new one, never half of it.

    Raises:
        OSError: The disk is full or the folder read-only, or something that is no ordinary file has the name; it is
            untouched and nothing is left beside it.
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
    """Make a folder and those above it, so that a power cut does not take them away again.

    Raises:
        OSError: It cannot be made; FileExistsError where it is there and ``exist_ok`` is False.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=exist_ok)
    for folder in missing or [path]:  # one that is there may be so since a moment ago, and not on the disk
        _sync_folder(folder.parent)


def read_small(path: Path, max_bytes: int) -> bytes:
    """A small file's bytes, read at once.

    Raises:
        ModelFileError: It is no ordinary file, or larger. The message does not name the file.
        OSError: It cannot be read.
    """
    with open_regular(path) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ModelFileError(f"it has more than {max_bytes:,} bytes.")
    return content


def open_regular(path: Path) -> BinaryIO:
    """Open an ordinary file to read, and wait for nobody.

    Raises:
        ModelFileError: It is something else. The message does not name the file.
        OSError: It cannot be opened.
    """
    # Not blocking: opening a named pipe would otherwise wait for a writer for ever.
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
