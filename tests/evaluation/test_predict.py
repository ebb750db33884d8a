"""Predictions of a linear model, whose logits, probabilities and temperature can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convscope.arrays import to_images
from convscope.errors import ModelFileError
from convscope.evaluation.predict import Choice, predict
from convscope.evaluation.temperature import fit_temperature
from convscope.model.blas_threads import _functions, blas_threads, one_blas_thread
from convscope.model.forward import chunk_size, forward
from convscope.model.model_file import Model
from convscope.model.spec_parser import parse

KERNEL = np.array([[2, 0, 1], [0, 4, 1]], np.float32)
SPEC = parse("Flatten()\nDense(num_classes, activation='softmax')", input_shape=(1, 2, 1), num_classes=3)
MODEL = Model(SPEC, {"dense/kernel": KERNEL, "dense/bias": np.array([0.5, 0, 0], np.float32)}, ("a", "b", "c"))
PIXELS = np.array([[255, 0], [0, 255], [51, 102]], np.uint8).reshape(3, 1, 2, 1)
LOGITS = np.array([[2.5, 0, 1], [0.5, 4, 1], [0.9, 1.6, 0.6]])


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_logits_and_probabilities_are_those_worked_out_by_hand() -> None:
    made = predict(MODEL, PIXELS)
    np.testing.assert_allclose(made.logits, LOGITS, rtol=1e-6)
    np.testing.assert_allclose(made.probabilities, softmax(LOGITS), rtol=1e-6)
    assert len(made) == 3 and made.probabilities.dtype == np.float32


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_logits_are_divided_by_the_temperature(temperature: float) -> None:
    made = predict(replace(MODEL, calibration={"temperature": temperature}), PIXELS)
    np.testing.assert_allclose(made.logits, LOGITS / temperature, rtol=1e-6)
    np.testing.assert_allclose(made.probabilities, softmax(LOGITS / temperature), rtol=1e-6)
    sure = predict(MODEL, PIXELS).probabilities.max(axis=1)
    assert ((made.probabilities.max(axis=1) > sure) == (temperature < 1)).all(), "a low temperature is sure"


def test_a_fitted_temperature_applied_to_the_predictions_leaves_nothing_to_fit() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (500, 1, 2, 1)).astype(np.uint8)
    raw = predict(MODEL, pixels)
    labels = (raw.probabilities.cumsum(axis=1) < rng.random((500, 1))).sum(axis=1).astype(np.int64)
    loud = replace(MODEL, weights={name: value * np.float32(3) for name, value in MODEL.weights.items()})
    temperature = fit_temperature(predict(loud, pixels).logits, labels)
    assert temperature > 1.5
    calibrated = predict(replace(loud, calibration={"temperature": temperature}), pixels)
    assert fit_temperature(calibrated.logits, labels) == pytest.approx(1, abs=0.01)


def test_top_names_the_most_likely_classes_and_equal_ones_in_label_order() -> None:
    made = predict(MODEL, PIXELS)
    assert [choice.name for choice in made.top(0)] == ["a", "c", "b"]
    assert [choice.name for choice in made.top(1, 2)] == ["b", "c"]
    assert made.top(2, 1) == (Choice("b", float(made.probabilities[2, 1])),)
    even = predict(replace(MODEL, weights={k: np.zeros_like(v) for k, v in MODEL.weights.items()}), PIXELS)
    assert [choice.name for choice in even.top(0)] == ["a", "b", "c"]


def test_logits_that_are_not_finite_are_refused() -> None:
    huge = replace(MODEL, weights={name: np.full_like(value, 3e38) for name, value in MODEL.weights.items()})
    with pytest.raises(ModelFileError, match="Expected finite logits"):
        predict(huge, PIXELS)


def test_a_notebook_shows_the_first_ten_images_with_three_classes_each() -> None:
    made = predict(MODEL, np.repeat(PIXELS, 4, axis=0))
    page = made._repr_html_()
    assert "12 images" in page and "first 10" in page and page.count("<tr") == 11
    first = softmax(LOGITS)[0]
    for name, k in (("a", 0), ("c", 2), ("b", 1)):
        assert f"{name} {first[k]:.1%}" in page


def test_many_images_are_predicted_in_chunks_as_all_at_once_and_in_order() -> None:
    rng = np.random.default_rng(4)
    spec = parse(
        "Conv2D(4, 3, activation='relu')\nFlatten()\nDense(num_classes, activation='softmax')",
        input_shape=(12, 12, 1),
        num_classes=3,
    )
    weights = {name: rng.normal(0, 0.2, shape).astype(np.float32) for name, shape in spec.weight_shapes().items()}
    model = Model(spec, weights, ("a", "b", "c"))
    pixels = rng.integers(0, 256, (3 * chunk_size(spec) + 5, 12, 12, 1)).astype(np.uint8)
    alone = np.concatenate([forward(spec, weights, to_images(pixels[i : i + 1])).logits for i in range(len(pixels))])
    np.testing.assert_allclose(predict(model, pixels).logits, alone, atol=1e-5)


def test_blas_has_one_thread_while_any_caller_computes_and_then_as_many_as_before() -> None:
    before = blas_threads()
    if before is None:
        pytest.skip("another BLAS")
    _, set_ = _functions()
    set_(2)
    try:
        with one_blas_thread():
            with one_blas_thread():
                assert blas_threads() == 1
            assert blas_threads() == 1
        assert blas_threads() == 2
        with pytest.raises(ZeroDivisionError), one_blas_thread():
            raise ZeroDivisionError
        assert blas_threads() == 2
    finally:
        set_(before)
