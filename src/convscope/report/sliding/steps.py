"""A sliding window as text: grids with the window marked, and the equation of each step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convscope.explanation.sliding_window import Product, SlidingWindow
from convscope.report.sliding.numerals import numeral


def sum_in_words(slide: SlidingWindow, step: int, *, width: int = 100) -> str:
    """The equation of one output.

    Args:
        slide: The sliding window.
        step: 0..steps-1.
        width: Available characters; a longer sum is abbreviated in the middle.

    Example:
        >>> from convscope.explanation.sliding_window import ConvOptions, slide
        >>> sum_in_words(slide(ConvOptions(operation="max", pixels=np.array([[[1], [5]], [[2], [0]]]))), 0)
        'max(1, 5, 2, 0) = 5'
    """
    row, column, filter_index = slide.step(step)
    taps = slide.products(row, column, filter_index)
    result = numeral(float(slide.output[row, column, filter_index]))
    if slide.operation == "conv":
        return _shortened([_factors(tap) for tap in taps], " + ", "", f" = {result}", width)
    seen = [numeral(tap.value) for tap in taps if not tap.is_padding]
    if slide.operation == "max":
        return _shortened(seen, ", ", "max(", f") = {result}", width)
    return _shortened(seen, " + ", "(", f") / {len(seen)} = {result}", width)


def draw_step(slide: SlidingWindow, step: int) -> str:
    """One step: the input with the window in brackets, and the equation."""
    row, column, filter_index = slide.step(step)
    taps = slide.products(row, column, filter_index)
    place = f"output row {row}, column {column}" + (f", filter {filter_index}" if slide.output.shape[2] > 1 else "")
    lines = [f"step {step + 1:,} of {slide.steps:,}: {place}"]
    for channel in sorted({tap.channel for tap in taps}):
        lines.append(draw_input(slide, channel, {(tap.row, tap.column) for tap in taps if tap.channel == channel}))
    return "\n".join([*lines, sum_in_words(slide, step)])


def draw_input(slide: SlidingWindow, channel: int = 0, taps: frozenset | set = frozenset()) -> str:
    """One channel of the input; padding is shown as dots, and the window in brackets."""
    h, w, _ = slide.pixels.shape
    (top, bottom), (left, right) = slide.padding
    cells = [
        [
            (numeral(float(slide.pixels[row, column, channel])) if 0 <= row < h and 0 <= column < w else "·")
            for column in range(-left, w + right)
        ]
        for row in range(-top, h + bottom)
    ]
    marked = {(row + top, column + left) for row, column in taps}
    return "\n".join(_lines(cells, marked))


def draw_grid(values: np.ndarray) -> str:
    """A grid of right-aligned numbers.

    Example:
        >>> print(draw_grid(np.array([[1.0, -2.0], [10.0, 0.5]], np.float32)))
          1   −2
         10  0.5
    """
    return "\n".join(_lines([[numeral(float(value)) for value in row] for row in values], set()))


def _lines(cells: list[list[str]], marked: set[tuple[int, int]]) -> Iterator[str]:
    width = max(len(cell) for row in cells for cell in row)
    for i, row in enumerate(cells):
        text = "".join(f"[{cell:>{width}}]" if (i, j) in marked else f" {cell:>{width}} " for j, cell in enumerate(row))
        yield text.rstrip()


def _factors(tap: Product) -> str:
    weight = numeral(tap.weight)
    return f"{numeral(tap.value)}×({weight})" if tap.weight < 0 else f"{numeral(tap.value)}×{weight}"


def _shortened(parts: list[str], joint: str, head: str, tail: str, width: int) -> str:
    whole = f"{head}{joint.join(parts)}{tail}"
    if len(whole) <= width or len(parts) < 4:
        return whole
    tail = f"{tail}  ({len(parts):,} numbers)"
    for kept in range(len(parts) - 2, 0, -1):
        shown = f"{head}{joint.join([*parts[:kept], '…', parts[-1]])}{tail}"
        if len(shown) <= width:
            return shown
    return f"{head}…{tail}"
