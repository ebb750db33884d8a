"""Proportions: the interval against the equation that defines it, the tail against a sum in whole numbers."""

from fractions import Fraction
from math import comb, isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.errors import DataError
from convscope.evaluation.intervals import Proportion, tail_probability

Z = 1.959963984540054  # the 97.5 % point of the normal distribution, from a printed table


@st.composite
def proportions(draw):
    n = draw(st.integers(1, 1_000_000))
    return Proportion(draw(st.integers(0, n)), n)


@given(proportions())
def test_the_ends_of_the_interval_solve_the_score_equation(share):
    """Wilson's definition: the rates p that lie exactly z standard errors, computed from p itself, from the share."""
    for end in (share.low, share.high):
        if end in (0.0, 1.0):
            continue
        assert isclose(abs(share.rate - end), Z * sqrt(end * (1 - end) / share.n), rel_tol=1e-6, abs_tol=1e-12)


@given(proportions())
def test_the_interval_holds_the_rate_and_stays_within_zero_and_one(share):
    assert 0 <= share.low <= share.rate <= share.high <= 1
    assert share.low < share.high


@given(proportions())
def test_the_interval_of_the_failures_is_the_mirror_image(share):
    mirror = Proportion(share.n - share.successes, share.n)
    assert isclose(mirror.low, 1 - share.high, abs_tol=1e-12)
    assert isclose(mirror.high, 1 - share.low, abs_tol=1e-12)


@pytest.mark.parametrize(
    ("successes", "text"),
    [
        (9_900, "99.00 % (98.79 to 99.18, n=10,000)"),
        (9_930, "99.30 % (99.12 to 99.45, n=10,000)"),
        (9_950, "99.50 % (99.34 to 99.62, n=10,000)"),
        (9_970, "99.70 % (99.57 to 99.79, n=10,000)"),
    ],
)
def test_it_agrees_with_the_published_intervals_for_ten_thousand_images(successes, text):
    assert str(Proportion(successes, 10_000)) == text


@given(st.integers(100, 10_000_000))
def test_one_error_never_reads_as_a_hundred_percent(n):
    assert not str(Proportion(n - 1, n)).startswith("100")


def test_nothing_and_everything_end_exactly_at_zero_and_one():
    for n in range(1, 500):
        assert Proportion(0, n).low == 0.0
        assert Proportion(n, n).high == 1.0
    assert Proportion(0, 7).high == pytest.approx(Z**2 / (7 + Z**2))


@given(proportions())
def test_a_proportion_survives_json(share):
    assert Proportion.from_json(share.to_json()) == share
    assert list(share.to_json()) == ["successes", "n", "rate", "low", "high"]


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(successes, n):
    with pytest.raises(DataError, match=rf"from 0 to n successes.*Received: successes={successes}, n={n}"):
        Proportion(successes, n)


@pytest.mark.parametrize(("rate", "expected"), [(0.0, 0.0), (1.0, 1.0)])
def test_at_a_rate_of_zero_or_one_the_tail_is_certain(rate, expected):
    for successes in (1, 3, 5):
        assert tail_probability(successes, 5, rate=rate) == expected
    assert tail_probability(0, 5, rate=rate) == 1.0


@given(st.integers(1, 200), st.data(), st.integers(0, 50))
def test_the_tail_equals_the_binomial_sum_in_exact_fractions(n, data, fiftieths):
    successes = data.draw(st.integers(0, n))
    rate = Fraction(fiftieths, 50)
    exact = sum(comb(n, i) * rate**i * (1 - rate) ** (n - i) for i in range(successes, n + 1))
    assert isclose(tail_probability(successes, n, rate=float(rate)), float(exact), rel_tol=1e-9, abs_tol=1e-300)
