"""Accuracy by group: by writer, camera, day, or whatever the files' names tell."""

from __future__ import annotations

import math
import re
import statistics
from dataclasses import dataclass
from pathlib import PurePath

from convscope.api.evaluate import EvaluateResult
from convscope.errors import DataError, OptionError
from convscope.evaluation.intervals import Proportion

FOLDER = "folder"
"""The group of a file is the path of its folder, without the name of its class."""

MAX_PATTERN = 200
NO_GROUP = "(no group)"

_T = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09)
"""The 97.5 % quantiles of Student's t distribution with 1 to 19 degrees of freedom."""


@dataclass(frozen=True)
class GroupAccuracy:
    """The accuracy on the images of one group."""

    name: str
    accuracy: Proportion


@dataclass(frozen=True)
class GroupAccuracies:
    """The accuracies of all groups.

    Attributes:
        by: How groups were found.
        rows: The lowest accuracy first.
    """

    by: str
    rows: tuple[GroupAccuracy, ...]

    @property
    def mean(self) -> float:
        """Mean accuracy over groups, each counted once."""
        return statistics.mean(one.accuracy.rate for one in self.rows)

    @property
    def _half_width(self) -> float:
        count = len(self.rows)
        if count < 2:
            return 1.0
        spread = statistics.stdev(one.accuracy.rate for one in self.rows) / math.sqrt(count)
        return spread * (_T[count - 2] if count - 2 < len(_T) else 1.96 + 2.4 / count)

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
        return {"by": self.by, "mean": self.mean, "low": self.low, "high": self.high, "groups": rows}


def accuracy_by_group(result: EvaluateResult, by: str = FOLDER) -> GroupAccuracies:
    """The accuracy on each group of images.

    Images of one writer or camera are more alike than others, so that an interval over images is too narrow for a
    new writer; the one over groups is not.

    Args:
        result: Of `api.evaluate.evaluate`, of data with file names.
        by: ``"folder"``: the folder of each file without the name of its class; or a regular expression, searched in
            the path, whose first parenthesis is the group.

    Raises:
        DataError: The images have no file names, or all are of one group.
        OptionError: The expression cannot be read.
    """
    names = result.dataset.names
    if not names:
        raise DataError("Expected images from files, to group them. Received: images without names.")
    groups = [_group(name, by, result.dataset.class_names) for name in names]
    correct = result.predictions.logits.argmax(axis=1) == result.dataset.labels
    counts: dict[str, list[int]] = {}
    for name, right in zip(groups, correct.tolist(), strict=True):
        count = counts.setdefault(name, [0, 0])
        count[0] += right
        count[1] += 1
    if len(counts) < 2:
        raise DataError(
            f"Expected at least two groups. Received: one, {next(iter(counts))!r}.",
            hint='Give a regular expression for the group in the path, such as --group "(writer[0-9]+)".',
        )
    rows = [GroupAccuracy(name, Proportion(right, n)) for name, (right, n) in counts.items()]
    return GroupAccuracies(by, tuple(sorted(rows, key=lambda one: (one.accuracy.rate, one.name))))


def _group(name: str, by: str, class_names: tuple[str, ...]) -> str:
    if by == FOLDER:
        parts = [part for part in PurePath(name).parts[:-1] if part not in class_names]
        return "/".join(parts) or NO_GROUP
    if len(by) > MAX_PATTERN:
        raise OptionError(f"group has at most {MAX_PATTERN} characters. Received: {len(by)}.")
    try:
        found = re.search(by, name)
    except re.error as error:
        raise OptionError(f"Expected folder or a regular expression. Received: group={by!r} ({error}).") from None
    if found is None:
        return NO_GROUP
    return (found.group(1) if found.re.groups else found.group(0)) or NO_GROUP
