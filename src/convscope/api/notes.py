"""Print a line beside the results."""

from __future__ import annotations

import contextlib
import sys

from convscope.errors import printable


def note(text: str) -> None:
    """Print one line on stderr; a stderr that is closed stops nothing."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(printable(text) + "\n")
        sys.stderr.flush()
