"""MNIST's framing: fit ink into 20×20, center it by mass in 28×28.

Light: NumPy only. `ink.find_ink` finds the ink on a photo; everything before the last resampling is integer arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8

from convscope.data.ink.background import dilated
from convscope.data.ink.find_ink import find_ink
from convscope.data.ink.ink_report import InkReport
from convscope.data.ink.polarity import has_dark_ink
from convscope.data.pixels import to_grey
from convscope.data.resample import nearest, resample

Gray = UInt8[np.ndarray, "h w"]
RowSums = Int64[np.ndarray, " h"]
ColumnSums = Int64[np.ndarray, " w"]


@dataclass(frozen=True, eq=False)
class FramedDigits:
    """The ink of an image, framed as in MNIST.

    Attributes:
        pixels: uint8 ``(height, width)``: all ink together.
        digits: The same for each digit alone, left to right; empty if there is no ink.
        report: What was found.
    """

    pixels: Gray
    digits: tuple[Gray, ...]
    report: InkReport


def frame_ink(
    picture: UInt8[np.ndarray, "rows columns channels"], height: int, width: int, *, polarity: str
) -> FramedDigits:
    """Find the ink on an image and frame it as in MNIST, in the same proportions for any size.

    For 28×28 (in general the box is ``round(20/28 side)`` and the center ``side / 2``):

    1. An image that is already framed (`is_framed`) is returned unchanged, as light ink on dark.
    2. The ink is searched (`ink.find_ink`); without any, the result is all 0.
    3. The bounding box of the ink is resized so that it just fits into 20×20, keeping its proportions.
    4. Its gray levels are scaled so that the lightest is 255, because step 3 makes thin strokes pale.
    5. It is placed so that its center of mass, rounded half up, is at row 14 and column 14 (counted from 0), and moved
       back inside if it would stick out.

    Args:
        picture: uint8, 1 channel, or 3 (RGB), without transparency.
        height: Rows of the result.
        width: Columns of the result.
        polarity: ``"light"`` or ``"dark"`` for the ink, or ``"auto"`` (`has_dark_ink`).

    Source:
        LeCun, Cortes and Burges, the description of the MNIST database. We differ in step 2, which scanned forms do not
        need, and in the filter of step 3.
    """
    if picture.shape[:2] == (height, width):
        gray = to_grey(picture)[..., 0]
        dark = polarity == "dark" or (polarity == "auto" and has_dark_ink(gray))
        gray = 255 - gray if dark else gray
        if is_framed(gray, height, width):
            drawn = bool(gray.any())
            return FramedDigits(gray, (gray,) if drawn else (), InkReport(dark=dark, digits=int(drawn)))
    found = find_ink(picture, polarity=polarity)
    pixels = place(found.levels, height, width)
    if len(found.digits) < 2:
        return FramedDigits(pixels, (pixels,) * len(found.digits), found.report)
    digits = tuple(
        place(np.where(dilated(one, 5), found.levels, 0).astype(np.uint8), height, width) for one in found.digits
    )
    return FramedDigits(pixels, digits, found.report)


def place(levels: UInt8[np.ndarray, "rows columns"], height: int, width: int) -> Gray:
    """Fit ink into the box of MNIST's proportions and center it by mass; all 0 if there is none."""
    out = np.zeros((height, width), np.uint8)
    if not levels.any():
        return out
    top, bottom, left, right = ink_box(levels)
    found = levels[top:bottom, left:right]
    box_h, box_w = (nearest(side * 20 / 28) or 1 for side in (height, width))
    scale = min(box_h / found.shape[0], box_w / found.shape[1])
    sides = [max(1, nearest(side * scale)) for side in found.shape]
    small = resample(found[..., None], min(sides[0], box_h), min(sides[1], box_w))[..., 0]
    small = ((small.astype(np.uint32) * 510 + small.max()) // (2 * max(1, int(small.max())))).astype(np.uint8)
    row, column = (nearest(middle) for middle in center_of_mass(small))
    y = min(max(height // 2 - row, 0), height - small.shape[0])
    x = min(max(width // 2 - column, 0), width - small.shape[1])
    out[y : y + small.shape[0], x : x + small.shape[1]] = small
    return out


def is_framed(gray: Gray, height: int, width: int) -> bool:
    """Whether an image already has MNIST's framing.

    It has the requested size; its bounding box is as long as MNIST's (20 of 28) in one direction, within one pixel,
    and no longer in the other; and its center of mass rounds to the center. All but a few of MNIST's 70,000 images
    pass.
    """
    if gray.shape != (height, width):
        return False
    by_row, by_column = _sums(gray)
    (rows,), (columns,) = by_row.nonzero(), by_column.nonzero()
    if not len(rows):
        return True
    over_h = int(rows[-1]) + 1 - int(rows[0]) - height * 20 / 28
    over_w = int(columns[-1]) + 1 - int(columns[0]) - width * 20 / 28
    if max(over_h, over_w) > 0.5 or max(over_h, over_w) < -1.5:
        return False
    row, column = _center(by_row, by_column)
    return abs(row - height / 2) <= 0.5 and abs(column - width / 2) <= 0.5


def _sums(gray: Gray) -> tuple[RowSums, ColumnSums]:
    """The sum of each row and of each column."""
    return np.add.reduce(gray, axis=1, dtype=np.int64), np.add.reduce(gray, axis=0, dtype=np.int64)


def ink_box(gray: Gray) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of the bounding box of nonzero pixels; bottom and right are exclusive."""
    rows, columns = np.flatnonzero(gray.any(axis=1)), np.flatnonzero(gray.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def center_of_mass(gray: Gray) -> tuple[float, float]:
    """Row and column of the center of mass, in pixels counted from 0; the center of the image if all is 0.

    Example:
        >>> center_of_mass(np.array([[0, 1, 3]], np.uint8))
        (0.0, 1.75)
    """
    return _center(*_sums(gray))


def _center(by_row: RowSums, by_column: ColumnSums) -> tuple[float, float]:
    total = int(by_row.sum())
    if total == 0:  # a faint dot may vanish when it is reduced
        return (len(by_row) - 1) / 2, (len(by_column) - 1) / 2
    row, column = (int(sums @ np.arange(len(sums))) / total for sums in (by_row, by_column))
    return row, column
