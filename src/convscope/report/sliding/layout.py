"""Layout of the figure of a sliding window: positions of the grids and size of the cells."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from convscope.errors import OptionError
from convscope.explanation.sliding_window import SlidingWindow
from convscope.report.sliding.numerals import numeral

INK = "#1f2933"
MARK = "#d4006a"
"""Color of the window, as in the page: 5.2:1 on white. It has a white edge, so that it is visible in grayscale too."""

MARGIN = 40
HEADER = 142
"""Pixels above the grids: caption, two lines of formula, and titles."""

FOOTER = 96
"""Pixels below the grids: the step and its equation."""

SIZES = ((1280, 720), (1920, 1080))
"""Slide sizes. The first one on which all numbers are readable is used, or the last; text scales with it."""

LARGEST_CELL = 52
SMALLEST_CELL = 2
SMALLEST_FONT = 11
_GLYPH, _MINUS = 0.64, 0.84
"""Widths of a digit and of a minus sign, as fractions of the font size."""

_TITLE_GLYPH = 9.5
"""Approximate width of a character of a title, in pixels at scale 1."""


@dataclass(frozen=True)
class Panel:
    """Grids of equal size, in rows and columns.

    Attributes:
        title: Title above the grids.
        x: Left edge of the first grid.
        y: Upper edge of the first grid.
        rows: Rows of each grid.
        columns: Columns of each grid.
        count: Number of grids.
        cell: Side of a cell, in pixels.
        font_size: Font size of the numbers; 0 if they would be too small to read.
    """

    title: str
    x: int
    y: int
    rows: int
    columns: int
    count: int
    cell: int
    font_size: int

    def place(self, grid: int, row: int, column: int) -> tuple[int, int]:
        """The upper left corner of a cell."""
        down, across = divmod(grid, _side(self.count))
        gap = _gap(self.cell)
        return (
            self.x + across * (self.columns * self.cell + gap) + column * self.cell,
            self.y + down * (self.rows * self.cell + gap) + row * self.cell,
        )


@dataclass(frozen=True)
class Layout:
    """Layout of a figure; `kernel` is None for pooling, `scale` is 1 for the first of `SIZES`."""

    width: int
    height: int
    scale: float
    input: Panel
    kernel: Panel | None
    output: Panel

    @property
    def panels(self) -> tuple[Panel, ...]:
        """From left to right."""
        return tuple(panel for panel in (self.input, self.kernel, self.output) if panel)


@dataclass(frozen=True)
class _Grid:
    """Content of a panel; `widest` is the width of its widest number, as a fraction of the font size."""

    title: str
    rows: int
    columns: int
    count: int
    widest: float

    def width(self, cell: int, scale: float) -> int:
        return max(_extent(self.columns, _side(self.count), cell), round(len(self.title) * _TITLE_GLYPH * scale))

    def height(self, cell: int) -> int:
        return _extent(self.rows, math.ceil(self.count / _side(self.count)), cell)

    def font_size(self, cell: int) -> int:
        size = min(int(cell * 0.45), int((cell - 6) / self.widest))
        return size if size >= SMALLEST_FONT else 0


def plan(slide: SlidingWindow, *, numbers: bool) -> Layout:
    """Choose the size of the figure and of its cells.

    Raises:
        OptionError: The cells would be too small to see.
    """
    grids = _grids(slide)
    fitting = [(width, _cell(grids, width, height)) for width, height in SIZES]
    legible = [(width, cell) for width, cell in fitting if not numbers or all(grid.font_size(cell) for grid in grids)]
    width, cell = legible[0] if legible else fitting[-1]
    if cell < SMALLEST_CELL:
        raise OptionError(
            "The grids are too large for a figure: cells would be smaller than "
            f"{SMALLEST_CELL} pixels. Received: {slide.caption}.",
            hint="Draw a smaller input, or fewer channels and filters; the terminal and --json have no such limit.",
        )
    scale = width / SIZES[0][0]
    panels, bottom = _panels(grids, width, cell, numbers=numbers)
    kernel = panels[1] if slide.kernel is not None else None
    return Layout(width, round(bottom + FOOTER * scale), scale, panels[0], kernel, panels[-1])


def _grids(slide: SlidingWindow) -> list[_Grid]:
    (h, w, c), (rows, columns, f) = slide.pixels.shape, slide.output.shape
    (top, bottom), (left, right) = slide.padding
    padded = " with padding" if top + bottom + left + right else ""
    title = f"input {h}×{w}{padded}{_times(c, 'channel')}"
    grids = [_Grid(title, h + top + bottom, w + left + right, c, _widest(slide.pixels))]
    if slide.kernel is not None:
        r, s, depth, filters = slide.kernel.shape
        title = f"kernel {r}×{s}{' of each filter' if filters > 1 else ''}"
        grids.append(_Grid(title, r, s, depth, _widest(slide.kernel)))
    title = f"output {rows}×{columns}{_times(f, 'channel' if slide.kernel is None else 'filter')}"
    return [*grids, _Grid(title, rows, columns, f, _widest(slide.output))]


def _times(count: int, noun: str) -> str:
    return f", {count} {noun}s" if count > 1 else ""


def _widest(values: np.ndarray) -> float:
    texts = {numeral(float(value)) for value in np.unique(values)}
    return max(_GLYPH * len(text) + (_MINUS - _GLYPH) * text.count("−") for text in texts)


def _cell(grids: list[_Grid], width: int, height: int) -> int:
    """The largest cell size, in pixels, at which everything fits."""
    scale = width / SIZES[0][0]
    for cell in range(round(LARGEST_CELL * scale), 0, -1):
        needed = 2 * MARGIN * scale + _between(width) * (len(grids) - 1)
        needed += sum(grid.width(cell, scale) for grid in grids)
        tallest = max(grid.height(cell) for grid in grids)
        if needed <= width and tallest <= height - (HEADER + FOOTER) * scale:
            return cell
    return 0


def _panels(grids: list[_Grid], width: int, cell: int, *, numbers: bool) -> tuple[list[Panel], float]:
    """The panels, distributed over the width, and the lower edge of the tallest."""
    scale = width / SIZES[0][0]
    widths = [grid.width(cell, scale) for grid in grids]
    tallest = max(grid.height(cell) for grid in grids)
    gap = min((width - 2 * MARGIN * scale - sum(widths)) / max(len(grids) - 1, 1), 3 * _between(width))
    panels, x = [], MARGIN * scale
    for grid, wide in zip(grids, widths, strict=True):
        y = HEADER * scale + (tallest - grid.height(cell)) / 2
        size = grid.font_size(cell) if numbers else 0
        panels.append(Panel(grid.title, round(x), round(y), grid.rows, grid.columns, grid.count, cell, size))
        x += wide + gap
    return panels, HEADER * scale + tallest


def _extent(cells: int, grids: int, cell: int) -> int:
    return grids * cells * cell + (grids - 1) * _gap(cell)


def _side(count: int) -> int:
    """Number of grids side by side."""
    return math.ceil(math.sqrt(count))


def _gap(cell: int) -> int:
    return max(4, round(cell * 0.4))


def _between(width: int) -> int:
    return width // 32
