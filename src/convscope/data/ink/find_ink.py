"""Find the ink on an image: the sheet, its ruled lines, the strokes, and how many digits they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8

from convscope.data.ink.background import (
    Counts,
    Gray,
    Mask,
    box_around,
    difference_from_background,
    dilated,
    eroded,
    even_out,
    levels_in,
    otsu_of,
)
from convscope.data.ink.digits import Digits, find_digits
from convscope.data.ink.ink_report import InkReport
from convscope.data.ink.polarity import WORKING_SIDE, is_darker
from convscope.data.ink.ruled_lines import remove_lines
from convscope.data.ink.sheet import Sheet, fill_polygon, find_sheet
from convscope.data.pixels import to_grey
from convscope.data.resample import average_blocks, nearest, reduce_to

PHOTO_SIDE = 1024
"""Larger photos are reduced by averaging blocks, once, to between this and twice this."""

MIN_CONTRAST = 32
"""Gray levels between ink and background below which an image counts as blank; paper grain and JPEG noise are below."""

FAINT_CONTRAST = 14
"""From here on to `MIN_CONTRAST`, there may be ink that is too faint."""

MIN_CERTAINTY = 5
"""Standard deviations of the background between ink and background: noise gives about 3, ink on noisy paper about 7."""


@dataclass(frozen=True)
class FoundInk:
    """Ink on an image.

    Attributes:
        levels: uint8 ``(h, w)``, light ink on 0, of the part of the image that was searched.
        digits: Where each digit is in it.
        report: What was found.
    """

    levels: Gray
    digits: tuple[Mask, ...]
    report: InkReport


def find_ink(picture: UInt8[np.ndarray, "rows columns channels"], *, polarity: str) -> FoundInk:
    """Find the ink on an image.

    1. The longer side is reduced to 256 pixels if it is longer; from 2048 pixels on, blocks of pixels are averaged
       first, so that 1024 to 2047 are left.
    2. A sheet of paper or a board that lies on something else is searched (`find_sheet`); the image is cropped to it.
    3. The ink on it is searched in the brightness, and if none is found there, in red, green and blue. In each:
       the illumination is evened out (`even_out`), the background subtracted, ink and background split by Otsu's
       threshold, ruled lines removed (`remove_lines`), and the rest grouped into digits (`find_digits`).
    4. If there is none on the sheet, it is searched on the whole image, unless the sheet is large.

    Args:
        picture: uint8, 1 channel, or 3 (RGB), without transparency.
        polarity: ``"light"`` or ``"dark"`` for the ink, or ``"auto"``.
    """
    blocks = min(max(picture.shape[:2]) // PHOTO_SIDE, *picture.shape[:2])
    picture = average_blocks(picture, blocks) if blocks > 1 else picture
    small = reduce_to(picture, WORKING_SIDE)
    gray = to_grey(small)[..., 0]
    counts = np.bincount(gray.reshape(-1), minlength=256)
    best: FoundInk | None = None
    for sheet in (find_sheet(gray, light=light, counts=counts) for light in (True, False)):
        if sheet is None:
            continue
        cropped, region = crop_to(picture, sheet, gray.shape)
        if not region.any():
            continue
        found = search(cropped, region, polarity, sheet)
        if found.digits and (sheet.sure or not found.report.ignored):
            return found
        if sheet.sure and (best is None or best.report.sheet_area < sheet.area):
            best = found
    if best is not None:
        return best
    return search(small, np.ones(gray.shape, bool), polarity, None, counts)


def search(
    picture: np.ndarray, region: Mask, polarity: str, sheet: Sheet | None, counts: Counts | None = None
) -> FoundInk:
    """Search for ink in the brightness, then in red, green and blue; the first with ink, else what the first gave."""
    gray = to_grey(picture)[..., 0]
    first = search_gray(gray, region, polarity, sheet, counts)
    if first.digits or picture.shape[-1] == 1:
        return first
    faint = first.report.faint
    best = first
    for channel in range(3):
        found = search_gray(picture[..., channel], region, polarity, sheet)
        faint |= found.report.faint
        if found.digits and (not best.digits or found.report.contrast > best.report.contrast):
            best = found
    return best if best.digits else replace(first, report=replace(first.report, faint=faint))


def search_gray(gray: Gray, region: Mask, polarity: str, sheet: Sheet | None, counts: Counts | None = None) -> FoundInk:
    """Search for ink in one channel; ``counts`` are its pixels of each level in the region, if they are known."""
    even = even_out(gray, region)
    dark = polarity == "dark" or (polarity == "auto" and is_darker(even, region, counts if even is gray else None))
    light_ink = 255 - even if dark else even
    report = InkReport(dark=dark, sheet_area=sheet.area if sheet else 0.0, sheet=sheet is not None)
    nothing = FoundInk(np.zeros_like(gray), (), report)
    rise = difference_from_background(light_ink, region, dark=dark)
    inside = Levels.of(levels_in(rise, region))
    threshold = otsu_of(inside.counts)
    mask = (rise > threshold) & region
    ink, rest = inside.above(threshold), inside.up_to(threshold)
    if ink.n == 0 or rest.n == 0:
        return nothing
    taken, lines = remove_lines(mask, region)
    if lines:
        rise = np.where(taken, np.uint8(0), rise)
        mask &= ~taken
        ink = Levels.of(rise[mask])
        if ink.n == 0:
            return replace(nothing, report=replace(report, lines=lines))
    full, low = ink.rounded_mean, rest.rounded_mean
    contrast = full - low
    report = replace(report, lines=lines, contrast=contrast)
    certain = contrast**2 * rest.n**2 >= MIN_CERTAINTY**2 * rest.spread
    if contrast < FAINT_CONTRAST or not certain:
        return replace(nothing, report=report)
    digits = find_digits(mask, rise, region, contrast=contrast, on_sheet=sheet is not None, lined=lines > 0)
    report = replace(report, marks=digits.marks, at_edge=digits.at_edge, ignored=digits.ignored)
    report = replace(report, digits=len(digits.masks))
    if not digits.masks:
        return replace(nothing, report=report)
    if contrast < MIN_CONTRAST:
        return replace(nothing, report=replace(report, digits=0, faint=True))
    return FoundInk(stretched(rise, light_ink, digits, low=low, full=full), tuple(digits.masks), report)


def stretched(rise: Gray, light_ink: Gray, digits: Digits, *, low: int, full: int) -> Gray:
    """Stretch the contrast of the digits and a margin of two pixels; everything else becomes 0.

    An eighth of the way from the background's mean to the ink's becomes 0, the ink's mean and above become 255. Not if
    half of the image or more is exactly 0: then it was drawn, and its gray levels are exact.
    """
    ink = np.logical_or.reduce(digits.masks)
    box = box_around(ink, 2)
    kept = dilated(ink[box], 5)
    drawn = np.count_nonzero(light_ink) * 2 <= light_ink.size
    low, full = (0, 255) if drawn else (low + (full - low) // 8, full)
    levels = np.clip((np.arange(256) - low) * 255 // max(1, full - low), 0, 255).astype(np.uint8)
    out = np.zeros_like(rise)
    out[box] = np.where(kept, levels.take(rise[box]), np.uint8(0))
    return out


def crop_to(picture: np.ndarray, sheet: Sheet, shape: tuple[int, int]) -> tuple[np.ndarray, Mask]:
    """Crop an image to a sheet that was found on its reduced version, and reduce that.

    Returns:
        The cropped image, and where the sheet is on it, without a margin of 1/40 of its side, in which its edge is
        blurred. There is no margin at the edge of the original image.
    """
    (h, w), (small_h, small_w) = picture.shape[:2], shape
    xs, ys = zip(*sheet.outline, strict=True)
    top, bottom = min(ys) * h // small_h, -(-max(ys) * h // small_h)
    left, right = min(xs) * w // small_w, -(-max(xs) * w // small_w)
    cropped = reduce_to(picture[top:bottom, left:right], WORKING_SIDE)
    rows, columns = cropped.shape[:2]
    outline = [
        (
            nearest((x * w / small_w - left) * columns / (right - left)),
            nearest((y * h / small_h - top) * rows / (bottom - top)),
        )
        for x, y in sheet.outline
    ]
    margin = max(2, max(rows, columns) // 40)
    region = eroded(fill_polygon(outline, rows, columns), 2 * margin + 1)
    region[: margin * (top > 0)] = region[rows - margin * (bottom < h) :] = False
    region[:, : margin * (left > 0)] = region[:, columns - margin * (right < w) :] = False
    return cropped, region


@dataclass(frozen=True, eq=False)
class Levels:
    """How many of some pixels have each gray level: int64, 256 of them."""

    counts: np.ndarray

    @classmethod
    def of(cls, pixels: np.ndarray) -> Levels:
        """Count the levels of pixels."""
        return cls(np.bincount(pixels.reshape(-1), minlength=256))

    def above(self, threshold: int) -> Levels:
        """Of the pixels above a level."""
        return Levels(np.where(np.arange(256) > threshold, self.counts, 0))

    def up_to(self, threshold: int) -> Levels:
        """Of the other pixels."""
        return Levels(np.where(np.arange(256) <= threshold, self.counts, 0))

    @property
    def n(self) -> int:
        """The number of pixels."""
        return int(self.counts.sum())

    @property
    def _sum(self) -> int:
        return int(self.counts @ np.arange(256))

    @property
    def rounded_mean(self) -> int:
        """The mean, rounded half up."""
        return int(self._sum / self.n + 0.5)

    @property
    def spread(self) -> int:
        """The variance times the square of the count: exact."""
        return self.n * int(self.counts @ np.arange(256) ** 2) - self._sum**2
