"""The whole measurement: by hand, under permutation, and on input that cannot be measured."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convscope.errors import ConvscopeError, DataError
from convscope.evaluation.evaluation import Evaluation
from convscope.evaluation.intervals import Proportion
from convscope.evaluation.metrics import log_softmax, measure

NAMES = ("cat", "dog", "owl")
LOGITS = np.array([[5, 0, 0], [0, 5, 0], [0, 4, 0], [0, 0, 3], [9, 0, 0], [0, 0, 1]], np.float32)
LABELS = np.array([0, 1, 0, 2, 2, 2])


# Whole numbers without ties, so that float rounding cannot change which class or which mistake comes first.
@st.composite
def measurements(draw):
    n, k = draw(st.integers(1, 25)), draw(st.integers(2, 5))
    values = draw(hnp.arrays(np.int64, n * k, elements=st.integers(-5000, 5000), unique=True))
    labels = draw(hnp.arrays(np.int64, n, elements=st.integers(0, k - 1)))
    return (values / 256).astype(np.float32).reshape(n, k), labels, [f"class {i}" for i in range(k)]


def figures(result):
    """What must not depend on any order, rounded past the order of summation."""
    calibration = result.calibration
    numbers = (calibration.nll, calibration.brier, calibration.ece_equal_width, calibration.ece_equal_mass)
    return result.accuracy, [round(number, 9) for number in numbers]


def test_a_small_table_worked_by_hand():
    result = measure(LOGITS, LABELS, class_names=NAMES, known_wrong=[4])
    assert result.confusion.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]
    assert (result.n, result.errors, result.accuracy) == (6, 2, Proportion(4, 6))
    assert result.accuracy_without_known_wrong == Proportion(4, 5)
    assert [(m.index, m.label, m.predicted, m.known_wrong) for m in result.mistakes] == [
        (4, 2, 0, True),
        (2, 0, 1, False),
    ]
    assert result.mistakes[1].probability == pytest.approx(np.exp(4) / (np.exp(4) + 2))
    assert result.mistakes[1].label_probability == pytest.approx(1 / (np.exp(4) + 2))
    assert [(pair.first_name, pair.second_name) for pair in result.most_confused(9)] == [("cat", "dog"), ("cat", "owl")]


def test_without_known_wrong_labels_there_is_one_accuracy():
    assert measure(LOGITS, LABELS, class_names=NAMES).accuracy_without_known_wrong is None
    assert measure(LOGITS, LABELS, class_names=NAMES, known_wrong=range(6)).accuracy_without_known_wrong is None


@given(measurements(), st.randoms())
def test_permuting_the_images_changes_nothing_but_positions(case, random):
    logits, labels, names = case
    order = list(range(len(labels)))
    random.shuffle(order)
    before = measure(logits, labels, class_names=names, known_wrong=[0])
    after = measure(logits[order], labels[order], class_names=names, known_wrong=[order.index(0)])
    assert np.array_equal(before.confusion, after.confusion)
    assert figures(before) == figures(after)
    assert before.accuracy_without_known_wrong == after.accuracy_without_known_wrong
    assert {(m.index, m.known_wrong) for m in before.mistakes} == {
        (order[m.index], m.known_wrong) for m in after.mistakes
    }


@given(measurements(), st.randoms())
def test_permuting_the_classes_permutes_the_result(case, random):
    logits, labels, names = case
    order = list(range(len(names)))
    random.shuffle(order)
    renamed = np.argsort(order)
    before = measure(logits, labels, class_names=names)
    after = measure(logits[:, order], renamed[labels], class_names=[names[i] for i in order])
    assert np.array_equal(before.confusion[np.ix_(order, order)], after.confusion)
    assert figures(before) == figures(after)
    assert {score.name: score for score in before.classes} == {score.name: score for score in after.classes}
    unordered = [
        {(frozenset([pair.first_name, pair.second_name]), pair.errors, pair.n) for pair in result.pairs}
        for result in (before, after)
    ]
    assert unordered[0] == unordered[1]


@given(measurements())
def test_mistakes_are_all_wrong_all_different_and_most_confident_first(case):
    logits, labels, names = case
    result = measure(logits, labels, class_names=names)
    assert {m.index for m in result.mistakes} == set(np.flatnonzero(logits.argmax(axis=1) != labels))
    confidences = [m.probability for m in result.mistakes]
    assert confidences == sorted(confidences, reverse=True)
    assert all(m.probability > m.label_probability and m.label == labels[m.index] for m in result.mistakes)


@settings(max_examples=40)
@given(measurements())
def test_an_evaluation_survives_json(case):
    logits, labels, names = case
    result = measure(logits, labels, class_names=names, known_wrong=[0])
    text = json.dumps(result.to_json(), allow_nan=False)
    again = Evaluation.from_json(json.loads(text))
    assert again == result
    assert json.dumps(again.to_json(), allow_nan=False) == text
    assert again.confusion.dtype == np.int64


def test_the_number_of_named_mistakes_is_bounded_and_the_count_of_errors_is_not():
    logits = np.tile(np.array([[1, 0]], np.float32), (1500, 1))
    result = measure(logits, np.ones(1500, np.int64), class_names=("a", "b"))
    assert (len(result.mistakes), result.errors) == (1000, 1500)
    assert [m.index for m in result.mistakes[:3]] == [0, 1, 2]
    assert len(measure(logits, np.ones(1500, np.int64), class_names=("a", "b"), worst=7).mistakes) == 7


@given(hnp.arrays(np.float32, (3, 4), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_the_softmax_is_finite_and_sums_to_one_for_every_finite_logit(logits):
    logs = log_softmax(logits)
    assert logs.dtype == np.float64
    assert np.isfinite(logs).all()
    assert np.exp(logs).sum(axis=1) == pytest.approx(1.0, abs=1e-12)


def test_two_logits_that_round_to_one_probability_still_have_an_order():
    result = measure(np.array([[0, 1e-30]], np.float32), np.array([1]), class_names=("a", "b"))
    assert result.accuracy == Proportion(1, 1)
    assert result.calibration.equal_width[7].accuracy == Proportion(1, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_logit_that_is_not_finite_is_refused_with_its_position(bad):
    logits = LOGITS.copy()
    logits[3, 1] = bad
    with pytest.raises(ConvscopeError, match=r"finite logits\. Received: 1 of 6 images .* first at position 3"):
        measure(logits, LABELS, class_names=NAMES)


def test_no_image_is_refused():
    with pytest.raises(DataError, match=r"at least one image.*Received: shape=\(0, 3\), 3 class names"):
        measure(LOGITS[:0], LABELS[:0], class_names=NAMES)


@pytest.mark.parametrize("names", [("cat", "dog"), ("cat", "dog", "owl", "elk")])
def test_class_names_that_do_not_fit_the_logits_are_refused(names):
    with pytest.raises(DataError, match=rf"Received: shape=\(6, 3\), {len(names)} class names"):
        measure(LOGITS, LABELS, class_names=names)


def test_one_class_cannot_be_measured():
    with pytest.raises(DataError, match="two or more classes"):
        measure(np.zeros((2, 1), np.float32), np.zeros(2, np.int64), class_names=("cat",))


@pytest.mark.parametrize("bad", [-1, 3])
def test_a_label_outside_the_classes_is_refused(bad):
    with pytest.raises(DataError, match=rf"labels from 0 to 2.*Received: labels from .*{bad}"):
        measure(LOGITS, np.array([0, 1, 0, bad, 2, 2]), class_names=NAMES)


@pytest.mark.parametrize("bad", [-1, 6])
def test_a_known_wrong_position_outside_the_data_is_refused(bad):
    with pytest.raises(DataError, match=rf"from 0 to 5\. Received: \[{bad}\]"):
        measure(LOGITS, LABELS, class_names=NAMES, known_wrong=[bad])


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.zeros(6)])
def test_labels_that_do_not_fit_the_logits_are_refused_in_production_too(labels):
    unchecked = measure.__wrapped__  # without the annotations that only the tests check
    with pytest.raises(DataError, match="one integer label for each of 6 images"):
        unchecked(LOGITS, labels, class_names=NAMES)
