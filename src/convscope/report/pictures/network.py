"""The network as a row of boxes: how rows and columns turn into channels, and channels into a class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from convscope.model.spec import Row
from convscope.report.pictures.canvas import (
    INK,
    MARGIN,
    NOTE,
    QUIET,
    RIGHT,
    TITLE_SIZE,
    WIDTH,
    WRONG,
    drawing_area,
    picture,
    sheet,
)
from convscope.report.pictures.text_layout import drawable

_COLUMNS = 7
_COLUMN = (WIDTH - 2 * MARGIN) / _COLUMNS
_LINE = 0.155
_SLANT = 0.32

# These change no shape, so they belong to the box before them.
_ATTACHED = frozenset({"BatchNormalization", "ReLU", "Activation", "Softmax", "Dropout"})
_COLOURS = {"Conv": RIGHT, "Pool": "#00795a", "Dense": WRONG, "Input": QUIET, "Flatten": NOTE}


@dataclass(frozen=True)
class Box:
    """One shape that the data takes on its way, with the layers that belong to it."""

    shape: tuple[int, ...]
    kind: str
    lines: tuple[str, ...]


@picture
def network(rows: Sequence[Row], *, name: str = "") -> Figure:
    """Draw a network from its shape table.

    A box is as high as its rows, as deep as its columns (into the page) and as thick as its channels, each on a
    compressed scale, so that 28 rows and 3 rows fit one picture. Layers that keep the shape are named below the box
    that they work on, and their parameters are counted there.

    Args:
        rows: `Spec.table()`: 1 to about 30 layers.
        name: The network's name, for the title.
    """
    boxes = _boxes(rows)
    parameters, multiply_adds = (sum(getattr(row, key) for row in rows) for key in ("parameters", "multiply_adds"))
    title = f"{parameters:,} parameters, {_compact(multiply_adds)} multiply-adds an image"
    if name:
        title = f"{drawable(name, width=3.0, size=TITLE_SIZE, bold=True)}: {title}"
    wraps = [boxes[i : i + _COLUMNS] for i in range(0, len(boxes), _COLUMNS)]
    largest = max(max(box.shape[:2]) for box in boxes if len(box.shape) == 3)
    stages = [max(sum(_extent(box.shape, largest)[:2]) for box in wrap) + 0.15 for wrap in wraps]
    heights = [
        stage + (max(len(box.lines) for box in wrap) + 1) * _LINE + 0.35
        for stage, wrap in zip(stages, wraps, strict=True)
    ]
    figure, share = sheet(
        title,
        subtitle="Height and slant: rows and columns. Thickness: channels. Scales are compressed, numbers are exact.",
        body=sum(heights),
        description="From the input on: " + "; then ".join(", ".join(box.lines[:2]) for box in boxes) + ".",
    )
    axes = drawing_area(figure, share)
    y = 0.0
    for wrap, stage, height in zip(wraps, stages, heights, strict=True):
        for column, box in enumerate(wrap):
            more = column + 1 < len(wrap) or wrap is not wraps[-1]
            _draw(axes, box, x=MARGIN + column * _COLUMN, floor=y + stage, largest=largest, more=more)
        y += height
    return figure


def _boxes(rows: Sequence[Row]) -> list[Box]:
    """The input, then one box for each layer that makes a new shape or new features."""
    boxes = [Box(rows[0].input_shape, "Input", ("Input", _by(rows[0].input_shape)))]
    group: list[Row] = []
    for row in rows:
        if row.kind not in _ATTACHED:
            if group:
                boxes.append(_box(group))
            group = [row]
        elif group:
            group.append(row)
        else:  # before the first layer of its own: it works on the input
            boxes[0] = Box(boxes[0].shape, "Input", (*boxes[0].lines, f"+ {_attached(row)}"))
    return [*boxes, _box(group)] if group else boxes


def _box(group: Sequence[Row]) -> Box:
    first = group[0]
    parameters, multiply_adds = (sum(getattr(row, key) for row in group) for key in ("parameters", "multiply_adds"))
    lines = [_title(first), _by(first.output_shape), _details(first)]
    if parameters:
        lines.append(f"{parameters:,} parameters")
    if multiply_adds:
        lines.append(f"{_compact(multiply_adds)} mult-adds")
    if first.receptive_field:
        lines.append(f"sees {first.receptive_field[0].size}×{first.receptive_field[1].size}")
    activation = getattr(first.layer, "activation", "linear")
    if activation != "linear":
        lines.append(f"+ {activation}")
    lines += [f"+ {_attached(row)}" for row in group[1:]]
    return Box(first.output_shape, first.kind, tuple(line for line in lines if line))


def _title(row: Row) -> str:
    short = row.kind.replace("GlobalAverage", "GlobalAvg").replace("Average", "Avg").replace("Pooling2D", "Pool")
    return short.replace("SeparableConv2D", "SeparableConv").replace("DepthwiseConv2D", "DepthwiseConv")


def _details(row: Row) -> str:
    """The options that tell one layer of a kind from another."""
    layer = row.layer
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    parts = [_by(window)] if window else []
    strides = getattr(layer, "strides", None)
    if strides and strides != (1, 1) and (strides != window or "Conv" in row.kind):
        parts.append(f"stride {_by(strides) if strides[0] != strides[1] else strides[0]}")
    dilation = getattr(layer, "dilation_rate", (1, 1))
    if dilation != (1, 1):
        parts.append(f"dil. {dilation[0]}")
    if getattr(layer, "groups", 1) > 1:
        parts.append(f"{layer.groups} groups")
    if getattr(layer, "padding", "valid") == "same":
        parts.append("same")
    return ", ".join(parts)


def _attached(row: Row) -> str:
    if row.kind == "Activation":
        return str(getattr(row.layer, "activation", "activation"))
    if row.kind == "Dropout":
        return f"Dropout {getattr(row.layer, 'rate', 0):g}"
    return "BatchNorm" if row.kind == "BatchNormalization" else row.kind


def _by(sizes: Sequence[int]) -> str:
    return "×".join(f"{size:,}" for size in sizes)


def _compact(number: int) -> str:
    for factor, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= factor:
            return f"{number / factor:.3g} {letter}"
    return str(number)


def _draw(axes: Axes, box: Box, *, x: float, floor: float, largest: int, more: bool) -> None:
    """One box standing on the stage's floor, its text below, an arrow to the next."""
    height, slant, thickness = _extent(box.shape, largest)
    left = x + (_COLUMN - 0.2 - thickness - slant) / 2
    colour = next((value for key, value in _COLOURS.items() if key in box.kind), QUIET)
    _cuboid(axes, left, floor - 0.08, height=height, slant=slant, thickness=thickness, colour=colour)
    middle = x + (_COLUMN - 0.2) / 2
    for i, line in enumerate(box.lines):
        bold = i == 0
        text = drawable(line, width=_COLUMN - 0.04, size=8.5 if bold else 8.0, bold=bold)
        style = {"size": 8.5, "weight": "bold", "color": colour} if bold else {"size": 8.0, "color": QUIET}
        if i == 1:
            style["color"] = INK
        axes.text(middle, floor + 0.12 + i * _LINE, text, ha="center", va="center", **style)
    if more:
        axes.annotate(
            "",
            xy=(x + _COLUMN + 0.02, floor - 0.3),
            xytext=(x + _COLUMN - 0.18, floor - 0.3),
            arrowprops={"arrowstyle": "->", "color": QUIET, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0},
            annotation_clip=False,
        )


def _extent(shape: tuple[int, ...], largest: int) -> tuple[float, float, float]:
    """Inches: height, slant of the depth, thickness."""
    if len(shape) == 1:
        return 0.16 + 0.075 * math.log2(shape[0] + 1), 0.05, 0.1
    rows, columns, channels = shape
    scale = [0.95 * max((size / largest) ** 0.7, 0.08) for size in (rows, columns)]
    return scale[0], _SLANT * scale[1], 0.05 + 0.055 * math.log2(channels + 1)


def _cuboid(axes: Axes, x: float, y: float, *, height: float, slant: float, thickness: float, colour: str) -> None:
    """Front, top and side, with the front's lower left corner at (x, y); y grows downwards."""
    front = [(x, y), (x + thickness, y), (x + thickness, y - height), (x, y - height)]
    top = [front[3], front[2], (front[2][0] + slant, front[2][1] - slant), (x + slant, y - height - slant)]
    side = [front[1], front[2], top[2], (x + thickness + slant, y - slant)]
    for corners, alpha in ((front, 0.85), (top, 0.3), (side, 0.5)):
        axes.add_patch(Polygon(corners, closed=True, facecolor=colour, alpha=alpha, linewidth=0))
        axes.add_patch(Polygon(corners, closed=True, fill=False, edgecolor=colour, linewidth=0.8))
