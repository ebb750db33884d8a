"""``convscope data``, and the commands below it."""

from __future__ import annotations

from dataclasses import asdict

from cyclopts import App, Parameter

from convscope.cli.output import console, say, say_json, table


def data(source: str | None = None, *, size: int | None = None, json: bool = False) -> int:
    """List what can be trained on, or describe one data set.

    Example: convscope data my-photos

    Parameters
    ----------
    source
        A data set by name, or a path. Without it, the kinds of data are listed.
    size
        Side to which the pictures would be resampled, in pixels.
    json
        Print the result as JSON.
    """
    from convscope.data.readers import describe_sources

    if source is None:
        sources = describe_sources()
        if json:
            say_json({"sources": [asdict(entry) for entry in sources]})
        else:
            rows = [[entry.form, entry.contents] for entry in sources]
            console().print(table({"data": "left", "what it holds": "left"}, rows))
        return 0
    from convscope.api.load_data import load_data as read_data

    found = read_data(source, size=size)
    parts = {"train": found.train} | ({"test": found.test} if found.test else {})
    if json:
        say_json(
            {
                "source": found.train.source,
                "kind": found.kind,
                "image_shape": list(found.train.image_shape),
                "class_names": list(found.train.class_names),
                "class_counts": {name: list(part.class_counts) for name, part in parts.items()},
                "preprocessing": found.preprocessing.to_json(),
                "skipped": [{"file": item.file, "reason": item.reason} for item in found.skipped],
            }
        )
        return 0
    say(f"{found.train.source} ({found.kind})")
    h, w, c = found.train.image_shape
    say(
        f"images      {h}×{w}, {'grey' if c == 1 else 'RGB'}; " + ", ".join(f"{len(p):,} {n}" for n, p in parts.items())
    )
    contract = found.preprocessing
    say(f"other pictures are brought to this form by: fit {contract.fit}, polarity {contract.polarity}\n")
    counts = zip(found.train.class_names, *(part.class_counts for part in parts.values()), strict=True)
    rows = [[name, *(f"{count:,}" for count in row)] for name, *row in counts]
    console().print(table({"class": "left"} | dict.fromkeys(parts, "right"), rows))
    for item in found.skipped:
        say(f"left out: {item.file}: {item.reason}")
    return 0


commands = App(
    name="data",
    help="List what can be trained on, or describe one data set.",
    help_epilogue="Example:  convscope data my-photos",
    default_parameter=Parameter(negative=()),
    help_format="plaintext",
)
commands.default(data)
commands.command(
    "convscope.cli.check_data:check",
    name="check",
    help="Look a data set through for what spoils a training: copies, wrong labels, unreadable files, and more.",
    help_epilogue="Example:  convscope data check my-photos --out check.html",
)
