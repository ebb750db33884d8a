"""Resize images with a triangle filter, specified exactly so that Python and JavaScript agree. Light: NumPy only."""

from __future__ import annotations

import functools
import math

import numpy as np
from jaxtyping import Float64, UInt8

GRACE = 1e-6
"""Added before rounding down, so that ties round up even after rounding errors in a sum."""

BLOCKS_FROM = 8
"""From this reduction on, blocks of pixels are averaged first, which keeps 12-megapixel photos fast."""

MOST_PRODUCTS = 100_000
"""The most multiplications of one matrix product: OpenBLAS computes larger ones in threads, which take longer to wake
up than the product takes, and compete with the threads that decode images."""

MOST_ROWS = 16
"""The most output pixels of one matrix product: more of them share fewer input pixels."""

MOST_VALUES = 1 << 20
"""Larger images are resized tap by tap, in less memory."""


def round_half_up(values: np.ndarray) -> np.ndarray:
    """Round to integers, ties up: ``floor(x + 0.5 + 1e-6)``.

    Example:
        >>> round_half_up(np.array([0.5, 1.5, 2.49])).tolist()
        [1, 2, 2]
    """
    return np.floor(np.asarray(values, np.float64) + (0.5 + GRACE)).astype(np.int64)


def nearest(value: float) -> int:
    """The nearest integer, ties up, as in `round_half_up`.

    Example:
        >>> nearest(2.5), nearest(-0.5)
        (3, 0)
    """
    return math.floor(value + (0.5 + GRACE))


def triangle_weights(size_in: int, size_out: int) -> Float64[np.ndarray, "out inp"]:
    """The weight of each input pixel in each output pixel, along one axis.

    Output pixel i is centered at ``(i + 0.5) * scale`` of the input, ``scale = size_in / size_out``. Input pixel j,
    whose center is at ``j + 0.5``, gets the weight ``max(0, 1 - distance / reach)`` with ``reach = max(scale, 1)``:
    reducing averages over a wide triangle (no aliasing), enlarging is linear interpolation, and equal sizes change
    nothing. Each row is divided by its sum, so that edges do not darken.

    Example:
        >>> triangle_weights(4, 2).round(3).tolist()
        [[0.429, 0.429, 0.143, 0.0], [0.0, 0.143, 0.429, 0.429]]
    """
    scale = size_in / size_out
    middles = (np.arange(size_out) + 0.5) * scale
    distances = np.abs(np.arange(size_in)[None, :] + 0.5 - middles[:, None])
    weights = np.maximum(0.0, 1.0 - distances / max(scale, 1.0))
    return weights / weights.sum(axis=1, keepdims=True)


@functools.lru_cache(maxsize=64)
def _taps(size_in: int, size_out: int) -> tuple[np.ndarray, np.ndarray]:
    """`triangle_weights` without its zeros: for each tap, the input pixel and the weight of every output pixel.

    A weighted sum tap by tap needs no matrix product: that would multiply by the zeros too, and wake up BLAS's threads,
    which take longer than the product itself.
    """
    weights = triangle_weights(size_in, size_out)
    count = int((weights > 0).sum(axis=1).max())
    first = np.minimum((weights > 0).argmax(axis=1), size_in - count)
    pixels = first[None, :] + np.arange(count)[:, None]
    values = np.take_along_axis(weights, pixels.T, axis=1).T
    for shared in (pixels, values):
        shared.flags.writeable = False
    return pixels, values


def _resize_axis(values: np.ndarray, size_out: int, axis: int) -> np.ndarray:
    """Apply `triangle_weights` along one axis, in float64."""
    pixels, weights = _taps(values.shape[axis], size_out)
    column = [1] * values.ndim
    column[axis] = size_out
    total = np.multiply(values.take(pixels[0], axis), weights[0].reshape(column), dtype=np.float64)
    term = np.empty_like(total)
    for positions, factors in zip(pixels[1:], weights[1:], strict=True):
        total += np.multiply(values.take(positions, axis), factors.reshape(column), out=term)
    return total


@functools.lru_cache(maxsize=256)
def _bands(size_in: int, size_out: int, values: int, channels: int) -> tuple[tuple[slice, slice, np.ndarray], ...]:
    """`triangle_weights` as several small matrices, each of some output pixels and all input pixels that they need.

    Args:
        size_in: Input pixels along the axis.
        size_out: Output pixels.
        values: The number of values across the axis, by which each matrix is multiplied.
        channels: How many values are interleaved along the axis.

    Returns:
        For each matrix, the slices of output values and input values, and the weights, ``(output, input)``.
    """
    weights = triangle_weights(size_in, size_out)
    starts = (weights > 0).argmax(axis=1).tolist()
    stops = (size_in - (weights[:, ::-1] > 0).argmax(axis=1)).tolist()
    bands, begin = [], 0
    while begin < size_out:
        end = begin + 1
        while end < min(size_out, begin + MOST_ROWS):
            if (end + 1 - begin) * (stops[end] - starts[begin]) * channels**2 * values > MOST_PRODUCTS:
                break
            end += 1
        start, stop = starts[begin], stops[end - 1]
        matrix = np.kron(weights[begin:end, start:stop], np.eye(channels))
        matrix.flags.writeable = False
        bands.append((slice(begin * channels, end * channels), slice(start * channels, stop * channels), matrix))
        begin = end
    return tuple(bands)


def _resize(pixels: UInt8[np.ndarray, "h w c"], height: int, width: int) -> Float64[np.ndarray, "height width c"]:
    """Apply `triangle_weights` along the rows and along the columns of one image, in float64."""
    h, w, c = pixels.shape
    if pixels.size > MOST_VALUES:
        return _resize_axis(_resize_axis(pixels, height, 0), width, 1)
    values = pixels.reshape(h, w * c).astype(np.float64)
    rows = np.empty((height, w * c))
    for output, inputs, weights in _bands(h, height, w * c, 1):
        np.matmul(weights, values[inputs], out=rows[output])
    columns = np.empty((height, width * c))
    for output, inputs, weights in _bands(w, width, height, c):
        np.matmul(rows[:, inputs], weights.T, out=columns[:, output])
    return columns.reshape(height, width, c)


def average_blocks(pixels: UInt8[np.ndarray, "h w c"], size: int) -> UInt8[np.ndarray, "h2 w2 c"]:
    """Average blocks of ``size``×``size`` pixels, rounding half up.

    Remaining rows and columns are cropped evenly, the smaller half at the top and the left.
    """
    h, w, c = pixels.shape
    rows, columns = h // size, w // size
    top, left = (h - rows * size) // 2, (w - columns * size) // 2
    inner = pixels[top : top + rows * size, left : left + columns * size]
    # Sums of whole rows, then of neighbors: contiguous additions in the narrowest type that holds them.
    sums = inner[::size].astype(np.uint16 if 255 * size < 2**16 else np.uint32)
    for row in range(1, size):
        sums += inner[row::size]
    sums = sums.reshape(rows, columns, size, c)
    totals = sums[:, :, 0].astype(np.uint64)
    for column in range(1, size):
        totals += sums[:, :, column]
    area = size * size
    return ((totals * 2 + area) // (2 * area)).astype(np.uint8)


def resample(pixels: UInt8[np.ndarray, "h w c"], height: int, width: int) -> UInt8[np.ndarray, "h2 w2 c"]:
    """Resize an image to ``height``×``width``.

    1. If both sides are reduced at least 8 times, average blocks of k×k pixels, ``k = floor(smaller reduction / 4)``
       (`average_blocks`), which leaves a reduction by 4 or more.
    2. Apply `triangle_weights` along the rows and along the columns, in float64.
    3. Round half up (``floor(x + 0.5 + 1e-6)``) to 0..255.

    Args:
        pixels: uint8, 0..255, shape ``(h, w, c)``, any number of channels, processed independently.
        height: Rows of the result, at least 1.
        width: Columns of the result, at least 1.

    Returns:
        uint8, shape ``(height, width, c)``.

    Example:
        >>> picture = np.array([[0, 0, 100, 100]], np.uint8)[..., None]
        >>> resample(picture, 1, 2)[..., 0].tolist()
        [[14, 86]]
    """
    h, w = pixels.shape[:2]
    if (h, w) == (height, width):
        return pixels
    reduction = min(h / height, w / width)
    if reduction >= BLOCKS_FROM:
        pixels = average_blocks(pixels, int(reduction / 4))
    resized = _resize(pixels, height, width)
    resized += 0.5 + GRACE
    return resized.astype(np.uint8)  # rounds down, as no value is negative


def resample_many(pixels: UInt8[np.ndarray, "n h w c"], height: int, width: int) -> UInt8[np.ndarray, "n h2 w2 c"]:
    """`resample` each image of a batch, a thousand at a time; the result is the same.

    Example:
        >>> stack = np.arange(48, dtype=np.uint8).reshape(3, 4, 4, 1)
        >>> bool((resample_many(stack, 2, 3)[1] == resample(stack[1], 2, 3)).all())
        True
    """
    n, h, w, c = pixels.shape
    if (h, w) == (height, width):
        return pixels
    out = np.empty((n, height, width, c), np.uint8)
    if min(h / height, w / width) >= BLOCKS_FROM:
        for index, picture in enumerate(pixels):
            out[index] = resample(picture, height, width)
        return out
    for start in range(0, n, 1000):
        piece = _resize_axis(_resize_axis(pixels[start : start + 1000], height, 1), width, 2)
        out[start : start + 1000] = round_half_up(piece)
    return out


def reduce_to(picture: np.ndarray, side: int) -> np.ndarray:
    """Resize so that the longer side is at most ``side``; smaller images are unchanged."""
    h, w = picture.shape[:2]
    longer = max(h, w)
    if longer <= side:
        return picture
    rows, columns = (max(1, nearest(s * side / longer)) for s in (h, w))
    return resample(picture, rows, columns)
