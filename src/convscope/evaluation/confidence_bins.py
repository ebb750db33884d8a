"""Bins of confidence: the mean confidence and the accuracy of the images in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from convscope.arrays import is_number
from convscope.evaluation.intervals import Proportion

BINS = 15
"""The usual number of bins in the literature since Guo et al., 2017."""

EDGES = np.arange(1, BINS + 1) / BINS
"""The upper ends of the bins of equal width."""

MAX_DRAWN = 4_000_000
"""Random numbers for the ECE that chance gives."""

Confidences = Float64[np.ndarray, " n"]
"""The probability of the predicted class, one for each image, in (0, 1]."""


@dataclass(frozen=True)
class ReliabilityBin:
    """The images whose confidence lies in one interval.

    Attributes:
        low: Lower end of the interval (excluded in bins of equal width).
        high: Upper end of the interval, included.
        mean_confidence: Mean confidence of the images in the bin; None if it is empty.
        accuracy: Fraction of the images that are classified correctly; None if the bin is empty.
    """

    low: float
    high: float
    mean_confidence: float | None
    accuracy: Proportion | None

    @property
    def count(self) -> int:
        """Number of images in the bin."""
        return self.accuracy.n if self.accuracy else 0

    @property
    def gap(self) -> float:
        """Mean confidence minus accuracy: positive if the network is overconfident, 0 for an empty bin."""
        if self.accuracy is None or self.mean_confidence is None:
            return 0.0
        return self.mean_confidence - self.accuracy.rate

    def to_json(self) -> dict[str, object]:
        """Convert to plain values; undefined ones are None."""
        return {
            "low": self.low,
            "high": self.high,
            "count": self.count,
            "mean_confidence": self.mean_confidence,
            "accuracy": self.accuracy and self.accuracy.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping) -> ReliabilityBin:
        """Read back the result of `to_json`."""
        accuracy = value["accuracy"]
        return cls(
            low=number_up_to(1, value["low"]),
            high=number_up_to(1, value["high"]),
            mean_confidence=None if value["mean_confidence"] is None else number_up_to(1, value["mean_confidence"]),
            accuracy=None if accuracy is None else Proportion.from_json(accuracy),
        )


def expected_ece(confidences: Confidences, *, seed: int = 0, draws: int | None = None) -> tuple[float, float, float]:
    """The ECE that a perfectly calibrated network with these confidences shows by chance.

    Whether each image is classified correctly is drawn with its confidence as the probability, many times.

    Args:
        confidences: float64 ``(n,)``.
        seed: Of the draws.
        draws: How many; None takes 1,000, fewer for more than 4,000 images, at least 100.

    Returns:
        The mean and the 2.5 % and 97.5 % quantiles of the ECE with bins of equal width.

    Source:
        Vaicenavicius et al., "Evaluating model calibration in classification", 2019: consistency resampling.

    Example:
        >>> mean, low, high = expected_ece(np.full(100, 0.5))
        >>> bool(0 <= low < mean < high < 0.2)
        True
    """
    draws = draws or max(100, min(1000, MAX_DRAWN // len(confidences)))
    rng = np.random.default_rng(seed)
    ordered = np.sort(confidences)
    starts = np.unique(np.searchsorted(EDGES, ordered), return_index=True)[1]
    sums = np.add.reduceat(ordered, starts)
    step, found = max(1, MAX_DRAWN // 4 // len(ordered)), []
    for at in range(0, draws, step):
        correct = (rng.random((min(step, draws - at), len(ordered)), np.float32) < ordered).astype(np.float32)
        found.append(np.abs(np.add.reduceat(correct, starts, axis=1) - sums).sum(axis=1) / len(ordered))
    found = np.concatenate(found)
    low, high = np.quantile(found, [0.025, 0.975])
    return float(found.mean()), float(low), float(high)


def expected_calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """The mean absolute gap of the bins, weighted by their images, in [0, 1]."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.gap) for one in bins) / total


def equal_width_bins(
    confidences: Confidences, correct: Bool[np.ndarray, " n"], *, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Split (0, 1] into intervals of equal width, each open below and closed above.

    Example:
        >>> [one.count for one in equal_width_bins(np.array([0.5, 0.6, 1.0]), np.array([True, False, True]), bins=2)]
        [1, 2]
    """
    edges = np.arange(1, bins + 1) / bins
    return _fill(confidences, correct, np.searchsorted(edges, confidences), np.concatenate([[0.0], edges]))


def equal_mass_bins(
    confidences: Confidences, correct: Bool[np.ndarray, " n"], *, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Split the images, ordered by confidence, into groups of equal size; equal confidences stay together.

    Example:
        >>> groups = equal_mass_bins(np.array([0.5, 0.6, 0.7, 0.7]), np.array([True, False, True, True]), bins=2)
        >>> [(one.low, one.high, one.count) for one in groups]
        [(0.5, 0.6, 2), (0.7, 0.7, 2)]
    """
    ordered = np.sort(confidences)
    starts = np.unique(ordered[[index * len(ordered) // bins for index in range(bins)]])
    membership = np.searchsorted(starts, confidences, side="right") - 1
    ends = [ordered[np.searchsorted(ordered, start) - 1] for start in starts[1:]] + [ordered[-1]]
    filled = _fill(confidences, correct, membership, np.concatenate([starts, starts[-1:]]))
    return tuple(
        ReliabilityBin(one.low, float(end), one.mean_confidence, one.accuracy)
        for one, end in zip(filled, ends, strict=True)
    )


def _fill(
    confidences: Confidences,
    correct: Bool[np.ndarray, " n"],
    membership: Int64[np.ndarray, " n"],
    edges: Float64[np.ndarray, " e"],
) -> tuple[ReliabilityBin, ...]:
    """Compute count, mean confidence and accuracy of each bin."""
    bins = len(edges) - 1
    counts = np.bincount(membership, minlength=bins)
    correct_counts = np.bincount(membership, weights=correct, minlength=bins)
    sums = np.bincount(membership, weights=confidences, minlength=bins)
    return tuple(
        ReliabilityBin(
            low=float(edges[i]),
            high=float(edges[i + 1]),
            mean_confidence=float(sums[i] / counts[i]) if counts[i] else None,
            accuracy=Proportion(int(correct_counts[i]), int(counts[i])) if counts[i] else None,
        )
        for i in range(bins)
    )


def number_up_to(high: int | float, value: Any) -> float:
    """A number of a record, from 0 to a limit.

    Raises:
        ValueError: It is anything else.
    """
    if not is_number(value, 0, high):
        raise ValueError(f"{value!r} is not a number from 0 to {high:g}")
    return float(value)
