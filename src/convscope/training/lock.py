"""A file lock that keeps a second process out. The operating system releases it when the process ends, however it ends.

Unix locks with ``flock``, Windows with ``LockFile`` (``msvcrt.locking``). The difference that matters: Unix removes a
file that is still open, Windows does not. So on Unix the holder removes the lock file before it releases the lock, and
on Windows `unlock_file` removes it afterwards, which fails, as it should, if another process has opened it by then.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import stat
from pathlib import Path
from typing import Any


def lock_file(path: Path) -> int:
    """Open and lock a regular file, and create it if it does not exist. Links and other kinds of files are refused.

    Args:
        path: The lock file; its folder exists.

    Returns:
        A descriptor for `unlock_file`.

    Raises:
        BlockingIOError: Another process holds the lock.
        OSError: The file cannot be created, or is not a regular file.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    while True:
        if path.is_symlink():  # for Windows, which has no O_NOFOLLOW
            raise OSError(errno.ELOOP, f"{path.name} is a link")
        descriptor = os.open(path, flags, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EEXIST, f"{path.name} is not a regular file")
            _lock(descriptor)
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.lstat()):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the previous holder has removed the file in between, so this lock keeps nobody out


def unlock_file(descriptor: int, path: Path) -> None:
    """Release a lock. On Windows, the file and its folder are removed if nobody else uses them.

    Args:
        descriptor: From `lock_file`.
        path: The lock file.
    """
    os.close(descriptor)
    if _windows() is None:
        return
    with contextlib.suppress(OSError):
        path.unlink()
        path.parent.rmdir()


def _lock(descriptor: int) -> None:
    windows = _windows()
    if windows is None:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    try:
        windows.locking(descriptor, windows.LK_NBLCK, 1)  # the first byte; it need not exist
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EDEADLK):
            raise BlockingIOError(errno.EAGAIN, "locked by another process") from None
        raise


def _windows() -> Any:
    """The module ``msvcrt``; None on systems with ``fcntl``."""
    try:
        importlib.import_module("fcntl")
    except ImportError:
        return importlib.import_module("msvcrt")
    return None
