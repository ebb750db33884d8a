"""A file by which one process keeps others out; the system lets go of it however the process ends."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path


def lock_file(path: Path) -> int:
    """Open and lock a file of ours; whatever else has its name is not touched.

    Returns:
        The descriptor, to be closed by the caller.

    Raises:
        BlockingIOError: Another process holds it.
        OSError: It cannot be made, or is no ordinary file.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    while True:
        descriptor = os.open(path, flags, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EEXIST, f"{path.name} is no ordinary file")
            with contextlib.suppress(ImportError):  # Windows has another way; there nobody is kept out
                import fcntl

                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # whoever held it has removed it since: the lock is on a file without a name
