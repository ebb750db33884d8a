"""The operations of the layers in plain NumPy: float32 in, float32 out, channels last, nothing changed in place.

Each tap of a window is clipped to the image (`taps`), so that memory depends on the size of the output and of the
weights, not on ``dilation_rate × kernel_size``. Zeros are put around an image only where they are few.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float32

from convscope.arithmetic import output_size, padding_split
from convscope.model.window import Window

Tensor = Float32[np.ndarray, "..."]
Maps = Float32[np.ndarray, "n h w c"]
Slid = Float32[np.ndarray, "n rows columns f"]
"""The output of a sliding window: rows, columns and the number of channels differ from those of the maps."""

Vector = Float32[np.ndarray, " c"]

BLOCK_BYTES = 1 << 25
"""The size limit of the unfolded windows of one matrix product (at least one window): enough for full speed."""


LONG_RUN, FEW_WINDOWS = 8, 100
"""NumPy copies windows faster all at once than one tap after the other if each row of a window has so many numbers, or
if there are no more windows than these for each of its columns."""


def conv2d(
    maps: Maps,
    kernel: Float32[np.ndarray, "r s g f"],
    bias: Float32[np.ndarray, " f"] | None,
    *,
    window: Window,
    groups: int = 1,
) -> Slid:
    """A convolution: the windows are unfolded into rows, with one matrix product for each group.

    Args:
        maps: Any range.
        kernel: Rows, columns, channels of one group, filters.
        bias: One number for each filter, or None.
        window: The sliding window.
        groups: Equal parts of the channels, each with an equal number of filters.

    Returns:
        ``(n, rows, columns, filters)``.

    Source:
        Chellapilla, Puri and Simard, "High performance convolutional neural networks for document processing", 2006.
        Ours unfolds only as many output rows at a time as fit `BLOCK_BYTES`.

    Example:
        >>> picture = np.arange(9, dtype=np.float32).reshape(1, 3, 3, 1)
        >>> conv2d(picture, np.ones((2, 2, 1, 1), np.float32), None, window=Window((2, 2)))[0, :, :, 0].tolist()
        [[8.0, 12.0], [20.0, 24.0]]
    """
    rows, columns = _output_size(maps.shape[1:3], window)
    out = np.empty((len(maps), rows, columns, kernel.shape[3]), np.float32)
    depth, filters = kernel.shape[2], kernel.shape[3] // groups
    for group in range(groups):
        inputs, outputs = slice(group * depth, (group + 1) * depth), slice(group * filters, (group + 1) * filters)
        _convolve(maps[..., inputs], kernel[..., outputs], window, out[..., outputs])
    return out if bias is None else np.add(out, bias, out=out)


def depthwise_conv2d(
    maps: Maps, kernel: Float32[np.ndarray, "r s c m"], bias: Float32[np.ndarray, " f"] | None, *, window: Window
) -> Slid:
    """A convolution of each channel separately, one tap at a time.

    Args:
        maps: Any range.
        kernel: Rows, columns, channels, windows for each channel.
        bias: One number for each output channel, or None.
        window: The sliding window.

    Returns:
        ``(n, rows, columns, c × m)``; the outputs of one channel are next to each other.
    """
    rows, columns = window.output_size(maps.shape[1:])
    channels, multiplier = kernel.shape[2:]
    out = np.zeros((len(maps), rows, columns, channels, multiplier), np.float32)
    for i, to_rows, from_rows in taps(maps.shape[1], window, 0):
        for j, to_columns, from_columns in taps(maps.shape[2], window, 1):
            out[:, to_rows, to_columns] += maps[:, from_rows, from_columns, :, None] * kernel[i, j]
    flat = out.reshape(len(maps), rows, columns, channels * multiplier)
    return flat if bias is None else flat + bias


def max_pooling2d(maps: Maps, *, window: Window) -> Float32[np.ndarray, "n rows columns c"]:
    """The largest value of each window; padding does not count."""
    largest = _pool(maps, window, 0, np.maximum, -np.inf)
    return _pool(largest, window, 1, np.maximum, -np.inf)


def average_pooling2d(maps: Maps, *, window: Window) -> Float32[np.ndarray, "n rows columns c"]:
    """The mean of each window; padding does not count, as in TensorFlow."""
    total = _pool(_pool(maps, window, 0, np.add, 0.0), window, 1, np.add, 0.0)
    return total / _pixel_counts(maps.shape[1], maps.shape[2], window)


def global_average_pooling2d(maps: Maps) -> Float32[np.ndarray, "n c"]:
    """The mean over rows and columns, summed in float64: the sum over a large image is inexact in float32."""
    return maps.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)


def batch_normalization(
    tensor: Tensor,
    *,
    moving_mean: Vector,
    moving_variance: Vector,
    gamma: Vector | None = None,
    beta: Vector | None = None,
    epsilon: float,
) -> Tensor:
    """Each channel scaled and shifted by its moving statistics.

    Source:
        Ioffe and Szegedy, "Batch normalization", 2015. As Keras does, scale and shift are folded into two vectors.
    """
    factor = 1 / np.sqrt(moving_variance + np.float32(epsilon))
    factor = factor if gamma is None else factor * gamma
    shift = -moving_mean * factor
    return tensor * factor + (shift if beta is None else shift + beta)


def dense(
    rows: Float32[np.ndarray, "n i"], kernel: Float32[np.ndarray, "i k"], bias: Float32[np.ndarray, " k"] | None
) -> Float32[np.ndarray, "n k"]:
    """Each unit's weighted sum."""
    product = rows @ kernel
    return product if bias is None else np.add(product, bias, out=product)


@lru_cache(256)
def _output_size(size: tuple[int, int], window: Window) -> tuple[int, int]:
    return window.output_size(size)


@lru_cache(256)
def _outputs(size: int, window: Window, axis: int) -> int:
    return output_size(size, **window.axis(axis))


@lru_cache(256)  # for one small image, the arithmetic takes as long as the products
def taps(
    size: int, window: Window, axis: int, start: int = 0, stop: int | None = None
) -> tuple[tuple[int, slice, slice], ...]:
    """Each tap that meets the image on one axis: index, outputs it serves (from ``start``), pixels read."""
    kernel, stride, rate = window.kernel_size[axis], window.strides[axis], window.dilation_rate[axis]
    before, _ = padding_split(size, **window.axis(axis))
    stop = _outputs(size, window, axis) if stop is None else stop
    found = []
    for tap in range(kernel):
        offset = tap * rate - before
        first = max(start, -(offset // stride))
        last = min(stop - 1, (size - 1 - offset) // stride)
        if first <= last:
            pixels = slice(offset + first * stride, offset + last * stride + 1, stride)
            found.append((tap, slice(first - start, last + 1 - start), pixels))
    return tuple(found)


def _convolve(
    maps: Float32[np.ndarray, "n h w g"], kernel: Float32[np.ndarray, "r s g f"], window: Window, out: Slid
) -> None:
    """Fill ``out`` with the convolution of one group."""
    matrix = kernel.reshape(-1, kernel.shape[3])
    height, width = out.shape[1:3]
    maps, window = _with_zeros(maps, window, len(out) * height * width)
    positions = max(1, BLOCK_BYTES // max(1, len(maps) * matrix.shape[0] * maps.itemsize))
    step_columns, step_rows = min(width, positions), max(1, positions // width)
    for top in range(0, height, step_rows):
        for left in range(0, width, step_columns):
            place = out[:, top : top + step_rows, left : left + step_columns]
            windows = _unfold(maps, window, top, left, place.shape[1:3]).reshape(-1, matrix.shape[0])
            if place.flags.c_contiguous:
                np.matmul(windows, matrix, out=place.reshape(-1, matrix.shape[1]))
            else:
                place[...] = (windows @ matrix).reshape(place.shape)


def _unfold(
    maps: Maps, window: Window, top: int, left: int, size: tuple[int, int]
) -> Float32[np.ndarray, "n rows columns r s c"]:
    """The windows of ``size`` outputs from (top, left) on, side by side; zeros where a tap is outside the image."""
    if (
        window.padding == "valid"
        and maps.flags.c_contiguous
        and _is_copied(maps, window, len(maps) * size[0] * size[1])
    ):
        return _windows(maps, window, top, left, size).copy()
    windows = np.zeros((len(maps), *size, *window.kernel_size, maps.shape[3]), np.float32)
    columns = taps(maps.shape[2], window, 1, left, left + size[1])
    for i, to_rows, from_rows in taps(maps.shape[1], window, 0, top, top + size[0]):
        for j, to_columns, from_columns in columns:
            windows[:, to_rows, to_columns, i, j] = maps[:, from_rows, from_columns]
    return windows


def _is_copied(maps: Maps, window: Window, windows: int) -> bool:
    """Whether windows are copied all at once."""
    columns = window.kernel_size[1]
    return columns * maps.shape[3] >= LONG_RUN or windows <= FEW_WINDOWS * columns


def _with_zeros(maps: Maps, window: Window, windows: int) -> tuple[Float32[np.ndarray, "n h2 w2 c"], Window]:
    """The maps with the zeros of their padding, if windows are copied at once and this does not double their size."""
    if window.padding == "valid" or not _is_copied(maps, window, windows):
        return maps, window
    sizes = maps.shape[1:3]
    (top, bottom), (left, right) = (padding_split(size, **window.axis(axis)) for axis, size in enumerate(sizes))
    height, width = sizes[0] + top + bottom, sizes[1] + left + right
    if height * width > 2 * sizes[0] * sizes[1]:
        return maps, window
    padded = np.zeros((len(maps), height, width, maps.shape[3]), np.float32)
    padded[:, top : top + sizes[0], left : left + sizes[1]] = maps
    return padded, Window(window.kernel_size, window.strides, "valid", window.dilation_rate)


def _windows(
    maps: Maps, window: Window, top: int, left: int, size: tuple[int, int]
) -> Float32[np.ndarray, "n rows columns r s c"]:
    """A view of the same, where each tap is inside the image."""
    image, row, column, channel = maps.strides
    (down, right), (row_rate, column_rate) = window.strides, window.dilation_rate
    return np.ndarray(
        (len(maps), *size, *window.kernel_size, maps.shape[3]),
        maps.dtype,
        maps.data,
        top * down * row + left * right * column,
        (image, down * row, right * column, row_rate * row, column_rate * column, channel),
    )


def _pool(maps: Maps, window: Window, axis: int, fold: np.ufunc, start: float) -> Slid:
    """Fold the pixels of each window along one axis: 0 rows, 1 columns."""
    size = maps.shape[axis + 1]
    out = np.full([*maps.shape[: axis + 1], _outputs(size, window, axis), *maps.shape[axis + 2 :]], start, np.float32)
    lead = (slice(None),) * (axis + 1)
    for _, to, pixels in taps(size, window, axis):
        fold(out[(*lead, to)], maps[(*lead, pixels)], out=out[(*lead, to)])
    return out


@lru_cache(64)
def _pixel_counts(height: int, width: int, window: Window) -> Float32[np.ndarray, "rows columns 1"]:
    """How many pixels each window has, without padding."""
    counts = []
    for axis, size in enumerate((height, width)):
        counts.append(np.zeros(_outputs(size, window, axis), np.float32))
        for _, to, _ in taps(size, window, axis):
            counts[axis][to] += 1
    found = counts[0][:, None, None] * counts[1][:, None]
    found.flags.writeable = False
    return found
