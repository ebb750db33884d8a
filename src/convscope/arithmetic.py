"""Convolution arithmetic in integers: sizes, padding, parameters, multiply-adds, receptive field.

One formula, one place: the shape table, the NumPy engine and the sliding-window pictures all ask here.
Every function works on one axis; rows and columns are two calls.
"""

from __future__ import annotations

from dataclasses import dataclass

PADDINGS = ("valid", "same")


def effective_kernel_size(kernel_size: int, *, dilation_rate: int = 1) -> int:
    """The extent of a dilated kernel: how many input pixels lie between its first and last tap, both included.

    Example:
        >>> effective_kernel_size(3, dilation_rate=2)
        5
    """
    return (kernel_size - 1) * dilation_rate + 1


def padding_split(
    size: int, kernel_size: int, *, strides: int = 1, padding: str = "valid", dilation_rate: int = 1
) -> tuple[int, int]:
    """How many zeros go before and after an axis.

    ``same`` gives ``ceil(size / strides)`` outputs and puts the odd zero at the end, as TensorFlow does.

    Args:
        size: Input pixels on this axis, >= 1.
        kernel_size: Kernel taps on this axis, >= 1.
        strides: Step between two windows, >= 1.
        padding: ``"valid"`` (none) or ``"same"``.
        dilation_rate: Distance between two taps, >= 1.

    Returns:
        Zeros before, zeros after.

    Example:
        >>> padding_split(28, 3, padding="same")
        (1, 1)
        >>> padding_split(28, 3, strides=2, padding="same")
        (0, 1)
    """
    if padding == "valid":
        return 0, 0
    outputs = -(-size // strides)
    span = (outputs - 1) * strides + effective_kernel_size(kernel_size, dilation_rate=dilation_rate)
    total = max(span - size, 0)
    return total // 2, total - total // 2


def output_size(
    size: int, kernel_size: int, *, strides: int = 1, padding: str = "valid", dilation_rate: int = 1
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
