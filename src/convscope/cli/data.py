"""``convscope data``, and the commands below it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Literal

from cyclopts import App, Parameter

from convscope.cli.output import Output, console, say, say_json, table


def data(
    source: str | None = None,
    *,
    size: str | None = None,
    parts: Literal["auto", "none"] = "auto",
    transpose: Literal["auto", "yes", "no"] = "auto",
    fit: Literal["auto", "pad", "crop", "stretch"] = "auto",
    decoding: Literal["exact", "draft", "fast"] = "exact",
    background: Literal["auto", "white", "gray", "black"] = "auto",
    class_names: str | None = None,
    augment: Path | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """List the supported datasets and formats, or describe a dataset.

    Parameters
    ----------
    source
        Dataset name, or a path. Without it, the supported kinds of data are listed.
    size
        Resize images to this height and width, in pixels: one number, or rows and columns such as 32x512.
    parts
        Which folders are parts: by their structure and names (auto), or none: the outer folders are the classes.
    transpose
        Exchange rows and columns of the images: if digits or letters are transposed (auto), always, or never.
    fit
        How images of other proportions are brought to the size: pad, crop or stretch. Default: pad, or MNIST's framing.
    decoding
        How JPEG files are decoded: in full, or as a draft of a half, a quarter or an eighth of their size, at least
        twice that of the network's input (fast: at least that).
    background
        What transparent images are laid on. Default: white, unless most of them would not stand out from it.
    class_names
        A name for each numeric label, in the order of the labels, separated by commas.
    augment
        Draw augmented images into this PNG file: what a network sees while train trains it with the default recipe.
    """
    if source is None:
        return _list_sources(output)
    from convscope.api.data_summary import summary_json, summary_lines
    from convscope.api.load_data import load_on_demand
    from convscope.api.progress import ProgressDisplay

    how = {
        "size": size,
        "parts": parts,
        "transpose": transpose,
        "fit": fit,
        "decoding": decoding,
        "background": background,
    }
    with ProgressDisplay(quiet=output.quiet) as display:
        display.phase = "reading"
        loaded = load_on_demand(source, class_names=class_names, callbacks=display.callbacks, **how)
    if augment:
        from convscope.api.augmented import draw_augmented

        draw_augmented(loaded, augment)
    if output.json:
        say_json(summary_json(loaded) | ({"augmented": str(augment)} if augment else {}))
        return 0
    for line in summary_lines(loaded):
        say(line)
    preprocessing = loaded.preprocessing
    say(f"other images are preprocessed by: fit {preprocessing.fit}, polarity {preprocessing.polarity}\n")
    columns = {"train": loaded.train} | ({"test": loaded.test} if loaded.test else {})
    per_class = zip(loaded.train.class_names, *(part.class_counts for part in columns.values()), strict=True)
    rows = [[name, *(f"{count:,}" for count in row)] for name, *row in per_class]
    console().print(table({"class": "left"} | dict.fromkeys(columns, "right"), rows))
    if augment:
        say(f"\naugmented   {augment}")
    return 0


def _list_sources(output: Output) -> int:
    from convscope.data.readers import describe_sources

    sources = describe_sources()
    if output.json:
        say_json({"sources": [asdict(entry) for entry in sources]})
    else:
        rows = [[entry.form, entry.contents] for entry in sources]
        console().print(table({"data": "left", "contents": "left"}, rows))
    return 0


app = App(
    name="data",
    help="List the supported datasets and formats, or describe a dataset.",
    help_epilogue="Example:  convscope data my-photos",
    default_parameter=Parameter(negative=()),
    help_format="plaintext",
)
app.default(data)
app.command(
    "convscope.cli.check_data:check",
    name="check",
    help="Check a dataset for problems: duplicates, wrong labels, unreadable files, and more.",
    help_epilogue="Example:  convscope data check my-photos --out check.html",
)
