"""Where the grids of a sliding window lie on a picture, and how large a cell is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from convscope.errors import OptionError
from convscope.explain.convolution import Slide
from convscope.report.sliding.numerals import numeral

INK = "#1f2933"
MARK = "#b84a00"
"""Dark enough to stand out from every shade of a cell in grey, too: 5.2:1 on white."""

MARGIN = 40
HEADER = 118
"""Pixels above the grids: the caption, two lines of formula, the grids' names."""

FOOTER = 96
"""Pixels below the grids: the step and its sum."""

SIZES = ((1280, 720), (1920, 1080), (2560, 1440))
"""Pictures fill the first of these slides on which the numbers can be read."""

LARGEST_CELL = 52
SMALLEST_CELL = 2
SMALLEST_FONT = 11
_GLYPH, _MINUS = 0.64, 0.84
"""The widths of a digit and of a minus sign, as shares of the font's size."""


@dataclass(frozen=True)
class Panel:
    """Grids of one size, side by side and below each other.

    Attributes:
        title: What they are.
        x: Left edge of the first grid.
        y: Its upper edge.
        rows: Of each grid.
        columns: Of each grid.
        count: How many grids.
        cell: Pixels a side.
    """

    title: str
    x: float
    y: float
    rows: int
    columns: int
    count: int
    cell: int

    def place(self, grid: int, row: int, column: int) -> tuple[float, float]:
        """The upper left corner of a cell."""
        down, across = divmod(grid, _side(self.count))
        gap = _gap(self.cell)
        return (
            self.x + across * (self.columns * self.cell + gap) + column * self.cell,
            self.y + down * (self.rows * self.cell + gap) + row * self.cell,
        )


@dataclass(frozen=True)
class Layout:
    """A whole picture; `kernel` is None for a pooling."""

    width: int
    height: int
    input: Panel
    kernel: Panel | None
    output: Panel
    font_size: int
    numbered: bool

    @property
    def panels(self) -> tuple[Panel, ...]:
        """From left to right."""
        return tuple(panel for panel in (self.input, self.kernel, self.output) if panel)


def plan(slide: Slide, *, numbers: bool) -> Layout:
    """Choose the size of the picture and of its cells.

    Raises:
        OptionError: The cells would be smaller than a person can see.
    """
    grids = _grids(slide)
    widest = _widest(slide)
    fitting = [(width, _cell(grids, width, height)) for width, height in SIZES]
    legible = [(width, cell) for width, cell in fitting if not numbers or _font_size(cell, widest) >= SMALLEST_FONT]
    width, cell = legible[0] if legible else fitting[-1]
    font_size = _font_size(cell, widest)
    if cell < SMALLEST_CELL:
        raise OptionError(
            "The grids are too large for a picture: their cells would be smaller than "
            f"{SMALLEST_CELL} pixels. Received: {slide.caption}.",
            hint="Draw a smaller input, or fewer channels and filters; the terminal and --json have no such limit.",
        )
    panels, bottom = _panels(grids, width, cell)
    kernel = panels[1] if slide.kernel is not None else None
    numbered = numbers and font_size >= SMALLEST_FONT
    return Layout(width, round(bottom) + FOOTER, panels[0], kernel, panels[-1], font_size, numbered)


def _font_size(cell: int, widest: float) -> int:
    return min(int(cell * 0.45), int((cell - 6) / widest))


def _grids(slide: Slide) -> list[tuple[str, int, int, int]]:
    """Title, rows, columns and count of each panel."""
    (h, w, c), (rows, columns, f) = slide.pixels.shape, slide.output.shape
    (top, bottom), (left, right) = slide.padding
    padded = " with padding" if top + bottom + left + right else ""
    grids = [(f"input {h}×{w}{padded}{_times(c, 'channel')}", h + top + bottom, w + left + right, c)]
    if slide.kernel is not None:
        r, s, depth, filters = slide.kernel.shape
        grids.append((f"kernel {r}×{s}{' of each filter' if filters > 1 else ''}", r, s, depth))
    return [
        *grids,
        (f"output {rows}×{columns}{_times(f, 'filter' if slide.kernel is not None else 'channel')}", rows, columns, f),
    ]


def _times(count: int, noun: str) -> str:
    return f", {count} {noun}s" if count > 1 else ""


def _widest(slide: Slide) -> float:
    """How wide the widest number is, as a share of the font's size."""
    arrays = [slide.pixels, slide.output] + ([] if slide.kernel is None else [slide.kernel])
    texts = {numeral(float(value)) for array in arrays for value in np.unique(array)}
    return max(_GLYPH * len(text) + (_MINUS - _GLYPH) * text.count("−") for text in texts)


def _cell(grids: list[tuple[str, int, int, int]], width: int, height: int) -> int:
    """The largest cell, in pixels, with which everything fits."""
    for cell in range(LARGEST_CELL, 0, -1):
        needed_width = 2 * MARGIN + _between(width) * (len(grids) - 1)
        needed_width += sum(max(_extent(columns, _side(n), cell), _title(title)) for title, _, columns, n in grids)
        needed_height = max(_extent(rows, math.ceil(n / _side(n)), cell) for _, rows, _, n in grids)
        if needed_width <= width and needed_height <= height - HEADER - FOOTER:
            return cell
    return 0


def _panels(grids: list[tuple[str, int, int, int]], width: int, cell: int) -> tuple[list[Panel], float]:
    """The panels, spread over the width, and the lower edge of the tallest."""
    widths = [max(_extent(columns, _side(n), cell), _title(title)) for title, _, columns, n in grids]
    heights = [_extent(rows, math.ceil(n / _side(n)), cell) for _, rows, _, n in grids]
    gap = min((width - 2 * MARGIN - sum(widths)) / max(len(grids) - 1, 1), 3 * _between(width))
    panels, x = [], float(MARGIN)
    for (title, rows, columns, n), wide, high in zip(grids, widths, heights, strict=True):
        panels.append(Panel(title, x, HEADER + 24 + (max(heights) - high) / 2, rows, columns, n, cell))
        x += wide + gap
    return panels, HEADER + 24 + max(heights)


def _extent(cells: int, grids: int, cell: int) -> float:
    return grids * cells * cell + (grids - 1) * _gap(cell)


def _side(count: int) -> int:
    """How many grids stand side by side."""
    return math.ceil(math.sqrt(count))


def _gap(cell: int) -> float:
    return max(4.0, cell * 0.4)


def _between(width: int) -> int:
    return width // 32


def _title(title: str) -> float:
    """About how wide a panel's name is."""
    return len(title) * 9.5
