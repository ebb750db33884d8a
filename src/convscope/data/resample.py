"""Resize images with a triangle filter, specified exactly so that Python and JavaScript agree. Light: NumPy only."""

from __future__ import annotations

import functools
import math

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

ROUNDING_MARGIN = 1e-6
"""Added before rounding down, so that ties round up even after rounding errors in a sum."""

BLOCKS_FROM = 8
"""From this reduction on, blocks of pixels are averaged first, which keeps 12-megapixel photos fast."""

MOST_PRODUCTS = 250_000
"""The most multiplications of one matrix product: OpenBLAS computes larger ones in threads, which take longer to wake
up than the product takes, and compete with the threads that decode images."""

MOST_ROWS = 16
"""The most output pixels of one matrix product: more of them share fewer input pixels."""

MOST_EXACT = 4096
"""Up to this product of the sums of whole weights, float32 is exact enough for every tie."""

Band = tuple[slice, slice, np.ndarray]


def round_half_up(values: np.ndarray) -> np.ndarray:
    """Round to integers, ties up: ``floor(x + 0.5 + 1e-6)``.

    Example:
        >>> round_half_up(np.array([0.5, 1.5, 2.49])).tolist()
        [1, 2, 2]
    """
    return np.floor(np.asarray(values, np.float64) + (0.5 + ROUNDING_MARGIN)).astype(np.int64)


def nearest(value: float) -> int:
    """The nearest integer, ties up, as in `round_half_up`.

    Example:
        >>> nearest(2.5), nearest(-0.5)
        (3, 0)
    """
    return math.floor(value + (0.5 + ROUNDING_MARGIN))


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
def _bands(size_in: int, size_out: int, values: int, channels: int, exact: bool) -> tuple[Band, ...]:
    """`triangle_weights` as several small matrices, each of some output pixels and all input pixels that they need.

    Args:
        size_in: Input pixels along the axis.
        size_out: Output pixels.
        values: The number of values across the axis, by which each matrix is multiplied.
        channels: How many values are interleaved along the axis.
        exact: Whether to take `_whole_weights`.

    Returns:
        For each matrix, the slices of output values and input values, and the weights, float32 ``(output, input)``.
    """
    weights = _whole_weights(size_in, size_out) if exact else triangle_weights(size_in, size_out)
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
        matrix = np.kron(weights[begin:end, start:stop], np.eye(channels)).astype(np.float32)
        matrix.flags.writeable = False
        bands.append((slice(begin * channels, end * channels), slice(start * channels, stop * channels), matrix))
        begin = end
    return tuple(bands)


def _whole_weights(size_in: int, size_out: int) -> Int64[np.ndarray, "out inp"]:
    """`triangle_weights` times a factor for each row that makes them the smallest whole numbers.

    Example:
        >>> _whole_weights(4, 2).tolist()
        [[3, 3, 1, 0], [0, 1, 3, 3]]
    """
    common = math.gcd(size_in, size_out)
    inputs, outputs = size_in // common, size_out // common
    distances = np.abs((2 * np.arange(size_in) + 1) * outputs - (2 * np.arange(size_out)[:, None] + 1) * inputs)
    weights = np.maximum(2 * max(inputs, outputs) - distances, 0)
    return weights // np.gcd.reduce(weights, axis=1, keepdims=True)


@functools.lru_cache(maxsize=64)
def _sums_of_whole_weights(size_in: int, size_out: int) -> Int64[np.ndarray, " out"]:
    sums = _whole_weights(size_in, size_out).sum(axis=1)
    sums.flags.writeable = False
    return sums


@functools.lru_cache(maxsize=64)
def _factors(h: int, w: int, height: int, width: int, channels: int) -> Float32[np.ndarray, "height values"]:
    """What sums with whole weights are multiplied by."""
    rows, columns = _sums_of_whole_weights(h, height), _sums_of_whole_weights(w, width)
    factors = np.repeat(1 / np.outer(rows, columns), channels, axis=1).astype(np.float32)
    factors.flags.writeable = False
    return factors


def _resize(pixels: UInt8[np.ndarray, "h w c"], height: int, width: int) -> UInt8[np.ndarray, "height width c"]:
    """Resize one image by matrix products in float32, with the result of float64.

    Where all weights are small whole numbers (a reduction from 640 to 256, for example), float32 is exact up to the
    last product, and the result is a multiple of 1/4096 or more. Elsewhere, what float32 may have rounded to the wrong
    side is computed again.
    """
    h, w, c = pixels.shape
    most = int(_sums_of_whole_weights(h, height).max()) * int(_sums_of_whole_weights(w, width).max())
    exact = most <= MOST_EXACT
    values = pixels.reshape(h, w * c)
    rows = np.empty((height, w * c), np.float32)
    for output, inputs, weights in _bands(h, height, w * c, 1, exact):
        np.matmul(weights, values[inputs].astype(np.float32), out=rows[output])
    columns = np.empty((height, width * c), np.float32)
    for output, inputs, weights in _bands(w, width, height, c, exact):
        np.matmul(rows[:, inputs], weights.T, out=columns[:, output])
    if exact:
        columns *= _factors(h, w, height, width, c)
        columns += 0.5 + 0.25 / MOST_EXACT
        return columns.astype(np.uint8).reshape(height, width, c)
    columns += 0.5 + ROUNDING_MARGIN
    out = columns.astype(np.uint8)
    columns -= np.rint(columns)
    (row_pixels, row_weights), (column_pixels, column_weights) = _taps(h, height), _taps(w, width)
    doubt = 255 * 2.0**-24 * (len(row_pixels) + len(column_pixels) + 6)
    at = np.flatnonzero(np.abs(columns, out=columns) <= doubt)
    row, (column, channel) = at // (width * c), np.divmod(at % (width * c), c)
    terms = pixels[row_pixels[:, None, row], column_pixels[:, column], channel] * row_weights[:, None, row]
    totals = np.einsum("rcn,cn->n", terms, column_weights[:, column])
    out.reshape(-1)[at] = (totals + (0.5 + ROUNDING_MARGIN)).astype(np.uint8)
    return out.reshape(height, width, c)


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
    h, w, c = pixels.shape
    if 2 * (h / height + 1) * w * c > MOST_PRODUCTS:  # a single row of output is too long for a product
        resized = _resize_axis(_resize_axis(pixels, height, 0), width, 1)
        resized += 0.5 + ROUNDING_MARGIN
        return resized.astype(np.uint8)  # rounds down, as no value is negative
    return _resize(pixels, height, width)


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
