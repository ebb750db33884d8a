"""MNIST's own framing: find the ink on paper, fit it into 20×20, centre it by mass in 28×28.

Cool: NumPy only. Everything up to the last resampling is whole-number arithmetic.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, UInt8

from convscope.data.resample import nearest, resample

Grey = UInt8[np.ndarray, "h w"]
Mask = Bool[np.ndarray, "h w"]

WORKING_SIDE = 256
"""Larger pictures are reduced to this before the ink is looked for: enough for a digit a tenth as high as a photo."""

MIN_CONTRAST = 32
"""Grey levels between ink and ground below which a picture counts as blank: paper grain and JPEG noise stay below."""

MIN_CERTAINTY = 5
"""Standard deviations of the ground between ink and ground: noise cut in two gives about 3, ink on noisy paper 7."""

MIN_ROOM = 32
"""The least brightness that ink is measured against: below it, the deepest shadow would turn noise into ink."""

MIN_MASS = 0.05
"""A blot with less than this share of the largest one's ink is a speck, not a part of the character."""


def frame_ink(grey: UInt8[np.ndarray, "rows columns"], height: int, width: int) -> Grey:
    """Frame light ink on a dark ground as MNIST does, in the same proportions for any size.

    Written for 28×28 (in general the box is ``round(20/28 side)`` and the middle ``side / 2``):

    1. A picture that is framed already (``is_framed``) comes back as it is.
    2. The longer side is reduced to 256 pixels if it is longer.
    3. The uneven ground is taken off (``subtract_background``) and the contrast stretched to 0..255; what is not ink
       becomes 0. A picture without ink is all 0.
    4. Specks, and things that run off the edge of the picture beside other ink, are wiped out (``main_components``).
    5. The box around the ink is resampled so that it just fits into 20×20, keeping its proportions.
    6. Its grey levels are multiplied so that the lightest is 255: thin strokes get pale in step 5.
    7. It is put so that its centre of mass, rounded half up, lies on row 14 and column 14 (counted from 0); where it
       would stick out it is moved back in.

    Args:
        grey: uint8, light ink on dark, shape ``(h, w)``.
        height: Rows wanted.
        width: Columns wanted.

    Returns:
        uint8, shape ``(height, width)``.

    Source:
        LeCun, Cortes and Burges, the description of the MNIST database. We differ in steps 3 and 4, which MNIST's
        scanned forms did not need, and in the filter of step 5.
    """
    if is_framed(grey, height, width):
        return grey
    found = subtract_background(reduce_to(grey, WORKING_SIDE))
    out = np.zeros((height, width), np.uint8)
    if not found.any():
        return out
    top, bottom, left, right = ink_box(found)
    found = found[top:bottom, left:right]
    box_h, box_w = (nearest(side * 20 / 28) or 1 for side in (height, width))
    scale = min(box_h / found.shape[0], box_w / found.shape[1])
    sides = [max(1, nearest(side * scale)) for side in found.shape]
    small = resample(found[..., None], min(sides[0], box_h), min(sides[1], box_w))[..., 0]
    small = ((small.astype(np.uint32) * 510 + small.max()) // (2 * max(1, int(small.max())))).astype(np.uint8)
    row, column = (nearest(middle) for middle in centre_of_mass(small))
    y = min(max(height // 2 - row, 0), height - small.shape[0])
    x = min(max(width // 2 - column, 0), width - small.shape[1])
    out[y : y + small.shape[0], x : x + small.shape[1]] = small
    return out


def is_framed(grey: Grey, height: int, width: int) -> bool:
    """Whether a picture follows MNIST's framing already.

    It has the size wanted; the box around all that is not 0 is as long as MNIST's (20 of 28) in one direction, give
    or take one pixel, and no longer in the other; the centre of mass rounds to the middle. All of MNIST's own
    70,000 pictures do, but for a handful.
    """
    if grey.shape != (height, width) or not grey.any():
        return grey.shape == (height, width) and not grey.any()
    top, bottom, left, right = ink_box(grey)
    over_h, over_w = bottom - top - height * 20 / 28, right - left - width * 20 / 28
    if max(over_h, over_w) > 0.5 or max(over_h, over_w) < -1.5:
        return False
    row, column = centre_of_mass(grey)
    return abs(row - height / 2) <= 0.5 and abs(column - width / 2) <= 0.5


def ink_box(grey: Grey) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of what is not 0; bottom and right are one past the end."""
    rows, columns = np.flatnonzero(grey.any(axis=1)), np.flatnonzero(grey.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def centre_of_mass(grey: Grey) -> tuple[float, float]:
    """Row and column of the centre of mass, in pixel positions counted from 0; the middle where all is 0.

    Example:
        >>> centre_of_mass(np.array([[0, 1, 3]], np.uint8))
        (0.0, 1.75)
    """
    wide = grey.astype(np.int64)
    total = int(wide.sum())
    if total == 0:  # a faint dot can vanish when it is reduced to a tiny size
        return (grey.shape[0] - 1) / 2, (grey.shape[1] - 1) / 2
    row = int((wide.sum(axis=1) * np.arange(grey.shape[0])).sum()) / total
    column = int((wide.sum(axis=0) * np.arange(grey.shape[1])).sum()) / total
    return row, column


def reduce_to(grey: UInt8[np.ndarray, "rows columns"], side: int) -> Grey:
    """Resample so that the longer side is at most ``side``; a smaller picture stays as it is."""
    h, w = grey.shape
    longer = max(h, w)
    if longer <= side:
        return grey
    rows, columns = (max(1, nearest(s * side / longer)) for s in (h, w))
    return resample(grey[..., None], rows, columns)[..., 0]


def subtract_background(grey: Grey) -> Grey:
    """Take ink off an uneven ground: the ground becomes 0, full ink 255.

    1. Ground: the morphological opening (a running minimum, then a running maximum of it) in a square window of a
       third of the shorter side, at least 3 and odd. Shadows are wider than that and stay, strokes vanish.
    2. ``rise = floor(255 (picture - ground) / max(255 - ground, 32))``: ink takes a share of the light that falls on
       the paper, so a shadow makes the same ink fewer levels different.
    3. Otsu's threshold parts ``rise`` into ink and ground. Blank if the means of the two are less than 32 levels or
       less than five standard deviations of the ground apart.
    4. ``main_components`` of the ink, and two pixels around them, are kept.
    5. Stretch: an eighth of the way from the ground's mean to the ink's mean becomes 0, the ink's mean and above 255.
       Not so where half of the picture or more is exactly 0: that was drawn, not photographed, and its greys are true.
    """
    window = max(3, min(grey.shape) // 3) | 1
    ground = opening(grey, window).astype(np.int64)
    rise = ((grey - ground) * 255 // np.maximum(255 - ground, MIN_ROOM)).clip(0, 255).astype(np.uint8)
    threshold = otsu(rise)
    mask = rise > threshold
    if not mask.any() or mask.all():
        return np.zeros_like(grey)
    full, low = int(rise[mask].mean() + 0.5), int(rise[~mask].mean() + 0.5)
    if full - low < max(MIN_CONTRAST, MIN_CERTAINTY * float(rise[~mask].std())):
        return np.zeros_like(grey)
    kept = running(main_components(mask, rise).astype(np.uint8), 5, np.maximum).astype(bool)
    drawn = int((grey == 0).sum()) * 2 >= grey.size
    low, full = (0, 255) if drawn else (low + (full - low) // 8, full)
    stretched = np.clip((rise.astype(np.int64) - low) * 255 // max(1, full - low), 0, 255)
    return np.where(kept, stretched, 0).astype(np.uint8)


def running(grey: Grey, window: int, better: np.ufunc) -> Grey:
    """The running minimum or maximum (``np.minimum``, ``np.maximum``) in an odd square window cut off at the edges."""
    neutral = 255 if better is np.minimum else 0
    for axis in (0, 1):
        length, reach = grey.shape[axis], window // 2
        padding = [(0, 0), (0, 0)]
        padding[axis] = (reach, reach)
        wide = np.moveaxis(np.pad(grey, padding, constant_values=neutral), axis, 0)
        span = 1
        while span * 2 <= window:  # a window of 2 spans from two windows of 1
            wide = better(wide[:-span], wide[span:])
            span *= 2
        rest = window - span
        wide = better(wide[: len(wide) - rest], wide[rest:]) if rest else wide
        grey = np.moveaxis(wide[:length], 0, axis)
    return grey


def opening(grey: Grey, window: int) -> Grey:
    """The running maximum of the running minimum: light details narrower than the window vanish."""
    return running(running(grey, window, np.minimum), window, np.maximum)


def otsu(grey: Grey) -> int:
    """The level that best parts a picture in two: the darker part is ``<=`` it; 0 for a flat picture.

    Source:
        Otsu, A Threshold Selection Method from Gray-Level Histograms, 1979. Ties go to the lowest level.

    Example:
        >>> otsu(np.array([[10, 12, 200, 203]], np.uint8))
        12
    """
    counts = np.bincount(grey.reshape(-1), minlength=256).astype(np.int64)
    n, total = int(counts.sum()), int((counts * np.arange(256)).sum())
    below, mass = counts.cumsum()[:-1], (counts * np.arange(256)).cumsum()[:-1]
    usable = (below > 0) & (below < n)
    # The squared difference of the two means, weighted: (mass n - total below)² / (below (n - below)).
    between = np.where(usable, (mass * n - total * below) ** 2.0 / np.maximum(below * (n - below), 1), 0.0)
    return int(between.argmax())


def main_components(mask: Mask, weights: Grey) -> Mask:
    """Keep the blots that make up the character.

    A blot is a set of ink pixels connected over sides and corners; its mass is the sum of its weights. Where some blot
    lies clear of the picture's edge with at least a tenth of the heaviest one's mass, blots that touch the edge go
    (the rim of the paper, a shadow). Of the rest, those with less than 5 % of the heaviest one's mass go (specks).
    """
    labels, count = connected_components(mask)
    mass = np.bincount(labels.reshape(-1), weights=weights.reshape(-1), minlength=count + 1)
    mass[0] = 0
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    inside = mass.copy()
    inside[edge] = 0
    if inside.max() * 10 >= mass.max():
        mass = inside
    keep = mass >= mass.max() * MIN_MASS
    keep[0] = False
    return keep[labels] & mask


def connected_components(mask: Mask) -> tuple[np.ndarray, int]:
    """Number the connected parts of a mask (over sides and corners) from 1.

    Returns:
        int64, the shape of the mask, 0 outside it; and how many parts there are.
    """
    h, w = mask.shape
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]  # one past the end of the run
    parent = list(range(len(rows)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    first = np.searchsorted(rows, np.arange(h + 1)).tolist()
    start_list, end_list = starts.tolist(), ends.tolist()
    for row in range(1, h):
        above, here = first[row - 1], first[row]
        while above < first[row] and here < first[row + 1]:
            if start_list[above] <= end_list[here] and start_list[here] <= end_list[above]:
                a, b = root(above), root(here)
                parent[max(a, b)] = min(a, b)
            if end_list[above] < end_list[here]:
                above += 1
            else:
                here += 1
    roots = np.array([root(run) for run in range(len(rows))], np.int64)
    _, numbers = np.unique(roots, return_inverse=True)
    labels = np.zeros(h * w, np.int64)
    lengths = ends - starts
    offsets = np.arange(lengths.sum()) - np.repeat(lengths.cumsum() - lengths, lengths)
    labels[np.repeat(rows * w + starts, lengths) + offsets] = np.repeat(numbers + 1, lengths)
    return labels.reshape(h, w), int(numbers.max(initial=-1)) + 1
