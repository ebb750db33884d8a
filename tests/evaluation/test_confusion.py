"""The confusion matrix and what follows from it, against hand-made tables and counting one image at a time."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.evaluation.confusion import class_scores, confused_pairs, confusion_matrix

# 4 classes, the last one without images and never predicted: precision and recall of every class by hand.
HAND_MADE = np.array([[7, 2, 1, 0], [0, 10, 0, 0], [3, 0, 27, 0], [0, 0, 0, 0]])


def test_scores_equal_the_table_worked_by_hand():
    first, second, third, fourth = class_scores(HAND_MADE, ("a", "b", "c", "d"))
    assert (first.support, first.predicted, first.correct) == (10, 10, 7)
    assert (second.recall.rate, second.precision.rate) == (1.0, 10 / 12)
    assert third.f1 == pytest.approx(2 / (30 / 27 + 28 / 27))  # harmonic mean of 27/30 and 27/28
    assert (fourth.precision, fourth.recall, fourth.f1) == (None, None, None)


def test_a_class_without_images_that_is_predicted_has_a_precision_but_no_recall():
    score = class_scores(np.array([[5, 1], [0, 0]]), ("a", "b"))[1]
    assert (score.recall, score.precision.rate, score.f1) == (None, 0.0, 0.0)
    assert score.to_json()["recall"] is None


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=60))
def test_the_matrix_counts_each_image_once(images):
    counted = [[sum(image == (a, b) for image in images) for b in range(5)] for a in range(5)]
    labels, predicted = (np.array([image[i] for image in images], np.int64) for i in range(2))
    result = confusion_matrix(labels, predicted, num_classes=5)
    assert result.tolist() == counted
    assert result.dtype == np.int64


def test_pairs_add_both_directions_and_are_ranked_by_rate():
    pairs = confused_pairs(HAND_MADE, ("a", "b", "c", "d"))
    assert [(pair.rank, pair.first, pair.second, pair.errors, pair.n) for pair in pairs] == [
        (1, 0, 1, 2, 20),  # 10.0 %
        (2, 0, 2, 4, 40),  # 10.0 %: a tie, in label order
        (3, 0, 3, 0, 10),
        (4, 1, 2, 0, 40),
        (5, 1, 3, 0, 10),
        (6, 2, 3, 0, 30),
    ]
    assert (pairs[1].first_as_second, pairs[1].second_as_first) == (1, 3)


def test_a_pair_without_any_image_has_no_place_in_the_ranking():
    pairs = confused_pairs(np.diag([3, 0, 0]), ("a", "b", "c"))
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 1), (0, 2)]


def test_a_pair_is_distinguishable_when_chance_would_hardly_reach_its_errors():
    """Ten classes of 100 images: one pair with 12 errors, another with 3, the others with none."""
    confusion = np.diag(np.full(10, 100))
    confusion[4, 9], confusion[4, 4] = 12, 88
    confusion[3, 5], confusion[3, 3] = 3, 97
    first, second, third, *_ = confused_pairs(confusion, tuple("0123456789"))
    rate = 15 / (45 * 200)
    tail = 1 - sum(comb(200, i) * rate**i * (1 - rate) ** (200 - i) for i in range(3))
    assert (first.first, first.second, first.distinguishable) == (4, 9, True)
    assert second.p_value == pytest.approx(min(1, 45 * tail))
    assert not second.distinguishable
    assert (third.errors, third.p_value) == (0, 1.0)


def test_a_thousand_classes_are_ranked_and_tested_pair_by_pair_like_a_few():
    """Against the definition in plain Python for the first pairs; all half a million are counted."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 1000, 20_000)
    predicted = np.where(rng.random(20_000) < 0.5, labels, rng.integers(0, 1000, 20_000))
    predicted[:300] = labels[:300] ^ 1
    confusion = confusion_matrix(labels, predicted, num_classes=1000)
    names = tuple(f"c{number}" for number in range(1000))
    pairs = confused_pairs(confusion, names)
    assert len(pairs) == 499_500
    support = np.bincount(labels, minlength=1000)
    errors = {}
    for label, answer in zip(labels.tolist(), predicted.tolist(), strict=True):
        if label != answer:
            pair = (min(label, answer), max(label, answer))
            errors[pair] = errors.get(pair, 0) + 1
    rates = {pair: count / int(support[pair[0]] + support[pair[1]]) for pair, count in errors.items()}
    expected = sorted(rates, key=lambda pair: (-rates[pair], pair))
    assert [(pair.first, pair.second) for pair in pairs.with_errors] == expected
    mean_rate = sum(errors.values()) / (999 * 20_000)  # each class is in 999 pairs
    for pair in pairs[:20]:
        k, n = pair.errors, pair.n
        tail = 1 - sum(comb(n, i) * mean_rate**i * (1 - mean_rate) ** (n - i) for i in range(k))
        assert pair.p_value == pytest.approx(min(1, 499_500 * tail), rel=1e-3, abs=1e-6)
    assert pairs[-1].errors == 0 and pairs[-1].p_value == 1


def test_with_two_classes_no_pair_stands_out():
    (pair,) = confused_pairs(np.array([[5, 5], [5, 5]]), ("a", "b"))
    assert not pair.distinguishable


def test_chance_alone_seldom_makes_a_pair_distinguishable():
    """All pairs share one error rate: at most 5 % of the tables may name a pair, 1.3 % to spare for 300 tables."""
    rng = np.random.default_rng(0)
    named = 0
    for _ in range(300):
        confusion = rng.binomial(200, 0.004, (6, 6))
        np.fill_diagonal(confusion, 200)
        named += any(pair.distinguishable for pair in confused_pairs(confusion, tuple("abcdef")))
    assert named / 300 <= 0.05 + 0.013
