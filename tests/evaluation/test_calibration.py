"""Calibration against loops over images and bins, and against cases whose answer is known."""

from math import isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convscope.evaluation.calibration import Calibration, calibrate
from convscope.evaluation.confidence_bins import equal_mass_bins, equal_width_bins, expected_calibration_error

CONFIDENCES = st.lists(
    st.tuples(st.one_of(st.floats(1e-6, 1.0), st.sampled_from([0.2, 1 / 3, 0.4, 1.0])), st.booleans()),
    min_size=1,
    max_size=80,
)


def columns(pairs):
    return np.array([p for p, _ in pairs]), np.array([right for _, right in pairs])


@given(CONFIDENCES)
def test_the_error_over_equal_widths_equals_a_loop_over_images(pairs):
    total = 0.0
    for b in range(15):
        inside = [(p, right) for p, right in pairs if b / 15 < p <= (b + 1) / 15]
        if inside:
            gap = sum(p for p, _ in inside) / len(inside) - sum(right for _, right in inside) / len(inside)
            total += len(inside) / len(pairs) * abs(gap)
    assert isclose(expected_calibration_error(equal_width_bins(*columns(pairs))), total, abs_tol=1e-12)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=120, unique=True))
def test_without_equal_confidences_the_masses_differ_by_one_image_at_most(numbers):
    confidences = np.array(numbers) / 1e9
    bins = equal_mass_bins(confidences, np.zeros(len(confidences), bool))
    counts = [one.count for one in bins]
    assert sum(counts) == len(numbers)
    assert max(counts) - min(counts) <= 1
    assert len(bins) == min(15, len(numbers))
    ordered = sorted(confidences)
    for one in bins:  # each bin holds exactly the images from its low to its high
        assert one.count == sum(one.low <= p <= one.high for p in ordered)


@given(CONFIDENCES, st.randoms())
def test_the_order_of_the_images_changes_no_bin(pairs, random):
    shuffled = list(pairs)
    random.shuffle(shuffled)
    for cut in (equal_width_bins, equal_mass_bins):
        before, after = cut(*columns(pairs)), cut(*columns(shuffled))
        assert [(one.low, one.high, one.accuracy) for one in before] == [
            (one.low, one.high, one.accuracy) for one in after
        ]


def test_an_empty_bin_has_no_accuracy_and_no_confidence():
    bins = equal_width_bins(np.array([0.95]), np.array([True]))
    assert len(bins) == 15
    assert (bins[0].count, bins[0].accuracy, bins[0].mean_confidence, bins[0].gap) == (0, None, None, 0.0)
    assert (bins[14].count, bins[14].low, bins[14].high) == (1, pytest.approx(14 / 15), 1.0)


@given(hnp.arrays(np.float64, (7, 4), elements=st.floats(-20, 0)), st.lists(st.integers(0, 3), min_size=7, max_size=7))
def test_nll_and_brier_equal_their_definitions_image_by_image(raw, labels):
    logs = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
    result = calibrate(logs, np.array(labels), predicted=logs.argmax(axis=1))
    nll = brier = 0.0
    for row, label in zip(logs, labels, strict=True):
        nll -= row[label] / 7
        brier += sum((np.exp(row[c]) - (c == label)) ** 2 for c in range(4)) / 7
    assert isclose(result.nll, nll, rel_tol=1e-12)
    assert isclose(result.brier, brier, rel_tol=1e-12)


def test_a_guess_among_k_classes_costs_the_logarithm_of_k():
    logs = np.full((10, 10), -np.log(10.0))
    result = calibrate(logs, np.arange(10), predicted=np.zeros(10, np.int64))
    assert result.nll == pytest.approx(np.log(10))
    assert result.brier == pytest.approx(0.9)  # 1 - 1/k
    assert result.ece_equal_width == pytest.approx(0.0)  # 10 % sure and 10 % right


def test_being_sure_and_always_wrong_costs_the_most():
    logs = np.array([[0.0, -800.0]])
    result = calibrate(logs, np.array([1]), predicted=np.array([0]))
    assert (result.nll, result.brier, result.ece_equal_width, result.ece_equal_mass) == (800.0, 2.0, 1.0, 1.0)


def test_calibration_survives_json():
    rng = np.random.default_rng(3)
    raw = rng.normal(size=(40, 3))
    logs = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
    result = calibrate(logs, rng.integers(0, 3, 40), predicted=logs.argmax(axis=1))
    assert Calibration.from_json(result.to_json()) == result
