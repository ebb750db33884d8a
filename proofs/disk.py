"""Stand between a program and its disk, and decide what becomes of each operation.

Counted are open, write, fsync, rename, unlink, mkdir and rmdir. Flushing, by which a file hands what it holds to the
system, is noted besides.
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
"""Number of the operation from 1, its name, what does it, and what does half of it (only a write has a half)."""


@dataclass(frozen=True)
class Operation:
    """One thing that a program asked of its disk.

    Attributes:
        name: ``open`` (which empties the file), ``write``, ``fsync``, ``rename``, ``unlink``, ``mkdir``, ``rmdir``; in
            notes also ``flush``, which hands to the system what was written.
        path: Absolute.
        content: What is written; the new name of a rename.
    """

    name: str
    path: Path
    content: Any = None


def do(number: int, name: str, act: Act, halve: Act) -> Any:
    """A disk without faults."""
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
def watched(decide: Decide = do, notes: list[Operation] | None = None) -> Iterator[list[Operation]]:
    """Ask ``decide`` at each operation that writes; the list has all so far, ``notes`` also what is not asked about."""
    seen: list[Operation] = []
    notes = [] if notes is None else notes
    real_open, real_replace, real_mkdir, real_unlink = Path.open, Path.replace, Path.mkdir, Path.unlink
    real_fsync, real_rmdir, real_system_open = os.fsync, Path.rmdir, os.open

    def ask(name: str, path: Any, act: Act, halve: Act = lambda: None, content: Any = None) -> Any:
        seen.append(Operation(name, Path(path).absolute(), content))
        notes.append(seen[-1])
        return decide(len(seen), name, act, halve)

    def system_open(path: Any, flags: int, *words: Any, **named: Any) -> Any:
        """As the lock is opened: the file is not emptied."""
        if not flags & os.O_CREAT or str(path).startswith("/dev"):
            return real_system_open(path, flags, *words, **named)
        return ask("open", path, lambda: real_system_open(path, flags, *words, **named), content="as it is")

    def open_watched(path: Path, mode: str = "r", *words: Any, **named: Any) -> Any:
        if "w" not in mode:
            return real_open(path, mode, *words, **named)
        return _File(ask("open", path, lambda: real_open(path, mode, *words, **named)), path, ask, notes)

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
    """A file whose writes are asked about."""

    def __init__(self, file: Any, path: Path, ask: Callable[..., Any], notes: list[Operation]) -> None:
        self._file, self._path, self._ask, self._notes = file, path, ask, notes

    def write(self, content: bytes | str) -> Any:
        return self._ask("write", self._path, lambda: self._file.write(content), lambda: self._halve(content), content)

    def _halve(self, content: bytes | str) -> None:
        self._file.write(content[: len(content) // 2])
        self.flush()

    def flush(self) -> None:
        self._notes.append(Operation("flush", self._path.absolute()))
        self._file.flush()

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *error: object) -> None:
        self._notes.append(Operation("flush", self._path.absolute()))
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
