"""A measured proportion and its confidence interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from convscope.errors import DataError

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


@dataclass(frozen=True)
class Proportion:
    """A number of successes among n independent cases, with its 95 % Wilson score interval.

    The interval covers the sampling of images from the same source, one by one. It does not cover training again with
    another seed, or images from another source; and errors that come in clusters, such as those of one writer, make
    it too narrow: with a design effect of 1.5 it covers 89 % instead of 95 %.

    Attributes:
        successes: Number of successes, 0..n.
        n: Number of cases, >= 1. A proportion of no cases is None, never a `Proportion`.

    Raises:
        DataError: n is below 1, or successes lies outside 0..n.

    Source:
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927; recommended by
        Brown, Cai and DasGupta, "Interval estimation for a binomial proportion", 2001. We differ in one thing: the
        ends are exactly 0 without and 1 with only successes, which rounding would miss by 1e-17.

    Example:
        >>> accuracy = Proportion(9_900, 10_000)
        >>> print(accuracy)
        99.00 % (98.79 to 99.18, n=10,000)
        >>> Proportion(10, 10).high
        1.0
    """

    successes: int
    n: int

    def __post_init__(self) -> None:
        if self.n < 1 or not 0 <= self.successes <= self.n:
            raise DataError(
                "Expected at least one case, and from 0 to n successes. "
                f"Received: successes={self.successes}, n={self.n}."
            )

    @property
    def rate(self) -> float:
        """The measured proportion, in [0, 1]."""
        return self.successes / self.n

    @property
    def low(self) -> float:
        """The lower end of the interval, in [0, 1]."""
        return 0.0 if self.successes == 0 else self._center - self._half_width

    @property
    def high(self) -> float:
        """The upper end of the interval, in [0, 1]."""
        return 1.0 if self.successes == self.n else self._center + self._half_width

    @property
    def decimals(self) -> int:
        """Significant decimals of the percentage: 1 up to 1,000 cases, 2 up to 10,000.

        With fewer, 59,999 of 60,000 would read "100.00 %".
        """
        return max(1, math.ceil(math.log10(self.n / 100)))

    def __str__(self) -> str:
        d = self.decimals
        return (
            f"{self.rate:.{d}%}".replace("%", " %")
            + f" ({100 * self.low:.{d}f} to {100 * self.high:.{d}f}, n={self.n:,})"
        )

    def to_json(self) -> dict[str, int | float]:
        """Convert to plain values; `from_json` reads the first two, the others are for readers in other languages."""
        return {"successes": self.successes, "n": self.n, "rate": self.rate, "low": self.low, "high": self.high}

    @classmethod
    def from_json(cls, value: dict[str, int | float]) -> Proportion:
        """Read back the result of `to_json`; the interval is computed again.

        Raises:
            DataError: The counts do not make a proportion.

        Example:
            >>> Proportion.from_json(Proportion(3, 4).to_json())
            Proportion(successes=3, n=4)
        """
        return cls(int(value["successes"]), int(value["n"]))

    @property
    def _center(self) -> float:
        return (self.successes + _Z**2 / 2) / (self.n + _Z**2)

    @property
    def _half_width(self) -> float:
        spread = self.successes * (self.n - self.successes) / self.n + _Z**2 / 4
        return _Z * math.sqrt(spread) / (self.n + _Z**2)


def tail_probability(successes: int, n: int, *, rate: float) -> float:
    """The probability of at least this many successes in n cases at a given rate, exact.

    Args:
        successes: 0..n.
        n: Number of cases, >= 1.
        rate: Probability of a success, in [0, 1].

    Returns:
        P(X >= successes) for X binomial(n, rate), in [0, 1].

    Source:
        Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", 1934:
        the one-sided test behind their limits. The terms are computed from log-factorials.

    Example:
        >>> round(tail_probability(9, 10, rate=0.5), 6)  # (10 + 1) / 1024
        0.010742
    """
    if successes <= 0:
        return 1.0
    if rate <= 0.0 or rate >= 1.0:
        return float(rate >= 1.0)
    if successes <= n * rate:  # the lower tail has fewer terms
        return 1.0 - _sum_of_terms(range(successes - 1, -1, -1), n, rate)
    return _sum_of_terms(range(successes, n + 1), n, rate)


def _sum_of_terms(counts: range, n: int, rate: float) -> float:
    """Sum binomial terms, starting from the largest, until the rest is negligible."""
    whole = math.lgamma(n + 1)
    total = 0.0
    for count in counts:
        logarithm = (
            whole - math.lgamma(count + 1) - math.lgamma(n - count + 1)
            + count * math.log(rate) + (n - count) * math.log1p(-rate)
        )  # fmt: skip
        term = math.exp(logarithm)
        total += term
        if term <= total * 1e-17:
            break
    return min(total, 1.0)
