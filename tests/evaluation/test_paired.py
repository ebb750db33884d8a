"""The paired difference of two accuracies against published examples, and against simulated networks."""

import numpy as np
import pytest

from convscope.errors import DataError
from convscope.evaluation.paired import PairedDifference, compare_predictions


@pytest.mark.parametrize(
    ("counts", "low", "high", "p_value"),
    [
        # Newcombe 1998, table II, method 10, has first minus second; so have the other two.
        ((36, 12, 2, 0), 0.0569, 0.3404, 0.0129),
        # Fagerland, Lydersen and Laake, "Statistical Analysis of Contingency Tables", chapter 8 (Bentur et al. 2009).
        ((1, 1, 7, 12), -0.507, -0.026, 0.0703),
        # Altman et al., "Statistics with Confidence", table 6.2.
        ((14, 5, 0, 22), 0.011, 0.226, 0.0625),
    ],
)
def test_intervals_and_p_values_are_those_of_the_textbooks(counts, low: float, high: float, p_value: float) -> None:
    found = PairedDifference(*counts)
    digits = 3 if low in (-0.507, 0.011) else 4
    assert (round(-found.high, digits), round(-found.low, digits)) == (low, high)
    assert found.p_value == pytest.approx(p_value, abs=5e-5)


def test_counting_goes_image_by_image() -> None:
    rng = np.random.default_rng(0)
    labels, first, second = rng.integers(0, 3, (3, 500))
    found = compare_predictions(labels, first, second)
    pairs = list(zip((first == labels).tolist(), (second == labels).tolist(), strict=True))
    assert found.both == pairs.count((True, True)) and found.first_only == pairs.count((True, False))
    assert found.second_only == pairs.count((False, True)) and found.neither == pairs.count((False, False))
    assert found.difference == pytest.approx((second == labels).mean() - (first == labels).mean())


def test_swapping_the_networks_turns_the_sign() -> None:
    one, other = PairedDifference(9_850, 20, 50, 80), PairedDifference(9_850, 50, 20, 80)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low)) and one.p_value == other.p_value
    assert str(one).startswith("+0.30 points (0.1") and str(other).startswith("-0.30 points (-0.4")


def test_equal_predictions_have_no_difference_and_no_evidence() -> None:
    found = PairedDifference(both=90, first_only=0, second_only=0, neither=10)
    assert found.difference == 0 and found.low <= 0 <= found.high and found.p_value == 1
    perfect = PairedDifference(both=50, first_only=0, second_only=0, neither=0)
    assert perfect.low < 0 < perfect.high


def test_the_interval_covers_the_true_difference_in_95_of_100_experiments() -> None:
    """Two networks with 97 and 98 % accuracy whose errors go together: 2,000 test sets of 1,000 images."""
    rng, chances = np.random.default_rng(1), (0.965, 0.005, 0.015, 0.015)
    draws = [PairedDifference(*map(int, counts)) for counts in rng.multinomial(1_000, chances, size=2_000)]
    covered = np.mean([one.low <= 0.01 <= one.high for one in draws])
    assert 0.935 < covered < 0.975


def test_pairing_gives_a_narrower_interval_than_two_separate_samples() -> None:
    paired = PairedDifference(9_850, 20, 50, 80)
    widths = [one.high - one.low for one in (paired.first, paired.second)]
    assert paired.high - paired.low < 0.7 * np.hypot(*widths)


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (1, -1, 0, 0)])
def test_counts_of_nothing_are_refused(counts: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="four counts"):
        PairedDifference(*counts)
