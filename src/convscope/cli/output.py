"""What commands print: results on stdout, as text or as one JSON object."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from convscope.errors import printable


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to `main`, which ends well; Rich would end the process with 1."""
        raise BrokenPipeError


def console() -> Console:
    """Stdout for people: no colour and no wrapping tricks where it is not a terminal."""
    return _Console(
        file=sys.stdout, highlight=False, emoji=False, markup=False, width=None if sys.stdout.isatty() else 110
    )


def say(text: str = "") -> None:
    """Print one line of a result."""
    sys.stdout.write(text + "\n")


def tell(text: str) -> None:
    """Print one line beside the results, on stderr; where nobody reads any more, that stops nothing."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(printable(text) + "\n")
        sys.stderr.flush()


def say_json(value: dict[str, Any]) -> None:
    """Print a result as JSON: one object, snake_case keys; in ASCII where stdout takes no more."""
    in_ascii = "utf" not in (getattr(sys.stdout, "encoding", "") or "utf").lower()
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=in_ascii, allow_nan=False) + "\n")


def table(columns: dict[str, str], rows: list[list[str]]) -> Table:
    """A table without decoration; each column is given as ``name: "left" | "right"``."""
    result = Table(box=None, pad_edge=False, header_style="bold")
    for name, side in columns.items():
        result.add_column(name, justify="right" if side == "right" else "left", no_wrap=side == "right")
    for row in rows:
        result.add_row(*row)
    return result
