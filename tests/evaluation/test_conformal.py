"""Prediction sets against loops, and their coverage against a hundred splits."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from convscope.errors import ModelFileError, OptionError
from convscope.evaluation.conformal import (
    COVERAGES,
    METHODS,
    Conformal,
    fit_conformal,
    nonconformity,
    parse_coverage,
    smallest_n,
)


def network(n: int, *, seed: int = 0, k: int = 5, noise: float = 1.6) -> tuple[np.ndarray, np.ndarray]:
    """Logits of a network that is right about 85 % of the time, and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    return (noise * rng.normal(size=(n, k)) + 4 * np.eye(k)[labels]).astype(np.float32), labels


def by_hand(logits: np.ndarray, method: str) -> list[list[float]]:
    rows = []
    for row in logits.astype(float):
        p = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        ranked = sorted(range(len(p)), key=lambda k, p=p: -p[k])
        raps = {k: sum(p[j] for j in ranked[:i]) + 0.01 * max(0, i - 1) for i, k in enumerate(ranked)}
        rows.append([1 - p[k] if method == "lac" else raps[k] for k in range(len(p))])
    return rows


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("coverage", [0.9, 0.95, 0.99])
def test_the_sets_are_those_of_a_loop_over_images_and_classes(method: str, coverage: float) -> None:
    held_out, labels = network(150)
    others, _ = network(60, seed=1)
    true = sorted(row[label] for row, label in zip(by_hand(held_out, method), labels, strict=True))
    limit = true[math.ceil(151 * coverage - 1e-9) - 1]
    found = fit_conformal(held_out, labels).sets(others, coverage=coverage, method=method)
    for row, logits, inside in zip(by_hand(others, method), others, found, strict=True):
        expected = {k for k, score in enumerate(row) if score <= limit + 1e-12} | {int(np.argmax(logits))}
        assert set(np.flatnonzero(inside).tolist()) == expected


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("coverage", [0.9, 0.99])
def test_over_a_hundred_splits_the_coverage_is_what_is_promised(method: str, coverage: float) -> None:
    """Held-out and other images are drawn 100 times from one pool; the promise is about the mean over such draws."""
    n, others, splits = 400, 600, 100
    logits, labels = network((n + others) * splits, seed=3)
    covered, sizes = 0, 0.0
    for start in range(0, len(labels), n + others):
        part = slice(start, start + n)
        rest = slice(start + n, start + n + others)
        sets = fit_conformal(logits[part], labels[part]).sets(logits[rest], coverage=coverage, method=method)
        covered += int(sets[np.arange(others), labels[rest]].sum())
        sizes += float(sets.sum())
    measured = covered / (others * splits)
    # The coverage of one split has a beta distribution, whose spread adds to the binomial one.
    spread = math.sqrt(coverage * (1 - coverage) / splits * (1 / n + 1 / others))
    assert measured >= coverage - 3 * spread
    assert measured <= coverage + 1 / (n + 1) + 3 * spread + (0.03 if method == "raps" else 0)
    assert 1 <= sizes / (others * splits) < 4


def test_the_coverage_of_each_class_holds_where_the_one_of_all_does_not() -> None:
    rng = np.random.default_rng(5)
    labels = rng.choice(3, 6_000, p=[0.8, 0.1, 0.1])
    strength = np.array([8.0, 3.0, 1.0])[labels]  # the rare classes are the hard ones
    logits = (rng.normal(size=(6_000, 3)) + strength[:, None] * np.eye(3)[labels]).astype(np.float32)
    half = slice(0, 3_000), slice(3_000, None)
    conformal = fit_conformal(logits[half[0]], labels[half[0]])

    def worst(*, by_class: bool) -> float:
        sets = conformal.sets(logits[half[1]], coverage=0.9, by_class=by_class)
        covered = sets[np.arange(3_000), labels[half[1]]]
        return min(float(covered[labels[half[1]] == k].mean()) for k in range(3))

    assert worst(by_class=False) < 0.8
    assert worst(by_class=True) > 0.84


def test_every_set_has_the_most_likely_class() -> None:
    logits, labels = network(300)
    for method in METHODS:
        sets = fit_conformal(logits, labels).sets(logits, coverage=0.9, method=method)
        assert sets[np.arange(300), logits.argmax(axis=1)].all()


def test_too_few_images_for_a_coverage_are_refused_with_the_number_that_it_needs() -> None:
    assert [smallest_n(coverage) for coverage in COVERAGES] == [9, 19, 99, 999]
    for coverage, n in zip(COVERAGES, (9, 19, 99, 999), strict=True):
        logits, labels = network(n)
        fit_conformal(logits, labels).sets(logits, coverage=coverage)
        with pytest.raises(OptionError, match=f"needs {n} held-out images. Received: {n - 1}"):
            fit_conformal(logits[:-1], labels[:-1]).sets(logits, coverage=coverage)
    logits, labels = network(200)
    with pytest.raises(OptionError, match="needs 99 held-out images of each"):
        fit_conformal(logits, labels).sets(logits, coverage=0.99, by_class=True)


def test_the_quantiles_are_read_back_as_they_were_written() -> None:
    conformal = fit_conformal(*network(300))
    again = Conformal.from_json(json.loads(json.dumps(conformal.to_json())), 5)
    assert again.to_json() == conformal.to_json()


WRONG = (
    {"n": -1}, {"n": 1.0}, {"class_counts": [1]}, {"class_counts": "x"}, {"lac": [0.1] * 3}, {"lac": None},
    {"lac": [0.5, 0.4, 0.6, 0.7]}, {"raps": [0, 0, 0, 1e9]}, {"lac_by_class": []}, {"raps_by_class": [[0] * 4] * 4},
    {"lac_by_class": [["0"] * 4] * 5}, {"x": 1},
)  # fmt: skip


@pytest.mark.parametrize("change", WRONG)
def test_other_values_than_training_writes_are_refused(change: dict) -> None:
    with pytest.raises(ModelFileError):
        Conformal.from_json(fit_conformal(*network(300)).to_json() | change, 5)


@pytest.mark.parametrize("wrong", ["98%", 0.5, 99.0, "all"])
def test_a_coverage_that_is_not_offered_is_refused(wrong: object) -> None:
    with pytest.raises(OptionError, match=r"coverage must be one of 90%, 95%, 99%, 99\.9%\. Received: coverage="):
        parse_coverage(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("coverage", [0.9, 0.95, 0.99])
def test_lac_sets_are_those_of_crepes(coverage: float) -> None:
    crepes = pytest.importorskip("crepes")
    (held_out, labels), (asked, _) = network(507, seed=3), network(200, seed=4)
    found = fit_conformal(held_out, labels).sets(asked, coverage=coverage)
    scores, own = nonconformity(asked, "lac"), nonconformity(held_out, "lac")[np.arange(len(labels)), labels]
    classifier = crepes.ConformalClassifier().fit(own)
    expected = classifier.predict_set(scores, confidence=coverage, smoothing=False).astype(bool)
    expected[np.arange(len(asked)), asked.argmax(axis=1)] = True
    assert np.array_equal(found, expected) and 1 < found.sum(axis=1).mean() < 5


@pytest.mark.parametrize("coverage", [0.9, 0.95, 0.99])
def test_lac_sets_are_those_of_mapie(coverage: float) -> None:
    classification = pytest.importorskip("mapie.classification")
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Given(ClassifierMixin, BaseEstimator):
        """The rows are the probabilities."""

        classes_ = np.arange(5)

        def fit(self, rows: np.ndarray, labels: np.ndarray) -> Given:
            return self

        def predict_proba(self, rows: np.ndarray) -> np.ndarray:
            return rows

        def predict(self, rows: np.ndarray) -> np.ndarray:
            return rows.argmax(axis=1)

    (held_out, labels), (asked, _) = network(507, seed=3), network(200, seed=4)
    known, new = (1 - nonconformity(logits, "lac") for logits in (held_out, asked))
    oracle = classification.SplitConformalClassifier(Given(), confidence_level=coverage, conformity_score="lac")
    oracle.conformalize(known, labels)
    expected = oracle.predict_set(new)[1][..., 0]
    expected[np.arange(len(asked)), asked.argmax(axis=1)] = True
    assert np.array_equal(fit_conformal(held_out, labels).sets(asked, coverage=coverage), expected)
