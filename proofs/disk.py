"""Stand between a program and its disk, and decide what becomes of each operation.

Counted are open, write, fsync, rename, unlink and mkdir.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Act = Callable[[], Any]
Decide = Callable[[int, str, Act, Act], Any]
"""Number of the operation from 1, its name, what does it, and what does half of it (only a write has a half)."""


@contextmanager
def watched(decide: Decide) -> Iterator[list[str]]:
    """Ask ``decide`` at each operation that writes; the list has the names of all so far."""
    seen: list[str] = []
    real_open, real_fsync, real_replace = Path.open, os.fsync, Path.replace
    real_mkdir, real_unlink = Path.mkdir, Path.unlink

    def ask(name: str, act: Act, halve: Act = lambda: None) -> Any:
        seen.append(name)
        return decide(len(seen), name, act, halve)

    def open_watched(path: Path, mode: str = "r", *words: Any, **named: Any) -> Any:
        if "w" not in mode:
            return real_open(path, mode, *words, **named)
        return _File(ask("open", lambda: real_open(path, mode, *words, **named)), ask)

    Path.open = open_watched  # type: ignore[method-assign]
    os.fsync = lambda file: ask("fsync", lambda: real_fsync(file))
    Path.replace = lambda path, target: ask("rename", lambda: real_replace(path, target))  # type: ignore[method-assign]
    Path.mkdir = lambda path, *words, **named: ask("mkdir", lambda: real_mkdir(path, *words, **named))  # type: ignore[method-assign]
    Path.unlink = lambda path, *words, **named: ask("unlink", lambda: real_unlink(path, *words, **named))  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        Path.open, os.fsync, Path.replace = real_open, real_fsync, real_replace  # type: ignore[method-assign]
        Path.mkdir, Path.unlink = real_mkdir, real_unlink  # type: ignore[method-assign]


class _File:
    """A file whose writes are asked about."""

    def __init__(self, file: Any, ask: Callable[..., Any]) -> None:
        self._file, self._ask = file, ask

    def write(self, content: bytes | str) -> Any:
        return self._ask("write", lambda: self._file.write(content), lambda: self._halve(content))

    def _halve(self, content: bytes | str) -> None:
        self._file.write(content[: len(content) // 2])
        self._file.flush()

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
