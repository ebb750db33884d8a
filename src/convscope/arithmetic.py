"""Convolution arithmetic in integers: sizes, padding, parameters, multiply-adds, receptive field.

The only implementation of these formulas: used by the shape table, the NumPy engine and the sliding window figures.
Every function handles one axis; call it for rows and for columns.
"""

from __future__ import annotations

from dataclasses import dataclass

PADDINGS = ("valid", "same")

Padding = str | int
"""One of `PADDINGS`, or the number of zeros on each side of the axis, >= 0."""


def effective_kernel_size(kernel_size: int, *, dilation_rate: int = 1) -> int:
    """The extent of a dilated kernel: the number of input pixels from its first to its last element, inclusive.

    Example:
        >>> effective_kernel_size(3, dilation_rate=2)
        5
    """
    return (kernel_size - 1) * dilation_rate + 1


def padding_split(
    size: int, kernel_size: int, *, strides: int = 1, padding: Padding = "valid", dilation_rate: int = 1
) -> tuple[int, int]:
    """The number of zeros before and after an axis.

    ``same`` gives ``ceil(size / strides)`` outputs. As in TensorFlow, an odd zero goes to the end.

    Args:
        size: Input pixels on this axis, >= 1.
        kernel_size: Kernel elements on this axis, >= 1.
        strides: Distance between two windows, >= 1.
        padding: ``"valid"`` (none), ``"same"``, or the number of zeros on each side.
        dilation_rate: Distance between two kernel elements, >= 1.

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
    """The number of outputs on an axis: ``floor((size + padding - extent) / strides) + 1``.

    Returns:
        The number of outputs; 0 or less if the kernel does not fit.

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
    """The formula of `output_size` with its numbers and result, as text.

    Example:
        >>> output_size_formula(9, 3)
        '⌊(9 + 0 + 0 − 1×(3 − 1) − 1) / 1⌋ + 1 = 7'
    """
    window = {"strides": strides, "padding": padding, "dilation_rate": dilation_rate}
    before, after = padding_split(size, kernel_size, **window)
    result = output_size(size, kernel_size, **window)
    return f"⌊({size} + {before} + {after} − {dilation_rate}×({kernel_size} − 1) − 1) / {strides}⌋ + 1 = {result}"


@dataclass(frozen=True)
class ReceptiveField:
    """The receptive field of one output of a layer, on one axis of the image.

    Attributes:
        size: Input pixels that influence one output, including padding.
        jump: Input pixels between two adjacent outputs.
        start: First input pixel of the first output; negative in the padding.
    """

    size: int = 1
    jump: int = 1
    start: int = 0

    def after(
        self, kernel_size: int, *, strides: int = 1, padding_before: int = 0, dilation_rate: int = 1
    ) -> ReceptiveField:
        """The receptive field after one more layer.

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
