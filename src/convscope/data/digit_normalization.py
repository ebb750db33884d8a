"""MNIST's framing: find the ink on paper, fit it into 20×20, center it by mass in 28×28.

Light: NumPy only. Everything before the last resampling is integer arithmetic.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, UInt8

from convscope.data.resample import nearest, resample

Gray = UInt8[np.ndarray, "h w"]
Mask = Bool[np.ndarray, "h w"]

WORKING_SIDE = 256
"""Larger images are reduced to this before the ink is searched; a digit may be a tenth as high as the photo."""

MIN_CONTRAST = 32
"""Gray levels between ink and background below which an image counts as blank; paper grain and JPEG noise are below."""

MIN_CERTAINTY = 5
"""Standard deviations of the background between ink and background: noise gives about 3, ink on noisy paper about 7."""

MIN_ROOM = 32
"""The lowest brightness that ink is divided by; below it, noise in a deep shadow would become ink."""

MIN_MASS = 0.05
"""A component with less than this fraction of the heaviest one's mass is a speck, not a part of the digit."""


def frame_ink(gray: UInt8[np.ndarray, "rows columns"], height: int, width: int) -> Gray:
    """Frame light ink on a dark background as in MNIST, in the same proportions for any size.

    For 28×28 (in general the box is ``round(20/28 side)`` and the center ``side / 2``):

    1. An image that is already framed (`is_framed`) is returned unchanged.
    2. The longer side is reduced to 256 pixels if it is longer.
    3. The uneven background is subtracted (`subtract_background`) and the contrast stretched to 0..255; pixels without
       ink become 0. An image without ink is all 0.
    4. Specks, and components that touch the edge of the image when there is other ink, are removed
       (`main_components`).
    5. The bounding box of the ink is resized so that it just fits into 20×20, keeping its proportions.
    6. Its gray levels are scaled so that the lightest is 255, because step 5 makes thin strokes pale.
    7. It is placed so that its center of mass, rounded half up, is at row 14 and column 14 (counted from 0), and moved
       back inside if it would stick out.

    Args:
        gray: uint8, light ink on dark, shape ``(h, w)``.
        height: Rows of the result.
        width: Columns of the result.

    Returns:
        uint8, shape ``(height, width)``.

    Source:
        LeCun, Cortes and Burges, the description of the MNIST database. We differ in steps 3 and 4, which
        scanned forms do not need, and in the filter of step 5.
    """
    if is_framed(gray, height, width):
        return gray
    found = subtract_background(reduce_to(gray, WORKING_SIDE))
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
    if gray.shape != (height, width) or not gray.any():
        return gray.shape == (height, width) and not gray.any()
    top, bottom, left, right = ink_box(gray)
    over_h, over_w = bottom - top - height * 20 / 28, right - left - width * 20 / 28
    if max(over_h, over_w) > 0.5 or max(over_h, over_w) < -1.5:
        return False
    row, column = center_of_mass(gray)
    return abs(row - height / 2) <= 0.5 and abs(column - width / 2) <= 0.5


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
    wide = gray.astype(np.int64)
    total = int(wide.sum())
    if total == 0:  # a faint dot may vanish when it is reduced
        return (gray.shape[0] - 1) / 2, (gray.shape[1] - 1) / 2
    row = int((wide.sum(axis=1) * np.arange(gray.shape[0])).sum()) / total
    column = int((wide.sum(axis=0) * np.arange(gray.shape[1])).sum()) / total
    return row, column


def reduce_to(gray: UInt8[np.ndarray, "rows columns"], side: int) -> Gray:
    """Resize so that the longer side is at most ``side``; smaller images are unchanged."""
    h, w = gray.shape
    longer = max(h, w)
    if longer <= side:
        return gray
    rows, columns = (max(1, nearest(s * side / longer)) for s in (h, w))
    return resample(gray[..., None], rows, columns)[..., 0]


def subtract_background(gray: Gray) -> Gray:
    """Separate ink from an uneven background: the background becomes 0, full ink 255.

    1. Background: the morphological opening (a running minimum, then a running maximum of it) in a square window of a
       third of the shorter side, at least 3 and odd. Shadows are wider than that and remain, strokes vanish.
    2. ``rise = floor(255 (image - background) / max(255 - background, 32))``: ink absorbs a fraction of the light on
       the paper, so the same ink differs by fewer levels in a shadow.
    3. Otsu's threshold splits ``rise`` into ink and background. The image is blank if their means differ by less than
       32 levels or less than five standard deviations of the background.
    4. `main_components` of the ink are kept, with a margin of two pixels.
    5. Contrast: an eighth of the way from the background's mean to the ink's mean becomes 0, the ink's mean and above
       become 255. Not if half of the image or more is exactly 0: then it was drawn, and its gray levels are exact.
    """
    window = max(3, min(gray.shape) // 3) | 1
    ground = opening(gray, window).astype(np.int64)
    rise = ((gray - ground) * 255 // np.maximum(255 - ground, MIN_ROOM)).clip(0, 255).astype(np.uint8)
    threshold = otsu(rise)
    mask = rise > threshold
    if not mask.any() or mask.all():
        return np.zeros_like(gray)
    full, low = int(rise[mask].mean() + 0.5), int(rise[~mask].mean() + 0.5)
    if full - low < max(MIN_CONTRAST, MIN_CERTAINTY * float(rise[~mask].std())):
        return np.zeros_like(gray)
    kept = running(main_components(mask, rise).astype(np.uint8), 5, np.maximum).astype(bool)
    drawn = int((gray == 0).sum()) * 2 >= gray.size
    low, full = (0, 255) if drawn else (low + (full - low) // 8, full)
    stretched = np.clip((rise.astype(np.int64) - low) * 255 // max(1, full - low), 0, 255)
    return np.where(kept, stretched, 0).astype(np.uint8)


def running(gray: Gray, window: int, better: np.ufunc) -> Gray:
    """The running minimum or maximum (``np.minimum``, ``np.maximum``) in an odd square window, clipped at the edges."""
    neutral = 255 if better is np.minimum else 0
    for axis in (0, 1):
        length, reach = gray.shape[axis], window // 2
        padding = [(0, 0), (0, 0)]
        padding[axis] = (reach, reach)
        wide = np.moveaxis(np.pad(gray, padding, constant_values=neutral), axis, 0)
        span = 1
        while span * 2 <= window:  # a window of 2 spans is two windows of 1
            wide = better(wide[:-span], wide[span:])
            span *= 2
        rest = window - span
        wide = better(wide[: len(wide) - rest], wide[rest:]) if rest else wide
        gray = np.moveaxis(wide[:length], 0, axis)
    return gray


def opening(gray: Gray, window: int) -> Gray:
    """Morphological opening: light details narrower than the window vanish."""
    return running(running(gray, window, np.minimum), window, np.maximum)


def otsu(gray: Gray) -> int:
    """Otsu's threshold: the darker part is ``<=`` it; 0 for an image of one level.

    Source:
        Otsu, A Threshold Selection Method from Gray-Level Histograms, 1979. Ties go to the lowest level.

    Example:
        >>> otsu(np.array([[10, 12, 200, 203]], np.uint8))
        12
    """
    counts = np.bincount(gray.reshape(-1), minlength=256).astype(np.int64)
    n, total = int(counts.sum()), int((counts * np.arange(256)).sum())
    below, mass = counts.cumsum()[:-1], (counts * np.arange(256)).cumsum()[:-1]
    usable = (below > 0) & (below < n)
    # The squared difference of the two means, weighted: (mass n - total below)² / (below (n - below)).
    between = np.where(usable, (mass * n - total * below) ** 2.0 / np.maximum(below * (n - below), 1), 0.0)
    return int(between.argmax())


def main_components(mask: Mask, weights: Gray) -> Mask:
    """Keep the connected components that make up the digit.

    The mass of a component is the sum of its weights. If a component that does not touch the edge of the image has at
    least a tenth of the heaviest one's mass, components that touch the edge are removed (the rim of the paper, a
    shadow). Of the rest, those with less than 5 % of the heaviest one's mass are removed (specks).
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
    """Label the connected components of a mask (8-connectivity) from 1.

    Returns:
        int64 labels in the shape of the mask, 0 outside it; and the number of components.
    """
    h, w = mask.shape
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]  # exclusive
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
