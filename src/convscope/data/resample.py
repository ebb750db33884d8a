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


def average_blocks(pixels: UInt8[np.ndarray, "h w c"], size: int) -> UInt8[np.ndarray, "h2 w2 c"]:
    """Average blocks of ``size``×``size`` pixels, rounding half up.

    Remaining rows and columns are cropped evenly, the smaller half at the top and the left.
    """
    h, w, c = pixels.shape
    rows, columns = h // size, w // size
    top, left = (h - rows * size) // 2, (w - columns * size) // 2
    inner = pixels[top : top + rows * size, left : left + columns * size]
    # Rows first, because the sums then fit the cache and the second sum is `size` times smaller.
    sums = inner.reshape(rows, size, columns * size, c).sum(axis=1, dtype=np.uint32)
    sums = sums.reshape(rows, columns, size, c).sum(axis=2, dtype=np.uint64)
    area = size * size
    return ((sums * 2 + area) // (2 * area)).astype(np.uint8)


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
    return round_half_up(_resize_axis(_resize_axis(pixels, height, 0), width, 1)).astype(np.uint8)


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
