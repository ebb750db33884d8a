"""``convscope open``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from convscope.cli.output import Output, say, say_json, size_in_words

if TYPE_CHECKING:
    from convscope.api.open_pair import PairPage


def open(  # noqa: A001
    run: Path | None = None,
    other: Path | None = None,
    *,
    out: Path | None = None,
    browser: Annotated[bool, Parameter(negative="--no-browser")] = True,
    projection: Literal["pca", "tsne"] = "pca",
    watch: Annotated[bool, Parameter(negative="")] = False,
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65_535))] = 0,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Write a trained network as one HTML page that works offline, and open it.

    With two runs, the page shows both networks on the same images, and lists the test images on which they disagree.

    Parameters
    ----------
    run
        The run folder. Default: the newest below runs/.
    other
        The folder of a second run, with the same classes and preprocessing.
    out
        The file. Default: page.html in the run folder, or pair.html here with two runs.
    browser
        Open the page in the browser; never done without a terminal, or with --json.
    projection
        How the map of the test images is made: pca, or tsne, which needs scikit-learn.
    watch
        Follow a training while it runs, on a page that is served to this machine only, until Ctrl-C.
    port
        With --watch, the port of the page. Default: a free one.
    """
    if watch:
        return _watch(run, port, browser and sys.stdout.isatty())
    from convscope.api.open import open as open_page
    from convscope.api.open_pair import open_pair

    shows = browser and sys.stdout.isatty() and not output.json
    if run is not None and other is not None:
        return _say_pair(open_pair(run, other, out=out, browser=shows), output)
    page = open_page(run, out=out, browser=shows, projection=projection)
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


def _watch(run: Path | None, port: int, browser: bool) -> int:
    from convscope.api.watch import watch

    watch(run, port=port, browser=browser, on_start=lambda address: say(f"watching    {address} until Ctrl-C"))
    return 0


def _say_pair(page: PairPage, output: Output) -> int:
    output.detail(f"page {page.path.resolve()}")
    if output.json:
        say_json(page.to_json())
        return 0
    say(f"page        {page.path}, {size_in_words(page.size_bytes)}: one HTML file, works offline")
    if page.missing:
        say(f"images      none: {page.missing}")
        return 0
    say(f"disagree    on {page.disagreements:,} of {page.n:,} test images; {page.shown:,} are in the page")
    say(f"difference  {page.difference}, second minus first")
    return 0
