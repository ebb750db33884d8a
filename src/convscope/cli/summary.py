"""``convscope summary``."""

from __future__ import annotations

from pathlib import Path

from convscope.cli.drawing import start_drawing
from convscope.cli.output import Output, bar_character, console, say, say_json, table
from convscope.errors import OptionError

BAR = 20
"""Characters of the longest bar."""


def summary(
    model: str = "quick",
    *,
    input_shape: str | None = None,
    num_classes: int | None = None,
    out: Path | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Show the layers of a network: output shapes, parameters, multiply-adds, receptive field.

    Parameters
    ----------
    model
        A preset (classic, quick, accurate, compact, residual), a text file with one Keras layer per line, or a run
        folder.
    input_shape
        Rows x columns x channels of the images, such as 32x32x3. Default: 28x28x1, or the run's own.
    num_classes
        Number of classes. Default: 10, or the run's own.
    out
        Also draw the network, as a PNG.
    """
    from convscope.api.check_output_path import check_output_path
    from convscope.api.summary import summary as summarize
    from convscope.model.spec_parser import spec_lines

    check_output_path(out, model)
    spec = summarize(model, input_shape=_shape(input_shape), num_classes=num_classes).spec
    rows, lines = spec.table(), spec_lines(spec)
    if out:
        start_drawing()
        from convscope.report.pictures.canvas import save
        from convscope.report.pictures.network import network

        save(network(rows, name=spec.name), out)
        output.detail(f"figure {out.resolve()}")
    if output.json:
        layers = [
            {
                "name": row.name,
                "kind": row.kind,
                "inputs": list(row.inputs),
                "layer": line,
                "output_shape": list(row.output_shape),
                "parameters": row.parameters,
                "multiply_adds": row.multiply_adds,
                "receptive_field": [axis.size for axis in row.receptive_field] if row.receptive_field else None,
            }
            for line, row in zip(lines, rows, strict=True)
        ]
        total = {"parameters": spec.parameters, "multiply_adds": spec.multiply_adds}
        say_json({"name": spec.name, "input_shape": list(spec.input_shape), "layers": layers} | total)
        return 0
    say(f"{spec.name}: input {_by(spec.input_shape)}, {spec.num_classes} classes\n")
    block = bar_character()
    cells = [
        [
            str(index),
            line,
            _by(row.output_shape),
            f"{row.parameters:,}",
            f"{row.multiply_adds:,}",
            _by(tuple(axis.size for axis in row.receptive_field)) if row.receptive_field else "all",
            block * round(BAR * row.multiply_adds / max(spec.multiply_adds, 1)),
        ]
        for index, (line, row) in enumerate(zip(lines, rows, strict=True), start=1)
    ]
    columns = {"": "right", "layer": "left", "output": "right", "parameters": "right", "multiply-adds": "right"}
    console().print(table(columns | {"receptive field": "right", "fraction of multiply-adds": "left"}, cells))
    say(f"\n{spec.parameters:,} parameters, {spec.multiply_adds:,} multiply-adds per image.")
    return 0


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(str(side) for side in shape)


def _shape(text: str | None) -> tuple[int, int, int] | None:
    if text is None:
        return None
    parts = text.replace("×", "x").split("x")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 6 for part in parts):
        raise OptionError(
            f"input_shape must be rows x columns x channels, such as 28x28x1. Received: input_shape={text!r}."
        )
    h, w, c = (int(part) for part in parts)
    return h, w, c
