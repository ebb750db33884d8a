"""Connected components of a mask, with their size, mass and contact with the edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8

Gray = UInt8[np.ndarray, "h w"]
Mask = Bool[np.ndarray, "h w"]


@dataclass(frozen=True)
class Component:
    """A connected component.

    Attributes:
        label: Its number in the labels, from 1.
        top, bottom, left, right: Its bounding box; bottom and right are exclusive.
        area: Number of pixels.
        mass: Sum of the weights.
        contact: Number of pixels at the edge of the region.
    """

    label: int
    top: int
    bottom: int
    left: int
    right: int
    area: int
    mass: int
    contact: int

    @property
    def height(self) -> int:
        """Rows of the bounding box."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns of the bounding box."""
        return self.right - self.left

    @property
    def size(self) -> int:
        """The longer side of the bounding box."""
        return max(self.height, self.width)


def measure_components(labels: np.ndarray, count: int, *, weights: Gray, edge: Mask) -> list[Component]:
    """The components in order of their labels.

    Args:
        labels: From `connected_components`.
        count: Their number.
        weights: For the masses.
        edge: The pixels at the edge of the region.
    """
    at = np.flatnonzero(labels)
    names = labels.reshape(-1)[at]
    ys, xs = np.divmod(at, labels.shape[1])
    boxes = np.empty((4, count + 1), np.int64)
    boxes[0::2] = max(labels.shape)
    boxes[1::2] = 0
    for row, values in enumerate((ys, ys + 1, xs, xs + 1)):  # top, bottom, left, right
        (np.maximum if row % 2 else np.minimum).at(boxes[row], names, values)
    area = np.bincount(names, minlength=count + 1)
    mass = np.bincount(names, weights=weights.reshape(-1)[at], minlength=count + 1).astype(np.int64)
    contact = np.bincount(names, weights=edge.reshape(-1)[at], minlength=count + 1).astype(np.int64)
    rows = zip(*(values.tolist() for values in (*boxes, area, mass, contact)), strict=True)
    return [Component(label, *row) for label, row in enumerate(rows) if label]


def connected_components(mask: Mask) -> tuple[np.ndarray, int]:
    """Label the connected components of a mask (8-connectivity) from 1, in reading order of their first pixels.

    Returns:
        int64 labels in the shape of the mask, 0 outside it; and the number of components.
    """
    h, w = mask.shape
    padded = np.zeros((h, w + 2), np.int8)
    padded[:, 1:-1] = mask
    edges = np.diff(padded.reshape(-1))  # a row takes w + 2 positions, so that no run reaches into the next row
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)  # exclusive
    first = _first_runs(starts, ends, w + 2)
    is_first = first == np.arange(len(first))
    numbers = is_first.cumsum()[first]
    lengths = ends - starts
    begins = lengths.cumsum() - lengths
    rows = starts // (w + 2)
    labels = np.zeros(h * w, np.int64)
    labels[np.repeat(starts - 2 * rows - begins, lengths) + np.arange(int(lengths.sum()))] = np.repeat(numbers, lengths)
    return labels.reshape(h, w), int(is_first.sum())


def _first_runs(starts: np.ndarray, ends: np.ndarray, stride: int) -> np.ndarray:
    """The index of the first run of each run's component; runs of neighboring rows touch at corners, too."""
    low = np.searchsorted(ends, starts - stride)
    touching = np.maximum(np.searchsorted(starts, ends - stride, "right") - low, 0)
    below = np.repeat(np.arange(len(starts)), touching)
    begins = touching.cumsum() - touching
    above = np.arange(len(below)) + np.repeat(low - begins, touching)
    first = np.arange(len(starts))
    while len(below):
        a, b = first[above], first[below]
        np.minimum.at(first, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(further := first[first], first):
            first = further
        apart = first[above] != first[below]
        above, below = above[apart], below[apart]
    return first
