"""The confusion matrix, the scores of each class, and the pairs of classes that are confused most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from jaxtyping import Int64

from convscope.arrays import Labels
from convscope.evaluation.intervals import Proportion, tail_probability

Confusion = Int64[np.ndarray, "k k"]
"""Numbers of images: rows are true classes, columns predicted ones."""

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class.

    Attributes:
        name: The class.
        support: Number of images of the class.
        predicted: Number of images predicted as the class.
        correct: Number of images of the class that were predicted as it.
    """

    name: str
    support: int
    predicted: int
    correct: int

    @property
    def precision(self) -> Proportion | None:
        """Fraction of the images predicted as the class that belong to it; None if there are none."""
        return Proportion(self.correct, self.predicted) if self.predicted else None

    @property
    def recall(self) -> Proportion | None:
        """Fraction of the images of the class that were predicted as it; None if there are none."""
        return Proportion(self.correct, self.support) if self.support else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall, in [0, 1]; None if the class occurs in neither."""
        total = self.support + self.predicted
        return 2 * self.correct / total if total else None

    def to_json(self) -> dict[str, object]:
        """Convert to plain values; undefined ones are None."""
        return {
            "name": self.name,
            "support": self.support,
            "predicted": self.predicted,
            "correct": self.correct,
            "precision": self.precision and self.precision.to_json(),
            "recall": self.recall and self.recall.to_json(),
            "f1": self.f1,
        }


@dataclass(frozen=True)
class ConfusedPair:
    """How often two classes are confused with each other, in both directions.

    Attributes:
        rank: 1 for the pair with the highest rate.
        first: Index of the class that comes first in label order.
        second: Index of the other.
        first_name: Name of the first class.
        second_name: Name of the second class.
        first_as_second: Images of the first class that were predicted as the second.
        second_as_first: Images of the second class that were predicted as the first.
        n: Number of images of both classes.
        p_value: Probability of at least as many errors among n images at the mean rate of all pairs, times the number
            of pairs (Bonferroni correction, because the pairs are ranked), in [0, 1].
    """

    rank: int
    first: int
    second: int
    first_name: str
    second_name: str
    first_as_second: int
    second_as_first: int
    n: int
    p_value: float

    @property
    def errors(self) -> int:
        """Errors in both directions."""
        return self.first_as_second + self.second_as_first

    @property
    def rate(self) -> Proportion:
        """Fraction of the images of both classes that were predicted as the other one."""
        return Proportion(self.errors, self.n)

    @property
    def distinguishable(self) -> bool:
        """Whether the pair is confused significantly more often than the average pair.

        A one-sided exact binomial test of the pair's errors against the mean rate over all pairs, Bonferroni-corrected,
        at 5 %. If it is False, another pair could be in this place on another test set.
        """
        return self.p_value <= SIGNIFICANCE

    def to_json(self) -> dict[str, object]:
        """Convert to plain values."""
        return {
            "rank": self.rank,
            "first": self.first,
            "second": self.second,
            "first_name": self.first_name,
            "second_name": self.second_name,
            "first_as_second": self.first_as_second,
            "second_as_first": self.second_as_first,
            "errors": self.errors,
            "rate": self.rate.to_json(),
            "p_value": self.p_value,
            "distinguishable": self.distinguishable,
        }


def confusion_matrix(labels: Labels, predicted: Labels, *, num_classes: int) -> Confusion:
    """Compute the confusion matrix.

    Args:
        labels: True classes, int64, 0..k-1.
        predicted: Predicted classes, int64, 0..k-1.
        num_classes: k, including classes without images.

    Returns:
        int64, shape ``(k, k)``: entry ``[true, predicted]``.

    Example:
        >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), num_classes=2).tolist()
        [[1, 1], [0, 1]]
    """
    flat = np.bincount(labels * num_classes + predicted, minlength=num_classes**2)
    return flat.reshape(num_classes, num_classes).astype(np.int64)


def class_scores(confusion: Confusion, class_names: tuple[str, ...]) -> tuple[ClassScore, ...]:
    """Compute the scores of each class, in label order.

    Example:
        >>> score = class_scores(np.array([[8, 2], [0, 10]]), ("cat", "dog"))[0]
        >>> score.recall.rate, score.precision.rate, round(score.f1, 4)
        (0.8, 1.0, 0.8889)
    """
    support, predicted, correct = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
    return tuple(
        ClassScore(name, int(support[i]), int(predicted[i]), int(correct[i])) for i, name in enumerate(class_names)
    )


class ConfusedPairs(Sequence[ConfusedPair]):
    """All unordered pairs of classes that have images, ranked; see `confused_pairs`.

    1,000 classes have half a million pairs, so each `ConfusedPair` is made, and its test computed, when it is needed.

    Args:
        confusion: See `confusion_matrix`.
        class_names: In label order.
    """

    def __init__(self, confusion: Confusion, class_names: tuple[str, ...]) -> None:
        first, second = np.triu_indices(len(class_names), 1)
        support = confusion.sum(axis=1)
        sizes = support[first] + support[second]
        first, second, sizes = first[sizes > 0], second[sizes > 0], sizes[sizes > 0]
        errors = confusion[first, second] + confusion[second, first]
        self._mean_rate = int(errors.sum()) / max(int(sizes.sum()), 1)
        order = np.lexsort((second, first, -(errors / sizes)))
        self._first, self._second = first[order], second[order]
        self._errors, self._sizes = errors[order], sizes[order]
        self._confusion, self._class_names = confusion, class_names
        self._tails: dict[tuple[int, int], float] = {}

    @property
    def with_errors(self) -> tuple[ConfusedPair, ...]:
        """The pairs that were confused at least once: the first ones of the ranking."""
        return self[: int(np.count_nonzero(self._errors))]

    def __len__(self) -> int:
        return len(self._errors)

    @overload
    def __getitem__(self, index: int) -> ConfusedPair: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ConfusedPair, ...]: ...
    def __getitem__(self, index: int | slice) -> ConfusedPair | tuple[ConfusedPair, ...]:
        places = range(len(self))[index]
        return self._pair(places) if isinstance(places, int) else tuple(self._pair(place) for place in places)

    def _pair(self, place: int) -> ConfusedPair:
        a, b = int(self._first[place]), int(self._second[place])
        errors, size = int(self._errors[place]), int(self._sizes[place])
        return ConfusedPair(
            rank=place + 1,
            first=a,
            second=b,
            first_name=self._class_names[a],
            second_name=self._class_names[b],
            first_as_second=int(self._confusion[a, b]),
            second_as_first=int(self._confusion[b, a]),
            n=size,
            p_value=min(1.0, len(self) * self._tail(errors, size)),
        )

    def _tail(self, errors: int, size: int) -> float:
        """The probability depends on these two numbers alone, and most pairs share theirs with others."""
        if (errors, size) not in self._tails:
            self._tails[errors, size] = tail_probability(errors, size, rate=self._mean_rate)
        return self._tails[errors, size]


def confused_pairs(confusion: Confusion, class_names: tuple[str, ...]) -> ConfusedPairs:
    """Rank all unordered pairs of classes, the highest confusion rate first.

    Equal rates are ordered by label. Pairs without any image are skipped, since they have no rate. All others count for
    the mean rate and for the Bonferroni correction of the tests. The first pairs were selected for their rates, which
    are therefore too high on average: other images give the top pair a lower rate.

    Example:
        >>> pair = confused_pairs(np.array([[90, 9, 1], [1, 98, 1], [0, 0, 100]]), ("4", "9", "0"))[0]
        >>> pair.first_name, pair.second_name, str(pair.rate), pair.distinguishable
        ('4', '9', '5.0 % (2.7 to 9.0, n=200)', True)
    """
    return ConfusedPairs(confusion, class_names)
