"""``convscope data``, and the commands below it."""

from __future__ import annotations

from dataclasses import asdict

from cyclopts import App, Parameter

from convscope import decisions
from convscope.api.notes import note
from convscope.cli.output import Output, console, say, say_json, table


def data(source: str | None = None, *, size: int | None = None, output: Output = Output()) -> int:  # noqa: B008
    """List the supported datasets and formats, or describe a dataset.

    Parameters
    ----------
    source
        Dataset name, or a path. Without it, the supported kinds of data are listed.
    size
        Resample images to this height and width, in pixels.
    """
    if source is None:
        return _list_sources(output)
    from convscope.api.load_data import load_data

    loaded = load_data(source, size=size)
    parts = {"train": loaded.train} | ({"test": loaded.test} if loaded.test else {})
    preprocessing = loaded.preprocessing
    if output.json:
        say_json(
            {
                "source": loaded.train.source,
                "kind": loaded.kind,
                "image_shape": list(loaded.train.image_shape),
                "class_names": list(loaded.train.class_names),
                "class_counts": {name: list(part.class_counts) for name, part in parts.items()},
                "preprocessing": preprocessing.to_json(),
                "decisions": decisions.to_json(loaded.decisions),
                "skipped": [{"name": item.file, "reason": item.reason} for item in loaded.skipped],
            }
        )
        return 0
    say(f"{loaded.train.source} ({loaded.kind})")
    h, w, c = loaded.train.image_shape
    counts = ", ".join(f"{len(part):,} {name}" for name, part in parts.items())
    say(f"images      {h}×{w}, {'grayscale' if c == 1 else 'RGB'}; {counts}")
    say(f"other images are preprocessed by: fit {preprocessing.fit}, polarity {preprocessing.polarity}\n")
    if loaded.decisions:
        say("decided")
        for decision in loaded.decisions:
            say(f"  {decision}")
        say()
    per_class = zip(loaded.train.class_names, *(part.class_counts for part in parts.values()), strict=True)
    rows = [[name, *(f"{count:,}" for count in row)] for name, *row in per_class]
    console().print(table({"class": "left"} | dict.fromkeys(parts, "right"), rows))
    for item in loaded.skipped:
        note(f"convscope: skipped: {item.file}: {item.reason}")
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
