"""Stand between a program and its disk, and decide what becomes of each operation.

Counted are open, write, fsync, rename, unlink and mkdir.
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
        name: ``open`` (which empties the file), ``write``, ``fsync``, ``rename``, ``unlink`` or ``mkdir``.
        path: Absolute.
        content: What is written; the new name of a rename.
    """

    name: str
    path: Path
    content: Any = None


def do(number: int, name: str, act: Act, halve: Act) -> Any:
    """A disk without faults."""
    return act()


@contextmanager
def watched(decide: Decide = do) -> Iterator[list[Operation]]:
    """Ask ``decide`` at each operation that writes; the list has all so far."""
    seen: list[Operation] = []
    real_open, real_replace, real_mkdir, real_unlink = Path.open, Path.replace, Path.mkdir, Path.unlink
    real_fsync = os.fsync

    def ask(name: str, path: Any, act: Act, halve: Act = lambda: None, content: Any = None) -> Any:
        seen.append(Operation(name, Path(path).absolute(), content))
        return decide(len(seen), name, act, halve)

    def open_watched(path: Path, mode: str = "r", *words: Any, **named: Any) -> Any:
        if "w" not in mode:
            return real_open(path, mode, *words, **named)
        return _File(ask("open", path, lambda: real_open(path, mode, *words, **named)), path, ask)

    def replace(path: Path, target: Path) -> Any:
        return ask("rename", path, lambda: real_replace(path, target), content=Path(target).absolute())

    def fsync(file: int) -> Any:
        return ask("fsync", Path(f"/proc/self/fd/{file}").readlink(), lambda: real_fsync(file))

    def plain(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda path, *words, **named: ask(name, path, lambda: real(path, *words, **named))

    Path.open, Path.replace, os.fsync = open_watched, replace, fsync  # type: ignore[assignment]
    Path.mkdir, Path.unlink = plain("mkdir", real_mkdir), plain("unlink", real_unlink)  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        Path.open, Path.replace, os.fsync = real_open, real_replace, real_fsync
        Path.mkdir, Path.unlink = real_mkdir, real_unlink


class _File:
    """A file whose writes are asked about."""

    def __init__(self, file: Any, path: Path, ask: Callable[..., Any]) -> None:
        self._file, self._path, self._ask = file, path, ask

    def write(self, content: bytes | str) -> Any:
        return self._ask("write", self._path, lambda: self._file.write(content), lambda: self._halve(content), content)

    def _halve(self, content: bytes | str) -> None:
        self._file.write(content[: len(content) // 2])
        self._file.flush()

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
