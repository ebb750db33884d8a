"""The features of a network: the input of its last layer with weights, from which the logits are computed. Light.

They are what the network has learned to see of an image, in a few hundred numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from jaxtyping import Float16, Float32, Int8

from convscope.arrays import Images, Logits
from convscope.errors import ModelFileError
from convscope.model.forward import Weights, logits_and_input
from convscope.model.spec import Row, Spec

MAX_FEATURES = 600
"""Larger feature maps are averaged over a grid of places until they are at most so many numbers."""

MAX_DIRECTIONS = 120
MAX_BYTES = 76_800
"""Of the directions of a subspace: 8 bits for each number if they are rounded, else float16."""

Features = Float32[np.ndarray, "n f"]
"""One row for each image."""

_ELEMENTWISE = ("Dropout", "Activation", "ReLU", "LeakyReLU", "BatchNormalization")


@dataclass(frozen=True, eq=False)
class Subspace:
    """The directions in which the features of the training images vary most.

    Attributes:
        center: The mean of the features.
        directions: Orthonormal columns, most important first, as many as `most_directions` says.
    """

    center: Float32[np.ndarray, " f"]
    directions: Float16[np.ndarray, "f d"]

    @cached_property
    def _directions(self) -> Float32[np.ndarray, "f d"]:  # converting them takes longer than the product
        return self.directions.astype(np.float32)

    def residual(self, features: Features) -> Float32[np.ndarray, " n"]:
        """The distance of each row to the subspace, >= 0.

        Example:
            >>> plane = Subspace(np.zeros(3, np.float32), np.eye(3, 2).astype(np.float16))
            >>> plane.residual(np.array([[5, 6, 0.5]], np.float32)).tolist()
            [0.5]
        """
        centered = features - self.center
        along = centered @ self._directions
        squares = np.einsum("nf,nf->n", centered, centered) - np.einsum("nd,nd->n", along, along)
        return np.sqrt(np.maximum(squares, np.float32(0)))


def most_directions(features: int, *, rounded: bool = True) -> int:
    """How many directions a subspace of so many features may have; 0 if there are too few or too many features.

    Args:
        features: At least 1.
        rounded: Whether the directions are stored in 8 bits.

    Example:
        >>> most_directions(576), most_directions(576, rounded=False), most_directions(32), most_directions(1)
        (120, 66, 16, 0)
    """
    return min(MAX_DIRECTIONS, features // 2, MAX_BYTES // (features if rounded else 2 * features))


def power_of_two_steps(directions: np.ndarray) -> np.ndarray:
    """For each column the smallest power of two in steps of which its numbers fit in 8 bits: at most 127 steps.

    Directions of many features are rounded to multiples of these before anything is computed with them. Such numbers
    are exact in float16, and 8-bit integers in a page.

    Example:
        >>> power_of_two_steps(np.array([[0.25, -1.0], [0.1, 0.5]])).tolist()
        [0.00390625, 0.015625]
    """
    largest = np.maximum(np.abs(directions).max(axis=0).astype(np.float64), 1e-6)
    return np.exp2(np.ceil(np.log2(largest / 127)))


def whole_directions(
    directions: Float32[np.ndarray, "f d"],
) -> tuple[Int8[np.ndarray, "f d"], Float32[np.ndarray, " d"]] | None:
    """Directions as 8-bit integers and the step of each column; None if they are not rounded to these.

    Example:
        >>> whole_directions(np.array([[0.25], [-0.5]], np.float32))[1].tolist()
        [0.0078125]
    """
    steps = power_of_two_steps(directions)
    whole = directions / steps
    if not np.array_equal(whole, np.rint(whole)):
        return None
    return whole.astype(np.int8), steps.astype(np.float32)


def feature_row(spec: Spec) -> Row | None:
    """The layer whose input the features are: the last one with weights; None if no layer has any."""
    return next((row for row in reversed(spec.table()) if row.layer.weight_shapes(row.input_shape)), None)


def feature_grid(spec: Spec) -> tuple[int, int, int]:
    """Rows, columns and channels of the features before they are averaged; ``(1, 1, f)`` for a vector.

    Example:
        >>> from convscope.model.presets import load_spec
        >>> [feature_grid(load_spec(name, input_shape=(28, 28, 1), num_classes=10)) for name in ("quick", "compact")]
        [(3, 3, 64), (1, 1, 128)]
    """
    row = feature_row(spec)
    if row is None:
        return (1, 1, 0)
    shape = row.input_shape
    if len(shape) == 1:
        shape = _before_flatten(spec, row) or (1, 1, shape[0])
    return (shape[0], shape[1], shape[2])


def _before_flatten(spec: Spec, row: Row) -> tuple[int, ...] | None:
    """The input shape of the Flatten layer whose values the row takes, if only elementwise layers lie between."""
    rows = {one.name: one for one in spec.table()}
    while len(row.inputs) == 1 and row.inputs[0] in rows:
        row = rows[row.inputs[0]]
        if row.kind == "Flatten":
            return row.input_shape if len(row.input_shape) == 3 else None
        if row.kind not in _ELEMENTWISE:
            return None
    return None


def feature_count(spec: Spec) -> int:
    """How many features an image has."""
    h, w, c = feature_grid(spec)
    rows, columns = _places(h, w, c)
    return rows * columns * c


def _places(h: int, w: int, c: int) -> tuple[int, int]:
    """Rows and columns of the grid: all of them if they are few enough, else as many as fit, at least one."""
    rows, columns = h, w
    while rows * columns * c > MAX_FEATURES and rows * columns > 1:
        rows, columns = (rows - 1, columns) if rows >= columns else (rows, columns - 1)
    return rows, columns


def logits_and_features(
    spec: Spec, weights: Weights, images: Images, *, vectors_alone: bool = False
) -> tuple[Logits, Features]:
    """Run the network on images and keep its logits and features.

    Args:
        spec: The network; at least one layer has weights.
        weights: Every weight of it, float32.
        images: In [0, 1], of the network's input shape: as many as `chunk_size` says at a time.
        vectors_alone: As in `forward.logits`.
    """
    row = feature_row(spec)
    if row is None:
        raise ModelFileError("Expected a network with weights. Received: one without.")
    logits, values = logits_and_input(spec, weights, images, row.name, vectors_alone=vectors_alone)
    return logits, averaged(values, feature_grid(spec))


def averaged(values: np.ndarray, grid: tuple[int, int, int]) -> Features:
    """Average features over a grid of places, if there are more than `MAX_FEATURES`.

    Args:
        values: float32, ``(n, h × w × c)`` in any shape.
        grid: ``(h, w, c)``.
    """
    h, w, c = grid
    rows, columns = _places(h, w, c)
    if (rows, columns) == (h, w):
        return np.ascontiguousarray(values.reshape(len(values), -1), np.float32)
    maps = values.reshape(-1, h, w, c)
    cells = [
        maps[:, top:bottom, left:right].mean(axis=(1, 2))
        for top, bottom in pairwise(_cuts(h, rows))
        for left, right in pairwise(_cuts(w, columns))
    ]
    return np.stack(cells, axis=1).reshape(len(maps), -1).astype(np.float32)


def averages(grid: tuple[int, int, int]) -> tuple[Float32[np.ndarray, "r h"], Float32[np.ndarray, "c w"]] | None:
    """What `averaged` does as two matrices, one for rows and one for columns; None if it changes nothing.

    Args:
        grid: ``(h, w, c)``.

    Example:
        >>> averages((2, 2, 64)) is None, averages((3, 1, 300))[0].round(2).tolist()
        (True, [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    """
    h, w, c = grid
    rows, columns = _places(h, w, c)
    return None if (rows, columns) == (h, w) else (_means(h, rows), _means(w, columns))


def _means(side: int, count: int) -> Float32[np.ndarray, "k n"]:
    found = np.zeros((count, side), np.float32)
    for index, (start, stop) in enumerate(pairwise(_cuts(side, count))):
        found[index, start:stop] = 1 / (stop - start)
    return found


def _cuts(side: int, count: int) -> list[int]:
    """Where a side is cut into about equal parts."""
    return [index * side // count for index in range(count + 1)]
