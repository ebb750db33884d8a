"""Intercept the disk operations of a program: count them, record them, and let some fail.

Counted are open, write, fsync, rename, unlink, mkdir and rmdir. Flushes, which pass buffered data to the operating
system, are recorded as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Act = Callable[[], Any]
Decide = Callable[[int, str, Act, Act], Any]
"""Number of the operation from 1, its name, a function that does it, and one that does half of a write."""


@dataclass(frozen=True)
class Operation:
    """One disk operation.

    Attributes:
        name: ``open`` (which truncates the file), ``write``, ``fsync``, ``rename``, ``unlink``, ``mkdir`` or ``rmdir``;
            in the log also ``flush``.
        path: Absolute.
        content: The data of a write; the new name of a rename.
    """

    name: str
    path: Path
    content: Any = None


def do(number: int, name: str, act: Act, halve: Act) -> Any:
    """Do every operation."""
    return act()


def failing(k: int, code: int, for_good: bool) -> Decide:
    """For `watched`: the k-th operation fails, or that and all after it; a write fails half way."""

    def decide(number: int, name: str, act: Act, halve: Act) -> Any:
        if number == k or (for_good and number > k):
            halve()
            raise OSError(code, os.strerror(code))
        return act()

    return decide


@contextmanager
def watched(decide: Decide = do, log: list[Operation] | None = None) -> Iterator[list[Operation]]:
    """Call ``decide`` for each counted operation; yields those so far, and ``log`` also gets the flushes."""
    seen: list[Operation] = []
    log = [] if log is None else log
    real_open, real_replace, real_mkdir, real_unlink = Path.open, Path.replace, Path.mkdir, Path.unlink
    real_fsync, real_rmdir, real_system_open = os.fsync, Path.rmdir, os.open

    def ask(name: str, path: Any, act: Act, halve: Act = lambda: None, content: Any = None) -> Any:
        seen.append(Operation(name, Path(path).absolute(), content))
        log.append(seen[-1])
        return decide(len(seen), name, act, halve)

    def system_open(path: Any, flags: int, *words: Any, **named: Any) -> Any:
        """The lock file is opened without truncation."""
        if not flags & os.O_CREAT or str(path).startswith("/dev"):
            return real_system_open(path, flags, *words, **named)
        return ask("open", path, lambda: real_system_open(path, flags, *words, **named), content="as it is")

    def open_watched(path: Path, mode: str = "r", *words: Any, **named: Any) -> Any:
        if "w" not in mode:
            return real_open(path, mode, *words, **named)
        return _File(ask("open", path, lambda: real_open(path, mode, *words, **named)), path, ask, log)

    def replace(path: Path, target: Path) -> Any:
        return ask("rename", path, lambda: real_replace(path, target), content=Path(target).absolute())

    def fsync(file: int) -> Any:
        return ask("fsync", Path(f"/proc/self/fd/{file}").readlink(), lambda: real_fsync(file))

    def plain(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda path, *words, **named: ask(name, path, lambda: real(path, *words, **named))

    Path.open, Path.replace, os.fsync, os.open = open_watched, replace, fsync, system_open  # type: ignore[assignment]
    for name, real in (("mkdir", real_mkdir), ("unlink", real_unlink), ("rmdir", real_rmdir)):
        setattr(Path, name, plain(name, real))
    try:
        yield seen
    finally:
        Path.open, Path.replace, os.fsync, os.open = real_open, real_replace, real_fsync, real_system_open
        Path.mkdir, Path.unlink, Path.rmdir = real_mkdir, real_unlink, real_rmdir


class _File:
    """A file whose writes are intercepted."""

    def __init__(self, file: Any, path: Path, ask: Callable[..., Any], log: list[Operation]) -> None:
        self._file, self._path, self._ask, self._log = file, path, ask, log

    def write(self, content: bytes | str) -> Any:
        return self._ask("write", self._path, lambda: self._file.write(content), lambda: self._halve(content), content)

    def _halve(self, content: bytes | str) -> None:
        self._file.write(content[: len(content) // 2])
        self.flush()

    def flush(self) -> None:
        self._log.append(Operation("flush", self._path.absolute()))
        self._file.flush()

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *error: object) -> None:
        self._log.append(Operation("flush", self._path.absolute()))
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
