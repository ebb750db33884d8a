"""Read one file in a child process: measure the error message, time and memory, and watch for side effects.

The child is forked from a process that has imported everything, so that only the reading is measured.
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

TIMEOUT = 30
"""Seconds."""

MAX_LENGTH = 600
"""Characters in an error message."""

ALLOWED = {"open", "builtins.id", "object.__getattr__"}
"""Python's audit events that a reader of a model file may cause."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def read_in_sandbox(
    make: Callable[[Path], Path],
    read: Callable[[Path], str],
    *,
    seconds: float,
    megabytes: float,
    unclear: Callable[[str], str],
    watched: bool = False,
) -> dict[str, Any]:
    """Create an input in a new folder and read it in a child process.

    Args:
        make: Creates the input in a folder and returns its path.
        read: Returns the error message, or an empty text.
        seconds: Time limit.
        megabytes: Limit of the growth of the process.
        unclear: Returns what is wrong with an error message, or an empty text.
        watched: Whether to report every audit event that is not `ALLOWED`, and every open of another file or for
            writing. Imports of modules that are already imported are not audited.

    Returns:
        ``said`` (the message), ``trouble`` (empty if all is well), ``seconds``, ``megabytes``.
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
    message, trouble, taken, grown = (
        json.loads(content) if content else ("", f"the process ended with {status}", TIMEOUT, 0.0)
    )
    message = message.replace(f"{folder}/", "")  # the temporary folder means nothing in the figures
    if not trouble and (taken > seconds or grown > megabytes):
        trouble = f"{taken:.2f} s and {grown:.0f} MB"
    if not trouble:
        trouble = unclear(message) if message else "it was accepted"
    return {"said": message, "trouble": trouble, "seconds": taken, "megabytes": grown}


def one_line(message: str) -> str:
    """What is wrong with a message that should be one line, or an empty text."""
    if len(message.splitlines()) != 1 or len(message) > MAX_LENGTH or not message.isprintable():
        return f"not one clear line: {message[:200]!r}"
    return ""


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Summarize the results."""
    return {
        "cases": len(results),
        "refused": sum(not result["trouble"] for result in results),
        "troubles": sum(bool(result["trouble"]) for result in results),
        "seconds_worst": max(result["seconds"] for result in results),
        "megabytes_worst": max(result["megabytes"] for result in results),
    }


def _in_child(make: Any, read: Any, folder: Path, pipe: int, watched: bool) -> None:
    signal.alarm(TIMEOUT)
    os.chdir(folder)
    path = make(folder)
    before, done = set(folder.rglob("*")), list[str]()
    if watched:
        sys.addaudithook(lambda event, words: _note(event, words, str(path), done) if watching[0] else None)
    watching = [False]
    memory, started = _resident(), time.monotonic()
    watching[0] = True
    try:
        message, trouble = read(path), ""
    except BaseException as error:
        message, trouble = "", f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - started
    watching[0] = False
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - memory
    if set(folder.rglob("*")) != before:
        trouble = "it left files behind"
    if done:
        trouble = f"it did more than read: {', '.join(done[:5])}"
    os.write(pipe, json.dumps([message, trouble, seconds, grown]).encode())
    os._exit(0)


def _note(event: str, words: tuple[Any, ...], path: str, done: list[str]) -> None:
    if event not in ALLOWED:
        done.append(event)
    elif event == "open" and isinstance(words[0], str | bytes):
        name, _, flags = os.fsdecode(words[0]), *words[1:]
        if name != path or flags & WRITING:
            done.append(f"open {name}")


def _resident() -> float:
    """Resident memory of this process, in megabytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
