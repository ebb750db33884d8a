"""Which trials are stopped early. Light.

A trial is compared at fixed points of its training with the trials that its proposal was made from, and with no others.
So it does not depend on how many trials run at the same time, or how fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from convscope.sweeping.records import Trial

PRUNERS = ("median", "asha", "none")
FRACTIONS = (0.25, 0.5, 0.75)
"""The fixed points, as fractions of the steps. Trainings of fewer than four epochs are validated at one half only."""

LEAST_EARLIER = 4
"""Number of earlier trials with a value at a fixed point before any is stopped there."""

REDUCTION = 3
"""ASHA keeps the best third."""


def fixed_point(fraction: float, passed: Iterable[float]) -> float | None:
    """The fixed point that a validation belongs to: the last one that the training has reached, if it is a new one.

    Example:
        >>> fixed_point(0.4, []), fixed_point(0.45, [0.25]), fixed_point(0.2, []), fixed_point(1.0, [0.25])
        (0.25, None, None, None)
    """
    reached = [point for point in FRACTIONS if point <= fraction + 1e-9]
    if not reached or fraction >= 1 or reached[-1] in set(passed):
        return None
    return reached[-1]


def values_at(point: float, trials: Iterable[Trial]) -> list[float]:
    """Validation accuracies of earlier trials at a fixed point."""
    return [one.checks[str(point)] for one in trials if str(point) in one.checks]


def is_pruned(value: float, earlier: Sequence[float], *, pruner: str) -> bool:
    """Whether a trial is stopped.

    Args:
        value: Its validation accuracy at a fixed point.
        earlier: Those of earlier trials at the same point.
        pruner: ``median`` stops what is below the median; ``asha`` what is not among the best third; ``none`` nothing.

    Source:
        The median rule of Golovin et al., "Google Vizier", KDD 2017, and the rule of promotion of Li et al., "A system
        for massively parallel hyperparameter tuning", MLSys 2020. We differ in whom a trial is compared with: a fixed
        set of earlier trials, not those that happen to be there.

    Example:
        >>> is_pruned(0.90, [0.91, 0.92, 0.93, 0.94], pruner="median")
        True
        >>> is_pruned(0.925, [0.91, 0.92, 0.93, 0.94], pruner="asha")
        True
    """
    if pruner == "none" or len(earlier) < LEAST_EARLIER:
        return False
    if pruner == "median":
        return value < median(earlier)
    return sum(one > value for one in earlier) >= max((len(earlier) + 1) // REDUCTION, 1)
