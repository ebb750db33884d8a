"""Connected components of a mask, with their size, mass and contact with the edge."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64, UInt8

Gray = UInt8[np.ndarray, "h w"]
Mask = Bool[np.ndarray, "h w"]


@dataclass(frozen=True)
class Component:
    """A connected component.

    Attributes:
        label: Its number, from 1.
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


@dataclass(frozen=True, eq=False)
class Components:
    """The connected components of a mask (8-connectivity), numbered from 1 in reading order of their first pixels.

    Attributes:
        shape: Of the mask.
        starts, ends: The runs of its pixels within rows: positions in the flat mask, ends exclusive.
        numbers: The component of each run.
        count: How many components there are.
    """

    shape: tuple[int, int]
    starts: np.ndarray
    ends: np.ndarray
    numbers: np.ndarray
    count: int

    @functools.cached_property
    def areas(self) -> Int64[np.ndarray, " numbers"]:
        """The number of pixels of each component; 0 for number 0."""
        return np.bincount(self.numbers, self.ends - self.starts, self.count + 1).astype(np.int64)

    @functools.cached_property
    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """The positions of all pixels, and the component of each."""
        return pixels_of(self.starts, self.ends), np.repeat(self.numbers, self.ends - self.starts)

    @functools.cached_property
    def labels(self) -> Int64[np.ndarray, "h w"]:
        """The component of each pixel, 0 outside the mask."""
        labels = np.zeros(self.shape, np.int64)
        at, names = self.pixels
        labels.reshape(-1)[at] = names
        return labels

    def mask(self, numbers: Sequence[int]) -> Mask:
        """The pixels of some components."""
        chosen = np.zeros(self.count + 1, bool)
        chosen[list(numbers)] = True
        runs = chosen[self.numbers]
        out = np.zeros(self.shape, bool)
        out.reshape(-1)[pixels_of(self.starts[runs], self.ends[runs])] = True
        return out

    def number_at(self, row: int, column: int) -> int:
        """The component of a pixel, 0 if there is none."""
        at = row * self.shape[1] + column
        run = int(np.searchsorted(self.starts, at, "right")) - 1
        return int(self.numbers[run]) if run >= 0 and at < self.ends[run] else 0


def pixels_of(starts: np.ndarray, ends: np.ndarray) -> Int64[np.ndarray, " n"]:
    """The positions of the pixels of runs."""
    lengths = ends - starts
    ranks = lengths.cumsum()
    return np.repeat(ends - ranks, lengths) + np.arange(int(lengths.sum()))


def measure_components(components: Components, *, weights: Gray, edge: Mask) -> list[Component]:
    """The components in order of their numbers.

    Args:
        components: From `connected_components`.
        weights: For the masses.
        edge: The pixels at the edge of the region.
    """
    count = components.count + 1
    rows, lefts = np.divmod(components.starts, components.shape[1])
    rights = components.ends - rows * components.shape[1]
    boxes = np.empty((4, count), np.int64)
    boxes[0::2] = max(components.shape)
    boxes[1::2] = 0
    for row, values in enumerate((rows, rows + 1, lefts, rights)):  # top, bottom, left, right
        (np.maximum if row % 2 else np.minimum).at(boxes[row], components.numbers, values)
    at, names = components.pixels
    mass = np.bincount(names, weights.reshape(-1)[at], count).astype(np.int64)
    contact = np.bincount(names[edge.reshape(-1)[at]], minlength=count)
    columns = zip(*(values.tolist() for values in (*boxes, components.areas, mass, contact)), strict=True)
    return [Component(number, *column) for number, column in enumerate(columns) if number]


def connected_components(mask: Mask) -> Components:
    """Find the connected components of a mask."""
    h, w = mask.shape
    stride = w + 2  # so that no run reaches into the next row
    padded = np.zeros((h, stride), bool)
    padded[:, 1:-1] = mask
    flat = padded.reshape(-1)
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    starts, ends = changes[::2], changes[1::2]  # exclusive
    first = _first_runs(starts, ends, stride)
    is_first = first == np.arange(len(first))
    skipped = 2 * (starts // stride)
    return Components((h, w), starts - skipped, ends - skipped, is_first.cumsum()[first], int(is_first.sum()))


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
