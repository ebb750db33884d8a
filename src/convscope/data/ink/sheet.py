"""Find the sheet of paper, or the board, on a photo that also shows what it lies on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, UInt8

from convscope.data.ink.background import Counts, box_around, dilated, eroded, otsu_of
from convscope.data.ink.components import connected_components

Gray = UInt8[np.ndarray, "h w"]
Mask = Bool[np.ndarray, "h w"]
Point = tuple[int, int]

MIN_SIDE = 32
"""Images with a shorter side below this show no table."""

MIN_STEP = 40
"""Gray levels between the sheet and its surroundings."""

MIN_AREA = 0.05
MAX_AREA = 0.98
"""The sheet's part of the image."""

SURE_AREA = 0.15
"""From this on, a sheet is too large for a stroke of the pen."""

MAX_SHADED = 45
"""A darker part of at least this percentage of the brightness may be a shadow on the same sheet."""

MIN_FILLED = 0.7
"""The part of the sheet that is not ink."""

MIN_QUADRILATERAL = 0.9
"""The part of a sheet that the largest quadrilateral in it covers: 1 for four sides, 0.64 for an ellipse."""

MIN_QUADRILATERAL_CUT = 0.82
"""The same for a sheet that the edge of the image may cut, so that it may have more than four corners."""

MIN_SHARP = 0.8
"""The part of its outline, apart from the edges of the image, at which the brightness steps."""

SHARP_WITHIN = 4
"""Pixels on each side of the outline within which it steps."""


@dataclass(frozen=True)
class Sheet:
    """A sheet on a photo.

    Attributes:
        outline: The corners of its convex hull as (column, row), corners of pixels.
        light: Whether it is lighter than its surroundings.
        area: Its part of the image, 0 to 1.
        sure: Whether it can be neither a stroke of the pen nor the part of a sheet that lies in the light.
    """

    outline: tuple[Point, ...]
    light: bool
    area: float
    sure: bool


def find_sheet(gray: Gray, *, light: bool, counts: Counts | None = None) -> Sheet | None:
    """Find a sheet that is lighter (or darker) than its surroundings.

    1. Otsu's threshold splits the image; the largest connected component is the candidate.
    2. Its convex hull is the sheet if it is filled to 70 %, the largest quadrilateral in it covers 90 % (82 % at the
       edge of the image), and along 80 %
       of its outline the brightness steps by half of the difference between sheet and surroundings.

    Args:
        gray: The reduced image.
        light: Whether to look for a light sheet.
        counts: How many pixels have each gray level; None counts them.

    Returns:
        None if there is none.
    """
    h, w = gray.shape
    if min(h, w) < MIN_SIDE:
        return None
    levels = np.bincount(gray.reshape(-1), minlength=256) if counts is None else counts
    levels = levels if light else levels[::-1]
    threshold = otsu_of(levels)
    sums = levels * np.arange(256)
    n, total = int(levels[threshold + 1 :].sum()), int(sums[threshold + 1 :].sum())
    rest, dark = gray.size - n, int(sums[: threshold + 1].sum())
    if n == 0 or rest == 0:
        return None
    step = total // n - dark // rest
    if step < MIN_STEP or is_too_small(n, gray.size):
        return None
    shown = gray if light else 255 - gray
    mask = shown > threshold
    if is_whole(mask):
        return None
    reach = 2 * (max(h, w) // 128) + 1
    components = connected_components(eroded(dilated(mask, reach), reach))  # ruled lines do not cut it into strips
    largest = int(components.areas.argmax())
    area = int(components.areas[largest])
    if area > MAX_AREA * gray.size:  # its hull is even larger
        return None
    if all(components.number_at(row, column) == largest for row in (0, h - 1) for column in (0, w - 1)):
        return None  # its hull is the image
    part = components.mask([largest])
    boxed = part[box_around(part, 0)]
    if boxed.size < MIN_AREA * gray.size or area < MIN_FILLED * max(_spanned(boxed), _spanned(boxed.T)):
        return None  # its hull is smaller than the box, and larger than what it spans
    outline = convex_hull(part)
    inside = fill_polygon(outline, h, w)
    size = int(inside.sum())
    if not MIN_AREA * gray.size <= size <= MAX_AREA * gray.size or int((part & mask).sum()) < MIN_FILLED * size:
        return None
    cut = any(x in (0, w) or y in (0, h) for x, y in outline)
    least = MIN_QUADRILATERAL_CUT if cut else MIN_QUADRILATERAL
    if largest_quadrilateral(outline) < least * twice_area(outline):
        return None
    if not is_sharp(shown, outline, step):
        return None
    sides = [max(at) - min(at) for at in zip(*outline, strict=True)]
    large = min(sides) * 3 >= min(h, w) and size >= SURE_AREA * gray.size
    lit, shaded = (total * rest, dark * n) if light else (255 * rest * n - dark * n, 255 * rest * n - total * rest)
    return Sheet(tuple(outline), light, size / gray.size, large and shaded * 100 < MAX_SHADED * lit)


def is_too_small(n: int, size: int) -> bool:
    """Whether so many pixels of an image of so many cannot fill a sheet: a quick test before the search."""
    return n < MIN_FILLED * (MIN_AREA * size)


def is_whole(mask: Mask) -> bool:
    """Whether the largest component of a mask surely has all corners of the image: a quick test before the search.

    The pixels up to the first gap from the left side, and up to the first from the right side, are connected along the
    edge of the image. If they are more than half of the image, no other component is as large.
    """
    if not (mask[0].all() and mask[-1].all() and mask[:, 0].all() and mask[:, -1].all()):
        return False
    gaps = ~mask
    rows = gaps.any(axis=1)
    gaps = gaps[rows]
    connected = int(gaps.argmax(axis=1).sum()) + int(gaps[:, ::-1].argmax(axis=1).sum())
    return 2 * (connected + int(np.count_nonzero(~rows)) * mask.shape[1]) > mask.size


def _spanned(part: Mask) -> int:
    """The number of pixels between the first and the last one of each row, with these; each row has some."""
    part = np.ascontiguousarray(part)
    return int((part.shape[1] - part.argmax(axis=1) - part[:, ::-1].argmax(axis=1)).sum())


def convex_hull(mask: Mask) -> list[Point]:
    """The corners of the convex hull of a mask's pixels, (column, row), clockwise on the screen.

    Example:
        >>> convex_hull(np.array([[0, 1], [0, 1]], bool))
        [(1, 0), (2, 0), (2, 2), (1, 2)]
    """
    rows = mask.any(axis=1)
    h, w = mask.shape
    lefts, rights = np.full(h + 2, w), np.full(h + 2, -1)
    lefts[1:-1][rows] = mask[rows].argmax(axis=1)
    rights[1:-1][rows] = w - mask[rows, ::-1].argmax(axis=1)
    lefts, rights = np.minimum(lefts[:-1], lefts[1:]), np.maximum(rights[:-1], rights[1:])  # at corners of pixels
    ys = np.flatnonzero(rights >= 0)
    left, right = _chain(lefts[ys], ys), _chain(-rights[ys], ys)
    points = [(x, y) for x, y in left[::-1]] + [(-x, y) for x, y in right]
    first = points.index(min(points))
    return points[first:] + points[:first]


def _chain(xs: np.ndarray, ys: np.ndarray) -> list[Point]:
    """The points of the left side of a convex hull, from points with increasing y."""
    while len(xs) > 2:
        turns = np.diff(xs[:-1]) * np.diff(ys[1:]) - np.diff(xs[1:]) * np.diff(ys[:-1])
        kept = np.concatenate([[True], turns < 0, [True]])
        if kept.all():
            break
        xs, ys = xs[kept], ys[kept]
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def _turn(a: Point, b: Point, c: Point) -> int:
    """Twice the signed area of a triangle."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def twice_area(outline: list[Point]) -> int:
    """Twice the area of a convex polygon."""
    return sum(_turn(outline[0], a, b) for a, b in pairwise(outline[1:]))


def largest_quadrilateral(outline: list[Point]) -> int:
    """Twice the area of the largest quadrilateral whose corners are corners of a convex polygon."""
    xs, ys = np.array(outline).T
    x, y = xs - xs[:, None], ys - ys[:, None]  # from each corner to all: a diagonal, and the farthest on its two sides
    turns = x[:, :, None] * y[:, None, :] - y[:, :, None] * x[:, None, :]
    return int((turns.max(axis=2) - turns.min(axis=2)).max())


def fill_polygon(outline: list[Point], h: int, w: int) -> Mask:
    """The pixels whose centers are inside a convex polygon or on its outline."""
    corners = np.array(outline)
    (ax, ay), (dx, dy) = corners.T[..., None], (np.roll(corners, -1, axis=0) - corners).T[..., None]
    limits = dx * (2 * np.arange(h) + 1 - 2 * ay) + 2 * ax * dy  # dy * (2 column + 1) is at most this
    down, up = dy[:, 0] > 0, dy[:, 0] < 0
    high = (limits[down] // dy[down]).min(axis=0, initial=2 * w)
    low = -(limits[up] // -dy[up]).min(axis=0, initial=0)
    outside = (limits[dy[:, 0] == 0] < 0).any(axis=0)
    ends = np.where(outside, 0, (high - 1) // 2 + 1)
    columns = np.arange(w)
    return (columns >= (low // 2)[:, None]) & (columns < ends[:, None])


def is_sharp(shown: Gray, outline: list[Point], step: int) -> bool:
    """Whether the brightness steps by half of ``step`` along most of the outline that is inside the image."""
    h, w = shown.shape
    corners = np.array(outline)
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = np.abs(sides).max(axis=1)
    side = np.repeat(np.arange(len(sides)), lengths)
    k = np.arange(len(side)) - (lengths.cumsum() - lengths)[side]
    ax, ay, dx, dy, length = *corners[side].T, *sides[side].T, lengths[side]
    px, py = ax + dx * (k + 0.5) / length, ay + dy * (k + 0.5) / length
    inner = (px >= 3) & (py >= 3) & (px <= w - 3) & (py <= h - 3)
    px, py, dx, dy, length = px[inner], py[inner], dx[inner], dy[inner], length[inner]
    # One step inside is one pixel along the longer coordinate of the normal.
    levels = [
        shown[
            np.floor(py + within * (dx / length)).astype(np.int64).clip(0, h - 1),
            np.floor(px + within * (-dy / length)).astype(np.int64).clip(0, w - 1),
        ].astype(np.int64)
        for within in (SHARP_WITHIN, -SHARP_WITHIN)
    ]
    n = len(px)
    return n > 0 and bool(np.count_nonzero(2 * (levels[0] - levels[1]) >= step) >= MIN_SHARP * n)
