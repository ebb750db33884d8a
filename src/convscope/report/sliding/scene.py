"""The shapes of a sliding window figure: permanent ones, and those of each step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from convscope.explanation.sliding_window import SlidingWindow
from convscope.report.sliding.layout import INK, MARGIN, MARK, Layout, Panel, plan
from convscope.report.sliding.numerals import numeral, shade
from convscope.report.sliding.steps import sum_in_words

QUIET = "#5f6b7a"
LINE = "#aab4c0"
PAPER = "#ffffff"
MAX_FRAMES = 120
_SUM_CHARACTERS = 100
_SMALLEST_DOTTED = 6


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; `fill` and `stroke` are ``#rrggbb`` or None."""

    x: int
    y: int
    width: int
    height: int
    fill: str | None = None
    stroke: str | None = None
    stroke_width: int = 1
    dashed: bool = False


@dataclass(frozen=True)
class Text:
    """One line of text; ``y`` is its middle, ``x`` its start or its middle."""

    x: float
    y: float
    text: str
    size: int
    color: str = INK
    centered: bool = False
    bold: bool = False


Shape = Box | Text


@dataclass(frozen=True)
class Frame:
    """One step: shapes that remain visible from then on, and shapes that are visible only during the step."""

    index: int
    stays: tuple[Shape, ...]
    passes: tuple[Shape, ...]


@dataclass(frozen=True)
class Scene:
    """Everything to draw, in pixels.

    Attributes:
        width: Width of the figure.
        height: Height of the figure.
        title: The caption.
        description: A text description of the figure.
        still: Shapes that are always visible, back to front.
        frames: The steps to draw: all of them, or evenly spaced ones including the first and the last.
        numbered: Whether all grids have numbers; they are omitted if they would be too small to read.
    """

    width: int
    height: int
    title: str
    description: str
    still: tuple[Shape, ...]
    frames: tuple[Frame, ...]
    numbered: bool


def scene(slide: SlidingWindow, *, numbers: bool = True, frames: int = MAX_FRAMES) -> Scene:
    """Lay out a sliding window.

    Args:
        slide: The sliding window.
        numbers: Whether cells have numbers.
        frames: Maximum number of steps to draw, >= 1.

    Raises:
        OptionError: The grids are too large for a figure.

    Example:
        >>> from convscope.explanation.sliding_window import ConvOptions, slide
        >>> made = scene(slide(ConvOptions()))
        >>> len(made.frames), made.numbered
        (49, True)
    """
    layout = plan(slide, numbers=numbers)
    chosen = _chosen(slide.steps, frames)
    rows, columns, filters = slide.output.shape
    what = {"conv": "A convolution", "max": "Max pooling", "average": "Average pooling"}[slide.operation]
    description = (
        f"{what} step by step: a {slide.window.kernel_size[0]} by {slide.window.kernel_size[1]} window slides over the "
        f"input on the left; each position gives one number of the {rows} by {columns} output on the right"
        f"{f', for each of {filters} filters' if filters > 1 else ''}. {slide.caption}."
    )
    drawn = _Drawing(slide, layout)
    return Scene(
        layout.width, layout.height, slide.caption, description,
        tuple(drawn.still()), tuple(drawn.frames(chosen)), all(panel.font_size for panel in layout.panels),
    )  # fmt: skip


def _chosen(steps: int, frames: int) -> list[int]:
    if steps <= frames:
        return list(range(steps))
    return sorted({round(i * (steps - 1) / max(frames - 1, 1)) for i in range(frames)})


class _Drawing:
    def __init__(self, slide: SlidingWindow, layout: Layout) -> None:
        self.slide, self.layout = slide, layout
        self.range = float(slide.output.min()), float(slide.output.max())

    def still(self) -> Iterator[Shape]:
        slide, layout = self.slide, self.layout
        yield self._line(34, slide.caption, 22, bold=True)
        for index, line in enumerate(slide.formula.splitlines()):
            yield self._line(67 + index * 22, " ".join(line.split()), 16, color=QUIET)
        for panel in layout.panels:
            yield Text(float(panel.x), panel.y - 17 * layout.scale, panel.title, round(16 * layout.scale), QUIET)
        yield from self._input()
        for channel in range(slide.output.shape[2]):
            for row in range(slide.output.shape[0]):
                for column in range(slide.output.shape[1]):
                    yield self._cell(layout.output, channel, row, column)
        if slide.kernel is not None and slide.kernel.shape[3] == 1:
            yield from self._kernel(0)

    def frames(self, chosen: list[int]) -> Iterator[Frame]:
        done = 0
        for index in chosen:
            stays = [shape for step in range(done, index + 1) for shape in self._result(step)]
            done = index + 1
            yield Frame(index, tuple(stays), tuple(self._window(index)))

    def _input(self) -> Iterator[Shape]:
        panel, pixels = self.layout.input, self.slide.pixels
        h, w, channels = pixels.shape
        (top, bottom), (left, right) = self.slide.padding
        low, high = float(pixels.min()), float(pixels.max())
        for channel in range(channels):
            for row in range(-top, h + bottom):
                for column in range(-left, w + right):
                    if 0 <= row < h and 0 <= column < w:
                        value = float(pixels[row, column, channel])
                        yield self._cell(
                            panel, channel, row + top, column + left, shade(value, low, high, deep=not panel.font_size)
                        )
                        yield from self._number(panel, channel, row + top, column + left, value)
                    else:
                        yield self._cell(panel, channel, row + top, column + left, PAPER, dashed=True)
                        if self.slide.kernel is not None:
                            yield from self._number(panel, channel, row + top, column + left, 0.0, QUIET)

    def _kernel(self, filter_index: int) -> Iterator[Shape]:
        kernel, panel = self.slide.kernel, self.layout.kernel
        if kernel is None or panel is None:
            return
        low, high = float(kernel.min()), float(kernel.max())
        for channel in range(kernel.shape[2]):
            for row in range(kernel.shape[0]):
                for column in range(kernel.shape[1]):
                    value = float(kernel[row, column, channel, filter_index])
                    yield self._cell(panel, channel, row, column, shade(value, low, high, deep=not panel.font_size))
                    yield from self._number(panel, channel, row, column, value)

    def _result(self, step: int) -> Iterator[Shape]:
        row, column, filter_index = self.slide.step(step)
        output = self.slide.output
        value = float(output[row, column, filter_index])
        panel, (low, high) = self.layout.output, self.range
        color = shade(value, low, high, deep=not panel.font_size)
        yield self._cell(panel, filter_index, row, column, color)
        yield from self._number(panel, filter_index, row, column, value)

    def _window(self, step: int) -> Iterator[Shape]:
        """Shapes of one step: the window, its output cell, the kernel of this filter, and the equation."""
        slide, layout = self.slide, self.layout
        row, column, filter_index = slide.step(step)
        (top, _), (left, _) = slide.padding
        taps = slide.products(row, column, filter_index)
        if slide.kernel is not None and slide.kernel.shape[3] > 1:
            yield from self._kernel(filter_index)
        if max(slide.window.dilation_rate) > 1:
            for tap in taps:
                yield from self._outline(layout.input, tap.channel, tap.row + top, tap.column + left, (1, 1), 2)
        rows = taps[-1].row - taps[0].row + 1, taps[-1].column - taps[0].column + 1
        for channel in sorted({tap.channel for tap in taps}):
            yield from self._outline(layout.input, channel, taps[0].row + top, taps[0].column + left, rows, 4)
        yield from self._outline(layout.output, filter_index, row, column, (1, 1), 4)
        place = f"output row {row}, column {column}" + (f", filter {filter_index}" if layout.output.count > 1 else "")
        yield self._line(-62, f"Step {step + 1:,} of {slide.steps:,} · {place}", 16, color=QUIET)
        yield self._line(-32, sum_in_words(slide, step, width=_SUM_CHARACTERS), 20, bold=True)

    def _line(self, y: int, text: str, size: int, *, color: str = INK, bold: bool = False) -> Text:
        """A line of text at the left margin; a negative height counts from the bottom."""
        scale = self.layout.scale
        height = y * scale + (self.layout.height if y < 0 else 0)
        return Text(MARGIN * scale, height, text, round(size * scale), color, bold=bold)

    def _cell(
        self, panel: Panel, channel: int, row: int, column: int, fill: str = PAPER, *, dashed: bool = False
    ) -> Box:
        x, y = panel.place(channel, row, column)
        stroke = LINE if panel.cell > 5 else None
        return Box(x, y, panel.cell, panel.cell, fill, stroke, dashed=dashed)

    def _outline(
        self, panel: Panel, channel: int, row: int, column: int, size: tuple[int, int], width: int
    ) -> Iterator[Box]:
        """A frame with a white edge, so that it is visible on dark shades in grayscale too."""
        x, y = panel.place(channel, row, column)
        width = width if panel.cell > 5 else 1
        for stroke, wide in ((PAPER, width + 3), (MARK, width)):
            yield Box(x, y, size[1] * panel.cell, size[0] * panel.cell, None, stroke, wide)

    def _number(
        self, panel: Panel, channel: int, row: int, column: int, value: float, color: str = INK
    ) -> Iterator[Shape]:
        """The number, or a dot for a negative number, so that the sign is not shown by color alone."""
        x, y = panel.place(channel, row, column)
        half = panel.cell / 2
        if panel.font_size:
            yield Text(x + half, y + half, numeral(value), panel.font_size, color, centered=True)
        elif value < 0 and panel.cell >= _SMALLEST_DOTTED:
            third = panel.cell // 3
            yield Box(x + third, y + third, panel.cell - 2 * third, panel.cell - 2 * third, PAPER)
