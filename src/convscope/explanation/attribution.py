"""A map of numbers over a picture: what one answer rests on, signed, with its unit."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32

from convscope.markup import image

MINUS, PLUS, MIDDLE = (11, 87, 168), (184, 70, 0), (250, 249, 246)
"""The scale about zero, the same as in the page: blue, orange, paper."""

DOTTED = 0.08
"""A cell below minus this share of the largest magnitude has a dot, so that the sign is seen without colour."""

_CELL = 9


@dataclass(frozen=True, eq=False)
class Attribution:
    """What one method says about one logit of one picture.

    Attributes:
        values: float32 ``(h, w, c)`` of the picture's shape, or ``(h, w, 1)`` where the method does not tell channels
            apart; signed, in `unit`. Positive speaks for the class.
        method: A key of `EXPLAINERS`.
        unit: ``"logits"``: a contribution. ``"logits per unit of intensity"``: a sensitivity, the intensity in [0, 1].
        target: The class, 0..k-1.
        logit: The logit that is explained, before any softmax and temperature.
        baseline: The intensity that stands for nothing here; None for a method that needs none.
        baseline_logit: The same logit for a picture of nothing but that.
        facts: What else the method says of itself, plain values: steps, noise, patch, layer.

    Example:
        >>> values = np.array([[[1.0], [-3.0]]], np.float32)
        >>> Attribution(values, method="gradient", unit="logits", target=0, logit=2.0).total
        -2.0
    """

    values: Float32[np.ndarray, "h w c"]
    method: str
    unit: str
    target: int
    logit: float
    baseline: float | None = None
    baseline_logit: float | None = None
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """The sum of all values."""
        return float(self.values.sum(dtype=np.float64))

    @property
    def difference(self) -> float | None:
        """By how much the logit differs from that of the baseline: what integrated gradients sum to."""
        return None if self.baseline_logit is None else self.logit - self.baseline_logit

    @property
    def flat(self) -> Float32[np.ndarray, "h w"]:
        """The channels of a pixel added up."""
        return self.values.sum(axis=2)

    @property
    def importance(self) -> Float32[np.ndarray, "h w"]:
        """By what pixels are ranked: a contribution as it is, a sensitivity by its magnitude."""
        return self.flat if self.unit == "logits" else np.abs(self.values).sum(axis=2)

    @property
    def reach(self) -> float:
        """The largest magnitude of `flat`: the end of its colour scale on both sides of zero."""
        return float(np.abs(self.flat).max(initial=0.0))

    def to_json(self) -> dict[str, object]:
        """Everything but the values themselves, which belong into an array file."""
        return {
            "method": self.method,
            "unit": self.unit,
            "target": self.target,
            "logit": self.logit,
            "baseline": self.baseline,
            "baseline_logit": self.baseline_logit,
            "difference": self.difference,
            "total": self.total,
            "smallest": float(self.flat.min()),
            "largest": float(self.flat.max()),
            "shape": list(self.values.shape),
            "facts": dict(self.facts),
        }

    def _repr_html_(self) -> str:
        name = self.method.replace("_", " ")
        words = (
            f"{name} for class {self.target}: {self.values.shape[0]} by {self.values.shape[1]} numbers "
            f"from {self.flat.min():.3g} to {self.flat.max():.3g} {self.unit}"
        )
        cell = int(np.clip(280 // max(self.flat.shape), 1, 40))
        return (
            f"<figure>{image(to_pixels(self.flat, cell=cell), alt=words)}"
            f"<figcaption>{html.escape(words)}; orange speaks for the class, "
            "blue with a dot against it, the scale is about zero.</figcaption></figure>"
        )


def colours(values: np.ndarray, reach: float) -> np.ndarray:
    """Numbers as colours of the scale about zero.

    Args:
        values: Any shape.
        reach: The magnitude of the scale's ends; 0 gives paper everywhere.

    Returns:
        uint8, one axis of 3 more.

    Example:
        >>> colours(np.array([-2.0, 0.0, 2.0]), 2.0).tolist()
        [[11, 87, 168], [250, 249, 246], [184, 70, 0]]
    """
    share = np.clip(np.nan_to_num(values / reach), -1, 1) if reach > 0 else np.zeros(np.shape(values))
    ends = np.where((share < 0)[..., None], MINUS, PLUS)
    return np.rint(MIDDLE + (ends - np.array(MIDDLE)) * np.abs(share)[..., None]).astype(np.uint8)


def to_pixels(values: Float32[np.ndarray, "h w"], *, cell: int = _CELL, reach: float | None = None) -> np.ndarray:
    """A map as a picture: a square of ``cell`` pixels each number, a dot in the clearly negative ones.

    Args:
        values: Signed.
        cell: Pixels a side of a number.
        reach: The magnitude of the scale's ends; None takes the largest of the map.

    Returns:
        uint8 ``(h * cell, w * cell, 3)``.
    """
    reach = float(np.abs(values).max(initial=0.0)) if reach is None else reach
    picture = np.kron(colours(values, reach), np.ones((cell, cell, 1), np.uint8))
    if reach > 0 and cell >= 3:
        middle, half = (cell - 1) / 2, max(0.5, cell / 9)
        near = np.abs(np.arange(cell) - middle) <= half
        dot = np.kron(values < -DOTTED * reach, np.outer(near, near)).astype(bool)
        strong = np.kron(values < -0.5 * reach, np.ones((cell, cell))).astype(bool)
        picture[dot] = MINUS
        picture[dot & strong] = MIDDLE
    return picture
