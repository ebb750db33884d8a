"""The projection of feature vectors: against the singular value decomposition and a slow definition."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from convscope.errors import MissingExtraError
from convscope.evaluation.projection import principal_components, t_sne, trustworthiness


def features_of(n: int, d: int, *, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, d)) * np.linspace(5, 0.5, d) + rng.normal(size=d)).astype(np.float32)


@pytest.mark.parametrize(("n", "d"), [(60, 7), (9, 40)])
def test_the_components_are_those_of_a_singular_value_decomposition(n: int, d: int) -> None:
    features = features_of(n, d)
    found = principal_components(features, 3)
    _, sizes, rows = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    assert np.abs(np.sum(found.components * rows[:3], axis=1)) == pytest.approx(np.ones(3), abs=1e-4)
    assert found.explained == pytest.approx(sizes[:3] ** 2 / np.sum(sizes**2), rel=1e-4)
    assert np.all(found.components[np.arange(3), np.abs(found.components).argmax(axis=1)] > 0)


def test_vectors_on_a_line_and_a_single_one_have_zero_components_left() -> None:
    line = np.arange(5, dtype=np.float32)[:, None] * np.array([[3, 4]], np.float32)
    found = principal_components(line)
    assert found.components.tolist() == [pytest.approx([0.6, 0.8]), [0, 0]]
    assert found.explained == (pytest.approx(1), 0)
    one = principal_components(line[:1], 3)
    assert one.components.shape == (3, 2) and not one.components.any() and one.explained == (0, 0, 0)


def nearest(rows: np.ndarray, one: int) -> list[int]:
    others = (other for other in range(len(rows)) if other != one)
    return sorted(others, key=lambda other: np.linalg.norm(rows[one] - rows[other]))


def slow_trustworthiness(features: np.ndarray, points: np.ndarray, k: int) -> float:
    n, penalty = len(features), 0
    for one in range(n):
        true = nearest(features.astype(float), one)
        penalty += sum(max(0, true.index(other) + 1 - k) for other in nearest(points.astype(float), one)[:k])
    return 1 - 2 * penalty / (n * k * (2 * n - 3 * k - 1))


@pytest.mark.parametrize("k", [1, 5, 12])
def test_trustworthiness_is_that_of_the_slow_definition(k: int) -> None:
    features = features_of(45, 6)
    points = principal_components(features).project(features)
    assert trustworthiness(features, points, neighbors=k) == pytest.approx(slow_trustworthiness(features, points, k))


def test_a_shuffled_projection_is_about_as_trustworthy_as_chance() -> None:
    features = features_of(300, 4)
    shuffled = features[np.random.default_rng(0).permutation(300), :2]
    assert trustworthiness(features, features) == 1
    assert 0.4 < trustworthiness(features, shuffled) < 0.6
    assert trustworthiness(features[:2], features[:2]) == 1


def test_t_sne_keeps_clusters_together_or_names_what_is_missing() -> None:
    features = np.vstack([features_of(30, 5), features_of(30, 5, seed=4) + 60])
    if importlib.util.find_spec("sklearn") is None:
        with pytest.raises(MissingExtraError, match="Expected scikit-learn for a t-SNE projection"):
            t_sne(features)
        return
    points = t_sne(features)
    assert np.array_equal(points, t_sne(features)) and points.dtype == np.float32
    assert trustworthiness(features, points) > 0.85
