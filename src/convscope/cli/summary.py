"""``convscope summary``."""

from __future__ import annotations

from pathlib import Path

from convscope.cli.drawing import start_drawing
from convscope.cli.output import console, say, say_json, table
from convscope.errors import OptionError


def summary(
    model: str = "quick",
    *,
    input: str | None = None,  # noqa: A002
    classes: int | None = None,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Draw a network's table: output shapes, parameters, multiply-adds, receptive field.

    Example: convscope summary classic --out classic.png

    Parameters
    ----------
    model
        A preset (classic, quick, accurate), a spec file, or a run folder.
    input
        Rows×columns×channels of the images, such as 32x32x3. Default: 28x28x1.
    classes
        How many classes. Default: 10.
    out
        Also draw the network as a picture into this PNG.
    json
        Print the table as JSON.
    """
    from convscope.api.check_output_path import check_output_path
    from convscope.api.summary import summary as summarize
    from convscope.model.spec_parser import keras_call

    check_output_path(out, model)
    spec = summarize(model, input_shape=_shape(input), num_classes=classes).spec
    rows = spec.table()
    if out:
        start_drawing()
        from convscope.report.pictures.canvas import save
        from convscope.report.pictures.network import network

        save(network(rows, name=spec.name), out)
    if json:
        layers = [
            {
                "name": row.name,
                "kind": row.kind,
                "layer": keras_call(row.layer),
                "output_shape": list(row.output_shape),
                "parameters": row.parameters,
                "multiply_adds": row.multiply_adds,
                "receptive_field": [axis.size for axis in row.receptive_field] if row.receptive_field else None,
            }
            for row in rows
        ]
        total = {"parameters": spec.parameters, "multiply_adds": spec.multiply_adds}
        say_json({"name": spec.name, "input_shape": list(spec.input_shape), "layers": layers} | total)
        return 0
    say(f"{spec.name}: input {_by(spec.input_shape)}, {spec.num_classes} classes\n")
    cells = [
        [
            str(index),
            keras_call(row.layer),
            _by(row.output_shape),
            f"{row.parameters:,}",
            f"{row.multiply_adds:,}",
            _by(tuple(axis.size for axis in row.receptive_field)) if row.receptive_field else "all",
            "█" * round(20 * row.multiply_adds / max(spec.multiply_adds, 1)),
        ]
        for index, row in enumerate(rows, start=1)
    ]
    columns = {"": "right", "layer": "left", "output": "right", "parameters": "right", "multiply-adds": "right"}
    console().print(table(columns | {"sees": "right", "share of the work": "left"}, cells))
    say(f"\n{spec.parameters:,} parameters, {spec.multiply_adds:,} multiply-adds an image.")
    return 0


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(str(side) for side in shape)


def _shape(text: str | None) -> tuple[int, int, int] | None:
    if text is None:
        return None
    parts = text.replace("×", "x").split("x")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 6 for part in parts):
        raise OptionError(f"--input must be rows x columns x channels, such as 28x28x1. Received: {text!r}.")
    h, w, c = (int(part) for part in parts)
    return h, w, c
