"""``convscope open``."""

from __future__ import annotations

import sys
from pathlib import Path

from convscope.cli.output import say, say_json


def open(run: Path | None = None, *, out: Path | None = None, no_browser: bool = False, json: bool = False) -> int:  # noqa: A001
    """Write a trained network as one HTML file that works offline, and show it.

    Example: convscope open runs/20260101-120000-quick --out network.html

    Parameters
    ----------
    run
        The run folder. Default: the newest below runs/.
    out
        The file. Default: page.html in the run folder.
    no_browser
        Only write the file. Without a terminal nothing is shown either.
    json
        Print the result as JSON.
    """
    from convscope.api.open import open as open_run

    opened = open_run(run, out=out, browser=sys.stdout.isatty() and not no_browser and not json)
    if json:
        say_json(
            {
                "path": str(opened.path),
                "size_bytes": opened.size_bytes,
                "pictures": opened.pictures,
                "proof": opened.reference,
                "missing": opened.missing,
            }
        )
        return 0
    say(f"page        {opened.path}, {opened.size_bytes / 1e6:.2f} MB: one file, works offline, hand it round")
    say(f"images      {opened.pictures}" + (f": {opened.missing}" if opened.missing else ""))
    say(f"proof       carries what {opened.reference} computed; the page compares itself when it is opened")
    return 0
