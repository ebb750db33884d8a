"""An evaluation as a value: what follows from the confusion matrix, and JSON that is damaged."""

import numpy as np
import pytest

from convscope.errors import DataError
from convscope.evaluation.evaluation import Evaluation
from convscope.evaluation.metrics import measure

NAMES = ("cat", "dog", "owl")
LOGITS = np.array([[5, 0, 0], [0, 5, 0], [0, 4, 0], [0, 0, 3], [9, 0, 0], [0, 0, 1]], np.float32)
LABELS = np.array([0, 1, 0, 2, 2, 2])


def test_json_keys_keep_their_order():
    keys = list(measure(LOGITS, LABELS, class_names=NAMES).to_json())
    assert keys == [
        "n", "accuracy", "accuracy_without_known_wrong", "balanced_accuracy", "macro_f1", "largest_class",
        "class_names", "confusion", "classes", "pairs", "calibration", "mistakes",
    ]  # fmt: skip


def test_a_rare_class_shows_in_balanced_accuracy_and_macro_f1_and_the_verdict():
    """930 images, nine of the rare class, all predicted as the common one: sklearn's figures, written out."""
    labels = np.array([0] * 921 + [1] * 9)
    always = np.tile(np.array([[1, 0]], np.float32), (930, 1))
    result = measure(always, labels, class_names=("common", "rare"))
    assert result.accuracy.rate == pytest.approx(921 / 930)
    assert result.balanced_accuracy == pytest.approx(0.5)
    assert result.macro_f1 == pytest.approx((2 * 921 / (921 + 930) + 0) / 2)
    assert result.is_imbalanced and not result.is_better_than_largest_class
    assert result.to_json()["largest_class"] == {"name": "common", "fraction": 921 / 930}
    right = measure(np.eye(2, dtype=np.float32)[labels], labels, class_names=("common", "rare"))
    assert right.balanced_accuracy == right.macro_f1 == 1 and right.is_better_than_largest_class
    even = np.array([0, 1] * 5)
    assert not measure(np.eye(2, dtype=np.float32)[even], even, class_names=("a", "b")).is_imbalanced


def test_evaluations_that_differ_are_not_equal():
    other = np.array([1, 1, 0, 2, 2, 2])
    assert measure(LOGITS, LABELS, class_names=NAMES) != measure(LOGITS, other, class_names=NAMES)
    assert measure(LOGITS, LABELS, class_names=NAMES) != "an evaluation"


@pytest.mark.parametrize(
    "change",
    [{"calibration": None}, {"confusion": [[1]]}, {"mistakes": [{}]}, {"confusion": [[-1, 0, 0]] * 3}],
)
def test_damaged_json_is_refused(change):
    value = measure(LOGITS, LABELS, class_names=NAMES).to_json() | change
    with pytest.raises(DataError, match=r"an evaluation as convscope writes it\. Received: "):
        Evaluation.from_json(value)


@pytest.mark.parametrize(
    "confusion", [[[6]], [[3, 0], [0, 3]], [[6, 0, 0]], [[7, 0, 0], [0, 0, 0], [0, 0, -1]], [[0] * 3] * 3]
)
def test_a_confusion_matrix_that_does_not_fit_is_refused_by_its_shape(confusion):
    """Each sums to the six images, or has none: the calibration would fit."""
    value = measure(LOGITS, LABELS, class_names=NAMES).to_json() | {"confusion": confusion}
    with pytest.raises(DataError, match=r"a confusion matrix of shape .* for 3 classes"):
        Evaluation.from_json(value)


def test_the_ends_of_every_range_are_read_back():
    value = measure(LOGITS, LABELS, class_names=NAMES).to_json()
    value["calibration"] |= {"nll": 1e9, "brier": 2, "mean_confidence": 1}
    value["mistakes"][0] |= {"index": 5, "label": 2, "predicted": 0, "probability": 1.0, "label_probability": 0.0}
    again = Evaluation.from_json(value)
    assert (again.calibration.nll, again.calibration.brier, again.calibration.mean_confidence) == (1e9, 2.0, 1.0)
    assert again.mistakes[0].index == 5
    with pytest.raises(DataError, match="is not a number from 0 to"):
        Evaluation.from_json(value | {"calibration": value["calibration"] | {"nll": 1.0000001e9}})


@pytest.mark.parametrize(
    "change",
    [{"index": 6}, {"index": -1}, {"index": True}, {"label": 3}, {"predicted": "a"}, {"probability": 1.5},
     {"label_probability": None}, {"known_wrong": 1}],
)  # fmt: skip
def test_a_mistake_that_cannot_be_is_refused(change):
    value = measure(LOGITS, LABELS, class_names=NAMES).to_json()
    value["mistakes"][0] |= change
    with pytest.raises(DataError, match="an evaluation as convscope writes it"):
        Evaluation.from_json(value)


@pytest.mark.parametrize(
    ("name", "value"), [("nll", "nan"), ("nll", 1e10), ("brier", 3), ("brier", True), ("mean_confidence", -0.1)]
)
def test_a_calibration_beyond_its_range_is_refused(name, value):
    written = measure(LOGITS, LABELS, class_names=NAMES).to_json()
    written["calibration"][name] = value
    with pytest.raises(DataError, match="is not a number from 0 to"):
        Evaluation.from_json(written)


@pytest.mark.parametrize("name", ["low", "high", "mean_confidence"])
@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_a_bin_beyond_its_range_is_refused(name, value):
    written = measure(LOGITS, LABELS, class_names=NAMES).to_json()
    written["calibration"]["equal_width"][14][name] = value
    with pytest.raises(DataError, match="is not a number from 0 to 1"):
        Evaluation.from_json(written)


@pytest.mark.parametrize("bins", ["equal_width", "equal_mass"])
def test_a_calibration_of_another_number_of_images_is_refused(bins):
    value = measure(LOGITS, LABELS, class_names=NAMES).to_json()
    value["calibration"][bins] = []
    with pytest.raises(DataError, match="a calibration of a different number of images"):
        Evaluation.from_json(value)


@pytest.mark.parametrize("name", ["", "two\nlines", 3])
def test_a_name_of_a_class_that_cannot_be_is_refused(name):
    value = measure(LOGITS, LABELS, class_names=NAMES).to_json()
    value["class_names"][0] = name
    with pytest.raises(DataError, match="a class name that is not printable"):
        Evaluation.from_json(value)


def test_missing_json_is_refused():
    with pytest.raises(DataError, match="an evaluation as convscope writes it"):
        Evaluation.from_json({})
