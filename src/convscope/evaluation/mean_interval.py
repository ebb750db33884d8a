"""The mean of a few measurements, such as the accuracies of several seeds, and its confidence interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from convscope.errors import DataError
from convscope.evaluation.intervals import CONFIDENCE


@dataclass(frozen=True)
class Mean:
    """The mean of n independent fractions, with its 95 % interval by Student's t distribution.

    For accuracies of several seeds, the interval covers training again with other seeds. It does not cover other
    images: the seeds are measured on the same ones.

    Attributes:
        values: The measurements, at least one, each from 0 to 1.

    Raises:
        DataError: There are none, or one is no fraction.

    Source:
        Student, "The probable error of a mean", Biometrika 6, 1908.

    Example:
        >>> print(Mean((0.985, 0.987, 0.986)))
        98.60 % ± 0.10 % (95 % interval of the mean 98.35 to 98.85, n=3)
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values or not all(0 <= value <= 1 for value in self.values):
            raise DataError(f"Expected at least one measurement, each from 0 to 1. Received: {self.values}.")

    @property
    def mean(self) -> float:
        """The mean."""
        return fmean(self.values)

    @property
    def sd(self) -> float | None:
        """The standard deviation of the sample, with n-1; None of a single measurement."""
        return stdev(self.values) if len(self.values) > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the mean, within 0 to 1; None of a single measurement."""
        if self.sd is None:
            return None
        half = t_quantile(len(self.values) - 1) * self.sd / math.sqrt(len(self.values))
        return max(self.mean - half, 0.0), min(self.mean + half, 1.0)

    def __str__(self) -> str:
        """Fractions as percentages."""
        if self.sd is None or self.interval is None:
            return f"{100 * self.mean:.2f} % (n=1)"
        low, high = self.interval
        return (
            f"{100 * self.mean:.2f} % ± {100 * self.sd:.2f} % "
            f"(95 % interval of the mean {100 * low:.2f} to {100 * high:.2f}, n={len(self.values)})"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        low, high = self.interval or (None, None)
        return {
            "n": len(self.values),
            "mean": self.mean,
            "sd": self.sd,
            "low": low,
            "high": high,
            "values": list(self.values),
        }


def mean_of(values: Sequence[float | None]) -> Mean | None:
    """The mean of what was measured; None if nothing was."""
    known = tuple(value for value in values if value is not None)
    return Mean(known) if known else None


def t_quantile(degrees: int, *, confidence: float = CONFIDENCE) -> float:
    """The two-sided quantile of Student's t distribution.

    Args:
        degrees: Degrees of freedom, at least 1.
        confidence: Probability between minus and plus the quantile.

    Example:
        >>> round(t_quantile(1), 3), round(t_quantile(19), 3)
        (12.706, 2.093)
    """
    low, high = 0.0, 1.0
    while _within(high, degrees) < confidence:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < confidence else (low, middle)
    return (low + high) / 2


def _within(t: float, degrees: int) -> float:
    """The probability between -t and t.

    Source:
        Abramowitz and Stegun, "Handbook of mathematical functions", 26.7.3 and 26.7.4.
    """
    angle = math.atan(t / math.sqrt(degrees))
    squared, is_odd = math.cos(angle) ** 2, degrees % 2 == 1
    term, total = (math.cos(angle), 0.0) if is_odd else (1.0, 0.0)
    first = 3 if is_odd else 2
    for k in range(first, degrees + 1, 2):
        total += term
        term *= squared * (k - 1) / k
    if is_odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total
