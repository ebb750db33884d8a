"""``convscope open``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from convscope.cli.output import Output, say, say_json, size_in_words


def open(  # noqa: A001
    run: Path | None = None,
    *,
    out: Path | None = None,
    browser: Annotated[bool, Parameter(negative="--no-browser")] = True,
    projection: Literal["pca", "tsne"] = "pca",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Write a trained network as one HTML page that works offline, and open it.

    Parameters
    ----------
    run
        The run folder. Default: the newest below runs/.
    out
        The file. Default: page.html in the run folder.
    browser
        Open the page in the browser; never done without a terminal, or with --json.
    projection
        How the map of the test images is made: pca, or tsne, which needs scikit-learn.
    """
    from convscope.api.open import open as open_page

    page = open_page(run, out=out, browser=browser and sys.stdout.isatty() and not output.json, projection=projection)
    output.detail(f"page {page.path.resolve()}")
    if output.json:
        say_json(
            {
                "path": str(page.path),
                "size_bytes": page.size_bytes,
                "images": page.pictures,
                "reference": page.reference,
                "missing": page.missing,
                "moments": page.moments,
            }
        )
        return 0
    say(f"page        {page.path}, {size_in_words(page.size_bytes)}: one HTML file, works offline")
    say(f"images      {page.pictures}" + (f": {page.missing}" if page.missing else ""))
    if page.moments:
        say(f"moments     {page.moments} of the training, from before it to its end")
    say(f"reference   activations of {page.reference}; the page compares its own with them when it opens")
    return 0
