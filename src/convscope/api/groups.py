"""Accuracy by group: by writer, camera, day, or whatever the files' names tell."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from convscope.api.evaluate import EvaluateResult
from convscope.data.dataset import Dataset
from convscope.data.grouping import FOLDER, group_source, groups_of
from convscope.evaluation.intervals import Proportion

_T = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09)
"""The 97.5 % quantiles of Student's t distribution with 1 to 19 degrees of freedom."""


def half_width_of_mean(rates: Sequence[float]) -> float:
    """Half of the 95 % interval of a mean over groups, by Student's t; 1 for fewer than two.

    Example:
        >>> round(half_width_of_mean([0.7, 0.8, 0.9]), 3)
        0.248
    """
    count = len(rates)
    if count < 2:
        return 1.0
    spread = statistics.stdev(rates) / math.sqrt(count)
    return spread * (_T[count - 2] if count - 2 < len(_T) else 1.96 + 2.4 / count)


@dataclass(frozen=True)
class GroupAccuracy:
    """The accuracy on the images of one group."""

    name: str
    accuracy: Proportion


@dataclass(frozen=True)
class GroupAccuracies:
    """The accuracies of all groups.

    Attributes:
        by: What was asked for.
        rows: The lowest accuracy first.
        shared: Groups that the training images have too; None if it is not known.
        source: How groups were found: a column, the folder, or a pattern for paths.
    """

    by: str
    rows: tuple[GroupAccuracy, ...]
    shared: int | None = None
    source: str = ""

    @property
    def mean(self) -> float:
        """Mean accuracy over groups, each counted once."""
        return statistics.mean(one.accuracy.rate for one in self.rows)

    @property
    def _half_width(self) -> float:
        return half_width_of_mean([one.accuracy.rate for one in self.rows])

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval of the mean over groups like these, by Student's t."""
        return max(0.0, self.mean - self._half_width)

    @property
    def high(self) -> float:
        """Its upper end."""
        return min(1.0, self.mean + self._half_width)

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        rows = [{"group": one.name, "accuracy": one.accuracy.to_json()} for one in self.rows]
        return {
            "by": self.by,
            "source": self.source,
            "mean": self.mean,
            "low": self.low,
            "high": self.high,
            "groups": rows,
            "shared": self.shared,
        }


def accuracy_by_group(
    result: EvaluateResult, by: str = FOLDER, *, trained_on: Dataset | None = None
) -> GroupAccuracies:
    """The accuracy on each group of images.

    Images of one writer or camera are more alike than others, so that an interval over images is too narrow for a
    new writer; the one over groups is not.

    Args:
        result: Of `api.evaluate.evaluate`, of data with file names.
        by: A column of the table of the images; ``"folder"``: the folder of each file without the name of its class; or
            a regular expression, searched in the path, whose first parenthesis is the group.
        trained_on: The training images, to count the groups that they share.

    Raises:
        DataError: The images have no file names, or all are of one group.
        OptionError: The expression cannot be read.
    """
    groups = groups_of(result.dataset, by)
    correct = result.predictions.logits.argmax(axis=1) == result.dataset.labels
    counts: dict[str, list[int]] = {}
    for name, right in zip(groups, correct.tolist(), strict=True):
        count = counts.setdefault(name, [0, 0])
        count[0] += right
        count[1] += 1
    rows = [GroupAccuracy(name, Proportion(right, n)) for name, (right, n) in counts.items()]
    shared = None if trained_on is None else len(counts.keys() & set(groups_of(trained_on, by)))
    source = group_source(tuple(result.dataset.columns), by)
    rows.sort(key=lambda one: (one.accuracy.rate, one.name))
    return GroupAccuracies(by, tuple(rows), shared, source)
