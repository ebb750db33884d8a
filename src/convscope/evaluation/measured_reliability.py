"""What rejection, prediction sets and selective prediction give on labeled images. Light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convscope.arrays import Labels
from convscope.evaluation.conformal import COVERAGES, METHODS
from convscope.evaluation.intervals import Proportion
from convscope.evaluation.metrics import log_softmax
from convscope.evaluation.predict import Predictions
from convscope.evaluation.reliability import reliability_of
from convscope.evaluation.selective import SelectiveAccuracy, risk_coverage, selective_accuracy
from convscope.evaluation.temperature import temperature_of
from convscope.model.model_file import Model


@dataclass(frozen=True)
class MeasuredRejection:
    """How many images are rejected, and how the network does on the others.

    Attributes:
        level: The fraction of familiar images that may be rejected.
        rejected: Images that are rejected.
        correct: Of the other images, those classified correctly; None if all are rejected.
    """

    level: float
    rejected: Proportion
    correct: Proportion | None

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        correct = self.correct and self.correct.to_json()
        return {"level": self.level, "rejected": self.rejected.to_json(), "correct": correct}


@dataclass(frozen=True)
class MeasuredSets:
    """How often the prediction sets of one method contain the true class.

    Attributes:
        method: ``lac`` or ``raps``.
        coverage: What is promised.
        covered: Images whose true class is in the set.
        mean_size: Mean number of classes in a set.
    """

    method: str
    coverage: float
    covered: Proportion
    mean_size: float

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "method": self.method,
            "coverage": self.coverage,
            "covered": self.covered.to_json(),
            "mean_size": self.mean_size,
        }


@dataclass(frozen=True)
class MeasuredReliability:
    """The parts that the network has; None or empty for the others.

    Attributes:
        rejection: Of images unlike the training images.
        selective: Of the answers above the confidence with a guaranteed accuracy.
        target: The guaranteed accuracy.
        threshold: That confidence.
        sets: One for each method and coverage that can be promised.
        curve: The risk-coverage curve.
    """

    rejection: MeasuredRejection | None
    selective: SelectiveAccuracy | None
    target: float | None
    threshold: float | None
    sets: tuple[MeasuredSets, ...]
    curve: tuple[tuple[float, float], ...]

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        selective = self.selective and {"target": self.target, "threshold": self.threshold} | self.selective.to_json()
        return {
            "rejection": self.rejection and self.rejection.to_json(),
            "selective": selective,
            "sets": [one.to_json() for one in self.sets],
            "risk_coverage": [list(point) for point in self.curve],
        }


def measure_reliability(
    model: Model, predictions: Predictions, labels: Labels, *, level: float | None
) -> MeasuredReliability:
    """Measure a network's rejection, selective prediction and prediction sets.

    Args:
        model: From a model file.
        predictions: For the images.
        labels: Their classes.
        level: The fraction of familiar images that may be rejected; None for no rejection.
    """
    found = reliability_of(model)
    confidences = np.exp(log_softmax(predictions.logits).max(axis=1))
    correct = predictions.logits.argmax(axis=1) == labels
    threshold = found.rejection.threshold(level) if found.rejection and level is not None else None
    rejection = None
    if level is not None and threshold is not None and predictions.scores is not None:
        is_rejected = predictions.scores > threshold
        known = int((~is_rejected).sum())
        right = Proportion(int((correct & ~is_rejected).sum()), known) if known else None
        rejection = MeasuredRejection(level, Proportion(int(is_rejected.sum()), len(labels)), right)
    chosen = found.selective
    return MeasuredReliability(
        rejection=rejection,
        selective=selective_accuracy(confidences, correct, chosen.threshold) if chosen else None,
        target=chosen.target if chosen else None,
        threshold=chosen.threshold if chosen else None,
        sets=tuple(_sets(model, predictions, labels)),
        curve=tuple(risk_coverage(confidences, correct)),
    )


def _sets(model: Model, predictions: Predictions, labels: Labels) -> list[MeasuredSets]:
    conformal = reliability_of(model).conformal
    if conformal is None:
        return []
    raw = (predictions.logits * np.float32(temperature_of(model.calibration))).astype(np.float32)
    rows = []
    for method in METHODS:
        for coverage, quantile in zip(COVERAGES, conformal.quantiles[method], strict=True):
            if quantile is not None:
                sets = conformal.sets(raw, coverage=coverage, method=method)
                covered = int(sets[np.arange(len(labels)), labels].sum())
                rows.append(MeasuredSets(method, coverage, Proportion(covered, len(labels)), float(sets.sum(1).mean())))
    return rows
