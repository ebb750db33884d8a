"""Attribution maps: one signed number for each pixel, with its unit."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32

from convscope.markup import image

MINUS, PLUS, MIDDLE = (11, 87, 168), (184, 70, 0), (250, 249, 246)
"""The colors of the diverging scale, the same as on the page: blue, orange, paper."""

DOTTED = 0.08
"""Cells below minus this fraction of the largest magnitude get a dot, so that color is not the only sign."""

_CELL = 9


@dataclass(frozen=True, eq=False)
class Attribution:
    """The attribution map of one logit of one image, by one method.

    Attributes:
        values: float32 ``(h, w, c)`` with the shape of the image, or ``(h, w, 1)`` if the method does not distinguish
            channels; signed, in `unit`. Positive values support the class.
        method: A key of `EXPLAINERS`.
        unit: ``"logits"`` for a contribution, ``"logits per unit of intensity"`` for a sensitivity, the intensity being
            in [0, 1].
        target: The class, 0..k-1.
        logit: The logit that is explained, before softmax and temperature.
        baseline: The baseline intensity; None for a method without one.
        baseline_logit: The same logit for an image of that intensity.
        facts: Details of the method, plain values: steps, noise, patch, layer.

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
        """Sum of all values."""
        return float(self.values.sum(dtype=np.float64))

    @property
    def difference(self) -> float | None:
        """The logit minus that of the baseline: what integrated gradients sum to."""
        return None if self.baseline_logit is None else self.logit - self.baseline_logit

    @property
    def flat(self) -> Float32[np.ndarray, "h w"]:
        """Sum over the channels."""
        return self.values.sum(axis=2)

    @property
    def importance(self) -> Float32[np.ndarray, "h w"]:
        """What pixels are ranked by: contributions as they are, sensitivities by magnitude."""
        return self.flat if self.unit == "logits" else np.abs(self.values).sum(axis=2)

    @property
    def reach(self) -> float:
        """The largest magnitude of `flat`: the end of the color scale on both sides of zero."""
        return float(np.abs(self.flat).max(initial=0.0))

    def to_json(self) -> dict[str, object]:
        """Convert to plain values, without the array."""
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
            f"{name} for class {self.target}: {self.values.shape[0]} by {self.values.shape[1]} values "
            f"from {self.flat.min():.3g} to {self.flat.max():.3g} {self.unit}"
        )
        cell = int(np.clip(280 // max(self.flat.shape), 1, 40))
        return (
            f"<figure>{image(to_pixels(self.flat, cell=cell), alt=words)}"
            f"<figcaption>{html.escape(words)}; orange supports the class, "
            "blue with a dot contradicts it.</figcaption></figure>"
        )


def colors(values: np.ndarray, reach: float) -> np.ndarray:
    """Map numbers to the diverging scale.

    Args:
        values: Any shape.
        reach: The magnitude of the scale's ends; 0 gives paper everywhere.

    Returns:
        uint8, with one more axis of 3.

    Example:
        >>> colors(np.array([-2.0, 0.0, 2.0]), 2.0).tolist()
        [[11, 87, 168], [250, 249, 246], [184, 70, 0]]
    """
    scaled = np.clip(np.nan_to_num(values / reach), -1, 1) if reach > 0 else np.zeros(np.shape(values))
    ends = np.where((scaled < 0)[..., None], MINUS, PLUS)
    return np.rint(MIDDLE + (ends - np.array(MIDDLE)) * np.abs(scaled)[..., None]).astype(np.uint8)


def to_pixels(values: Float32[np.ndarray, "h w"], *, cell: int = _CELL, reach: float | None = None) -> np.ndarray:
    """Draw a map: a square of ``cell`` pixels for each number, with a dot in the clearly negative ones.

    Args:
        values: Signed.
        cell: Side of a square, in pixels.
        reach: The magnitude of the scale's ends; None takes the largest magnitude of the map.

    Returns:
        uint8 ``(h * cell, w * cell, 3)``.
    """
    reach = float(np.abs(values).max(initial=0.0)) if reach is None else reach
    picture = np.kron(colors(values, reach), np.ones((cell, cell, 1), np.uint8))
    if reach > 0 and cell >= 3:
        middle, half = (cell - 1) / 2, max(0.5, cell / 9)
        near = np.abs(np.arange(cell) - middle) <= half
        dot = np.kron(values < -DOTTED * reach, np.outer(near, near)).astype(bool)
        strong = np.kron(values < -0.5 * reach, np.ones((cell, cell))).astype(bool)
        picture[dot] = MINUS
        picture[dot & strong] = MIDDLE
    return picture
