"""``convscope export``."""

from __future__ import annotations

from pathlib import Path

from convscope.cli.output import Output, console, say, say_json, table


def export(
    run: Path | None = None,
    *,
    to: str = "onnx",
    out: Path | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Export a trained network to files that run elsewhere, compared with convscope before they are published.

    Parameters
    ----------
    run
        The run folder. Default: the newest below runs/.
    to
        Formats, separated by commas: onnx, litert, c.
    out
        The folder. Default: export in the run folder.
    """
    from convscope.api.export import COLUMNS
    from convscope.api.export import export as export_run

    exported = export_run(run, to=to, out=out)
    if output.json:
        say_json(exported.to_json())
        return 0
    sides = dict.fromkeys(COLUMNS, "right") | {"file": "left", "opened by": "left"}
    console().print(table(sides, [list(one.row()) for one in exported.files]))
    say(f"compared    {exported.images}")
    say(f"folder      {exported.folder}: see README.md there")
    return 0
