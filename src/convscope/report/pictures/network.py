"""The network as a row of boxes: how rows and columns become channels, and channels a class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Polygon
from matplotlib.path import Path

from convscope.model.spec import INPUT, Row
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

_ARC = 0.4
_COLORS = {"Conv": RIGHT, "Pool": "#00795a", "Dense": WRONG, "Input": QUIET, "Flatten": NOTE}


@dataclass(frozen=True)
class Box:
    """One shape that the data takes on its way, with the layers that belong to it.

    Attributes:
        shape: Of the data.
        kind: Of the layer that makes it, for the color.
        lines: The text below the box.
        inputs: The positions of the boxes that it takes.
    """

    shape: tuple[int, ...]
    kind: str
    lines: tuple[str, ...]
    inputs: tuple[int, ...] = ()


@picture
def network(rows: Sequence[Row], *, name: str = "") -> Figure:
    """Draw a network from its shape table.

    A box is as high as its rows, as deep as its columns (into the page) and as thick as its channels, each on a
    compressed scale, so that 28 rows and 3 rows fit one picture. Layers that keep the shape are named below the box
    that they work on, and their parameters are counted there. Shortcuts are arcs over the boxes.

    Args:
        rows: `Spec.table()`: 1 to about 30 layers.
        name: The network's name, for the title.
    """
    boxes = _boxes(rows)
    parameters, multiply_adds = (sum(getattr(row, key) for row in rows) for key in ("parameters", "multiply_adds"))
    title = f"{parameters:,} parameters, {_compact(multiply_adds)} multiply-adds an image"
    if name:
        title = f"{drawable(name, width=3.0, size=TITLE_SIZE, bold=True)}: {title}"
    starts = range(0, len(boxes), _COLUMNS)
    wraps = [boxes[i : i + _COLUMNS] for i in starts]
    largest = max(max(box.shape[:2]) for box in boxes if len(box.shape) == 3)
    arcs = [_ARC if any(_shortcuts(boxes, i + column) for column in range(len(boxes[i : i + _COLUMNS]))) else 0.0
            for i in starts]  # fmt: skip
    stages = [
        arc + max(sum(_extent(box.shape, largest)[:2]) for box in wrap) + 0.15
        for arc, wrap in zip(arcs, wraps, strict=True)
    ]
    heights = [
        stage + (max(len(box.lines) for box in wrap) + 1) * _LINE + 0.35
        for stage, wrap in zip(stages, wraps, strict=True)
    ]
    figure, share = sheet(
        title,
        subtitle="Height and depth: rows and columns. Thickness: channels. Scales are compressed, numbers are exact.",
        body=sum(heights),
        description="From the input on: "
        + "; then ".join(_described(boxes, place) for place in range(len(boxes)))
        + ".",
    )
    axes = drawing_area(figure, share)
    y = 0.0
    for start, wrap, stage, height in zip(starts, wraps, stages, heights, strict=True):
        for column, box in enumerate(wrap):
            place = start + column
            more = place + 1 < len(boxes) and place in boxes[place + 1].inputs
            _draw(axes, box, x=MARGIN + column * _COLUMN, floor=y + stage, largest=largest, more=more)
            for source in _shortcuts(boxes, place):
                _draw_shortcut(axes, boxes, source, place, floor=y + stage, largest=largest)
        y += height
    return figure


def _described(boxes: Sequence[Box], place: int) -> str:
    """A box in words, with its inputs unless that is the box before."""
    words, inputs = ", ".join(boxes[place].lines[:2]), boxes[place].inputs
    if inputs in ((), (place - 1,)):
        return words
    return f"{words} of {' and '.join(f'box no. {one + 1}, {boxes[one].lines[0]}' for one in inputs)}"


def _shortcuts(boxes: Sequence[Box], place: int) -> list[int]:
    """The inputs of a box in the same row of boxes, but for the one before it."""
    return [one for one in boxes[place].inputs if one != place - 1 and one // _COLUMNS == place // _COLUMNS]


def _boxes(rows: Sequence[Row]) -> list[Box]:
    """The input, then one box for each layer that makes a new shape or new features."""
    groups: list[list[Row]] = [[]]
    places = {INPUT: 0}
    for row in rows:
        if row.layer.keeps_places and len(row.inputs) == 1 and places[row.inputs[0]] == len(groups) - 1:
            groups[-1].append(row)
        else:
            groups.append([row])
        places[row.name] = len(groups) - 1
    shape = rows[0].input_shapes[0]
    first = Box(shape, "Input", ("Input", _by(shape), *(f"+ {row.layer.label}" for row in groups[0])))
    return [first, *(_box(group, place, places) for place, group in enumerate(groups[1:], start=1))]


def _box(group: Sequence[Row], place: int, places: Mapping[str, int]) -> Box:
    first = group[0]
    parameters, multiply_adds = (sum(getattr(row, key) for row in group) for key in ("parameters", "multiply_adds"))
    lines = [first.layer.label, _by(first.output_shape), _details(first)]
    if parameters:
        lines.append(f"{parameters:,} parameters")
    if multiply_adds:
        lines.append(f"{_compact(multiply_adds)} mult-adds")
    if first.receptive_field:
        lines.append(f"sees {first.receptive_field[0].size}×{first.receptive_field[1].size}")
    activation = getattr(first.layer, "activation", "linear")
    if activation != "linear" and activation != first.layer.label:
        lines.append(f"+ {activation}")
    lines += [f"+ {row.layer.label}" for row in group[1:]]
    inputs = tuple(dict.fromkeys(places[name] for name in first.inputs))
    lines += [f"takes box no. {one + 1}" for one in inputs if one != place - 1 and one // _COLUMNS != place // _COLUMNS]
    return Box(first.output_shape, first.kind, tuple(line for line in lines if line), inputs)


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
    color = next((value for key, value in _COLORS.items() if key in box.kind), QUIET)
    _cuboid(axes, left, floor - 0.08, height=height, slant=slant, thickness=thickness, color=color)
    middle = x + (_COLUMN - 0.2) / 2
    for i, line in enumerate(box.lines):
        bold = i == 0
        text = drawable(line, width=_COLUMN - 0.04, size=8.5 if bold else 8.0, bold=bold)
        style = {"size": 8.5, "weight": "bold", "color": color} if bold else {"size": 8.0, "color": QUIET}
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


def _draw_shortcut(axes: Axes, boxes: Sequence[Box], source: int, target: int, *, floor: float, largest: int) -> None:
    """An arc over the boxes between two that are connected."""
    ends = []
    for place in (source, target):
        height, slant, _ = _extent(boxes[place].shape, largest)
        ends.append((MARGIN + (place % _COLUMNS) * _COLUMN + (_COLUMN - 0.2) / 2, floor - 0.13 - height - slant))
    between = boxes[source : target + 1]
    top = floor - 0.13 - max(sum(_extent(box.shape, largest)[:2]) for box in between) - _ARC
    (left, left_top), (right, right_top) = ends
    curve = Path(
        [(left, left_top), (left, top), (right, top), (right, right_top)],
        [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4],
    )
    axes.add_patch(FancyArrowPatch(path=curve, arrowstyle="->", mutation_scale=9, color=NOTE, linewidth=1.2, zorder=4))


def _extent(shape: tuple[int, ...], largest: int) -> tuple[float, float, float]:
    """Inches: height, slant of the depth, thickness."""
    if len(shape) == 1:
        return 0.16 + 0.075 * math.log2(shape[0] + 1), 0.05, 0.1
    rows, columns, channels = shape
    scale = [0.95 * max((size / largest) ** 0.7, 0.08) for size in (rows, columns)]
    return scale[0], _SLANT * scale[1], 0.05 + 0.055 * math.log2(channels + 1)


def _cuboid(axes: Axes, x: float, y: float, *, height: float, slant: float, thickness: float, color: str) -> None:
    """Front, top and side, with the front's lower left corner at (x, y); y grows downwards."""
    front = [(x, y), (x + thickness, y), (x + thickness, y - height), (x, y - height)]
    top = [front[3], front[2], (front[2][0] + slant, front[2][1] - slant), (x + slant, y - height - slant)]
    side = [front[1], front[2], top[2], (x + thickness + slant, y - slant)]
    for corners, alpha in ((front, 0.85), (top, 0.3), (side, 0.5)):
        axes.add_patch(Polygon(corners, closed=True, facecolor=color, alpha=alpha, linewidth=0))
        axes.add_patch(Polygon(corners, closed=True, fill=False, edgecolor=color, linewidth=0.8))
