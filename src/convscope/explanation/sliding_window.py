"""A sliding window over one input: its output, and each output value as a sum of products.

Sizes come from `convscope.arithmetic` and values from `convscope.model.ops`, which also run every network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from convscope.arithmetic import output_size_formula, padding_split
from convscope.errors import OptionError
from convscope.explanation import shape_check
from convscope.model import ops
from convscope.model.window import Window

OPERATIONS = ("conv", "max", "average")
MAX_SIZE, MAX_KERNEL, MAX_STEP, MAX_CHANNELS = 512, 64, 64, 64
MAX_MULTIPLY_ADDS = 10**9

Pair = tuple[int, int]
Grid = Float32[np.ndarray, "h w c"]
Kernel = Float32[np.ndarray, "r s g f"]


@dataclass(frozen=True, eq=False)
class ConvOptions:
    """The input and the hyperparameters of a sliding window. One number in place of a pair applies to rows and columns.

    Attributes:
        size: Rows and columns of the input, 1..512; None takes those of ``pixels``, or 9.
        kernel_size: K, 1..64; None takes that of ``kernel``, or 3 (2 for pooling).
        padding: P, ``"valid"``, ``"same"``, or zeros on each side, 0..64.
        strides: S, 1..64; None takes 1 (for pooling the kernel size, as in Keras).
        dilation_rate: D, 1..64.
        groups: G; divides channels and filters.
        channels: Input channels, 1..64; None takes those of ``pixels``, or 1.
        filters: Output channels, 1..64; None takes those of ``kernel``, or 1. Pooling has as many as input channels.
        operation: ``"conv"``, or ``"max"`` or ``"average"`` pooling.
        pixels: ``(h, w, c)``, any finite numbers; None draws integers 0..9 with ``seed``.
        kernel: ``(rows, columns, channels / groups, filters)``; None draws integers -2..2 with ``seed``.
        seed: Random seed.
    """

    size: int | Pair | None = None
    kernel_size: int | Pair | None = None
    padding: str | int | Pair = "valid"
    strides: int | Pair | None = None
    dilation_rate: int | Pair = 1
    groups: int = 1
    channels: int | None = None
    filters: int | None = None
    operation: str = "conv"
    pixels: np.ndarray | None = None
    kernel: np.ndarray | None = None
    seed: int = 0


@dataclass(frozen=True)
class Product:
    """One product of one window: an input value and its weight.

    Attributes:
        row: Input row; outside of 0..h-1 it is padding.
        column: Input column; outside of 0..w-1 it is padding.
        channel: Input channel.
        value: The input value; 0 in the padding.
        weight: The kernel value; 1 for pooling.
        is_padding: Whether the position is outside of the input. Pooling ignores padding.
    """

    row: int
    column: int
    channel: int
    value: float
    weight: float
    is_padding: bool


@dataclass(frozen=True, eq=False)
class SlidingWindow:
    """A sliding window over one input, with its output.

    Attributes:
        operation: One of `OPERATIONS`.
        window: Kernel size, strides, padding, dilation rate.
        groups: Number of groups; for pooling each channel is one.
        pixels: ``(h, w, c)``.
        kernel: ``(rows, columns, channels / groups, filters)``; None for pooling.
        output: ``(rows, columns, filters)``.
    """

    operation: str
    window: Window
    groups: int
    pixels: Grid
    kernel: Kernel | None
    output: Float32[np.ndarray, "rows columns f"]

    @property
    def padding(self) -> tuple[Pair, Pair]:
        """Padding before and after the rows, and before and after the columns."""
        rows, columns = (padding_split(self.pixels.shape[axis], **self.window.axis(axis)) for axis in (0, 1))
        return rows, columns

    @property
    def steps(self) -> int:
        """Number of steps: one for each output value."""
        return self.output.size

    @property
    def caption(self) -> str:
        """The hyperparameters as the tutorial prints them, channels first.

        Example:
            >>> slide(ConvOptions()).caption
            'input (1, 9, 9) · output (1, 7, 7) · K (3, 3) · P (0, 0) · S (1, 1) · D (1, 1) · G 1'
        """
        (h, w, c), (rows, columns, f) = self.pixels.shape, self.output.shape
        padding = ", ".join(str(a) if a == b else f"{a}+{b}" for a, b in self.padding)
        k, s, d = self.window.kernel_size, self.window.strides, self.window.dilation_rate
        shapes = f"input ({c}, {h}, {w}) · output ({f}, {rows}, {columns})"
        return f"{shapes} · K {k} · P ({padding}) · S {s} · D {d} · G {self.groups}"

    @property
    def formula(self) -> str:
        """The computation of the output size, one line for the rows and one for the columns."""
        lines = (
            f"{name} {output_size_formula(self.pixels.shape[axis], **self.window.axis(axis))}"
            for axis, name in enumerate(("rows   ", "columns"))
        )
        return "\n".join(lines)

    def step(self, index: int) -> tuple[int, int, int]:
        """Row, column and filter of a step, in row-major order, one filter after the other."""
        filter_, place = divmod(index, self.output.shape[0] * self.output.shape[1])
        row, column = divmod(place, self.output.shape[1])
        return row, column, filter_

    def products(self, row: int, column: int, filter: int = 0) -> tuple[Product, ...]:  # noqa: A002
        """The products that one output value is the sum of, in the order of the kernel's channels, rows, columns.

        Example:
            >>> made = slide(ConvOptions())
            >>> sum(one.value * one.weight for one in made.products(2, 3)) == float(made.output[2, 3, 0])
            True
        """
        return tuple(self._products(row, column, filter))

    def to_json(self) -> dict[str, object]:
        """Convert to plain values."""
        return {
            "operation": self.operation,
            "caption": self.caption,
            "formula": self.formula.splitlines(),
            "input_shape": list(self.pixels.shape),
            "output_shape": list(self.output.shape),
            "kernel_size": list(self.window.kernel_size),
            "strides": list(self.window.strides),
            "dilation_rate": list(self.window.dilation_rate),
            "groups": self.groups,
            "padding": [list(pair) for pair in self.padding],
            "input": self.pixels.tolist(),
            "kernel": None if self.kernel is None else self.kernel.tolist(),
            "output": self.output.tolist(),
        }

    def _products(self, row: int, column: int, filter_: int) -> Iterator[Product]:
        h, w, channels = self.pixels.shape
        depth = channels // self.groups
        first = filter_ // (self.output.shape[2] // self.groups) * depth
        (top, _), (left, _) = self.padding
        (rows, columns), (down, right), (gap_r, gap_c) = (
            self.window.kernel_size, self.window.strides, self.window.dilation_rate,
        )  # fmt: skip
        for channel in range(depth):
            for i in range(rows):
                for j in range(columns):
                    y, x = row * down - top + i * gap_r, column * right - left + j * gap_c
                    is_padding = not (0 <= y < h and 0 <= x < w)
                    value = 0.0 if is_padding else float(self.pixels[y, x, first + channel])
                    weight = 1.0 if self.kernel is None else float(self.kernel[i, j, channel, filter_])
                    yield Product(y, x, first + channel, value, weight, is_padding)


def slide(options: ConvOptions) -> SlidingWindow:
    """Slide a window over an input.

    Raises:
        OptionError: A value is out of range, or the hyperparameters do not fit together; the message names the
            hyperparameter and what would fit.

    Source:
        Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016. We differ in two things:
        padding may be uneven (``same`` adds the odd zero at the end, as TensorFlow does), and pooling ignores padding.

    Example:
        >>> slide(ConvOptions(size=4, operation="max")).output.shape
        (2, 2, 1)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return _Plan(options).run()


class _Plan:
    """The options with defaults filled in, validated."""

    def __init__(self, options: ConvOptions) -> None:
        if options.operation not in OPERATIONS:
            raise OptionError(f"The operation must be one of {', '.join(OPERATIONS)}. Received: {options.operation!r}.")
        self.operation, self.pools = options.operation, options.operation != "conv"
        self.pixels = shape_check.numbers(options.pixels, "input", "rows, columns, channels")
        self.kernel = shape_check.numbers(options.kernel, "kernel", "rows, columns, channels / groups, filters")
        size, channels = (self.pixels.shape[:2], self.pixels.shape[2]) if self.pixels is not None else (None, None)
        kernel_size, filters = (
            (self.kernel.shape[:2], self.kernel.shape[3]) if self.kernel is not None else (None, None)
        )
        self.size = shape_check.agreed("size", options.size, size, 9, high=MAX_SIZE)
        self.channels = shape_check.agreed_count("channels", options.channels, channels, high=MAX_CHANNELS)
        self.filters = shape_check.agreed_count("filters", options.filters, filters, high=MAX_CHANNELS)
        self.groups = shape_check.count("groups (G)", options.groups, high=MAX_CHANNELS)
        self.seed = shape_check.count("seed", options.seed, low=0, high=2**63)
        self.window = self._window(options, kernel_size)
        if self.pools:
            self._set_up_pooling(options)
        shape_check.check_fit(self.window, self.size, self.channels, self.filters, self.groups, pools=self.pools)
        self._check_work()

    def run(self) -> SlidingWindow:
        rng = np.random.default_rng(self.seed)
        drawn = rng.integers(0, 10, (*self.size, self.channels)).astype(np.float32)
        pixels = drawn if self.pixels is None else self.pixels
        if self.pools:
            pool = ops.max_pooling2d if self.operation == "max" else ops.average_pooling2d
            output = pool(pixels[None], window=self.window)[0]
            return SlidingWindow(self.operation, self.window, self.groups, pixels, None, shape_check.finite(output))
        shape = (*self.window.kernel_size, self.channels // self.groups, self.filters)
        kernel = rng.integers(-2, 3, shape).astype(np.float32) if self.kernel is None else self.kernel
        if kernel.shape != shape:
            raise OptionError(
                f"The kernel must be (rows, columns, channels / groups, filters) = {shape}. Received: {kernel.shape}."
            )
        output = ops.conv2d(pixels[None], kernel, None, window=self.window, groups=self.groups)[0]
        return SlidingWindow(self.operation, self.window, self.groups, pixels, kernel, shape_check.finite(output))

    def _window(self, options: ConvOptions, given: Pair | None) -> Window:
        kernel_size = shape_check.agreed(
            "kernel_size (K)", options.kernel_size, given, 2 if self.pools else 3, high=MAX_KERNEL
        )
        strides = options.strides if options.strides is not None else (kernel_size if self.pools else 1)
        return Window(
            kernel_size,
            shape_check.pair("strides (S)", strides, low=1, high=MAX_STEP),
            shape_check.pad(options.padding, high=MAX_STEP),
            shape_check.pair("dilation_rate (D)", options.dilation_rate, low=1, high=MAX_STEP),
        )

    def _set_up_pooling(self, options: ConvOptions) -> None:
        if self.kernel is not None:
            raise OptionError("Pooling has no weights. Received: a kernel.", hint="Omit the kernel.")
        if options.filters not in (None, self.channels) or self.groups not in (1, self.channels):
            raise OptionError(
                f"Pooling treats each of the {self.channels} channels separately. "
                f"Received: filters={options.filters}, groups={self.groups}.",
                hint="Omit filters and groups.",
            )
        self.filters = self.groups = self.channels

    def _check_work(self) -> None:
        rows, columns = self.window.output_size(self.size)
        k_rows, k_columns = self.window.kernel_size
        work = rows * columns * self.filters * k_rows * k_columns * self.channels // self.groups
        if work > MAX_MULTIPLY_ADDS:
            raise OptionError(
                f"Expected at most {MAX_MULTIPLY_ADDS:,} multiply-adds. Received: {work:,}.",
                hint="Use a smaller input, a smaller kernel, or fewer filters.",
            )
