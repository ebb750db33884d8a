"""Calibration: of the images predicted with 80 % confidence, are 80 % correct?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from convscope.arrays import MAX_CLASS_NAME, Labels
from convscope.evaluation.confidence_bins import (
    BINS,
    EDGES,
    ReliabilityBin,
    equal_mass_bins,
    equal_width_bins,
    expected_calibration_error,
    expected_ece,
    number_up_to,
)

MAX_NLL = 1e9
"""A larger value in a file is refused."""

LogProbabilities = Float64[np.ndarray, "n k"]
"""Natural logarithms of probabilities: float64, at most 0."""


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
        numbers = (number_up_to(1, value[key]) for key in ("mean_probability", "frequency", "ece"))
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
            nll=number_up_to(MAX_NLL, value["nll"]),
            brier=number_up_to(2, value["brier"]),
            mean_confidence=number_up_to(1, value["mean_confidence"]),
            equal_width=tuple(ReliabilityBin.from_json(one) for one in value["equal_width"]),
            equal_mass=tuple(ReliabilityBin.from_json(one) for one in value["equal_mass"]),
            expected_ece=_band(value.get("expected_ece")),
            classes=tuple(ClassCalibration.from_json(one) for one in value.get("classes", ())),
        )


def _band(value: Any) -> tuple[float, float, float] | None:
    if value is None:
        return None
    mean, low, high = (number_up_to(1, one) for one in value)
    return mean, low, high


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
