"""Selective prediction: how often a network is right if it only answers where it is confident. Light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from convscope.arrays import is_number
from convscope.errors import ModelFileError
from convscope.evaluation.confidence_bins import Confidences
from convscope.evaluation.intervals import Proportion, tail_probability

TARGETS = (0.9, 0.95, 0.98, 0.99, 0.995)
"""Accuracies that are tried, ascending; more can be promised only from many thousands of held-out images."""

STEPS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 1.0)
"""Fractions of answered images that are tried in this order, until one cannot be promised."""

CURVE_POINTS = 101


@dataclass(frozen=True)
class SelectiveThreshold:
    """A confidence from which a network's answers have a guaranteed accuracy.

    Attributes:
        target: The guaranteed accuracy, with 95 % confidence, for images like the held-out ones.
        threshold: Answer if the calibrated probability is at least this.
        answered: Fraction of the held-out images that are answered.
        n: Number of held-out images.
    """

    target: float
    threshold: float
    answered: float
    n: int

    def to_json(self) -> dict[str, object]:
        """Plain values, for the model file."""
        return {"target": self.target, "threshold": self.threshold, "answered": self.answered, "n": self.n}

    @classmethod
    def from_json(cls, value: object) -> SelectiveThreshold:
        """Read back the result of `to_json`.

        Raises:
            ModelFileError: It is not what `to_json` returns.
        """
        keys = {"target", "threshold", "answered", "n"}
        if (
            not isinstance(value, Mapping)
            or set(value) != keys
            or not all(is_number(value[key], 0, 1) for key in ("target", "threshold", "answered"))
            or type(value["n"]) is not int
            or not 1 <= value["n"] <= 10**9
        ):
            raise ModelFileError(f"Expected a threshold with the keys {', '.join(sorted(keys))}, from 0 to 1.")
        return cls(float(value["target"]), float(value["threshold"]), float(value["answered"]), value["n"])


@dataclass(frozen=True)
class SelectiveAccuracy:
    """What a threshold gives on measured images.

    Attributes:
        answered: Images whose confidence reaches the threshold.
        correct: Of those, images classified correctly; None if none is answered.
    """

    answered: Proportion
    correct: Proportion | None

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {"answered": self.answered.to_json(), "correct": self.correct and self.correct.to_json()}


def guaranteed_threshold(
    confidences: Confidences, correct: Bool[np.ndarray, " n"], *, target: float, confidence: float = 0.95
) -> SelectiveThreshold | None:
    """The lowest confidence from which the accuracy of the answers is at least the target, with 95 % confidence.

    Fractions of answered images are tested in a fixed order, from the most confident half on, and the first one that
    fails ends the search, so that the whole search has the error probability of one test.

    Args:
        confidences: float64 ``(n,)``, of images that the network was not trained on.
        correct: Whether each was classified correctly.
        target: Accuracy to guarantee, in (0, 1).
        confidence: Of the guarantee.

    Returns:
        The threshold; None if not even the most confident half of the images can promise the target.

    Source:
        Geifman and El-Yaniv, "Selective classification for deep neural networks", 2017, for the exact binomial test.
        We test in a fixed order (Angelopoulos et al., "Learn then test", 2021) instead of halving an interval.
    """
    order = np.sort(confidences)[::-1]
    best = None
    for step in STEPS:
        threshold = float(order[max(0, int(np.ceil(step * len(order))) - 1)])
        answered = confidences >= threshold
        count, errors = int(answered.sum()), int((answered & ~correct).sum())
        if 1.0 - tail_probability(errors + 1, count, rate=1.0 - target) > 1.0 - confidence:
            break
        best = SelectiveThreshold(target, threshold, count / len(order), len(order))
    return best


def best_threshold(confidences: Confidences, correct: Bool[np.ndarray, " n"]) -> SelectiveThreshold | None:
    """The highest of `TARGETS` that can be guaranteed with at least half of the images answered.

    Each target is tested at a fifth of the error probability, since there are five.
    """
    found = [
        guaranteed_threshold(confidences, correct, target=target, confidence=1 - 0.05 / len(TARGETS))
        for target in TARGETS
    ]
    return next((one for one in reversed(found) if one is not None), None)


def selective_accuracy(
    confidences: Confidences, correct: Bool[np.ndarray, " n"], threshold: float
) -> SelectiveAccuracy:
    """Measure a threshold on other images than those it was chosen on."""
    answered = confidences >= threshold
    count = int(answered.sum())
    return SelectiveAccuracy(
        Proportion(count, len(answered)), Proportion(int((answered & correct).sum()), count) if count else None
    )


def risk_coverage(
    confidences: Confidences, correct: Bool[np.ndarray, " n"], *, points: int = CURVE_POINTS
) -> list[tuple[float, float]]:
    """The risk-coverage curve: the error rate of the most confident images, for each fraction of them.

    Returns:
        ``(fraction answered, error rate)``, from 1 % or one image to all.

    Source:
        El-Yaniv and Wiener, "On the foundations of noise-free selective classification", 2010.

    Example:
        >>> risk_coverage(np.array([0.9, 0.5, 0.8, 0.7]), np.array([True, False, True, True]), points=5)
        [(0.25, 0.0), (0.5, 0.0), (0.75, 0.0), (1.0, 0.25)]
    """
    order = np.argsort(-confidences, kind="stable")
    errors: Float64[np.ndarray, " n"] = np.cumsum(~correct[order]) / np.arange(1, len(order) + 1)
    counts = np.unique(np.maximum(1, np.linspace(0, len(order), points).round().astype(int)))
    return [(count / len(order), float(errors[count - 1])) for count in counts.tolist()]
