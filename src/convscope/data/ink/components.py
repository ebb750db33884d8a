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
    ys, xs = np.nonzero(labels)
    names = labels[ys, xs]
    boxes = np.empty((4, count + 1), np.int64)
    boxes[0::2] = max(labels.shape)
    boxes[1::2] = 0
    for row, values in enumerate((ys, ys + 1, xs, xs + 1)):  # top, bottom, left, right
        (np.maximum if row % 2 else np.minimum).at(boxes[row], names, values)
    area = np.bincount(names, minlength=count + 1)
    mass = np.bincount(names, weights=weights[ys, xs], minlength=count + 1).astype(np.int64)
    contact = np.bincount(names, weights=edge[ys, xs], minlength=count + 1).astype(np.int64)
    rows = zip(*(values.tolist() for values in (*boxes, area, mass, contact)), strict=True)
    return [Component(label, *row) for label, row in enumerate(rows) if label]


def connected_components(mask: Mask) -> tuple[np.ndarray, int]:
    """Label the connected components of a mask (8-connectivity) from 1, in reading order of their first pixels.

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
