"""How much neighboring pixels differ, as a part of the score for unknown images. Light.

In noise they differ more than in images, but its features can be those of a class.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from convscope.arrays import Pixels, is_number
from convscope.errors import ModelFileError

WEIGHT = 10.0
"""What twice the largest total variation adds to the distance, relative to the mean distance of training images."""

MAX_VALUE = 1e12

MAX_RATIO = 1e4
"""How many times the largest total variation of training images that of another image may be."""


@dataclass(frozen=True)
class VariationLimit:
    """Up to which total variation an image is like the training images.

    Attributes:
        largest: The largest total variation of the training images that the score was fitted on, > 0.
        weight: What an image of twice this total variation has as an excess, > 0.
    """

    largest: float
    weight: float

    def excess(self, pixels: Pixels) -> Float32[np.ndarray, " n"]:
        """What is added to the distance of each image: 0 up to the limit, then rising in proportion.

        Args:
            pixels: uint8 ``(n, h, w, c)``.

        Example:
            >>> pixels = np.array([[0, 255, 0, 255], [9, 9, 9, 9]], np.uint8).reshape(2, 2, 2, 1)
            >>> VariationLimit(1.0, 5.0).excess(pixels).tolist()
            [5.0, 0.0]
        """
        above = np.maximum(total_variation(pixels) / self.largest - 1.0, 0.0)
        return (self.weight * above).astype(np.float32)

    def to_json(self) -> dict[str, object]:
        """Plain values, for the model file."""
        return {"largest": self.largest, "weight": self.weight}

    @classmethod
    def from_json(cls, value: object) -> VariationLimit:
        """Read back the result of `to_json`.

        Raises:
            ModelFileError: It is not what `to_json` returns.
        """
        if (
            not isinstance(value, Mapping)
            or set(value) != {"largest", "weight"}
            or not all(is_number(one, 0, MAX_VALUE) and one > 0 for one in value.values())
        ):
            raise ModelFileError(
                f"Expected a limit of the total variation with largest and weight, above 0. "
                f"Received: {ascii(value)[:60]}."
            )
        return cls(float(value["largest"]), float(value["weight"]))


def total_variation(pixels: Pixels) -> Float64[np.ndarray, " n"]:
    """The sum of the absolute differences of vertical and horizontal neighbors, of intensities in [0, 1].

    Args:
        pixels: uint8 ``(n, h, w, c)``.

    Source:
        Rudin, Osher and Fatemi, "Nonlinear total variation based noise removal algorithms", 1992; anisotropic.

    Example:
        >>> total_variation(np.array([[0, 255], [0, 0]], np.uint8).reshape(1, 2, 2, 1)).tolist()
        [2.0]
    """
    wide = pixels.astype(np.int16)
    sums = [np.abs(np.diff(wide, axis=axis)).sum(axis=(1, 2, 3), dtype=np.int64) for axis in (1, 2)]
    return (sums[0] + sums[1]) / 255.0


def fit_variation_limit(
    largest: float, residuals: Float32[np.ndarray, " n"], shape: tuple[int, ...]
) -> VariationLimit | None:
    """The limit of training images; None for images without neighbors in both directions, or that hardly vary.

    Args:
        largest: The largest total variation of the training images that the score is fitted on.
        residuals: The distances of the features of training images.
        shape: Of the network's input, ``(h, w, c)``.
    """
    weight = WEIGHT * float(residuals.mean())
    possible = 2.0 * math.prod(shape)
    if min(shape[:2]) < 2 or not (possible / MAX_RATIO < largest <= MAX_VALUE and 0 < weight <= MAX_VALUE):
        return None
    return VariationLimit(largest, weight)
