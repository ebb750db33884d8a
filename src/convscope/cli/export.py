"""``convscope export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from convscope.cli.output import Output, console, say, say_json, table


def export(
    run: Path | None = None,
    *,
    to: str = "onnx",
    out: Path | None = None,
    int8: Annotated[bool, Parameter(negative=())] = False,
    photo: Annotated[bool, Parameter(negative=())] = False,
    max_loss: float = 0.1,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Export a trained network to files that run elsewhere, compared with convscope before they are published.

    Parameters
    ----------
    run
        The run folder. Default: the newest below runs/.
    to
        Formats, separated by commas: onnx, litert, c, keras, saved_model, hub, mlflow, container.
    out
        The folder. Default: export in the run folder.
    int8
        Also write quantized files for onnx and litert, calibrated on training images and measured on the test split.
    photo
        Also write model-photo.onnx, which takes images of any size: resizing, channels and polarity are inside.
    max_loss
        Percentage points of accuracy that a quantized file may lose.
    """
    from convscope.api.export import export as export_run
    from convscope.api.exported import COLUMNS

    exported = export_run(run, to=to, out=out, int8=int8, photo=photo, max_loss=max_loss)
    if output.json:
        say_json(exported.to_json())
        return 0
    sides = dict.fromkeys(COLUMNS, "right") | {"file": "left", "opened by": "left"}
    if exported.files:  # a container is not computed with
        console().print(table(sides, [list(one.row()) for one in exported.files]))
        say(f"compared    {exported.images}")
    for line in exported.accuracies:
        say(f"accuracy    {line}")
    say(f"folder      {exported.folder}: see README.md there")
    return 0
