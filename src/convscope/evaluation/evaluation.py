"""The evaluation of a network as a value: what follows from its confusion matrix, and its form in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convscope.arrays import is_class_name, is_number
from convscope.errors import DataError
from convscope.evaluation.calibration import Calibration
from convscope.evaluation.confusion import (
    ClassScore,
    ConfusedPair,
    ConfusedPairs,
    Confusion,
    class_scores,
    confused_pairs,
)
from convscope.evaluation.intervals import Proportion

WORST = 1000
"""Mistakes listed in an evaluation; the confusion matrix counts all of them."""


@dataclass(frozen=True)
class Mistake:
    """A misclassified image.

    Attributes:
        index: Position in the evaluated data.
        label: The class according to the data.
        predicted: The predicted class.
        probability: Probability of the predicted class, in (0, 1].
        label_probability: Probability of the label, in [0, 1).
        known_wrong: True if the label is known to be wrong.
    """

    index: int
    label: int
    predicted: int
    probability: float
    label_probability: float
    known_wrong: bool = False

    def to_json(self) -> dict[str, object]:
        """Convert to plain values."""
        return {
            "index": self.index,
            "label": self.label,
            "predicted": self.predicted,
            "probability": self.probability,
            "label_probability": self.label_probability,
            "known_wrong": self.known_wrong,
        }


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The evaluation of a network on one set of images, with confidence intervals.

    Attributes:
        class_names: In label order.
        confusion: int64, shape ``(k, k)``: number of images by true class (rows) and predicted class (columns).
        accuracy_without_known_wrong: Accuracy on the images whose label is not known to be wrong; None if there are no
            such labels.
        calibration: How well the probabilities match the accuracy.
        mistakes: The most confident mistakes first, at most `WORST`.
    """

    class_names: tuple[str, ...]
    confusion: Confusion
    accuracy_without_known_wrong: Proportion | None
    calibration: Calibration
    mistakes: tuple[Mistake, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Evaluation) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]  # it holds an array

    @property
    def n(self) -> int:
        """Number of images."""
        return int(self.confusion.sum())

    @property
    def errors(self) -> int:
        """Images given to the wrong class, all of them."""
        return self.n - self.accuracy.successes

    @property
    def accuracy(self) -> Proportion:
        """Fraction of images classified correctly."""
        return Proportion(int(np.trace(self.confusion)), self.n)

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that have images, in [0, 1]: every class counts the same."""
        recalls = [one.correct / one.support for one in self.classes if one.support]
        return sum(recalls) / len(recalls)

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that occur as a label or a prediction, in [0, 1]."""
        scores = [one.f1 for one in self.classes if one.f1 is not None]
        return sum(scores) / len(scores)

    @property
    def largest_class(self) -> ClassScore:
        """The class with the most images: its fraction of the images is the accuracy of always predicting it."""
        return max(self.classes, key=lambda one: one.support)

    @property
    def is_better_than_largest_class(self) -> bool:
        """Whether the interval of the accuracy lies above the fraction of the largest class."""
        return self.accuracy.low > self.largest_class.support / self.n

    @property
    def is_imbalanced(self) -> bool:
        """Whether one class has more than one and a half times as many images as another."""
        support = [one.support for one in self.classes if one.support]
        return 2 * max(support) > 3 * min(support)

    @cached_property
    def classes(self) -> tuple[ClassScore, ...]:
        """Precision, recall and F1 of each class, in label order."""
        return class_scores(self.confusion, self.class_names)

    @cached_property
    def pairs(self) -> ConfusedPairs:
        """All unordered pairs of classes, the highest confusion rate first."""
        return confused_pairs(self.confusion, self.class_names)

    def most_confused(self, count: int = 3) -> tuple[ConfusedPair, ...]:
        """The first ``count`` pairs of the ranking, without those that were never confused."""
        return tuple(pair for pair in self.pairs[:count] if pair.errors)

    @property
    def ranks_pairs(self) -> bool:
        """Whether it means anything to compare confused pairs: at least three classes and five errors."""
        return len(self.class_names) >= 3 and self.errors >= 5

    def to_json(self) -> dict[str, object]:
        """Convert to plain values for `from_json`; pairs that were never confused are omitted."""
        without = self.accuracy_without_known_wrong
        return {
            "n": self.n,
            "accuracy": self.accuracy.to_json(),
            "accuracy_without_known_wrong": without and without.to_json(),
            "balanced_accuracy": self.balanced_accuracy,
            "macro_f1": self.macro_f1,
            "largest_class": {"name": self.largest_class.name, "fraction": self.largest_class.support / self.n},
            "class_names": list(self.class_names),
            "confusion": self.confusion.tolist(),
            "classes": [score.to_json() for score in self.classes],
            "pairs": [pair.to_json() for pair in self.pairs.with_errors],
            "calibration": self.calibration.to_json(),
            "mistakes": [mistake.to_json() for mistake in self.mistakes],
        }

    @classmethod
    def from_json(cls, value: Mapping) -> Evaluation:
        """Read back the result of `to_json`; what follows from the confusion matrix is computed again.

        Raises:
            DataError: A value is missing or invalid.
        """
        try:
            without = value["accuracy_without_known_wrong"]
            class_names, confusion = tuple(value["class_names"]), np.array(value["confusion"], np.int64)
            if confusion.shape != (len(class_names), len(class_names)) or confusion.min() < 0 or not confusion.any():
                raise ValueError(f"a confusion matrix of shape {confusion.shape} for {len(class_names)} classes")
            calibration = Calibration.from_json(value["calibration"])
            for bins in (calibration.equal_width, calibration.equal_mass):
                if sum(one.count for one in bins) != confusion.sum():
                    raise ValueError("a calibration of a different number of images")
            if not all(map(is_class_name, class_names)):
                raise ValueError("a class name that is not printable")
            mistakes = tuple(Mistake(**mistake) for mistake in value["mistakes"])
            for mistake in mistakes:
                _check_mistake(mistake, confusion)
            return cls(
                class_names=class_names,
                confusion=confusion,
                accuracy_without_known_wrong=None if without is None else Proportion.from_json(without),
                calibration=calibration,
                mistakes=mistakes,
            )
        except KeyError as error:
            raise DataError(f"Expected an evaluation as convscope writes it. Received: one without {error}.") from error
        except (TypeError, ValueError, OverflowError) as error:
            raise DataError(f"Expected an evaluation as convscope writes it. Received: {error}.") from error


def _check_mistake(mistake: Mistake, confusion: Confusion) -> None:
    bounds = {"index": confusion.sum(), "label": len(confusion), "predicted": len(confusion)}
    for name, bound in bounds.items():
        if type(getattr(mistake, name)) is not int or not 0 <= getattr(mistake, name) < bound:
            raise ValueError(f"a mistake whose {name} is not from 0 to {bound - 1}")
    if type(mistake.known_wrong) is not bool:
        raise ValueError("a mistake whose known_wrong is neither true nor false")
    for name in ("probability", "label_probability"):
        if not is_number(getattr(mistake, name), 0, 1):
            raise ValueError(f"a mistake whose {name} is not from 0 to 1")
