"""Conformal prediction sets: sets of classes that contain the true one with a guaranteed probability. Light."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from convscope.arrays import Labels, Logits, is_number
from convscope.errors import ModelFileError, OptionError
from convscope.evaluation.metrics import log_softmax

COVERAGES = (0.9, 0.95, 0.99, 0.999)
METHODS = ("lac", "raps")

PENALTY, FREE_CLASSES = 0.01, 1
"""RAPS adds 0.01 to the score of a class for each class above it beyond the first."""

MAX_SCORE = 100.0

NonconformityScores = Float64[np.ndarray, "n k"]
"""One for each image and class: higher where the class fits less."""

ClassSets = Bool[np.ndarray, "n k"]
"""Which classes are in the set of each image."""


@dataclass(frozen=True)
class Conformal:
    """The quantiles of the scores of held-out images, one for each of `COVERAGES`.

    Attributes:
        n: Number of held-out images.
        quantiles: By method; None where so few images promise no set smaller than all classes.
        class_counts: Held-out images of each class.
        by_class: By method, the quantiles for each class.
    """

    n: int
    quantiles: Mapping[str, tuple[float | None, ...]]
    class_counts: tuple[int, ...]
    by_class: Mapping[str, tuple[tuple[float | None, ...], ...]]

    def sets(self, logits: Logits, *, coverage: float, method: str = "lac", by_class: bool = False) -> ClassSets:
        """The sets of classes for images, each with at least the most likely class.

        Args:
            logits: float32 ``(n, k)``, not divided by a temperature.
            coverage: One of `COVERAGES`. Of all images like the held-out ones, at least this fraction has its true
                class in the set; with ``by_class``, also of the images of each class.
            method: ``lac`` (smallest sets) or ``raps`` (larger sets where the network is unsure).
            by_class: Whether the promise is made for each class.

        Raises:
            OptionError: There are too few held-out images for this coverage.
        """
        place = COVERAGES.index(coverage)
        limits: Any = [row[place] for row in self.by_class[method]] if by_class else self.quantiles[method][place]
        needed = smallest_n(coverage)
        if by_class and None in limits:
            raise OptionError(
                f"A coverage of {coverage:.1%} of each class needs {needed} held-out images of each. "
                f"Received: {min(self.class_counts)} of the smallest class.",
                hint="Use a lower coverage, or the one of all classes together.",
            )
        if limits is None:
            raise OptionError(
                f"A coverage of {coverage:.1%} needs {needed} held-out images. Received: {self.n}.",
                hint="Use a lower coverage, or train with a larger validation fraction.",
            )
        chosen = nonconformity(logits, method) <= np.asarray(limits, np.float64)
        chosen[np.arange(len(logits)), logits.argmax(axis=1)] = True
        return chosen

    def to_json(self) -> dict[str, object]:
        """Plain values, for the model file."""
        return {
            "n": self.n,
            "class_counts": list(self.class_counts),
            **{method: list(self.quantiles[method]) for method in METHODS},
            **{f"{method}_by_class": [list(row) for row in self.by_class[method]] for method in METHODS},
        }

    @classmethod
    def from_json(cls, value: object, num_classes: int) -> Conformal:
        """Read back the result of `to_json`.

        Raises:
            ModelFileError: It is not what `to_json` returns for so many classes.
        """
        keys = {"n", "class_counts", *METHODS, *(f"{method}_by_class" for method in METHODS)}
        if not isinstance(value, Mapping) or set(value) != keys:
            raise ModelFileError(f"The conformal quantiles must have exactly the keys {', '.join(sorted(keys))}.")
        counts = value["class_counts"]
        whole = [value["n"], *counts] if isinstance(counts, list) else [None]
        if len(whole) != num_classes + 1 or not all(type(one) is int and 0 <= one <= 10**9 for one in whole):
            raise ModelFileError("Expected n and class_counts as whole numbers, one for each class.")
        by_class = {}
        for method in METHODS:
            rows = value[f"{method}_by_class"]
            if not isinstance(rows, list) or len(rows) != num_classes:
                raise ModelFileError(f"Expected the quantiles of {method} for each of {num_classes} classes.")
            by_class[method] = tuple(map(_quantiles, rows))
        return cls(value["n"], {method: _quantiles(value[method]) for method in METHODS}, tuple(counts), by_class)


def _quantiles(row: object) -> tuple[float | None, ...]:
    if not isinstance(row, list) or len(row) != len(COVERAGES):
        raise ModelFileError(f"Expected {len(COVERAGES)} conformal quantiles. Received: {ascii(row)[:60]}.")
    known = [one for one in row if one is not None]
    if not all(is_number(one, 0, MAX_SCORE) for one in known) or sorted(known) != known:
        raise ModelFileError(f"Expected ascending numbers from 0 to {MAX_SCORE:g}. Received: {ascii(row)[:60]}.")
    return tuple(one if one is None else float(one) for one in row)


def nonconformity(logits: Logits, method: str) -> NonconformityScores:
    """The scores of all classes of each image.

    Args:
        logits: float32 ``(n, k)``, not divided by a temperature, since that was fitted on the held-out images.
        method: ``lac``: 1 minus the probability of the class. ``raps``: the probability of all classes above it,
            plus a penalty that grows with its rank.

    Source:
        LAC: Sadinle, Lei and Wasserman, "Least ambiguous set-valued classifiers with bounded error levels", 2019. RAPS:
        Angelopoulos, Bates, Malik and Jordan, "Uncertainty sets for image classifiers using conformal prediction",
        2021. We do not randomize: the class itself does not count, so that equal images have equal sets.

    Example:
        >>> logits = np.log(np.array([[0.5, 0.2, 0.3]], np.float32))
        >>> nonconformity(logits, "lac").round(2).tolist(), nonconformity(logits, "raps").round(2).tolist()
        ([[0.5, 0.8, 0.7]], [[0.0, 0.81, 0.5]])
    """
    probabilities = np.exp(log_softmax(logits))
    if method == "lac":
        return 1.0 - probabilities
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ordered = np.take_along_axis(probabilities, order, axis=1)
    above = np.cumsum(ordered, axis=1) - ordered
    above[:, 0] = 0.0
    penalized = np.maximum(above, 0.0) + PENALTY * np.maximum(np.arange(ordered.shape[1]) - FREE_CLASSES, 0)
    scores = np.empty_like(probabilities)
    np.put_along_axis(scores, order, penalized, axis=1)
    return scores


def smallest_n(coverage: float) -> int:
    """How many held-out images a coverage needs at least.

    Example:
        >>> [smallest_n(coverage) for coverage in COVERAGES]
        [9, 19, 99, 999]
    """
    return round(coverage / (1 - coverage))


def conformal_quantile(scores: Float64[np.ndarray, " n"], coverage: float) -> float | None:
    """The ⌈(n + 1) × coverage⌉-th smallest score; None if there are fewer.

    A new score of the same distribution is at most this with a probability of at least ``coverage``.

    Example:
        >>> conformal_quantile(np.arange(1.0, 20.0), 0.9), conformal_quantile(np.arange(5.0), 0.9)
        (18.0, None)
    """
    rank = math.ceil((len(scores) + 1) * coverage - 1e-9)  # 0.9 × 10 is not exactly 9
    return float(np.partition(scores, rank - 1)[rank - 1]) if rank <= len(scores) else None


def fit_conformal(logits: Logits, labels: Labels) -> Conformal:
    """The quantiles of held-out images, for all classes together and for each.

    Args:
        logits: float32 ``(n, k)``, n >= 1, not divided by a temperature.
        labels: int64 ``(n,)``.
    """
    classes = range(logits.shape[1])
    together, by_class = {}, {}
    for method in METHODS:
        true = nonconformity(logits, method)[np.arange(len(labels)), labels]
        together[method] = tuple(conformal_quantile(true, coverage) for coverage in COVERAGES)
        by_class[method] = tuple(
            tuple(conformal_quantile(true[labels == k], coverage) for coverage in COVERAGES) for k in classes
        )
    counts = np.bincount(labels, minlength=len(classes))
    return Conformal(len(labels), together, tuple(int(count) for count in counts), by_class)


def parse_coverage(coverage: str | float) -> float:
    """The coverage that a user asked for.

    Raises:
        OptionError: It is none of `COVERAGES`.

    Example:
        >>> parse_coverage("99%"), parse_coverage(0.9)
        (0.99, 0.9)
    """
    names = {f"{value:.1%}".replace(".0%", "%"): value for value in COVERAGES}
    if isinstance(coverage, str) and coverage.replace(" ", "") in names:
        return names[coverage.replace(" ", "")]
    if type(coverage) is float and coverage in COVERAGES:
        return coverage
    raise OptionError(f"coverage must be one of {', '.join(names)}. Received: coverage={coverage!r}.")
