"""Structured logs: one JSON object on each line of stderr, without anything of the images or of their names."""

from __future__ import annotations

import sys
import time
from functools import lru_cache
from typing import TextIO

import msgspec

ENCODER = msgspec.json.Encoder()


class Log:
    """Writes events.

    Args:
        quiet: Only warnings and errors.
        stream: None takes stderr.
    """

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._quiet = quiet
        self._stream = stream

    def info(self, event: str, **values: object) -> None:
        """What is expected to happen."""
        if not self._quiet:
            self._write("info", event, values)

    def warning(self, event: str, **values: object) -> None:
        """What someone should look at."""
        self._write("warning", event, values)

    def error(self, event: str, **values: object) -> None:
        """A bug, or a machine that fails."""
        self._write("error", event, values)

    def _write(self, level: str, event: str, values: dict[str, object]) -> None:
        now = time.time()
        stamp = f"{_second(int(now))}.{int(now % 1 * 1000):03d}Z"
        line = ENCODER.encode({"time": stamp, "level": level, "event": event, **values}).decode()
        stream = self._stream or sys.stderr
        try:
            stream.write(line + "\n")
            stream.flush()
        except (OSError, ValueError):  # a closed pipe or a full disk must not end the server
            return


@lru_cache(1)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
