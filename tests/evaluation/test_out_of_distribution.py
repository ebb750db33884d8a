"""The score against singular vectors and loops, the thresholds against exact binomials and simulation."""

from __future__ import annotations

import json
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.errors import ModelFileError, OptionError
from convscope.evaluation.fit_subspace import fit_subspace
from convscope.evaluation.out_of_distribution import (
    LEVELS,
    Rejection,
    is_constant,
    ood_scores,
    parse_level,
    rank_for,
    residual_scale,
    set_thresholds,
)
from convscope.model.features import power_of_two_steps


def scores(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n).astype(np.float32)


@given(st.integers(0, 700), st.sampled_from(LEVELS))
def test_the_rank_is_the_largest_that_an_exact_binomial_allows(n: int, level: float) -> None:
    below = 0.0  # the probability that fewer than k of n images exceed the true quantile
    allowed = 0
    for k in range(1, n + 1):
        below += comb(n, k - 1) * level ** (k - 1) * (1 - level) ** (n - k + 1)
        if below > 0.05:
            break
        allowed = k
    assert rank_for(n, level) == allowed


def test_one_percent_takes_299_held_out_images() -> None:
    assert [rank_for(n, 0.01) for n in (298, 299, 5_000)] == [0, 1, 39]


@pytest.mark.parametrize(("n", "level"), [(300, 0.01), (1_000, 0.01), (5_000, 0.01), (200, 0.05), (5_000, 0.001)])
def test_at_most_one_draw_in_twenty_rejects_more_than_the_level(n: int, level: float) -> None:
    """Scores that are uniform: the fraction that a threshold rejects is one minus the threshold."""
    draws = np.random.default_rng(n).random((2_000, n), np.float32)
    rank = rank_for(n, level)
    thresholds = -np.partition(-draws, rank - 1, axis=1)[:, rank - 1]
    exceeded = float((1 - thresholds > level).mean())
    assert exceeded <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2_000)
    assert exceeded > 0.005  # the largest rank wastes little


def test_few_held_out_images_promise_a_higher_level_or_nothing() -> None:
    defaults = {n: set_thresholds(scores(n), scale=1.0, rejects_blank=True).default_level for n in (58, 59, 298, 299)}
    assert defaults == {58: None, 59: 0.05, 298: 0.05, 299: 0.01}


def test_the_residual_is_the_distance_to_the_plane_of_the_largest_singular_vectors() -> None:
    rng = np.random.default_rng(1)
    features = (rng.normal(size=(900, 90)) * np.linspace(4, 0.2, 90) + 3).astype(np.float32)
    subspace = fit_subspace(features)
    assert subspace is not None and subspace.directions.shape == (90, 45)
    others = (rng.normal(size=(50, 90)) * 3).astype(np.float32)
    centered = features.astype(float) - features.mean(axis=0, dtype=float)
    plane = np.linalg.svd(centered, full_matrices=False)[2][:45]
    expected = []
    for row in others.astype(float) - features.mean(axis=0, dtype=float):
        inside, *_ = np.linalg.lstsq(plane.T, row, rcond=None)
        expected.append(np.linalg.norm(row - plane.T @ inside))
    np.testing.assert_allclose(subspace.residual(others), expected, rtol=2e-3)


def test_many_features_have_the_same_subspace_as_by_all_eigenvectors() -> None:
    rng = np.random.default_rng(8)
    features = (rng.normal(size=(1_200, 300)) * np.geomspace(3, 0.05, 300)).astype(np.float32)
    subspace = fit_subspace(features)
    assert subspace is not None and subspace.directions.shape == (300, 64)
    centered = features.astype(float) - features.mean(axis=0, dtype=float)
    plane = np.linalg.svd(centered, full_matrices=False)[2][:64]
    expected = np.linalg.norm(centered - centered @ plane.T @ plane, axis=1)
    np.testing.assert_allclose(subspace.residual(features), expected, rtol=0.01)


@pytest.mark.parametrize(("n", "directions"), [(300, 64), (1_600, 80), (2_500, 120)])
def test_more_than_64_directions_take_20_images_each(n: int, directions: int) -> None:
    features = np.random.default_rng(11).normal(size=(n, 260)).astype(np.float32)
    subspace = fit_subspace(features)
    assert subspace is not None and subspace.directions.shape == (260, directions)


def test_directions_of_many_features_are_8_bit_multiples_of_powers_of_two() -> None:
    features = (np.random.default_rng(10).normal(size=(400, 200)) * np.geomspace(3, 0.5, 200)).astype(np.float32)
    subspace = fit_subspace(features)
    assert subspace is not None
    steps = power_of_two_steps(subspace.directions.astype(np.float64))
    whole = subspace.directions.astype(np.float64) / steps
    assert np.array_equal(whole, np.rint(whole)) and np.abs(whole).max() <= 127 and np.abs(whole).max(axis=0).min() > 63
    assert np.array_equal(np.log2(steps), np.rint(np.log2(steps)))


def test_many_features_of_which_few_vary_have_a_subspace() -> None:
    features = np.zeros((50, 300), np.float32)
    features[:, :3] = np.random.default_rng(9).normal(size=(50, 3))
    subspace = fit_subspace(features)
    assert subspace is not None and subspace.residual(features).max() < 0.1  # float16


def test_the_score_in_files_of_older_versions_is_the_log_odds_of_a_virtual_class() -> None:
    """ViM: a softmax over the logits and the scaled residual."""
    logits, residuals = np.array([[2.0, 0, -1], [0, 0, 0]], np.float32), np.array([1.5, 4], np.float32)
    found = ood_scores(logits, residuals, scale=0.7, centers_logits=False)
    for row, residual, score in zip(logits, residuals, found, strict=True):
        values = [*np.exp(row.astype(float)), np.exp(0.7 * residual)]
        probability = values[-1] / sum(values)
        assert score == pytest.approx(np.log(probability / (1 - probability)), abs=1e-5)


@given(st.integers(0, 10**6), st.floats(-50, 50))
def test_the_score_does_not_depend_on_the_mean_of_the_logits(seed: int, added: float) -> None:
    logits = np.random.default_rng(seed).normal(size=(1, 4)).astype(np.float32) * 5
    residuals = np.array([2.0], np.float32)
    expected = 0.7 * 2 - max(float(logits[0, k] - logits[0].astype(float).mean()) for k in range(4))
    assert ood_scores(logits, residuals, scale=0.7)[0] == pytest.approx(expected, abs=1e-4)
    assert ood_scores(logits + np.float32(added), residuals, scale=0.7)[0] == pytest.approx(expected, abs=1e-3)


def test_images_off_the_plane_score_higher_than_those_on_it() -> None:
    rng = np.random.default_rng(2)
    plane = np.linalg.qr(rng.normal(size=(40, 40)))[0]
    familiar = (rng.normal(size=(500, 8)) @ plane[:, :8].T).astype(np.float32)
    strange = (rng.normal(size=(500, 40)) @ plane.T).astype(np.float32)
    subspace = fit_subspace(familiar[:250])
    logits = np.tile(np.array([[4, 0]], np.float32), (250, 1))
    assert subspace is not None
    scale = residual_scale(logits, subspace.residual(familiar[:250]) + np.float32(0.1))
    assert scale is not None
    own = ood_scores(logits, subspace.residual(familiar[250:]), scale=scale)
    other = ood_scores(logits, subspace.residual(strange[:250]), scale=scale)
    assert own.max() < other.min()


def test_features_that_do_not_vary_have_no_subspace() -> None:
    assert fit_subspace(np.ones((10, 6), np.float32)) is None
    assert fit_subspace(np.ones((1, 6), np.float32)) is None
    assert residual_scale(np.ones((2, 2), np.float32), np.zeros(2, np.float32)) is None


def test_the_rank_of_a_score_is_the_fraction_of_held_out_images_below_it() -> None:
    held_out = scores(5_000)
    rejection = set_thresholds(held_out, scale=1.0, rejects_blank=True)
    for score in (-1.0, 0.0, 1.7):
        assert rejection.rank(score) == pytest.approx((held_out < score).mean(), abs=0.005)
    assert rejection.rank(99.0) == 1.0


def test_a_rejection_is_read_back_as_it_was_written() -> None:
    rejection = set_thresholds(scores(400), scale=0.3, rejects_blank=False)
    assert Rejection.from_json(json.loads(json.dumps(rejection.to_json()))) == rejection


def test_files_of_older_versions_have_their_own_score() -> None:
    value = set_thresholds(scores(400), scale=0.3, rejects_blank=True).to_json()
    del value["centers_logits"]
    older = Rejection.from_json(value)
    assert not older.centers_logits and Rejection.from_json(older.to_json()) == older


@pytest.mark.parametrize(
    "change",
    [
        {"scale": 0}, {"scale": -1.0}, {"scale": "1"}, {"scale": 1e300}, {"n": 0}, {"n": 1.5}, {"n": True},
        {"thresholds": [1.0, 2.0, 3.0]}, {"thresholds": []}, {"thresholds": [None, None, "x"]}, {"thresholds": None},
        {"quantiles": [0.0] * 100}, {"quantiles": [1.0, *[0.0] * 100]}, {"quantiles": [None] * 101},
        {"quantiles": {"a": 1}}, {"rejects_blank": 1}, {"x": 1}, {"centers_logits": False}, {"centers_logits": 1},
    ],
)  # fmt: skip
def test_other_values_than_training_writes_are_refused(change: dict) -> None:
    value = set_thresholds(scores(400), scale=0.3, rejects_blank=True).to_json()
    with pytest.raises(ModelFileError):
        Rejection.from_json(value | change)
    with pytest.raises(ModelFileError):
        Rejection.from_json({name: part for name, part in value.items() if name != next(iter(change))} | {"y": 1})


def test_an_image_is_constant_if_no_channel_varies() -> None:
    pixels = np.zeros((3, 4, 5, 2), np.uint8)
    pixels[1] = (7, 90)
    pixels[2, 3, 4, 1] = 1
    assert is_constant(pixels).tolist() == [True, True, False]


@pytest.mark.parametrize("wrong", ["2%", "1", 0.02, "on", "1.0%"])
def test_a_level_that_is_not_offered_is_refused(wrong: object) -> None:
    with pytest.raises(OptionError, match=r"reject must be one of 0\.1%, 1%, 5%, or off\. Received: reject="):
        parse_level(wrong)  # type: ignore[arg-type]
