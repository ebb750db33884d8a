"""The uneven background of ink: morphology, Otsu's threshold, and the illumination of the paper."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64, UInt8

Gray = UInt8[np.ndarray, "h w"]
Counts = Int64[np.ndarray, "256"]
"""How many pixels have each gray level."""

Mask = Bool[np.ndarray, "h w"]

MIN_BRIGHTNESS = 32
"""The lowest brightness that ink is divided by; below it, noise in a deep shadow would become ink."""

MIN_RANGE = 128
"""The same for light ink on a board."""

GRID = 8
"""Blocks along each side in which the brightness of the paper is measured."""

MIN_BLOCKS = 12
"""Blocks to which the brightness is fitted."""

UNEVEN = 1.5
"""Illumination is divided out if its maximum is more than this times its minimum."""

ROUNDING_MARGIN = 1e-6
"""More than the rounding errors of a surface's height."""


def difference_from_background(gray: Gray, region: Mask, *, dark: bool) -> Gray:
    """The levels of ink: ``floor(255 (image - background) / max(255 - background, least))``, 0 outside the region.

    The background is the morphological opening (a running minimum, then a running maximum of it) in a square window of
    a third of the shorter side, at least 3 and odd, clipped at the edges of the region. Shadows are wider than that
    and remain, strokes vanish. Ink absorbs a fraction of the light on the paper, so the same ink differs by fewer
    levels in a shadow. ``least`` is 32 for dark ink. For light ink it is 128, because white on light gray is faint.

    Args:
        gray: Light ink on dark.
        region: Where the sheet is.
        dark: Whether the ink was dark, and the image is inverted.
    """
    window = max(3, min(gray.shape) // 3) | 1
    whole = bool(region.all())
    low = running(gray if whole else np.where(region, gray, np.uint8(255)), window, np.minimum)
    ground = running(low if whole else np.where(region, low, np.uint8(0)), window, np.maximum)
    rise = _rises(MIN_BRIGHTNESS if dark else MIN_RANGE).take(ground.astype(np.uint16) * np.uint16(256) + gray)
    return rise if whole else np.where(region, rise, np.uint8(0))


@functools.cache
def _rises(least: int) -> UInt8[np.ndarray, 65536]:
    """The level of ink for each level of the background and, within it, of the image."""
    ground, gray = np.arange(256)[:, None], np.arange(256)[None, :]
    rises = ((gray - ground) * 255 // np.maximum(255 - ground, least)).clip(0, 255).astype(np.uint8).reshape(-1)
    rises.flags.writeable = False
    return rises


def running(gray: Gray, window: int, better: np.ufunc) -> Gray:
    """The running minimum or maximum (``np.minimum``, ``np.maximum``) in an odd square window, clipped at the edges."""
    for axis in (0, 1):
        wide = _padded(gray, window // 2, axis, 255 if better is np.minimum else 0)
        span = 1
        while span < window:  # a window of 2 spans is two windows of 1
            step = min(span, window - span)
            wide = better(wide[:-step], wide[step:]) if axis == 0 else better(wide[:, :-step], wide[:, step:])
            span += step
        gray = wide
    return gray


def _padded(gray: Gray, reach: int, axis: int, value: int) -> UInt8[np.ndarray, "h2 w2"]:
    h, w = gray.shape
    out = np.full((h + 2 * reach, w) if axis == 0 else (h, w + 2 * reach), value, np.uint8)
    (out[reach : reach + h] if axis == 0 else out[:, reach : reach + w])[...] = gray
    return out


def dilated(mask: Mask, window: int) -> Mask:
    """A mask grown by half a window on each side."""
    return running(mask.view(np.uint8), window, np.maximum).view(bool)


def eroded(mask: Mask, window: int) -> Mask:
    """A mask shrunk by half a window on each side; the edge of the image does not shrink it."""
    return running(mask.view(np.uint8), window, np.minimum).view(bool)


def box_around(mask: Mask, margin: int) -> tuple[slice, slice]:
    """Rows and columns of the bounding box of a mask that is not empty, with a margin inside the image."""
    sides = [np.flatnonzero(mask.any(axis=axis))[[0, -1]].tolist() for axis in (1, 0)]
    rows, columns = (slice(max(0, first - margin), last + 1 + margin) for first, last in sides)
    return rows, columns


def levels_in(gray: Gray, region: Mask) -> UInt8[np.ndarray, " n"]:
    """The levels of the pixels of a region, in reading order."""
    return gray.reshape(-1) if region.all() else gray[region]


def edge_of(region: Mask) -> Mask:
    """The outermost pixels of a region; the edge of the image counts as its edge."""
    out = region.copy()
    if region.all():
        out[1:-1, 1:-1] = False
    elif min(region.shape) > 2:
        inner = region[:, :-2] & region[:, 1:-1] & region[:, 2:]
        out[1:-1, 1:-1] &= ~(inner[:-2] & inner[1:-1] & inner[2:])
    return out


def otsu(gray: UInt8[np.ndarray, " *shape"]) -> int:
    """Otsu's threshold: the darker part is ``<=`` it; 0 for an image of one level.

    Source:
        Otsu, A Threshold Selection Method from Gray-Level Histograms, 1979. Ties go to the lowest level.

    Example:
        >>> otsu(np.array([[10, 12, 200, 203]], np.uint8))
        12
    """
    return otsu_of(np.bincount(gray.reshape(-1), minlength=256))


def otsu_of(counts: Counts) -> int:
    """Otsu's threshold of an image from its number of pixels of each level."""
    n, total = int(counts.sum()), int((counts * np.arange(256)).sum())
    below, mass = counts.cumsum()[:-1], (counts * np.arange(256)).cumsum()[:-1]
    usable = (below > 0) & (below < n)
    # The squared difference of the two means, weighted: (mass n - total below)² / (below (n - below)).
    between = np.where(usable, (mass * n - total * below) ** 2.0 / np.maximum(below * (n - below), 1), 0.0)
    return int(between.argmax())


def even_out(gray: Gray, region: Mask) -> Gray:
    """Divide out the illumination if it is very uneven (a vignette, one lamp near the paper); else return the image.

    Twice, because a vignette under a lamp is a product of two surfaces.

    Args:
        gray: Paper or board, with ink.
        region: Where the sheet is.
    """
    once = divide_out(gray, region, uneven=UNEVEN)
    return gray if once is gray else divide_out(once, region, uneven=1.0)


def divide_out(gray: Gray, region: Mask, *, uneven: float) -> Gray:
    """Divide by a quadratic surface that is fitted to the illumination.

    It is fitted to the medians of 8×8 blocks by least squares, and four times more to those that
    differ from it by a fifth at most. Unchanged is an image with too few of these, and one of which half is exactly 0.

    Args:
        gray: Paper or board, with ink.
        region: Where the sheet is.
        uneven: Unchanged is an image whose surface has a maximum of up to this times its minimum.
    """
    h, w = gray.shape
    drawn = np.count_nonzero(gray) * 2 <= gray.size
    if drawn or min(h, w) < 2 * GRID:
        return gray
    samples = _block_levels(gray, region)
    if len(samples) < MIN_BLOCKS:
        return gray
    surface, near = _fit(samples), np.ones(len(samples), bool)
    for _ in range(4):
        heights = _height(surface, samples[:, 0], samples[:, 1])
        before, near = near, (0.8 * heights <= samples[:, 2]) & (samples[:, 2] <= 1.25 * heights)
        if (near == before).all():  # so is every further surface
            break
        kept = samples[near]
        if len(kept) < MIN_BLOCKS or len(kept) * 2 < len(samples):
            return gray
        surface = _fit(kept)
    if _is_even(surface, uneven):
        return gray
    u, v = (2 * np.arange(w) + 1 - w) * GRID / w, (2 * np.arange(h) + 1 - h) * GRID / h
    values = np.floor(_height(surface, u[None, :], v[:, None]) + 0.5)
    high, low = values.max(where=region, initial=-np.inf), values.min(where=region, initial=np.inf)
    if high <= uneven * max(low, 1.0):
        return gray
    high = min(high, 255.0)
    values = np.maximum(values, max(1.0, np.floor(high / 12)))
    return np.minimum(255, np.floor(gray * high / values)).astype(np.uint8)


def _is_even(surface: list[float], uneven: float) -> bool:
    """Whether a surface is known to be even from bounds of its terms, without its height at each pixel."""
    a, b, c, d, e, f = surface
    reach = GRID * (abs(b) + abs(c) + GRID * abs(e)) + 0.5 + ROUNDING_MARGIN
    high = a + reach + GRID**2 * (max(d, 0.0) + max(f, 0.0))
    low = a - reach + GRID**2 * (min(d, 0.0) + min(f, 0.0))
    return high <= uneven * max(low, 1.0)


def _block_levels(gray: Gray, region: Mask) -> Int64[np.ndarray, "blocks 3"]:
    """Center column and row of each block, -7..7, and its median, for blocks that lie mostly in the region."""
    rows, columns = (np.arange(GRID + 1) * side // GRID for side in gray.shape)
    heights, widths = np.diff(rows), np.diff(columns)
    blocks = np.arange(0, 256 * GRID, 256, dtype=np.uint16)
    levels = (np.repeat(blocks * np.uint16(GRID), heights)[:, None] + np.repeat(blocks, widths)) + gray
    levels = levels.reshape(-1) if region.all() else levels[region]
    up_to = np.bincount(levels, minlength=256 * GRID**2).reshape(GRID**2, 256).cumsum(axis=1)
    n = up_to[:, -1]
    used = np.flatnonzero(n * 2 >= np.outer(heights, widths).reshape(-1))
    medians = (up_to[used] > (n[used, None] - 1) // 2).argmax(axis=1)
    i, j = np.divmod(used, GRID)
    return np.stack([2 * j + 1 - GRID, 2 * i + 1 - GRID, medians], axis=1)


def _fit(samples: Int64[np.ndarray, "blocks 3"]) -> list[float]:
    """Least squares by the normal equations, whose sums are exact integers."""
    u, v, level = samples.T
    terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v, level])
    return solve((terms[:6] @ terms.T).astype(np.float64).tolist())


def _height(surface: list[float], u: Any, v: Any) -> Any:
    a, b, c, d, e, f = surface
    return a + b * u + c * v + d * (u * u) + e * (u * v) + f * (v * v)


def solve(rows: list[list[float]]) -> list[float]:
    """Solve linear equations, each row the coefficients and the right side; a free unknown is 0."""
    n = len(rows)
    for column in range(n):
        pivot = max(range(column, n), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        if rows[column][column] == 0:
            continue
        for row in range(column + 1, n):
            factor = rows[row][column] / rows[column][column]
            rows[row] = [value - factor * other for value, other in zip(rows[row], rows[column], strict=True)]
    out = [0.0] * n
    for row in range(n - 1, -1, -1):
        value = rows[row][n]
        for k in range(row + 1, n):
            value -= rows[row][k] * out[k]
        out[row] = value / rows[row][row] if rows[row][row] else 0.0
    return out
