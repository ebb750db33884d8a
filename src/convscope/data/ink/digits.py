"""Which components of the ink are digits: without rims, frames, underlines and specks, grouped into digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convscope.data.ink.background import Gray, Mask, box_around, edge_of, eroded, running
from convscope.data.ink.components import Component, Components, connected_components, measure_components

MIN_MASS = 0.05
"""A component with less than this fraction of the heaviest one's mass is a speck, not a part of a digit."""

MIN_SIZE = 0.06
"""The smallest digit, as a fraction of the sheet's longer side."""

MIN_IGNORED = 0.15
"""Ink at the edge counts as ignored from this fraction of the sheet's longer side on."""

MAX_CONTACT = 0.3
"""Without other ink, a component at the edge is ink if at most this part of its box's perimeter is at the edge."""

MAX_AT_EDGE = 8
"""If more parts than this touch the edge of a sheet without lines, they are a texture, such as noise."""

MAX_CROSSINGS = 5
"""A digit crosses each row and column at most this often, on average."""

STACKED = 0.45
"""A part up to this fraction of a digit's height, above or inside of it, may be a stroke of it (the bar of a 5)."""

SAME_HEIGHT = 0.55
"""Groups at least this high, compared with the highest, are digits of their own."""


@dataclass(frozen=True)
class Digits:
    """The digits on an image.

    Attributes:
        masks: One for each digit, in reading order; empty if there is no ink.
        marks: How many frames and underlines were removed.
        at_edge: Whether ink at the edge of the image was used for want of other ink.
        ignored: Whether there is more at the edge, at least as large as a digit.
    """

    masks: tuple[Mask, ...]
    marks: int = 0
    at_edge: bool = False
    ignored: bool = False


def find_digits(mask: Mask, rise: Gray, region: Mask, *, contrast: int, on_sheet: bool, lined: bool) -> Digits:
    """Group the ink of a mask into digits.

    Args:
        mask: Where there may be ink.
        rise: Its levels.
        region: The sheet.
        contrast: Levels between ink and background.
        on_sheet: Whether a sheet was found on the image; ink at its edge is then never used.
        lined: Whether ruled lines were removed, parts of which may remain at the edge.
    """
    components = connected_components(mask)
    if components.count == 0:
        return Digits(())
    parts = measure_components(components, weights=rise, edge=edge_of(region))
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    side = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    sharp = sharp_parts(mask, components, rise, contrast)
    if not lined and sum(part.contact > 0 for part in parts) > MAX_AT_EDGE:
        return Digits(())
    parts = [part for part in parts if sharp[part.label]]
    inside = [part for part in parts if part.contact == 0]
    least = float(max(2, side * MIN_SIZE))
    heaviest = max((part.mass for part in parts), default=0)
    judged, at_edge = inside, False
    if not any(
        part.size >= least and (on_sheet or part.size * 10 >= side or part.mass * 10 >= heaviest) for part in inside
    ):
        judged = [] if on_sheet else [p for p in parts if p.contact <= 2 * MAX_CONTACT * (p.height + p.width)]
        at_edge = any(part.contact for part in judged)
    used = {part.label for part in judged}
    ignored = any(part.contact and part.size >= side * MIN_IGNORED and part.label not in used for part in parts)
    if at_edge and ignored:  # a scrap beside something larger
        return Digits((), 0, ignored=True)
    judged, marks = without_marks(judged, components, least)
    found = [(group, components.mask([part.label for part in group])) for group in grouped(judged, least)]
    masks = tuple(digit for group, digit in found if not is_texture(digit, box_of(group)))
    return Digits(masks, marks, at_edge and bool(masks), ignored)


def sharp_parts(mask: Mask, components: Components, rise: Gray, contrast: int) -> np.ndarray:
    """Which components of a mask have sharp outlines; soft ones are shadows.

    Along half of its outline, the levels within 1/64 of the image's side differ by half of the contrast.
    """
    reach = max(1, max(rise.shape) // 64)
    box = box_around(mask, reach)  # only what is near to ink is looked at
    near, window = rise[box], 2 * reach + 1
    step = running(near, window, np.maximum) - running(near, window, np.minimum)
    kinds = np.zeros(mask.shape, np.uint8)  # 1 at an outline, 2 where it is steep
    kinds[box] = (mask[box] & ~eroded(mask[box], 3)) * (1 + (step >= (contrast + 1) // 2)).astype(np.uint8)
    at, names = components.pixels
    found = kinds.reshape(-1)[at]
    total = np.bincount(names[found > 0], minlength=components.count + 1)
    steep = np.bincount(names[found == 2], minlength=components.count + 1)
    return (steep * 2 >= total) & (total > 0)


def without_marks(parts: list[Component], components: Components, least: float) -> tuple[list[Component], int]:
    """Remove frames round other ink, and underlines."""
    large = [part for part in parts if part.size >= least]
    frames = {
        a.label
        for a in large
        for b in large
        if a is not b and b.height >= 0.3 * a.height and b.height >= least and encloses(components.labels, a, b)
    }
    rest = [part for part in large if part.label not in frames]
    lines = {part.label for part in rest if is_underline(part, rest)}
    removed = frames | lines
    return [part for part in parts if part.label not in removed], len(removed)


def encloses(labels: np.ndarray, a: Component, b: Component) -> bool:
    """Whether a is a frame round b: it has pixels on at least three sides of b's box, and none in it."""
    if not (a.top < b.top and a.bottom > b.bottom and a.left < b.left and a.right > b.right):
        return False
    rows, columns = slice(b.top, b.bottom), slice(b.left, b.right)
    if int((labels[rows, columns] == a.label).sum()) * 50 > b.height * b.width:
        return False
    sides = (
        (labels[rows, a.left : b.left], 1), (labels[rows, b.right : a.right], 1),
        (labels[a.top : b.top, columns], 0), (labels[b.bottom : a.bottom, columns], 0),
    )  # fmt: skip
    covered = 0
    for area, axis in sides:
        hit = (area == a.label).any(axis=axis)
        covered += int(hit.sum()) * 10 >= 6 * len(hit)
    return covered >= 3


def is_underline(part: Component, parts: list[Component]) -> bool:
    """Whether a flat part lies below all the others, or above them and apart."""
    if part.width < 4 * part.height:
        return False
    others = [other for other in parts if other is not part and other.width < 4 * other.height]
    if not others:
        return False
    top, bottom = min(other.top for other in others), max(other.bottom for other in others)
    left, right = min(other.left for other in others), max(other.right for other in others)
    if part.top >= bottom:
        return True
    apart = top - part.bottom
    return apart > 0.12 * (bottom - top) and part.width >= 0.9 * (right - left)


def grouped(parts: list[Component], least: float) -> list[list[Component]]:
    """Group components into digits, in reading order; specks are removed."""
    heaviest = max((part.mass for part in parts), default=0)
    parts = [part for part in parts if part.mass >= heaviest * MIN_MASS]
    groups = [[part] for part in parts]
    merged = True
    while merged:
        merged = False
        for i in range(len(groups)):
            for j in range(i + 1, len(groups)):
                if belong(box_of(groups[i]), box_of(groups[j])):
                    groups[i] += groups.pop(j)
                    merged = True
                    break
            if merged:
                break
    boxes = [(box_of(group), group) for group in groups]
    boxes = [(box, group) for box, group in boxes if max(box[1] - box[0], box[3] - box[2]) >= least]
    if not boxes:
        return []
    highest = max(box[1] - box[0] for box, _ in boxes)
    heaviest = max(sum(part.mass for part in group) for _, group in boxes)
    kept = [
        (box, group)
        for box, group in boxes
        if box[1] - box[0] >= SAME_HEIGHT * highest and sum(part.mass for part in group) >= 0.15 * heaviest
    ]
    return in_reading_order(kept)


Box = tuple[int, int, int, int]


def box_of(group: list[Component]) -> Box:
    """Top, bottom, left, right of a group."""
    return (
        min(part.top for part in group), max(part.bottom for part in group),
        min(part.left for part in group), max(part.right for part in group),
    )  # fmt: skip


def belong(a: Box, b: Box) -> bool:
    """Whether two boxes are parts of one digit.

    Their boxes overlap in both directions; or they nearly touch (a break in a stroke); or the smaller is a stroke above
    or beside the larger within its width.
    """
    rows = min(a[1], b[1]) - max(a[0], b[0])  # the overlap; negative for a gap
    columns = min(a[3], b[3]) - max(a[2], b[2])
    height, width = max(a[1] - a[0], b[1] - b[0]), max(a[3] - a[2], b[3] - b[2])
    lower, narrower = min(a[1] - a[0], b[1] - b[0]), min(a[3] - a[2], b[3] - b[2])
    if rows > 0 and columns > 0:
        return columns * 4 >= narrower or lower <= STACKED * height
    gap = max(-rows, -columns, 0)
    if gap <= 0.06 * max(height, width):
        return True
    small = lower <= STACKED * height
    return small and gap <= 0.25 * height and (columns * 2 >= narrower or rows * 2 >= lower)


def in_reading_order(boxes: list[tuple[Box, list[Component]]]) -> list[list[Component]]:
    """Left to right, in rows from top to bottom: a box whose middle is below a row's bottom starts the next row."""
    left = sorted(boxes, key=lambda entry: (entry[0][0] + entry[0][1], entry[0][2]))
    out: list[list[Component]] = []
    while left:
        bottom = left[0][0][1]
        row = [entry for entry in left if entry[0][0] + entry[0][1] <= 2 * bottom]
        left = [entry for entry in left if entry[0][0] + entry[0][1] > 2 * bottom]
        out += [group for _, group in sorted(row, key=lambda entry: (entry[0][2], entry[0][0]))]
    return out


def is_texture(digit: Mask, box: Box) -> bool:
    """Whether rows or columns cross so many strokes that the ink is a texture, such as noise."""
    top, bottom, left, right = box
    ink = digit[top:bottom, left:right]
    for one in (ink, ink.T):
        starts = int((one[:, 1:] & ~one[:, :-1]).sum()) + int(one[:, 0].sum())
        if starts > MAX_CROSSINGS * len(one):
            return True
    return False
