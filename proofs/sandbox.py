"""One reading in a process of its own: what it says, how long it takes, how much memory, and what it does besides.

The process is forked from one that has imported everything, so that only the reading is measured.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 30
"""Seconds until a reading that does not end is ended."""

LONGEST = 600
"""Characters that one line may have."""

HARMLESS = {"open", "builtins.id", "object.__getattr__"}
"""Python tells of much that a program does (its audit events); a reader of a model may do no more than this."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def read_apart(
    make: Callable[[Path], Path],
    read: Callable[[Path], str],
    *,
    seconds: float,
    megabytes: float,
    unclear: Callable[[str], str],
    watched: bool = False,
) -> dict[str, Any]:
    """Make an input in a new folder and read it in a child.

    Args:
        make: Gives the path of what it made in the folder.
        read: Gives the refusal, or an empty text.
        seconds: The most that it may take.
        megabytes: The most that the process may grow by.
        unclear: What is wrong with a refusal, or an empty text.
        watched: Whether to refuse every audit event that is not `HARMLESS`, and every open of another file or for
            writing. A module that is imported already can be imported again unheard.

    Returns:
        ``said``, ``trouble`` (empty where all is well), ``seconds``, ``megabytes``.
    """
    folder = Path(tempfile.mkdtemp())
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _in_child(make, read, folder, writing, watched)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        content = answer.read()
    _, status = os.waitpid(child, 0)
    shutil.rmtree(folder, ignore_errors=True)
    said, trouble, taken, grown = (
        json.loads(content) if content else ("", f"the process ended with {status}", PATIENCE, 0.0)
    )
    said = said.replace(f"{folder}/", "")  # which folder it was says nothing to a reader of the figures
    if not trouble and (taken > seconds or grown > megabytes):
        trouble = f"{taken:.2f} s and {grown:.0f} MB"
    if not trouble:
        trouble = unclear(said) if said else "it was taken"
    return {"said": said, "trouble": trouble, "seconds": taken, "megabytes": grown}


def one_line(said: str) -> str:
    """What is wrong with a message that should be one clear line, or an empty text."""
    if len(said.splitlines()) != 1 or len(said) > LONGEST or not said.isprintable():
        return f"not one clear line: {said[:200]!r}"
    return ""


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of many readings."""
    return {
        "cases": len(results),
        "refused": sum(not result["trouble"] for result in results),
        "troubles": sum(bool(result["trouble"]) for result in results),
        "seconds_worst": max(result["seconds"] for result in results),
        "megabytes_worst": max(result["megabytes"] for result in results),
    }


def _in_child(make: Any, read: Any, folder: Path, pipe: int, watched: bool) -> None:
    signal.alarm(PATIENCE)
    os.chdir(folder)
    path = make(folder)
    before, done = set(folder.rglob("*")), list[str]()
    if watched:
        sys.addaudithook(lambda event, words: _note(event, words, str(path), done) if watching[0] else None)
    watching = [False]
    memory, began = _resident(), time.monotonic()
    watching[0] = True
    try:
        said, trouble = read(path), ""
    except BaseException as error:
        said, trouble = "", f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - began
    watching[0] = False
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - memory
    if set(folder.rglob("*")) != before:
        trouble = "something was left behind"
    if done:
        trouble = f"it did more than read: {', '.join(done[:5])}"
    os.write(pipe, json.dumps([said, trouble, seconds, grown]).encode())
    os._exit(0)


def _note(event: str, words: tuple[Any, ...], path: str, done: list[str]) -> None:
    if event not in HARMLESS:
        done.append(event)
    elif event == "open" and isinstance(words[0], str | bytes):
        name, _, flags = os.fsdecode(words[0]), *words[1:]
        if name != path or flags & WRITING:
            done.append(f"open {name}")


def _resident() -> float:
    """Megabytes of this process that lie in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
