"""Selective prediction: the guarantee against simulation, the curve against a loop."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.errors import ModelFileError
from convscope.evaluation.selective import (
    SelectiveThreshold,
    best_threshold,
    guaranteed_threshold,
    risk_coverage,
    selective_accuracy,
)


def calibrated(n: int, seed: int, *, power: float = 12) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and whether each image is classified correctly, drawn with its confidence as the probability."""
    rng = np.random.default_rng(seed)
    confidences = 1 - 0.5 * rng.random(n) ** power
    return confidences, rng.random(n) < confidences


def test_at_most_one_draw_in_twenty_breaks_the_guarantee() -> None:
    """The true accuracy above a threshold is the mean confidence there, in a population of a million."""
    population = np.sort(calibrated(1_000_000, 99)[0])
    from_above = np.cumsum(population[::-1]) / np.arange(1, len(population) + 1)
    broken, found_any = 0, 0
    for seed in range(300):
        found = guaranteed_threshold(*calibrated(1_000, seed), target=0.97)
        if found:
            found_any += 1
            broken += from_above[len(population) - np.searchsorted(population, found.threshold) - 1] < 0.97
    assert found_any > 250
    assert broken / 300 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


# (fraction of the images, from the most confident on; accuracy of all images up to there)
JUST_BELOW = {
    "95 % everywhere": [(1.0, 0.9499)],
    "99 % in the first two thirds, 98 % later": [(0.65, 0.9899), (0.8, 0.9799), (1.0, 0.96)],
    "each target a little later than the next": [(0.5, 0.9949), (0.7, 0.9899), (0.89, 0.9799), (1.0, 0.9499)],
    "98 % where nine tenths are answered": [(0.5, 1.0), (0.9, 0.9799), (1.0, 0.94)],
}


@pytest.mark.parametrize("accuracies", JUST_BELOW.values(), ids=JUST_BELOW.keys())
@pytest.mark.parametrize("n", [300, 1_000])
def test_at_most_one_network_in_twenty_promises_anything_false(accuracies: list, n: int) -> None:
    """Over all targets and thresholds together, where accuracies are just below the targets."""
    parts, means = np.array([(0.0, 1.0), *accuracies]).T
    errors = parts * (1 - means)  # of all images, up to there
    rates = np.diff(errors) / np.diff(parts)
    false, draws = 0, 100
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        depth = rng.random(n)  # the fraction of the population that is more confident
        correct = rng.random(n) >= rates[np.searchsorted(parts[1:], depth)]
        found = best_threshold(1 - depth, correct)
        if found:
            answered = 1 - found.threshold
            false += np.interp(answered, parts, errors) / answered > 1 - found.target
    assert false / draws <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)


def test_a_higher_accuracy_is_promised_only_where_every_lower_one_holds_for_nine_tenths() -> None:
    """Another chance after a failed test would add to the error, but by so little that no simulation notices it.

    Of the most confident half, 94.99 % are correct, so that 95 % is sometimes promised there, and 89.99 % of the first
    86 %, where the search for 90 % mostly ends.
    """
    parts, errors = np.array([0.0, 0.5, 0.86, 1.0]), np.array([0.0, 0.5 * 0.0501, 0.86 * 0.1001, 0.17])
    rates = np.diff(errors) / np.diff(parts)
    rng = np.random.default_rng(0)
    tempted, promised = 0, set()
    for _ in range(400):
        depth = rng.random(120)
        confidences, correct = 1 - depth, rng.random(120) >= rates[np.searchsorted(parts[1:], depth)]
        lower, higher = (guaranteed_threshold(confidences, correct, target=one) for one in (0.9, 0.95))
        found = best_threshold(confidences, correct)
        holds = lower is not None and lower.answered >= 0.9
        tempted += higher is not None and not holds
        promised.add(None if found is None else found.target)
        assert found is None or found.target == 0.9 or holds
    assert tempted > 5 and promised >= {None, 0.9}


def test_the_highest_target_that_holds_is_chosen() -> None:
    confidences, correct = calibrated(5_000, 1, power=40)
    found = best_threshold(confidences, correct)
    assert found is not None and found.target >= 0.98
    assert best_threshold(np.full(200, 0.5), np.arange(200) % 2 == 0) is None


def test_a_few_images_promise_nothing_high() -> None:
    found = best_threshold(np.linspace(0.9, 1, 40), np.ones(40, bool))
    assert found is None or found.target < 0.98


def test_the_curve_is_that_of_a_loop() -> None:
    confidences, correct = calibrated(200, 4, power=1)
    ranked = sorted(zip(confidences, correct, strict=True), reverse=True)
    for answered, risk in risk_coverage(confidences, correct):
        chosen = ranked[: round(answered * 200)]
        assert risk == pytest.approx(1 - sum(right for _, right in chosen) / len(chosen))


def test_a_threshold_is_measured_on_other_images() -> None:
    found = selective_accuracy(np.array([0.9, 0.8, 0.3, 0.8]), np.array([True, False, True, True]), 0.8)
    assert (found.answered.successes, found.answered.n) == (3, 4)
    assert found.correct is not None and (found.correct.successes, found.correct.n) == (2, 3)
    assert selective_accuracy(np.array([0.5]), np.array([True]), 0.9).correct is None


@pytest.mark.parametrize(
    "change", [{"target": 2}, {"threshold": "1"}, {"answered": None}, {"n": 0}, {"n": True}, {"x": 1}]
)
def test_other_values_than_training_writes_are_refused(change: dict) -> None:
    value = SelectiveThreshold(0.99, 0.8, 0.97, 500).to_json()
    assert SelectiveThreshold.from_json(value) == SelectiveThreshold(0.99, 0.8, 0.97, 500)
    with pytest.raises(ModelFileError):
        SelectiveThreshold.from_json(value | change)
