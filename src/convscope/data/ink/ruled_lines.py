"""Remove ruled lines and squares: straight, thin lines across the whole sheet."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Int64

from convscope.data.ink.background import Mask

MIN_SIDE = 64
"""Smaller images have no ruled lines."""

SLOPES = 5
"""Lines rise by at most one part in this many."""

MIN_COVER = 0.7
"""The part of its way across the sheet that a line is visible on, if there are two or more."""

MIN_COVER_ALONE = 0.85
MAX_THICKNESS_ALONE = 0.025
"""For a single line, whose thickness is at most this part of the longer side."""

MAX_THICKNESS = 0.04
"""The thickest ruled line, as a part of the longer side."""

MAX_INK = 0.5
"""If more than this part of the sheet is in the mask, it shows no lines."""

MAX_CANDIDATES = 400


@dataclass(frozen=True)
class Line:
    """A nearly horizontal line: its first row, its rise over the width, and its median thickness."""

    row: int
    rise: int
    thickness: int


def remove_lines(mask: Mask, region: Mask) -> tuple[Mask, int]:
    """Take ruled lines out of a mask of ink.

    Only the pixels of a line are removed where no stroke crosses it: where the mask is not thicker, across the line,
    than one and a half times the line.

    Args:
        mask: Ink and lines.
        region: The sheet.

    Returns:
        The pixels to remove, and the number of lines.
    """
    taken = np.zeros_like(mask)
    if min(mask.shape) < MIN_SIDE or np.count_nonzero(mask) > MAX_INK * np.count_nonzero(region):
        return taken, 0
    count, whole = 0, bool(region.all())
    for upright in (False, True):
        ink = mask & ~taken if count else mask
        if not may_hold_lines(np.logical_or.reduce(ink, axis=int(upright)), whole=whole):
            continue
        ink, sheet, out = (one.T if upright else one for one in (ink, region, taken))
        runs = Runs(np.ascontiguousarray(ink))
        lines = find_lines(runs, sheet)
        for line in lines:
            erase(runs, line, out)
        count += len(lines)
    return taken, count


def may_hold_lines(inked: Bool[np.ndarray, " columns"], *, whole: bool) -> bool:
    """Whether enough columns hold ink for a line: a quick test before the search.

    A line is on at least a third of the columns, and visible on most of these. If the sheet is the whole image, they
    begin at its left side or end at its right side, as a line cannot leave it both above and below.
    """
    w = len(inked)
    least = -(-w // 3)
    if not whole:
        return int(np.count_nonzero(inked)) >= MIN_COVER * least
    lengths = np.arange(least, w + 1)
    seen = np.maximum(inked.cumsum(), inked[::-1].cumsum())[least - 1 :]
    return bool((seen >= MIN_COVER * lengths).any())


def find_lines(runs: Runs, region: Mask) -> list[Line]:
    """The nearly horizontal lines, most visible first."""
    h, w = runs.mask.shape
    free = dilated_rows(runs.mask)
    rows, rises = candidates_of(free)
    above = 2 * (w // SLOPES) + 4  # rows, so that no line leaves the array
    padded = np.zeros((h + 2 * above, w), bool)
    inner, flat = padded[above : above + h], padded.reshape(-1)
    places = (rows[:, None] + above) * w + _places(w)[rises + w // SLOPES]
    inner[:] = region
    lengths = np.count_nonzero(flat[places], axis=1)
    inner &= free
    most = np.count_nonzero(flat[places], axis=1)
    lines: list[Line] = []
    visible: list[float] = []
    for index in np.flatnonzero((lengths * 3 >= w) & (most >= MIN_COVER * lengths)).tolist():
        length, seen = int(lengths[index]), np.count_nonzero(flat[places[index]])
        if seen < MIN_COVER * length:
            continue
        at, x = np.divmod(places[index], w)
        within = (at >= above) & (at < above + h)
        at, x = at[within] - above, x[within]
        thickness = median_thickness(runs, at, x)
        if thickness == 0 or thickness > MAX_THICKNESS * max(h, w):
            continue
        lines.append(Line(int(rows[index]), int(rises[index]), thickness))
        visible.append(seen / length)
        inner[np.clip(at + np.arange(-4, 5)[:, None], 0, h - 1), x] = False  # seen once only
    if len(lines) == 1 and (visible[0] < MIN_COVER_ALONE or lines[0].thickness > MAX_THICKNESS_ALONE * max(h, w)):
        return []
    return lines


def candidates_of(free: Mask) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Row and rise of up to 400 lines that cross ink in at least a fifth of the columns, the most visible first.

    The pixels on a line are counted from sums along each row: where a line steps to the next row, what the row that it
    leaves holds up to there is added, and what the row that it enters holds is subtracted.
    """
    inked = np.flatnonzero(free.any(axis=1))
    if len(inked) == 0:
        return inked, inked
    free = free[inked[0] : inked[-1] + 1]  # other rows add nothing
    h, w = free.shape
    reach = w // SLOPES
    sums = np.zeros((3, w + 1, h + 4 * reach + 4), np.int16)
    np.cumsum(free.T, axis=0, dtype=np.int16, out=sums[0, 1:, 2 * reach + 2 : 2 * reach + 2 + h])
    np.subtract(sums[0, :, :-1], sums[0, :, 1:], out=sums[1, :, :-1])
    np.subtract(sums[0, :, 1:], sums[0, :, :-1], out=sums[2, :, 1:])
    places, shifts, begins = _terms(w)
    shown = np.lib.stride_tricks.sliding_window_view(sums.reshape(-1), h + 2 * reach + 2)
    shown = shown[places * sums.shape[2] + shifts]
    counts = np.empty((reach + 1, shown.shape[1]), np.int16)
    for count, (begin, end) in zip(counts, pairwise(begins), strict=True):  # np.add.reduceat takes three times as long
        np.add.reduce(shown[begin:end], dtype=np.int16, out=count)
    inner = counts[:, 1:-1]  # the outermost rows are beside the image for every rise
    better = (inner * 5 >= w) & (inner >= counts[:, :-2]) & (inner > counts[:, 2:])
    steps, rows = np.nonzero(better)
    rises = 2 * steps - reach
    order = np.lexsort((rises, rows, -inner[steps, rows]))[:MAX_CANDIDATES]
    return rows[order] - reach + inked[0], rises[order]


@functools.lru_cache(maxsize=32)
def _terms(w: int) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """The terms of all counts: each one's row of the sums, and place in it; and where each rise begins and ends."""
    reach = w // SLOPES
    shifts = _shifts(w)[::2]
    steps = np.diff(shifts, axis=1, append=0)
    steps[:, -1] = 3  # the last term is the sum of a whole row
    rise, x = np.nonzero(steps)
    which = np.array([0, 1, 0, 0, 2])[steps[rise, x]]
    begins = [*np.flatnonzero(np.diff(rise, prepend=-1)).tolist(), len(rise)]
    return which * (w + 1) + x + 1, shifts[rise, x] + reach + 1, begins


@functools.lru_cache(maxsize=32)
def _shifts(w: int) -> Int64[np.ndarray, "rises columns"]:
    """The shift of each column, for each rise."""
    reach = w // SLOPES
    return shift(np.arange(w), np.arange(-reach, reach + 1)[:, None], w)


@functools.lru_cache(maxsize=32)
def _places(w: int) -> Int64[np.ndarray, "rises columns"]:
    """Where the pixels of a line from row 0 are, counted row by row, for each rise."""
    return _shifts(w) * w + np.arange(w)


def shift(columns: Int64[np.ndarray, " n"], rise: int | np.ndarray, width: int) -> Int64[np.ndarray, "*rises n"]:
    """The rise of a line at each column, rounded half up."""
    return (2 * columns * rise + width) // (2 * width)


def dilated_rows(mask: Mask) -> Mask:
    """The mask and the pixels above and below it."""
    out = mask.copy()
    out[1:] |= mask[:-1]
    out[:-1] |= mask[1:]
    return out


@dataclass(frozen=True)
class Runs:
    """The vertical runs of a mask: for each pixel of the mask, the run's first row and its end (exclusive)."""

    mask: Mask

    @functools.cached_property
    def tops(self) -> np.ndarray:
        """The first row of each pixel's run."""
        rows = np.arange(1, len(self.mask) + 1, dtype=np.int16)[:, None]
        return np.maximum.accumulate(np.where(self.mask, np.int16(0), rows), axis=0)

    @functools.cached_property
    def bottoms(self) -> np.ndarray:
        """The end of each pixel's run."""
        rows = np.arange(len(self.mask), dtype=np.int16)[:, None]
        ends = np.where(self.mask, np.int16(len(self.mask)), rows)
        return np.minimum.accumulate(ends[::-1], axis=0)[::-1]

    def along(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Top and bottom of the run at each pixel, or up to two rows from it, nearest first; 0 if there is none."""
        top, bottom = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
        h = len(self.mask)
        for offset in (2, -2, 1, -1, 0):
            near = rows + offset
            here = (near >= 0) & (near < h)
            here[here] = self.mask[near[here], columns[here]]
            top[here], bottom[here] = self.tops[near[here], columns[here]], self.bottoms[near[here], columns[here]]
        return top, bottom


def median_thickness(runs: Runs, rows: np.ndarray, columns: np.ndarray) -> int:
    """The lower median length of the vertical runs along a line; 0 if there are none."""
    top, bottom = runs.along(rows, columns)
    lengths = np.sort((bottom - top)[bottom > top])
    return int(lengths[(len(lengths) - 1) // 2]) if len(lengths) else 0


def erase(runs: Runs, line: Line, taken: Mask) -> None:
    """Mark the pixels of a line in ``taken`` where no stroke crosses it."""
    w = taken.shape[1]
    most = line.thickness + max(1, line.thickness // 2)
    columns = np.arange(w)
    top, bottom = runs.along(line.row + shift(columns, line.rise, w), columns)
    thin = np.flatnonzero((bottom > top) & (bottom - top <= most))
    rows = top[thin] - 1 + np.arange(most + 2)[:, None]
    inside = (rows >= 0) & (rows <= bottom[thin]) & (rows < len(taken))
    taken[rows[inside], np.broadcast_to(thin, rows.shape)[inside]] = True
