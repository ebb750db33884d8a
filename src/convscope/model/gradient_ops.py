"""The gradients of the windowed operations of `ops` at their input, in plain NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32

from convscope.model.ops import taps
from convscope.model.window import Window

Maps = Float32[np.ndarray, "n h w c"]
Slid = Float32[np.ndarray, "n rows columns f"]


def places(shape: tuple[int, ...], window: Window) -> Iterator[tuple[tuple[int, int], tuple, tuple]]:
    """Each tap of a window over maps of ``shape``: (row, column) in the kernel, outputs it serves, pixels it reads."""
    across = list(taps(shape[2], window, 1))
    for i, out_rows, rows in taps(shape[1], window, 0):
        for j, out_columns, columns in across:
            yield (i, j), (slice(None), out_rows, out_columns), (slice(None), rows, columns)


def conv2d_gradient(
    gradient: Slid,
    shape: tuple[int, ...],
    kernel: Float32[np.ndarray, "r s g f"],
    *,
    window: Window,
    groups: int = 1,
) -> Maps:
    """The gradient at the input of `ops.conv2d`, whose shape, with the batch, is ``shape``."""
    result = np.zeros(shape, np.float32)
    depth, filters = kernel.shape[2], kernel.shape[3] // groups
    for tap, outputs, pixels in places(shape, window):
        for group in range(groups):
            channels, own = slice(group * depth, (group + 1) * depth), slice(group * filters, (group + 1) * filters)
            result[(*pixels, channels)] += gradient[(*outputs, own)] @ kernel[tap][:, own].T
    return result


def depthwise_conv2d_gradient(
    gradient: Slid, shape: tuple[int, ...], kernel: Float32[np.ndarray, "r s c m"], *, window: Window
) -> Maps:
    """The gradient at the input of `ops.depthwise_conv2d`, whose shape, with the batch, is ``shape``."""
    result = np.zeros(shape, np.float32)
    apart = gradient.reshape(*gradient.shape[:3], *kernel.shape[2:])
    for tap, outputs, pixels in places(shape, window):
        result[pixels] += (apart[outputs] * kernel[tap]).sum(axis=-1)
    return result
