"""Calibration: of the images predicted with 80 % confidence, are 80 % correct?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from convscope.arrays import MAX_CLASS_NAME, Labels, is_number
from convscope.evaluation.intervals import Proportion

BINS = 15
"""The usual number of bins in the literature since Guo et al., 2017."""

EDGES = np.arange(1, BINS + 1) / BINS
"""The upper ends of the bins of equal width."""

MAX_DRAWN = 4_000_000
"""Random numbers for the ECE that chance gives."""

MAX_NLL = 1e9
"""A larger value in a file is refused."""

Confidences = Float64[np.ndarray, " n"]
"""The probability of the predicted class, one for each image, in (0, 1]."""

LogProbabilities = Float64[np.ndarray, "n k"]
"""Natural logarithms of probabilities: float64, at most 0."""


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
            low=_bounded(value["low"], 1),
            high=_bounded(value["high"], 1),
            mean_confidence=None if value["mean_confidence"] is None else _bounded(value["mean_confidence"], 1),
            accuracy=None if accuracy is None else Proportion.from_json(accuracy),
        )


@dataclass(frozen=True)
class ClassCalibration:
    """How the probability of one class compares with its frequency.

    Attributes:
        name: The class; empty before the names are known.
        mean_probability: Mean probability of the class over all images, in [0, 1].
        frequency: Fraction of the images that are of the class.
        ece: Expected calibration error of the probability of the class, over 15 bins of equal width.

    Source:
        Kull et al., "Beyond temperature scaling", NeurIPS 2019: classwise ECE is the mean of ``ece``.
    """

    name: str
    mean_probability: float
    frequency: float
    ece: float

    @classmethod
    def from_json(cls, value: Mapping) -> ClassCalibration:
        """Read back the plain values of `Calibration.to_json`."""
        numbers = (_bounded(value[key], 1) for key in ("mean_probability", "frequency", "ece"))
        return cls(str(value["name"])[:MAX_CLASS_NAME], *numbers)


@dataclass(frozen=True)
class Calibration:
    """How well the probabilities match the accuracy.

    Attributes:
        nll: Mean negative log-likelihood of the true class, in nats, >= 0.
        brier: Brier score: mean squared error of the probabilities, summed over classes, in [0, 2].
        mean_confidence: Mean probability of the predicted class, in (0, 1].
        equal_width: 15 bins over (0, 1], including empty ones.
        equal_mass: Up to 15 bins with about the same number of images each.
        expected_ece: Mean, 2.5 % and 97.5 % quantile of the equal-width ECE that a perfectly calibrated network with
            these confidences would show by chance; None in records of older versions.
        classes: For each class, how its probability compares with its frequency; empty in records of older versions.

    Source:
        Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", 2017 (NLL, ECE with equal width);
        Nguyen and O'Connor, 2015 (equal mass); Brier, 1950, in its first, multi-class form. We differ in one thing:
        images of equal confidence are always in the same bin, so that the result does not depend on the order of the
        images; equal-mass bins can therefore be fewer and uneven.
    """

    nll: float
    brier: float
    mean_confidence: float
    equal_width: tuple[ReliabilityBin, ...]
    equal_mass: tuple[ReliabilityBin, ...]
    expected_ece: tuple[float, float, float] | None = None
    classes: tuple[ClassCalibration, ...] = ()

    @property
    def is_within_chance(self) -> bool | None:
        """Whether the ECE is not above what chance gives a perfectly calibrated network; None if that is not known."""
        return None if self.expected_ece is None else self.ece_equal_width <= self.expected_ece[2]

    @property
    def ece_equal_width(self) -> float:
        """Expected calibration error over bins of equal width, in [0, 1].

        With few images in a bin it is above 0 by chance alone.
        """
        return expected_calibration_error(self.equal_width)

    @property
    def ece_equal_mass(self) -> float:
        """Expected calibration error over bins of equal mass, in [0, 1]: finer where most confidences are high."""
        return expected_calibration_error(self.equal_mass)

    def to_json(self) -> dict[str, object]:
        """Convert to plain values."""
        return {
            "nll": self.nll,
            "brier": self.brier,
            "mean_confidence": self.mean_confidence,
            "ece_equal_width": self.ece_equal_width,
            "ece_equal_mass": self.ece_equal_mass,
            "equal_width": [one.to_json() for one in self.equal_width],
            "equal_mass": [one.to_json() for one in self.equal_mass],
            "expected_ece": list(self.expected_ece) if self.expected_ece else None,
            "classes": [asdict(one) for one in self.classes],
        }

    @classmethod
    def from_json(cls, value: Mapping) -> Calibration:
        """Read back the result of `to_json`."""
        return cls(
            nll=_bounded(value["nll"], MAX_NLL),
            brier=_bounded(value["brier"], 2),
            mean_confidence=_bounded(value["mean_confidence"], 1),
            equal_width=tuple(ReliabilityBin.from_json(one) for one in value["equal_width"]),
            equal_mass=tuple(ReliabilityBin.from_json(one) for one in value["equal_mass"]),
            expected_ece=_band(value.get("expected_ece")),
            classes=tuple(ClassCalibration.from_json(one) for one in value.get("classes", ())),
        )


def _band(value: Any) -> tuple[float, float, float] | None:
    if value is None:
        return None
    mean, low, high = (_bounded(one, 1) for one in value)
    return mean, low, high


def _bounded(value: Any, high: int | float) -> float:
    if not is_number(value, 0, high):
        raise ValueError(f"{value!r} is not a number from 0 to {high:g}")
    return float(value)


def calibrate(
    log_probabilities: LogProbabilities, labels: Labels, *, predicted: Labels, class_names: Sequence[str] = ()
) -> Calibration:
    """Measure the calibration of predictions.

    Args:
        log_probabilities: float64, shape ``(n, k)``, n >= 1; the exponentials of each row sum to 1.
        labels: True classes, int64, 0..k-1.
        predicted: Predicted classes, int64, 0..k-1. They are not recomputed, since different logits can round to the
            same probability.
        class_names: In label order; without them there is no table of classes.

    Example:
        >>> logs = np.log([[0.75, 0.25], [0.75, 0.25]])
        >>> result = calibrate(logs, np.array([0, 1]), predicted=np.array([0, 0]))
        >>> round(result.brier, 4), round(result.ece_equal_width, 4)
        (0.625, 0.25)
    """
    rows = np.arange(len(labels))
    probabilities = np.exp(log_probabilities)
    # The exponential of a rounded logarithm can be 1 + 2e-16.
    confidences = np.minimum(probabilities[rows, predicted], 1.0)
    correct = predicted == labels
    distances = probabilities.copy()
    distances[rows, labels] -= 1.0
    return Calibration(
        nll=float(-log_probabilities[rows, labels].mean()),
        brier=float(np.square(distances).sum(axis=1).mean()),
        mean_confidence=float(confidences.mean()),
        equal_width=equal_width_bins(confidences, correct),
        equal_mass=equal_mass_bins(confidences, correct),
        expected_ece=expected_ece(confidences),
        classes=_class_calibration(np.minimum(probabilities, 1.0), labels, class_names),
    )


def _class_calibration(
    probabilities: Float64[np.ndarray, "n k"], labels: Labels, class_names: Sequence[str]
) -> tuple[ClassCalibration, ...]:
    rows = []
    for k, name in enumerate(class_names):
        is_class = labels == k
        member = np.searchsorted(EDGES, probabilities[:, k])
        gaps = np.bincount(member, weights=probabilities[:, k] - is_class, minlength=BINS)
        error = float(np.abs(gaps).sum() / len(labels))
        rows.append(ClassCalibration(name, float(probabilities[:, k].mean()), float(is_class.mean()), error))
    return tuple(rows)


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
