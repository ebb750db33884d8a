import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.errors import ModelFileError
from convscope.evaluation.metrics import log_softmax, measure
from convscope.evaluation.temperature import fit_temperature, temperature_interval, temperature_of


def honest(n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is the truth: each label is drawn from it."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2, size=(n, 5)).astype(np.float32)
    probabilities = np.exp(log_softmax(logits))
    labels = (probabilities.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return logits, np.minimum(labels, 4).astype(np.int64)


@settings(max_examples=15)
@given(st.floats(0.2, 5))
def test_the_temperature_that_was_put_in_is_found_again(temperature: float) -> None:
    logits, labels = honest()
    found = fit_temperature((logits * np.float32(temperature)).astype(np.float32), labels)
    assert found / temperature == pytest.approx(1, abs=0.06)


def test_calibrating_lowers_the_calibration_error_and_changes_no_class() -> None:
    logits, labels = honest()
    loud = (logits * np.float32(3)).astype(np.float32)
    names = tuple("abcde")
    before = measure(loud, labels, class_names=names)
    after = measure((loud / np.float32(fit_temperature(loud, labels))).astype(np.float32), labels, class_names=names)
    assert after.calibration.ece_equal_width < 0.03 < before.calibration.ece_equal_width
    np.testing.assert_array_equal(before.confusion, after.confusion)


@pytest.mark.parametrize("n", [3, 20, 300])
def test_images_that_are_all_correct_give_the_confidence_of_one_more_that_might_be_wrong(n: int) -> None:
    """By hand: with equal gaps between the logits, the best probability of the label is 1 - 1 / (n + 2)."""
    logits = np.eye(3, dtype=np.float32)[np.arange(n) % 3] * 10
    temperature = fit_temperature(logits, np.arange(n) % 3)
    odds = (n + 1) * 2  # of the label against one of the two other classes
    assert temperature == pytest.approx(10 / np.log(odds), rel=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 0}, {"temperature": 0.0499}, {"temperature": 20.01}, {"temperature": float("nan")},
        {"temperature": "1"}, {"temperature": True}, {"temperature": 1.0, "x": 1}, {"temprature": 2.0}, {"x": 1},
    ],
)  # fmt: skip
def test_a_calibration_other_than_a_temperature_is_refused(wrong: dict) -> None:
    with pytest.raises(ModelFileError, match=r"temperature from 0\.05 to 20\. Received: calibration="):
        temperature_of(wrong)


@pytest.mark.parametrize("value", [0.05, 1, 20])
def test_both_ends_of_the_range_and_whole_numbers_are_temperatures(value: float) -> None:
    assert temperature_of({"temperature": value}) == value


def test_the_temperature_minimizes_the_negative_log_likelihood() -> None:
    """Against a grid of temperatures, each with the softmax written out."""
    logits, labels = honest(300, seed=4)
    loud = logits.astype(np.float64) * 1.7

    targets = np.full((300, 5), 1 / 302 / 4)
    targets[np.arange(300), labels] = 301 / 302

    def nll(temperature: float) -> float:
        p = np.exp(loud / temperature)
        return float(-(targets * np.log(p / p.sum(axis=1, keepdims=True))).sum(axis=1).mean())

    grid = np.exp(np.linspace(np.log(0.05), np.log(20), 4001))
    best = grid[np.argmin([nll(temperature) for temperature in grid])]
    assert fit_temperature(loud.astype(np.float32), labels) == pytest.approx(best, rel=2e-3)


def test_on_small_splits_mistakes_are_not_said_with_certainty() -> None:
    """100 images, 99 % correct: the log loss on other images is lower than with the labels as they are."""
    rng, smoothed, plain = np.random.default_rng(0), [], []
    grid = np.exp(np.linspace(np.log(0.05), np.log(20), 200))
    for _ in range(20):
        labels = rng.integers(0, 5, 4_100)
        logits = (rng.normal(size=(4_100, 5)) + 4.0 * np.eye(5)[labels]).astype(np.float32)
        few, rest = slice(0, 100), slice(100, None)

        def loss(part: slice, t: float, logits: np.ndarray = logits, labels: np.ndarray = labels) -> float:
            chosen = labels[part]
            return float(-log_softmax(logits[part] / np.float32(t))[np.arange(len(chosen)), chosen].mean())

        smoothed.append(loss(rest, fit_temperature(logits[few], labels[few])))
        plain.append(loss(rest, float(grid[np.argmin([loss(few, float(t)) for t in grid])])))
    assert np.mean(smoothed) < 0.8 * np.mean(plain)


def test_the_interval_of_the_temperature_covers_the_true_one_in_most_draws() -> None:
    covered = 0
    for seed in range(25):
        logits, labels = honest(400, seed=seed)
        low, high = temperature_interval((logits * np.float32(2)).astype(np.float32), labels)
        covered += low <= 2 <= high
    assert covered >= 20  # of 25 draws; 19 or fewer have a probability below 0.1 % at 95 %


def test_labels_that_contradict_the_network_give_the_highest_temperature() -> None:
    logits = np.eye(3, dtype=np.float32) * 10
    assert fit_temperature(logits, (np.arange(3) + 1) % 3) == pytest.approx(20, rel=0.01)
