"""Backpropagation in NumPy against TensorFlow, and against the slope that two forward passes show."""

import math

import numpy as np
import oracles
import pytest
from harness import check_gradient, random_images, random_spec, random_weights

from convscope.errors import DataError, SpecError
from convscope.explanation.backward import backpropagate
from convscope.model.activations import SLOPES
from convscope.model.checks import ACTIVATIONS
from convscope.model.layers import LAYERS
from convscope.model.presets import PRESETS, load_spec
from convscope.model.spec import Spec
from convscope.model.spec_parser import parse

RANDOM = 40


def networks() -> list[Spec]:
    specs = [random_spec(np.random.default_rng(seed)) for seed in range(RANDOM)]
    return specs + [load_spec(name, input_shape=(28, 28, 1), num_classes=10) for name in PRESETS]


def test_the_random_networks_have_every_layer() -> None:
    assert {row.kind for spec in networks() for row in spec.table()} == set(LAYERS)


@pytest.mark.parametrize("index", range(RANDOM + len(PRESETS)))
def test_the_gradient_at_the_pixels_is_tensorflow_s(index: int) -> None:
    check_gradient(networks()[index], seed=index)


def test_the_gradient_is_the_slope_between_two_forward_passes() -> None:
    """Central differences in float64, by nested loops: no layer of ours takes part."""
    lines = ["Conv2D(3, 3, activation='tanh')", "AveragePooling2D(2)", "Flatten()", "Dense(2, activation='softmax')"]
    spec = parse("\n".join(lines), input_shape=(6, 5, 1), num_classes=2)
    weights, (image,) = random_weights(spec, seed=1), random_images(spec, 1, seed=1)

    def logit(picture: np.ndarray) -> float:
        maps = oracles.convolution(picture[None], weights["conv2d/kernel"], weights["conv2d/bias"])
        maps = oracles.activation(maps, "tanh")
        pooled = oracles.pooling(maps, (2, 2), oracles.mean, strides=(2, 2))
        return oracles.dense(pooled.reshape(1, -1), weights["dense/kernel"], weights["dense/bias"])[0, 1]

    found = backpropagate(spec, weights, image[None], 1).gradient[0]
    step = 1e-5
    for place in np.ndindex(image.shape):
        up, down = image.astype(np.float64), image.astype(np.float64)
        up[place] += step
        down[place] -= step
        assert found[place] == pytest.approx((logit(up) - logit(down)) / (2 * step), abs=1e-5)


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "softmax"])
def test_the_slope_of_every_activation_is_that_of_its_curve(name: str) -> None:
    curve = oracles.ACTIVATIONS[name]
    for at in (-40.0, -2.9, -0.4, 0.3, 2.0, 40.0):  # not at a corner, as hard_sigmoid has at -3
        before, after = (np.array([value], np.float32) for value in (at, curve(at)))
        expected = (curve(at + 1e-6) - curve(at - 1e-6)) / 2e-6
        assert SLOPES[name](before, after).item() == pytest.approx(expected, abs=1e-4)


def test_at_the_corner_of_a_relu_the_slope_is_zero() -> None:
    assert SLOPES["relu"](np.zeros(1, np.float32), np.zeros(1, np.float32)).item() == 0


@pytest.mark.parametrize(("pixels", "taken"), [([1, 5, 5, 0], [0, 3, 0, 0]), ([2, 2, 2, 2], [3, 0, 0, 0])])
def test_of_equal_pixels_in_a_window_the_first_takes_all(pixels: list[int], taken: list[int]) -> None:
    """The same numbers as in tests/web/gradient.test.js."""
    lines = ["MaxPooling2D(2)", "Flatten()", "Dense(2, activation='softmax', use_bias=False)"]
    spec = parse("\n".join(lines), input_shape=(2, 2, 1), num_classes=2)
    images = np.array(pixels, np.float32).reshape(1, 2, 2, 1)
    found = backpropagate(spec, {"dense/kernel": np.array([[3, -2]], np.float32)}, images, 0)
    assert found.gradient.ravel().tolist() == taken


def test_the_gradient_at_a_layer_and_its_values_belong_together() -> None:
    spec = load_spec("quick", input_shape=(28, 28, 1), num_classes=10)
    weights, images = random_weights(spec, seed=0), random_images(spec, 2, seed=0)
    found = backpropagate(spec, weights, images, 4, at="flatten")
    assert found.values.shape == found.gradient.shape == (2, 576)
    assert np.array_equal(found.gradient, np.repeat(weights["dense/kernel"][:, 4][None], 2, axis=0))
    total = (found.values * found.gradient).sum(axis=1) + weights["dense/bias"][4]
    assert np.allclose(total, found.logits[:, 4], atol=1e-4)


def test_many_images_at_once_are_each_by_itself() -> None:
    spec = load_spec("classic", input_shape=(28, 28, 1), num_classes=10)
    weights, images = random_weights(spec, seed=0), random_images(spec, 40, seed=0)
    together = backpropagate(spec, weights, images, 0).gradient
    for index in (0, 20, 39):
        alone = backpropagate(spec, weights, images[index : index + 1], 0).gradient[0]
        assert np.allclose(together[index], alone, atol=1e-5 * math.ceil(np.abs(alone).max()))


def test_wrong_images_and_weights_are_refused() -> None:
    spec = load_spec("quick", input_shape=(28, 28, 1), num_classes=10)
    with pytest.raises(DataError, match=r"Received: \(27, 28, 1\)"):
        backpropagate(spec, random_weights(spec, seed=0), np.zeros((1, 27, 28, 1), np.float32), 0)
    with pytest.raises(SpecError, match="Missing"):
        backpropagate(spec, {}, np.zeros((1, 28, 28, 1), np.float32), 0)
