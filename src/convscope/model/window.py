"""What slides over rows and columns: kernel size, strides, padding and dilation of a convolution or of pooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from convscope.arithmetic import Padding, output_size
from convscope.errors import SpecError
from convscope.model.checks import by

Shape = tuple[int, ...]
"""The shape of one example, without the batch: ``(h, w, c)`` or ``(units,)``."""


class Axis(TypedDict):
    """The window along one axis; the keys are the arguments of the functions of `arithmetic`."""

    kernel_size: int
    strides: int
    padding: Padding
    dilation_rate: int


@dataclass(frozen=True)
class Window:
    """A window that slides over rows and columns; pairs are (rows, columns).

    A layer's padding is ``"valid"`` or ``"same"``; ``convscope conv`` also takes a number of zeros for each side.
    """

    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str | tuple[int, int] = "valid"
    dilation_rate: tuple[int, int] = (1, 1)

    def axis(self, index: int) -> Axis:
        """The window along rows (0) or columns (1)."""
        padding = self.padding if isinstance(self.padding, str) else self.padding[index]
        return {
            "kernel_size": self.kernel_size[index],
            "strides": self.strides[index],
            "padding": padding,
            "dilation_rate": self.dilation_rate[index],
        }

    def output_size(self, input_shape: Shape) -> tuple[int, int]:
        """Rows and columns of the output.

        Raises:
            SpecError: The kernel does not fit its input.
        """
        sizes = [output_size(size, **self.axis(index)) for index, size in enumerate(input_shape[:2])]
        if min(sizes) < 1:
            kernel, given = by(self.kernel_size), by(input_shape[:2])
            dilated = f" dilated by {by(self.dilation_rate)}" if max(self.dilation_rate) > 1 else ""
            raise SpecError(
                f"kernel {kernel}{dilated} does not fit its {given} input.",
                hint="Use a smaller kernel, padding='same', or less pooling before it.",
            )
        return sizes[0], sizes[1]
