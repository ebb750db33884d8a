"""Remove ruled lines and squares: straight, thin lines across the whole sheet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

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
    if min(mask.shape) < MIN_SIDE or int(mask.sum()) > MAX_INK * int(region.sum()):
        return taken, 0
    count = 0
    for upright in (False, True):
        ink, sheet, out = (one.T if upright else one for one in (mask & ~taken, region, taken))
        runs = Runs.of(ink)
        lines = find_lines(runs, sheet)
        for line in lines:
            erase(runs, line, out)
        count += len(lines)
    return taken, count


def find_lines(runs: Runs, region: Mask) -> list[Line]:
    """The nearly horizontal lines, most visible first."""
    mask = runs.mask
    h, w = mask.shape
    free = dilated_rows(mask)
    ys, xs = np.nonzero(free)
    if len(ys) == 0:
        return []
    candidates: list[tuple[int, int, int]] = []
    reach = w // SLOPES
    for rise in range(-reach, reach + 1, 2):
        counts = np.bincount(ys - shift(xs, rise, w) + w, minlength=h + 2 * w)
        rows = np.flatnonzero(counts * 5 >= w)
        peak = counts[rows]
        better = (peak >= counts[np.maximum(rows - 1, 0)]) & (peak > counts[np.minimum(rows + 1, len(counts) - 1)])
        candidates += [(-int(n), int(row) - w, rise) for row, n in zip(rows[better], peak[better], strict=True)]
    candidates.sort()
    del candidates[MAX_CANDIDATES:]
    lines: list[Line] = []
    visible: list[float] = []
    used = np.zeros_like(mask)
    columns = np.arange(w)
    for _, row, rise in candidates:
        at = row + shift(columns, rise, w)
        within = (at >= 0) & (at < h)
        at, x = at[within], columns[within]
        length = int(region[at, x].sum())
        if length * 3 < w:
            continue
        seen = int((free[at, x] & region[at, x] & ~used[at, x]).sum())
        if seen < MIN_COVER * length:
            continue
        thickness = median_thickness(runs, at, x)
        if thickness == 0 or thickness > MAX_THICKNESS * max(h, w):
            continue
        lines.append(Line(row, rise, thickness))
        visible.append(seen / length)
        for offset in range(-4, 5):
            used[np.clip(at + offset, 0, h - 1), x] = True
    if len(lines) == 1 and (visible[0] < MIN_COVER_ALONE or lines[0].thickness > MAX_THICKNESS_ALONE * max(h, w)):
        return []
    return lines


def shift(columns: Int64[np.ndarray, " n"], rise: int, width: int) -> Int64[np.ndarray, " n"]:
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
    tops: np.ndarray
    bottoms: np.ndarray

    @classmethod
    def of(cls, mask: Mask) -> Runs:
        """Measure the runs."""
        rows = np.arange(mask.shape[0])[:, None]
        tops = np.maximum.accumulate(np.where(mask, 0, rows + 1), axis=0)
        bottoms = np.minimum.accumulate(np.where(mask, mask.shape[0], rows)[::-1], axis=0)[::-1]
        return cls(mask, tops, bottoms)

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
    for column in np.flatnonzero((bottom > top) & (bottom - top <= most)).tolist():
        taken[max(0, top[column] - 1) : bottom[column] + 1, column] = True
