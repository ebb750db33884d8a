"""The layers of a network for one image: feature maps, filters, and rows of numbers, as a part of a sheet."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from convscope.explanation.attribution import colors, to_pixels
from convscope.explanation.explanation import Explanation
from convscope.model.forward import layer_weights
from convscope.model.spec import Row
from convscope.report.pictures.canvas import DPI, FAINT, INK, MARGIN, QUIET, WIDTH, text_on
from convscope.report.pictures.text_layout import drawable

_HEAD = 0.62
_LABEL = 1.62
_COLUMNS = 14
_STEP = (WIDTH - 2 * MARGIN - _LABEL) / _COLUMNS
_TILE = _STEP - 0.05
_FILTER = 0.4
_STRIP = 0.3
_GAP = 0.16
_TWO_LINES = 0.34
_MOST_ROWS = 40


@dataclass(frozen=True)
class _Line:
    """One layer: its row of the shape table, its output, and its filters, if any."""

    row: Row
    values: np.ndarray
    filters: np.ndarray | None
    is_last: bool

    @property
    def height(self) -> float:
        if self.values.ndim == 1:
            return _STRIP + _GAP
        tall = _TILE * min(1.0, self.values.shape[0] / self.values.shape[1])
        return max(tall, _TWO_LINES) + _GAP + self.filter_height

    @property
    def filter_height(self) -> float:
        return 0.0 if self.filters is None else _FILTER + 0.06


def layers_height(explained: Explanation) -> float:
    """Inches that `draw_layers` needs."""
    return _HEAD + sum(line.height for line in _lines(explained))


def draw_layers(axes: Axes, explained: Explanation, y: float) -> None:
    """Draw each layer's strongest feature maps, and below them the filters that made them.

    Args:
        axes: From `drawing_area`.
        explained: What to draw.
        y: Inches from the top.
    """
    axes.text(MARGIN, y + 0.12, "Feature maps of each layer", size=10.5, weight="bold", va="center")
    axes.text(
        MARGIN,
        y + 0.32,
        "The maps with the largest values first, and below each its filter: of several channels "
        "the one with the largest weight.",
        size=8.5,
        color=QUIET,
        va="center",
    )
    y += _HEAD
    for line in _lines(explained):
        if line.values.ndim == 1:
            _draw_numbers(axes, line, explained, y)
        else:
            _draw_maps(axes, line, y)
        y += line.height


def scale_bar(axes: Axes, x: float, y: float, width: float, reach: float) -> None:
    """The color scale, centered at zero, with its limits."""
    bar = 0.34 * width
    left = x + (width - bar) / 2
    shades = colors(np.linspace(-1, 1, 101)[None], 1.0)
    axes.imshow(shades, extent=(left, left + bar, y + 0.1, y), aspect="auto", zorder=2)
    axes.add_patch(Rectangle((left, y), bar, 0.1, fill=False, edgecolor=FAINT, linewidth=0.8, zorder=3))
    for words, at, side in ((f"−{reach:.2g}", left - 0.05, "right"), (f"+{reach:.2g}", left + bar + 0.05, "left")):
        axes.text(at, y + 0.05, words, size=7.5, color=QUIET, ha=side, va="center")


def _lines(explained: Explanation) -> Iterator[_Line]:
    rows = explained.network.spec.table()
    pairs = [
        (row, activation)
        for row, activation in zip(rows, explained.activations.layers, strict=True)
        if row.layer.is_shown
    ]
    if len(pairs) > _MOST_ROWS:
        pairs = pairs[: _MOST_ROWS // 2] + pairs[-_MOST_ROWS // 2 :]
    for row, activation in pairs:
        is_last = row is rows[-1]
        values = (activation.pre_activation if is_last else activation.output)[0]
        yield _Line(row, values, _filters(explained, row), is_last)


def _filters(explained: Explanation, row: Row) -> np.ndarray | None:
    """For each feature map the filter's slice at the channel with the largest weight, ``(r, s, f)``."""
    kernel = row.layer.filters_of(layer_weights(row, explained.network.weights))
    if kernel is None:
        return None
    strongest = np.abs(kernel).max(axis=(0, 1)).argmax(axis=0)
    return kernel[:, :, strongest, np.arange(kernel.shape[3])]


def _draw_maps(axes: Axes, line: _Line, y: float) -> None:
    values = line.values
    strength = np.abs(values).max(axis=(0, 1))
    order = np.argsort(-strength, kind="stable")[:_COLUMNS]
    height = line.height - _GAP - line.filter_height
    shown = f"{len(order)} of {values.shape[2]} maps" if len(order) < values.shape[2] else f"{values.shape[2]} maps"
    _label(axes, line, y, f"{values.shape[0]}×{values.shape[1]}, {shown}")
    reach = float(strength.max(initial=0.0))
    for column, channel in enumerate(order):
        x = MARGIN + _LABEL + column * _STEP
        _tile(axes, values[:, :, channel], (x, y, _TILE, height), reach)
        if line.filters is not None:
            one = line.filters[:, :, channel]
            side = _FILTER / max(one.shape)
            left = x + (_TILE - one.shape[1] * side) / 2
            below = y + height + 0.05
            box = (left, below, one.shape[1] * side, one.shape[0] * side)
            _tile(axes, one, box, float(np.abs(line.filters).max()))
    if line.filters is not None:
        words = f"filters {line.filters.shape[0]}×{line.filters.shape[1]}, to ±{np.abs(line.filters).max():.2g}"
        axes.text(MARGIN, y + height + 0.05 + _FILTER / 2, words, size=7.5, color=QUIET, va="center")


def _tile(axes: Axes, values: np.ndarray, box: tuple[float, float, float, float], reach: float) -> None:
    """One map in the middle of a box of left, top, width and height."""
    h, w = values.shape
    x, y, width, height = box
    fit = min(width / w, height / h)
    left, top = x + (width - w * fit) / 2, y + (height - h * fit) / 2
    extent = (left, left + w * fit, top + h * fit, top)
    cell = max(1, math.ceil(2 * fit * DPI)) if max(h, w) <= 64 else 1
    pixels = to_pixels(values, cell=cell, reach=reach)
    axes.imshow(pixels, extent=extent, aspect="auto", interpolation="antialiased", zorder=2)
    axes.add_patch(Rectangle((left, top), w * fit, h * fit, fill=False, edgecolor=FAINT, linewidth=0.6, zorder=3))


def _draw_numbers(axes: Axes, line: _Line, explained: Explanation, y: float) -> None:
    """A layer without rows and columns: one strip; the logits with their classes."""
    values, width = line.values, _COLUMNS * _STEP - 0.05
    reach = float(np.abs(values).max(initial=0.0))
    x = MARGIN + _LABEL
    _label(axes, line, y, f"{len(values)} logits" if line.is_last else f"{len(values)} numbers")
    if not line.is_last or len(values) > 12:
        shades = colors(values[None], reach)
        extent = (x, x + width, y + _STRIP, y)
        axes.imshow(shades, extent=extent, aspect="auto", interpolation="antialiased", zorder=2)
        axes.add_patch(Rectangle((x, y), width, _STRIP, fill=False, edgecolor=FAINT, linewidth=0.6, zorder=3))
        return
    step = width / len(values)
    for index, value in enumerate(values):
        shade = tuple(colors(np.array([value]), reach)[0] / 255)
        axes.add_patch(
            Rectangle((x + index * step, y), step - 0.04, _STRIP, facecolor=shade, edgecolor=FAINT, linewidth=0.6)
        )
        name = drawable(explained.network.class_names[index], index=index, width=step - 0.4, size=8.0, bold=True)
        style = {"size": 8.0, "va": "center", "color": text_on(shade)}
        axes.text(x + index * step + 0.05, y + _STRIP / 2, name, weight="bold", **style)
        axes.text(x + (index + 1) * step - 0.09, y + _STRIP / 2, f"{value:.1f}".replace("-", "−"), ha="right", **style)


def _label(axes: Axes, line: _Line, y: float, form: str) -> None:
    low, high = float(line.values.min()), float(line.values.max())
    name = drawable(line.row.name, width=_LABEL - 0.1, size=8.5, bold=True)
    axes.text(MARGIN, y + 0.07, name, size=8.5, weight="bold", color=INK, va="center")
    axes.text(MARGIN, y + 0.23, drawable(form, width=_LABEL - 0.1, size=7.5), size=7.5, color=QUIET, va="center")
    if line.values.ndim > 1 and line.height - line.filter_height > 0.5:
        axes.text(MARGIN, y + 0.37, f"{low:.2g} to {high:.2g}".replace("-", "−"), size=7.5, color=QUIET, va="center")
