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

CONFIDENCE = 0.95
"""Of the guarantee."""

TARGETS = (0.9, 0.95, 0.98, 0.99, 0.995)
"""Accuracies that are tried, ascending; more can be promised only from many thousands of held-out images."""

LEAST_ANSWERED = 0.5
"""The fraction of images that have to be answered."""

MOSTLY_ANSWERED = 0.9
"""The fraction of answered images from which the next higher accuracy is tried."""

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
    confidences: Confidences,
    correct: Bool[np.ndarray, " n"],
    *,
    target: float,
    most: float = 1.0,
    confidence: float = CONFIDENCE,
) -> SelectiveThreshold | None:
    """The lowest confidence from which the accuracy of the answers is at least the target, up to ``most`` answers.

    It holds with 95 % confidence.

    The most confident half of the images is tested first, then one image more at a time, until a test fails. Let c be
    the confidence above which the accuracy is exactly the target. A threshold below c is found only if the images above
    c pass their test, and the errors among these are binomial: the whole search has the error probability of one test.

    Args:
        confidences: float64 ``(n,)``, of images that the network was not trained on.
        correct: Whether each was classified correctly.
        target: Accuracy to guarantee, in (0, 1).
        most: The fraction of answered images at which the search ends, in [0.5, 1].
        confidence: Of the guarantee.

    Returns:
        The threshold; None if not even the most confident half of the images can promise the target.

    Source:
        Geifman and El-Yaniv, "Selective classification for deep neural networks", 2017, for the exact binomial test.
        We test in a fixed order (Angelopoulos et al., "Learn then test", 2021) instead of halving an interval.

    Example:
        >>> found = guaranteed_threshold(np.linspace(0.5, 1, 101), np.arange(101) > 20, target=0.9)
        >>> (found.threshold, round(found.answered, 3))
        (0.59, 0.822)
    """
    order = np.argsort(-confidences, kind="stable")
    ordered, errors = confidences[order], np.cumsum(~correct[order])
    counts = np.append(np.flatnonzero(np.diff(ordered)) + 1, len(order))  # equal confidences are answered together
    best, passed = None, -1
    for count in counts[counts >= LEAST_ANSWERED * len(order)].tolist():
        wrong = int(errors[count - 1])
        if wrong > passed:  # else more images with as many errors
            if 1.0 - tail_probability(wrong + 1, count, rate=1.0 - target) > 1.0 - confidence:
                break
            passed = wrong
        best = SelectiveThreshold(target, float(ordered[count - 1]), count / len(order), len(order))
        if best.answered >= most:
            break
    return best


def best_threshold(confidences: Confidences, correct: Bool[np.ndarray, " n"]) -> SelectiveThreshold | None:
    """The highest of `TARGETS` that can be guaranteed with at least half of the images answered.

    Targets are tested in ascending order, each with the whole error probability, and all ends with the first test that
    fails. The order is fixed beforehand, so that a false promise needs the first false hypothesis in it to pass, which
    has a probability of 5 % at most, however many follow (a fixed-sequence test). A target is tried only if the one
    before it holds for `MOSTLY_ANSWERED` of the images, and the last one that n images can promise goes on to all. So
    a search that ends at once at the next target leaves `MOSTLY_ANSWERED`, even if more could have been promised.
    """
    least = np.ceil(LEAST_ANSWERED * len(confidences))
    targets = [target for target in TARGETS if target**least <= 1.0 - CONFIDENCE]
    best = None
    for target in targets:
        most = 1.0 if target == targets[-1] else MOSTLY_ANSWERED
        found = guaranteed_threshold(confidences, correct, target=target, most=most)
        best = found or best
        if found is None or found.answered < most:
            break
    return best


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
