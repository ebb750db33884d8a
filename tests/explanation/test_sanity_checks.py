"""Sanity checks: curves and correlations that are known exactly, and the verdicts that follow from them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from harness import random_images, random_spec, random_weights

from convscope.arrays import to_images
from convscope.data.mnist import load_part
from convscope.explanation.attribution import Attribution
from convscope.explanation.deletion import ORDERS, POINTS, Deletion, RandomBaseline, deletion, random_baseline
from convscope.explanation.parameter_randomization import (
    ParameterRandomization,
    initial_weights,
    parameter_randomization,
    rank_correlation,
)
from convscope.explanation.saliency import EXPLAINERS
from convscope.explanation.sanity_checks import SanityChecks, check_attribution
from convscope.model.checks import INITIALIZERS
from convscope.model.model_file import Model, load_model, weights_sha256
from convscope.model.presets import PRESETS, load_spec
from convscope.model.spec_parser import parse

SPEC = parse("Flatten()\nDense(num_classes, activation='softmax')", input_shape=(2, 3, 1), num_classes=2)
KERNEL = np.array([[4, 0], [2, 0], [0, 0], [1, 0], [-1, 0], [9, 0]], np.float32)
LINEAR = Model(
    SPEC,
    {"dense/kernel": KERNEL, "dense/bias": np.array([0, 3.5], np.float32)},
    ("a", "b"),
    preprocessing={"fit": "mnist"},
)
IMAGE = np.array([1, 1, 1, 1, 1, 0], np.float32).reshape(2, 3, 1)
"""Contributions to the logit of a: 4, 2, 0, 1, -1, and 0 for the last pixel, which is black."""


@pytest.fixture(scope="module")
def trained(short_run: Path) -> Model:
    return load_model(short_run / "model.safetensors")


@pytest.fixture(scope="module")
def digit() -> np.ndarray:
    return to_images(load_part("test").pixels[:1])[0]


def remove(importance: list[float], *, network: Model = LINEAR) -> Deletion:
    random = random_baseline(network, IMAGE, target=0)
    return deletion(network, IMAGE, np.array(importance, np.float32).reshape(2, 3), random=random)


def test_the_curve_of_a_linear_network_is_known() -> None:
    curve = remove([4, 2, 0, 1, -1, 9])
    assert curve.pixels == 5, "the black pixel cannot be removed, however important"
    assert curve.fractions.tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert curve.logit.tolist() == [6, 2, 0, -1, -1, 0]
    assert curve.area == pytest.approx((6 / 2 + 2 + 0 - 1 - 1 + 0) / 5)
    assert curve.flips_at == 0.2, "b has 3.5"
    backwards = remove([-4, -2, 0, -1, 1, 0])
    assert backwards.logit.tolist() == [6, 7, 7, 6, 4, 0] and backwards.flips_at == 1.0


def test_the_best_order_beats_the_random_ones_and_the_worst_beats_none() -> None:
    assert remove([4, 2, 0, 1, -1, 0]).random_orders_beaten >= ORDERS - 2, "two of the 120 orders are as good"
    assert remove([-4, -2, 0, -1, 1, 0]).random_orders_beaten <= 2
    assert remove([4, 2, 0, 1, -1, 0]).random_area == pytest.approx(3, abs=0.6), "the mean of 6 and 0"


def test_random_orders_begin_and_end_where_every_order_does() -> None:
    random = random_baseline(LINEAR, IMAGE, target=0, seed=5)
    assert random.logit.shape == (ORDERS, 6) and random.pixels.tolist() == [0, 1, 2, 3, 4]
    assert (random.logit[:, 0] == 6).all() and (random.logit[:, -1] == 0).all()
    assert len(np.unique(random.logit, axis=0)) > ORDERS / 2
    assert np.array_equal(random_baseline(LINEAR, IMAGE, target=0, seed=5).logit, random.logit)
    assert not np.array_equal(random_baseline(LINEAR, IMAGE, target=0, seed=6).logit, random.logit)


def test_equally_important_pixels_go_in_random_order_and_not_from_the_top() -> None:
    random = random_baseline(LINEAR, IMAGE, target=0)
    flat = np.zeros((2, 3), np.float32)
    curves = {tuple(deletion(LINEAR, IMAGE, flat, random=random, seed=seed).logit.tolist()) for seed in range(8)}
    assert len(curves) > 3


def test_without_a_change_of_the_prediction_there_is_no_flip() -> None:
    sure = replace(LINEAR, weights=LINEAR.weights | {"dense/bias": np.array([99, 0], np.float32)})
    assert remove([4, 2, 0, 1, -1, 0], network=sure).flips_at is None
    unlike = replace(LINEAR, weights=LINEAR.weights | {"dense/bias": np.array([0, 99], np.float32)})
    assert remove([4, 2, 0, 1, -1, 0], network=unlike).flips_at is None, "it predicted another class from the beginning"


def test_an_image_of_the_baseline_has_no_removable_pixels() -> None:
    nothing = np.zeros_like(IMAGE)
    random = random_baseline(LINEAR, nothing)
    curve = deletion(LINEAR, nothing, np.ones((2, 3), np.float32), random=random)
    assert (curve.pixels, curve.random_orders_beaten, curve.flips_at, curve.logit.tolist()) == (0, 0, None, [3.5])


def test_pixels_of_a_photo_are_replaced_by_gray() -> None:
    photo = replace(LINEAR, preprocessing={"fit": "crop"})
    random = random_baseline(photo, IMAGE, target=0)
    curve = deletion(photo, IMAGE, np.array([[6, 5, 4], [3, 2, 1]], np.float32), random=random)
    assert curve.pixels == 6 and curve.logit.tolist() == pytest.approx([6, 4, 3, 3, 2.5, 3, 7.5])


def test_a_large_picture_is_removed_in_steps_of_five_percent(trained: Model, digit: np.ndarray) -> None:
    random = random_baseline(trained, digit, orders=2)
    assert len(random.fractions) == POINTS and random.fractions[1] == 0.05
    assert len(random.pixels) == int((digit != 0).sum())


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1, 2, 3], [10, 20, 30], 1.0),
        ([1, 2, 3], [9, 4, 1], -1.0),
        ([1, 2, 3, 4], [1, 2, 4, 3], 0.8),
        ([1, 2, 2, 3], [1, 3, 2, 4], 3 / np.sqrt(10)),
        ([5, 5, 5], [1, 2, 3], 0.0),
    ],
    ids=["the same order", "the opposite", "one pair swapped", "a tie", "no order"],
)
def test_rank_correlations_that_are_known(a: list[float], b: list[float], expected: float) -> None:
    """For whole numbers without ties: 1 - 6 Σd² / n(n² - 1)."""
    assert rank_correlation(np.array(a, float), np.array(b, float)) == pytest.approx(expected)


def test_random_weights_are_drawn_as_keras_draws_them() -> None:
    from convscope.model.build import build, get_weights

    lines = [f"Conv2D(32, 3, kernel_initializer='{name}')" for name in INITIALIZERS]
    lines += ["DepthwiseConv2D(3, depth_multiplier=4)", "BatchNormalization()", "SeparableConv2D(64, 3)"]
    lines += ["GlobalAveragePooling2D()", "Dense(num_classes, activation='softmax')"]
    spec = parse("\n".join(lines), input_shape=(32, 32, 3), num_classes=40)
    ours, theirs = initial_weights(spec, seed=0), get_weights(build(spec))
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        assert value.shape == theirs[name].shape and value.dtype == np.float32
        if name.endswith("kernel"):
            size = 4 / np.sqrt(value.size) + 0.01
            assert value.std() == pytest.approx(theirs[name].std(), rel=size), name
            assert np.abs(value).max() == pytest.approx(np.abs(theirs[name]).max(), rel=0.1), name
        else:
            assert np.array_equal(value, theirs[name]), name


@pytest.mark.parametrize("name", PRESETS)
def test_random_weights_are_others_for_another_seed_and_fit_the_network(name: str) -> None:
    spec = load_spec(name, input_shape=(28, 28, 1), num_classes=10)
    assert {key: value.shape for key, value in initial_weights(spec, seed=0).items()} == spec.weight_shapes()
    first, again, other = (weights_sha256(initial_weights(spec, seed=seed)) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("name", EXPLAINERS)
def test_the_map_without_training_has_the_same_shape_and_comes_from_other_weights(
    name: str, trained: Model, digit: np.ndarray
) -> None:
    attribution = EXPLAINERS[name](trained, digit)
    other = parameter_randomization(trained, digit, attribution, networks=2)
    assert other.attribution.values.shape == attribution.values.shape and other.attribution.target == attribution.target
    assert other.attribution.logit != attribution.logit and not np.array_equal(
        other.attribution.values, attribution.values
    )
    by_hand = EXPLAINERS[name](
        replace(trained, weights=initial_weights(trained.spec, seed=0)), digit, target=attribution.target
    )
    assert np.array_equal(other.attribution.values, by_hand.values)
    assert other.signed[0] == rank_correlation(attribution.flat, by_hand.flat)
    assert len(other.signed) == len(other.magnitude) == 2 and other.signed[0] != other.signed[1]


def test_what_was_learned_decides_the_signs_of_a_trained_network(trained: Model, digit: np.ndarray) -> None:
    for name in ("gradient", "smoothgrad", "integrated_gradients"):
        assert abs(parameter_randomization(trained, digit, EXPLAINERS[name](trained, digit)).mean_signed) < 0.2


def test_a_map_that_shows_the_image_is_found_out(trained: Model, digit: np.ndarray) -> None:
    """Where integrated gradients are strong is where the ink is, trained or not: the outline means nothing."""
    sanity_checks = check_attribution(trained, digit, EXPLAINERS["integrated_gradients"](trained, digit))
    assert sanity_checks.parameter_randomization.mean_magnitude > 0.9 and not sanity_checks.learned
    assert "an untrained network gives the same outline" in sanity_checks.verdict


def test_sanity_checks_change_nothing_and_are_deterministic() -> None:
    spec = random_spec(np.random.default_rng(7))
    network = Model(spec, random_weights(spec, seed=7), tuple("abcdefghij"[: spec.num_classes]))
    (image,) = random_images(spec, 1, seed=7)
    before, picture = weights_sha256(network.weights), image.copy()
    results = [
        check_attribution(network, image, EXPLAINERS["occlusion"](network, image), seed=4).to_json() for _ in range(2)
    ]
    assert results[0] == results[1] and weights_sha256(network.weights) == before and np.array_equal(image, picture)


def sanity_checks(*, area_of: float, signed: float, magnitude: float) -> SanityChecks:
    fractions = np.array([0.0, 1.0])
    random = np.repeat(np.linspace(0, 1, 20, dtype=np.float32)[:, None], 2, axis=1)
    curve = Deletion(fractions, np.array([area_of, area_of], np.float32), random, 1, None)
    attribution = Attribution(np.zeros((1, 1, 1), np.float32), "gradient", "logits", 0, 0.0)
    return SanityChecks(curve, ParameterRandomization(attribution, (signed, signed), (magnitude, magnitude)))


@pytest.mark.parametrize(
    ("area_of", "signed", "magnitude", "begins", "says"),
    [
        (-1.0, 0.0, 0.2, "Passes both tests", "gives another map"),
        (-1.0, 0.0, 0.9, "Passes the deletion test, but trust its signs", "untrained network gives the same outline"),
        (-1.0, 0.8, 0.9, "Passes the deletion test, fails the parameter-randomization test", "gives a similar map"),
        (0.5, 0.0, 0.2, "Fails the deletion test", "no more than random ones"),
        (0.5, 0.8, 0.2, "Fails both tests", "gives a similar map"),
        (0.5, 0.0, 0.5, "Fails both tests", "gives the same outline"),
    ],
)
def test_the_verdict_follows_from_both_numbers(
    area_of: float, signed: float, magnitude: float, begins: str, says: str
) -> None:
    verdict = sanity_checks(area_of=area_of, signed=signed, magnitude=magnitude).verdict
    assert verdict.startswith(begins) and says in verdict


def test_nineteen_of_twenty_random_orders_are_enough_and_eighteen_are_not() -> None:
    for area_of, matters in ((0.04, True), (0.06, False)):
        one = sanity_checks(area_of=area_of, signed=0.0, magnitude=0.0)
        assert (one.deletion.random_orders_beaten, one.matters) == (19 if matters else 18, matters)


def test_one_random_baseline_serves_every_map_of_its_logit(trained: Model, digit: np.ndarray) -> None:
    random = random_baseline(trained, digit)
    assert isinstance(random, RandomBaseline)
    for name in ("gradient", "grad_cam"):
        attribution = EXPLAINERS[name](trained, digit)
        alone = check_attribution(trained, digit, attribution).to_json()
        assert check_attribution(trained, digit, attribution, random=random).to_json() == alone
