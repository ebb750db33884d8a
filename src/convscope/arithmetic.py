"""Convolution arithmetic in integers: sizes, padding, parameters, multiply-adds, receptive field.

One formula, one place: the shape table, the NumPy engine and the sliding-window pictures all ask here.
Every function works on one axis; rows and columns are two calls.
"""

from __future__ import annotations

from dataclasses import dataclass

PADDINGS = ("valid", "same")

Padding = str | int
"""One of `PADDINGS`, or how many zeros go on each side of the axis, >= 0."""


def effective_kernel_size(kernel_size: int, *, dilation_rate: int = 1) -> int:
    """The extent of a dilated kernel: how many input pixels lie between its first and last tap, both included.

    Example:
        >>> effective_kernel_size(3, dilation_rate=2)
        5
    """
    return (kernel_size - 1) * dilation_rate + 1


def padding_split(
    size: int, kernel_size: int, *, strides: int = 1, padding: Padding = "valid", dilation_rate: int = 1
) -> tuple[int, int]:
    """How many zeros go before and after an axis.

    ``same`` gives ``ceil(size / strides)`` outputs and puts the odd zero at the end, as TensorFlow does.

    Args:
        size: Input pixels on this axis, >= 1.
        kernel_size: Kernel taps on this axis, >= 1.
        strides: Step between two windows, >= 1.
        padding: ``"valid"`` (none), ``"same"``, or a number of zeros for each side.
        dilation_rate: Distance between two taps, >= 1.

    Returns:
        Zeros before, zeros after.

    Example:
        >>> padding_split(28, 3, padding="same")
        (1, 1)
        >>> padding_split(28, 3, strides=2, padding="same")
        (0, 1)
        >>> padding_split(28, 3, padding=2)
        (2, 2)
    """
    if isinstance(padding, int):
        return padding, padding
    if padding == "valid":
        return 0, 0
    outputs = -(-size // strides)
    span = (outputs - 1) * strides + effective_kernel_size(kernel_size, dilation_rate=dilation_rate)
    total = max(span - size, 0)
    return total // 2, total - total // 2


def output_size(
    size: int, kernel_size: int, *, strides: int = 1, padding: Padding = "valid", dilation_rate: int = 1
) -> int:
    """How many windows fit on an axis: ``floor((size + padding - extent) / strides) + 1``.

    Returns:
        The number of outputs; 0 or less when the kernel does not fit.

    Source:
        Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, relations 5, 6 and 15.

    Example:
        >>> output_size(9, 3)
        7
        >>> output_size(28, 3, strides=2, padding="same")
        14
    """
    before, after = padding_split(size, kernel_size, strides=strides, padding=padding, dilation_rate=dilation_rate)
    return (size + before + after - effective_kernel_size(kernel_size, dilation_rate=dilation_rate)) // strides + 1


def output_size_formula(
    size: int, kernel_size: int, *, strides: int = 1, padding: Padding = "valid", dilation_rate: int = 1
) -> str:
    """The formula of `output_size` with its numbers filled in, and its result.

    Example:
        >>> output_size_formula(9, 3)
        '⌊(9 + 0 + 0 − 1×(3 − 1) − 1) / 1⌋ + 1 = 7'
    """
    slide = {"strides": strides, "padding": padding, "dilation_rate": dilation_rate}
    before, after = padding_split(size, kernel_size, **slide)
    result = output_size(size, kernel_size, **slide)
    return f"⌊({size} + {before} + {after} − {dilation_rate}×({kernel_size} − 1) − 1) / {strides}⌋ + 1 = {result}"


@dataclass(frozen=True)
class ReceptiveField:
    """What one output pixel of a layer can see, on one axis of the picture.

    Attributes:
        size: Input pixels seen by one output pixel (padding counted).
        jump: Input pixels between two neighbouring output pixels.
        start: Position of the first output pixel's first input pixel; negative inside the padding.
    """

    size: int = 1
    jump: int = 1
    start: int = 0

    def after(
        self, kernel_size: int, *, strides: int = 1, padding_before: int = 0, dilation_rate: int = 1
    ) -> ReceptiveField:
        """The receptive field one sliding window later.

        Source:
            Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks", Distill, 2019.

        Example:
            >>> ReceptiveField().after(3).after(3)
            ReceptiveField(size=5, jump=1, start=0)
        """
        reach = effective_kernel_size(kernel_size, dilation_rate=dilation_rate) - 1
        return ReceptiveField(
            size=self.size + reach * self.jump,
            jump=self.jump * strides,
            start=self.start - padding_before * self.jump,
        )
