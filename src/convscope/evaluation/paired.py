"""Two networks on the same images: the difference of their accuracies, with the uncertainty of a paired comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass

from convscope.arrays import Labels
from convscope.errors import DataError
from convscope.evaluation.intervals import Proportion, tail_probability


@dataclass(frozen=True)
class PairedDifference:
    """How two networks differ on the same n images, second minus first, with a 95 % interval and a p-value.

    The interval is about drawing other images from the same source. Images that both classify alike say little about
    the difference, so it is narrower than one from the two separate intervals. It does not cover training again
    with another seed.

    Attributes:
        both: Images that both classify correctly.
        first_only: Images that only the first classifies correctly.
        second_only: Images that only the second classifies correctly.
        neither: Images that neither classifies correctly.

    Raises:
        DataError: A count is negative, or all are 0.

    Source:
        Interval: Newcombe, "Improved confidence intervals for the difference between binomial proportions based on
        paired data", Statistics in Medicine 17, 1998, method 10. P-value: McNemar, "Note on the sampling error of the
        difference between correlated proportions or percentages", 1947, exact and two-sided.

    Example:
        >>> print(PairedDifference(both=9_850, first_only=20, second_only=50, neither=80))
        +0.30 points (0.14 to 0.47, n=10,000, p=0.00044)
    """

    both: int
    first_only: int
    second_only: int
    neither: int

    def __post_init__(self) -> None:
        counts = (self.both, self.first_only, self.second_only, self.neither)
        if min(counts) < 0 or not sum(counts):
            raise DataError(f"Expected four counts of 0 or more, not all 0. Received: {counts}.")

    @property
    def n(self) -> int:
        """Images."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def first(self) -> Proportion:
        """The accuracy of the first network."""
        return Proportion(self.both + self.first_only, self.n)

    @property
    def second(self) -> Proportion:
        """The accuracy of the second network."""
        return Proportion(self.both + self.second_only, self.n)

    @property
    def difference(self) -> float:
        """The second accuracy minus the first, -1 to 1."""
        return (self.second_only - self.first_only) / self.n

    @property
    def low(self) -> float:
        """The lower end of the interval."""
        return self.difference - self._distance(self.second.rate - self.second.low, self.first.high - self.first.rate)

    @property
    def high(self) -> float:
        """The upper end of the interval."""
        return self.difference + self._distance(self.second.high - self.second.rate, self.first.rate - self.first.low)

    @property
    def p_value(self) -> float:
        """The probability of a difference at least as large, either way, between equally accurate networks."""
        changed = self.first_only + self.second_only
        return min(1.0, 2 * tail_probability(max(self.first_only, self.second_only), changed, rate=0.5))

    def _distance(self, one: float, other: float) -> float:
        return math.sqrt(max(one**2 - 2 * self._correlation * one * other + other**2, 0.0))

    @property
    def _correlation(self) -> float:
        """The correlation phi of the two networks' successes, with Newcombe's continuity correction."""
        margins = (
            self.first.successes
            * (self.n - self.first.successes)
            * self.second.successes
            * (self.n - self.second.successes)
        )
        if not margins:
            return 0.0
        excess = self.both * self.neither - self.first_only * self.second_only
        return (max(excess - self.n / 2, 0.0) if excess > 0 else excess) / math.sqrt(margins)

    def __str__(self) -> str:
        d = self.first.decimals
        low, high = (f"{100 * end:.{d}f}" for end in (self.low, self.high))
        return f"{100 * self.difference:+.{d}f} points ({low} to {high}, n={self.n:,}, p={self.p_value:.2g})"

    def to_json(self) -> dict[str, int | float]:
        """Plain values; differences are fractions, not percentage points."""
        return {
            "n": self.n,
            "both": self.both,
            "first_only": self.first_only,
            "second_only": self.second_only,
            "neither": self.neither,
            "difference": self.difference,
            "low": self.low,
            "high": self.high,
            "p_value": self.p_value,
        }


def compare_predictions(labels: Labels, first: Labels, second: Labels) -> PairedDifference:
    """Compare the predicted classes of two networks for the same images.

    Args:
        labels: int64 ``(n,)``, the true classes.
        first: The first network's predictions, ``(n,)``.
        second: The second network's.

    Raises:
        DataError: There is no image.

    Example:
        >>> import numpy as np
        >>> compare_predictions(np.array([0, 1, 1]), np.array([0, 1, 0]), np.array([0, 0, 0]))
        PairedDifference(both=1, first_only=1, second_only=0, neither=1)
    """
    one, other = first == labels, second == labels
    counts = ((one & other).sum(), (one & ~other).sum(), (~one & other).sum(), (~one & ~other).sum())
    return PairedDifference(*map(int, counts))
