"""Find the sheet of paper, or the board, on a photo that also shows what it lies on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, UInt8

from convscope.data.ink.background import dilated, eroded, otsu
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


def find_sheet(gray: Gray, *, light: bool) -> Sheet | None:
    """Find a sheet that is lighter (or darker) than its surroundings.

    1. Otsu's threshold splits the image; the largest connected component is the candidate.
    2. Its convex hull is the sheet if it is filled to 70 %, the largest quadrilateral in it covers 90 % (82 % at the
       edge of the image), and along 80 %
       of its outline the brightness steps by half of the difference between sheet and surroundings.

    Args:
        gray: The reduced image.
        light: Whether to look for a light sheet.

    Returns:
        None if there is none.
    """
    h, w = gray.shape
    if min(h, w) < MIN_SIDE:
        return None
    shown = gray if light else 255 - gray
    threshold = otsu(shown)
    mask = shown > threshold
    if not mask.any() or mask.all():
        return None
    n, total = int(mask.sum()), int(shown[mask].astype(np.int64).sum())
    rest, dark = gray.size - n, int(shown[~mask].astype(np.int64).sum())
    step = total // n - dark // rest
    if step < MIN_STEP:
        return None
    reach = 2 * (max(h, w) // 128) + 1
    labels, count = connected_components(eroded(dilated(mask, reach), reach))  # ruled lines do not cut it into strips
    areas = np.bincount(labels.reshape(-1), minlength=count + 1)
    areas[0] = 0
    part = labels == areas.argmax()
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


def convex_hull(mask: Mask) -> list[Point]:
    """The corners of the convex hull of a mask's pixels, (column, row), clockwise on the screen.

    Example:
        >>> convex_hull(np.array([[0, 1], [0, 1]], bool))
        [(1, 0), (2, 0), (2, 2), (1, 2)]
    """
    points = []
    for row in np.flatnonzero(mask.any(axis=1)).tolist():
        columns = np.flatnonzero(mask[row])
        left, right = int(columns[0]), int(columns[-1]) + 1
        points += [(left, row), (right, row), (left, row + 1), (right, row + 1)]
    points = sorted(set(points))
    lower, upper = _chain(points), _chain(points[::-1])
    return lower[:-1] + upper[:-1]


def _chain(points: list[Point]) -> list[Point]:
    out: list[Point] = []
    for point in points:
        while len(out) > 1 and _turn(out[-2], out[-1], point) <= 0:
            out.pop()
        out.append(point)
    return out


def _turn(a: Point, b: Point, c: Point) -> int:
    """Twice the signed area of a triangle."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def twice_area(outline: list[Point]) -> int:
    """Twice the area of a convex polygon."""
    return sum(_turn(outline[0], a, b) for a, b in pairwise(outline[1:]))


def largest_quadrilateral(outline: list[Point]) -> int:
    """Twice the area of the largest quadrilateral whose corners are corners of a convex polygon."""
    xs, ys = np.array(outline).T
    best = 0
    for i in range(len(outline)):  # a diagonal from corner i to each other, and the farthest corners on its two sides
        x, y = xs - xs[i], ys - ys[i]
        turns = x[:, None] * y[None, :] - y[:, None] * x[None, :]
        best = max(best, int((turns.max(axis=1) - turns.min(axis=1)).max()))
    return best


def fill_polygon(outline: list[Point], h: int, w: int) -> Mask:
    """The pixels whose centers are inside a convex polygon or on its outline."""
    y, x = 2 * np.arange(h)[:, None] + 1, 2 * np.arange(w)[None, :] + 1
    inside = np.ones((h, w), bool)
    for (ax, ay), (bx, by) in zip(outline, outline[1:] + outline[:1], strict=True):
        inside &= (bx - ax) * (y - 2 * ay) - (by - ay) * (x - 2 * ax) >= 0
    return inside


def is_sharp(shown: Gray, outline: list[Point], step: int) -> bool:
    """Whether the brightness steps by half of ``step`` along most of the outline that is inside the image."""
    h, w = shown.shape
    sharp = n = 0
    for (ax, ay), (bx, by) in zip(outline, outline[1:] + outline[:1], strict=True):
        length = max(abs(bx - ax), abs(by - ay))
        reach = max(abs(bx - ax), abs(by - ay), 1)
        # One step inside is one pixel along the longer coordinate of the normal.
        nx, ny = -(by - ay) / reach, (bx - ax) / reach
        for k in range(length):
            px, py = ax + (bx - ax) * (k + 0.5) / length, ay + (by - ay) * (k + 0.5) / length
            if min(px, py) < 3 or px > w - 3 or py > h - 3:
                continue
            n += 1
            ends = []
            for side in (SHARP_WITHIN, -SHARP_WITHIN):
                column = min(max(int(np.floor(px + side * nx)), 0), w - 1)
                row = min(max(int(np.floor(py + side * ny)), 0), h - 1)
                ends.append(int(shown[row, column]))
            sharp += 2 * (ends[0] - ends[1]) >= step
    return n > 0 and sharp >= MIN_SHARP * n
