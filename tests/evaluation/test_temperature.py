import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.errors import ModelFileError
from convscope.evaluation.metrics import log_softmax, measure
from convscope.evaluation.temperature import fit_temperature, temperature_of


def honest(n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is the truth: each label is drawn from it."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2, size=(n, 5)).astype(np.float32)
    probabilities = np.exp(log_softmax(logits))
    labels = (probabilities.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return logits, np.minimum(labels, 4).astype(np.int64)


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


def test_a_perfect_network_does_not_break_the_search() -> None:
    logits = np.eye(3, dtype=np.float32) * 10
    assert fit_temperature(logits, np.arange(3)) == pytest.approx(0.05, rel=0.01)


@pytest.mark.parametrize(
    "wrong", [{"temperature": 0}, {"temperature": "1"}, {"temperature": True}, {"temperature": 1.0, "x": 1}]
)
def test_a_temperature_that_cannot_be_ours_is_refused(wrong: dict) -> None:
    with pytest.raises(ModelFileError, match="temperature from"):
        temperature_of(wrong)
