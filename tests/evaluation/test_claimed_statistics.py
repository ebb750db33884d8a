"""Simulations of the statistics that the documentation, the terminal and the page claim: is 95 % really 95 %?"""

from __future__ import annotations

import numpy as np

from convscope.evaluation.confidence_bins import equal_width_bins, expected_calibration_error, expected_ece
from convscope.evaluation.confusion import confused_pairs
from convscope.evaluation.intervals import Proportion
from convscope.evaluation.paired import PairedDifference


def coverage_of_wilson(n: int, rate: float) -> float:
    """Exact: the binomial probability of the counts whose interval has the rate."""
    counts = np.arange(n + 1)
    logs = np.cumsum(np.concatenate([[0.0], np.log(np.arange(n, 0, -1) / np.arange(1, n + 1))]))
    probabilities = np.exp(logs + counts * np.log(rate) + (n - counts) * np.log1p(-rate))
    inside = [(one := Proportion(int(count), n)).low <= rate <= one.high for count in counts]
    return float(probabilities[inside].sum())


def test_wilson_intervals_cover_the_true_accuracy_in_about_95_of_100_test_sets() -> None:
    coverages = [coverage_of_wilson(n, rate) for n in (50, 200, 1_000) for rate in (0.5, 0.8, 0.9, 0.95)]
    assert 0.94 <= np.mean(coverages) <= 0.965
    assert min(coverages) > 0.92


def test_wilson_intervals_assume_independent_errors() -> None:
    """With a design effect of 1.5 (errors that come in clusters) they cover less, which their description says."""
    rng = np.random.default_rng(0)
    n, rate, draws = 2_000, 0.97, 1_500
    within = 0.5  # an image shares its outcome with the one before, with this probability, for half of the images
    first = rng.random((draws, n // 2)) < rate
    second = np.where(rng.random((draws, n // 2)) < within, first, rng.random((draws, n // 2)) < rate)
    counts = (first.sum(axis=1) + second.sum(axis=1)).tolist()
    covered = np.mean([(one := Proportion(count, n)).low <= rate <= one.high for count in counts])
    assert 0.84 < covered < 0.93  # by theory: 1.96 / sqrt(1.5) standard errors cover 89 %


def matrices(rates: np.ndarray, each: int, draws: int, seed: int) -> np.ndarray:
    """Confusion matrices of networks that confuse classes at given rates, by the rate of each cell."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.multinomial(each, row, size=draws) for row in rates], axis=1)


def equal_rates(k: int, error: float) -> np.ndarray:
    return np.full((k, k), error / (k - 1)) + np.eye(k) * (1 - error - error / (k - 1))


def test_pairs_that_are_all_alike_are_rarely_called_distinguishable() -> None:
    names = tuple("0123456789")
    drawn = matrices(equal_rates(10, 0.02), 1_000, 200, seed=1)
    alarms = np.mean([confused_pairs(one, names)[0].distinguishable for one in drawn])
    assert alarms <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_a_pair_that_is_confused_five_times_as_often_is_found() -> None:
    names, rates = tuple("0123456789"), equal_rates(10, 0.02)
    for a, b in ((4, 9), (9, 4)):
        rates[a, b] *= 5
        rates[a, a] -= rates[a, b] * 0.8
    found = [confused_pairs(one, names)[0] for one in matrices(rates, 1_000, 60, seed=2)]
    assert np.mean([one.distinguishable and {one.first, one.second} == {4, 9} for one in found]) > 0.8


def test_the_rate_of_the_top_pair_is_too_high_because_it_was_selected() -> None:
    """What `confused_pairs` says: the rate of the first pair is higher than on another half of the images."""
    names, rates = tuple("0123456789"), equal_rates(10, 0.02)
    one_half, other_half = (matrices(rates, 500, 150, seed=seed) for seed in (3, 4))
    ratios = []
    for selected, fresh in zip(one_half, other_half, strict=True):
        top = confused_pairs(selected, names)[0]
        ratios.append((top.errors, int(fresh[top.first, top.second] + fresh[top.second, top.first])))
    chosen, again = np.sum(ratios, axis=0)
    assert 1.5 < chosen / again < 4


def test_the_p_value_of_equal_networks_is_below_5_percent_at_most_once_in_twenty() -> None:
    rng = np.random.default_rng(5)
    small = 0
    for _ in range(400):
        first_only, second_only = rng.binomial(10_000, 0.003, 2).tolist()
        difference = PairedDifference(9_900 - first_only - second_only, first_only, second_only, 100)
        small += difference.p_value <= 0.05
    assert small / 400 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_paired_intervals_cover_the_true_difference_of_two_networks() -> None:
    rng = np.random.default_rng(6)
    counts = rng.multinomial(5_000, [0.97, 0.008, 0.014, 0.008], size=400).tolist()
    found = [PairedDifference(*one) for one in counts]
    covered = np.mean([one.low <= 0.006 <= one.high for one in found])
    assert 0.92 <= covered <= 0.98


def perfect(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    confidences = 1 - 0.5 * rng.random(n) ** 8
    return confidences, rng.random(n) < confidences


def test_a_perfectly_calibrated_network_lies_in_the_band_of_chance() -> None:
    inside, means, measured = 0, [], []
    for seed in range(60):
        confidences, correct = perfect(1_000, seed)
        ece = expected_calibration_error(equal_width_bins(confidences, correct))
        mean, low, high = expected_ece(confidences, draws=200, seed=seed)
        inside += low <= ece <= high
        means.append(mean)
        measured.append(ece)
    assert inside >= 51  # 95 % of 60 are 57; 50 or fewer have a probability below 0.1 %
    assert abs(np.mean(means) / np.mean(measured) - 1) < 0.12


def test_the_ece_of_few_images_is_above_zero_by_chance_alone_and_falls_with_their_number() -> None:
    few, many = (expected_ece(perfect(n, 0)[0], draws=200)[0] for n in (100, 10_000))
    assert few > 0.02 and many < few / 5


def test_an_overconfident_network_is_above_the_band_of_chance() -> None:
    confidences, correct = perfect(2_000, 3)
    louder = confidences**0.3
    assert expected_calibration_error(equal_width_bins(louder, correct)) > expected_ece(louder, draws=200)[2]


def test_the_interval_of_a_mean_over_seeds_needs_student_s_t() -> None:
    """Five seeds: 1.96 standard errors cover 88 %, Student's 2.78 cover 95 %, which `groups` uses too."""
    drawn = np.random.default_rng(7).normal(size=(20_000, 5))
    means, errors = drawn.mean(axis=1), drawn.std(axis=1, ddof=1) / np.sqrt(5)
    assert abs((np.abs(means) <= 1.96 * errors).mean() - 0.878) < 0.01
    assert abs((np.abs(means) <= 2.776 * errors).mean() - 0.95) < 0.01
