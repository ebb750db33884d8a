"""What commands print: results on stdout, as text or as one JSON object; everything else on stderr."""

from __future__ import annotations

import json as json_format
import sys
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Group, Parameter
from rich.console import Console
from rich.table import Table

from convscope.api.notes import note
from convscope.errors import OptionError

OUTPUT = Group("Output", sort_key=9)


@Parameter(name="*", group=OUTPUT)
@dataclass(frozen=True)
class Output:
    """The options that every command has."""

    json: Annotated[bool, Parameter(help="Print the result as one JSON object.", show_default=False)] = False
    quiet: Annotated[
        bool, Parameter(name=("--quiet", "-q"), help="Print results only: no progress, no hints.", show_default=False)
    ] = False
    verbose: Annotated[
        bool,
        Parameter(
            name=("--verbose", "-v"),
            help="Also print versions, paths and times, and the traceback of an internal error.",
            show_default=False,
        ),
    ] = False

    def __post_init__(self) -> None:
        if self.quiet and self.verbose:
            raise OptionError("Expected --quiet or --verbose, not both.")

    def hint(self, text: str) -> None:
        """Print what to do next, on stdout after a result; not with ``--quiet`` or ``--json``."""
        if not (self.quiet or self.json):
            say(text)

    def detail(self, text: str) -> None:
        """Print a line on stderr with ``--verbose``."""
        if self.verbose:
            note(text)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raise it for `main`, which exits with 0; Rich would exit with 1."""
        raise BrokenPipeError


def console() -> Console:
    """Stdout for tables: no color where it is not a terminal, or where NO_COLOR is set."""
    return _Console(
        file=sys.stdout, highlight=False, emoji=False, markup=False, width=None if sys.stdout.isatty() else 110
    )


def say(text: str = "") -> None:
    """Print one line of a result."""
    sys.stdout.write(text + "\n")


def say_json(value: dict[str, Any]) -> None:
    """Print a result as JSON: one object, snake_case keys; in ASCII where stdout takes no more."""
    in_ascii = "utf" not in (getattr(sys.stdout, "encoding", "") or "utf").lower()
    sys.stdout.write(json_format.dumps(value, indent=1, ensure_ascii=in_ascii, allow_nan=False) + "\n")


def bar_character() -> str:
    """A full block, or # where stdout cannot show one, as in a Windows console with code page 1252."""
    try:
        "█".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return "#"
    return "█"


def table(columns: dict[str, str], rows: list[list[str]]) -> Table:
    """A table without decoration; each column is given as ``name: "left" | "right"``."""
    result = Table(box=None, pad_edge=False, header_style="bold")
    for name, side in columns.items():
        result.add_column(name, justify="right" if side == "right" else "left", no_wrap=side == "right")
    for row in rows:
        result.add_row(*row)
    return result


def size_in_words(size_bytes: int) -> str:
    """A file size for people.

    Example:
        >>> size_in_words(1_340_000), size_in_words(900)
        ('1.3 MB', '0.9 kB')
    """
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.1f} kB"
