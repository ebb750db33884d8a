from collections.abc import Callable

import numpy as np
import oracles
import pytest
from harness import random_images, random_spec, random_weights
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.errors import DataError, SpecError
from convscope.model import forward as forward_module
from convscope.model import ops
from convscope.model.activations import ACTIVATION_FUNCTIONS
from convscope.model.checks import ACTIVATIONS
from convscope.model.forward import MAX_CHUNK, chunk_size, forward, logits
from convscope.model.presets import PRESETS, load_spec
from convscope.model.spec import INPUT, Spec
from convscope.model.spec_parser import parse
from convscope.model.window import Window

TOLERANCE = 1e-5
"""float32 against float64, relative to the largest number: sums of at most some hundred products, 24 bits each."""

SMALL = """
Conv2D(4, 3, activation="relu")
SeparableConv2D(5, 2, activation="tanh")
Flatten()
Dense(num_classes, activation="softmax")
"""


def small() -> Spec:
    return parse(SMALL, input_shape=(7, 6, 1), num_classes=3)


def assert_near(ours: np.ndarray, exact: np.ndarray, what: object) -> None:
    assert ours.shape == exact.shape, what
    assert ours.dtype == np.float32, what
    worst = np.abs(ours - exact).max()
    assert worst <= TOLERANCE * max(1.0, np.abs(exact).max()), f"{what}: off by {worst:.2g}"


@pytest.mark.parametrize("seed", range(100, 130))
def test_every_layer_of_a_random_network_agrees_with_nested_loops(seed: int) -> None:
    spec = random_spec(np.random.default_rng(seed))
    weights, images = random_weights(spec, seed=seed), random_images(spec, 2, seed=seed)
    seen = forward(spec, weights, images)
    outputs = {INPUT: images}
    for row, activation in zip(spec.table(), seen.layers, strict=True):
        own = {name.split("/")[1]: weights[name] for name in weights if name.startswith(f"{row.name}/")}
        before, after = oracles.layer(row, own, [outputs[name] for name in row.inputs])
        assert_near(activation.output, after, row)
        if activation.pre_activation is not None:
            assert_near(activation.pre_activation, before, row)
        outputs[row.name] = activation.output  # each layer is compared by itself, on the inputs that it had
    assert np.array_equal(seen.probabilities, seen.layers[-1].output)
    assert_near(seen.probabilities, oracles.softmax(seen.logits), "softmax")


def pictures(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


WINDOWS = st.builds(
    Window,
    kernel_size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.sampled_from(["valid", "same"]),
    dilation_rate=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
SHAPES = st.tuples(st.sampled_from([1, 2]), st.integers(1, 7), st.integers(1, 7), st.sampled_from([2, 4]))


def slides(window: Window) -> dict[str, object]:
    return {"strides": window.strides, "padding": window.padding, "dilation_rate": window.dilation_rate}


def fits(window: Window, shape: tuple[int, ...]) -> bool:
    try:
        window.output_size(shape[1:])
    except SpecError:
        return False
    return True


@settings(max_examples=120, deadline=None)
@given(window=WINDOWS, shape=SHAPES, groups=st.sampled_from([1, 2]), block=st.sampled_from([1, 300, 1 << 25]))
def test_a_convolution_of_any_window_and_block_agrees_with_nested_loops(window, shape, groups, block) -> None:
    if not fits(window, shape):
        return
    maps, kernel = pictures(shape), pictures((*window.kernel_size, shape[3] // groups, 4), 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ops, "BLOCK_BYTES", block)
        ours = ops.conv2d(maps, kernel, pictures((4,), 2), window=window, groups=groups)
        for run, windows in ((0, 10**9), (10**9, 0)):  # all windows are copied at once, or one tap after the other
            patch.setattr(ops, "LONG_RUN", run)
            patch.setattr(ops, "FEW_WINDOWS", windows)
            same = ops.conv2d(maps, kernel, pictures((4,), 2), window=window, groups=groups)
            assert same.tobytes() == ours.tobytes()
    assert_near(ours, oracles.convolution(maps, kernel, pictures((4,), 2), groups=groups, **slides(window)), window)


@settings(max_examples=60, deadline=None)
@given(window=WINDOWS, shape=SHAPES, multiplier=st.integers(1, 3))
def test_a_depthwise_convolution_of_any_window_agrees_with_nested_loops(window, shape, multiplier) -> None:
    if not fits(window, shape):
        return
    maps, kernel = pictures(shape), pictures((*window.kernel_size, shape[3], multiplier), 1)
    ours = ops.depthwise_conv2d(maps, kernel, None, window=window)
    assert_near(ours, oracles.depthwise_convolution(maps, kernel, **slides(window)), window)


@settings(max_examples=60, deadline=None)
@given(window=WINDOWS, shape=SHAPES)
@pytest.mark.parametrize("pool, fold", [(ops.max_pooling2d, max), (ops.average_pooling2d, oracles.mean)])
def test_pooling_over_any_window_agrees_with_nested_loops(pool: Callable, fold: Callable, window, shape) -> None:
    window = Window(window.kernel_size, window.strides, window.padding)
    if not fits(window, shape):
        return
    maps = pictures(shape) - 5  # below zero, so that a zero of the padding would win
    assert_near(pool(maps, window=window), oracles.pooling(maps, window.kernel_size, fold, **slides(window)), window)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_agrees_with_one_number_at_a_time_and_never_overflows(name: str) -> None:
    values = np.array([[-1e30, -800, -90, -20, -1, -1e-3, -0.0, 0, 1e-3, 1, 20, 90, 1e30]], np.float32)
    with np.errstate(all="raise", under="ignore"):
        ours = ACTIVATION_FUNCTIONS[name](values)
    exact = oracles.activation(values, name)
    np.testing.assert_allclose(ours, exact, rtol=1e-6, atol=1e-37)  # float32 rounding; subnormals may flush to zero


def test_batch_normalization_agrees_for_a_tiny_variance() -> None:
    weights = {"moving_mean": pictures((3,), 1), "moving_variance": np.array([0, 1e-6, 1e3], np.float32)}
    ours = ops.batch_normalization(pictures((2, 3)), **weights, epsilon=0.001)
    assert_near(ours, oracles.batch_normalization(pictures((2, 3)), weights, epsilon=0.001), "tiny variance")


def test_the_global_average_of_a_big_picture_is_exact() -> None:
    maps = np.full((1, 1024, 1024, 1), 0.1, np.float32)  # a float32 sum of these is off by 1e-3 and more
    assert ops.global_average_pooling2d(maps)[0, 0] == np.float32(0.1)


def test_nothing_is_changed_in_place() -> None:
    for seed in range(10):
        spec = random_spec(np.random.default_rng(seed))
        weights, images = random_weights(spec, seed=seed), random_images(spec, 2, seed=seed)
        for array in (images, *weights.values()):
            array.flags.writeable = False
        seen = forward(spec, weights, images)
        kept = [activation.output.copy() for activation in seen.layers]
        forward(spec, weights, images)
        assert all(np.array_equal(one, two.output) for one, two in zip(kept, seen.layers, strict=True))


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 10, 100, None])
def test_logits_in_chunks_equal_the_whole(batch_size: int | None) -> None:
    spec = small()
    weights, images = random_weights(spec, seed=0), random_images(spec, 10, seed=0)
    whole = forward(spec, weights, images).logits
    # a matrix product of other height may be summed in another order: a few units in the last place
    np.testing.assert_allclose(logits(spec, weights, images, batch_size=batch_size), whole, rtol=0, atol=1e-6)


def test_the_logits_of_no_images_are_no_rows() -> None:
    spec = small()
    assert logits(spec, random_weights(spec, seed=0), random_images(spec, 0, seed=0)).shape == (0, 3)


def test_chunks_are_as_large_as_chunk_size_says(monkeypatch) -> None:
    seen = []
    run = forward_module._run

    def watched(rows, weights, images, *more):
        seen.append(len(images))
        return run(rows, weights, images, *more)

    monkeypatch.setattr(forward_module, "_run", watched)
    monkeypatch.setattr(forward_module, "chunk_size", lambda spec: 4)
    spec = small()
    logits(spec, random_weights(spec, seed=0), random_images(spec, 10, seed=0))
    assert seen == [4, 4, 2]


@pytest.mark.parametrize("name", PRESETS)
def test_a_chunk_is_at_least_one_image_and_at_most_the_limit(name: str) -> None:
    assert 1 <= chunk_size(load_spec(name, input_shape=(28, 28, 1), num_classes=10)) <= MAX_CHUNK
    assert chunk_size(load_spec(name, input_shape=(224, 224, 3), num_classes=10)) < 16
    assert chunk_size(parse("Flatten()\nDense(2, 'softmax')", input_shape=(2, 2, 1), num_classes=2)) == MAX_CHUNK


def test_the_parts_of_a_layer_are_kept_where_there_are_any() -> None:
    spec = small()
    seen = forward(spec, random_weights(spec, seed=0), random_images(spec, 2, seed=0)).by_name
    assert list(seen) == ["conv2d", "separable_conv2d", "flatten", "dense"]
    assert seen["separable_conv2d"].depthwise.shape == (2, 4, 3, 4)
    assert seen["conv2d"].depthwise is None
    assert seen["flatten"].pre_activation is None
    assert np.array_equal(np.maximum(seen["conv2d"].pre_activation, 0), seen["conv2d"].output)


def test_numbers_that_leave_float32_become_infinite_or_not_a_number_without_a_warning() -> None:
    spec = small()
    weights = {name: np.full(shape, 3e38, np.float32) for name, shape in spec.weight_shapes().items()}
    assert not np.isfinite(forward(spec, weights, random_images(spec, 1, seed=0)).logits).any()


@pytest.mark.parametrize(
    "change, said",
    [
        ({"dense/bias": None}, r"Missing: \['dense/bias'\]\. Unknown: \[\]"),
        ({"extra": np.zeros(1, np.float32)}, r"Missing: \[\]\. Unknown: \['extra'\]"),
        ({"dense/bias": np.zeros(4, np.float32)}, r"^dense/bias must be float32 of shape \(3,\)\. Received: .*\(4,\)"),
        ({"dense/bias": np.zeros((3, 1), np.float32)}, r"Received: float32 of shape \(3, 1\)"),
        ({"dense/bias": np.zeros(3)}, "Received: float64 of shape"),
        ({"dense/bias": np.zeros(3, np.float16)}, "Received: float16 of shape"),
    ],
)
@pytest.mark.parametrize("run", [forward, logits])
def test_weights_that_are_not_the_networks_are_refused_by_name(run: Callable, change: dict, said: str) -> None:
    spec = small()
    changed = random_weights(spec, seed=0) | change
    weights = {name: value for name, value in changed.items() if value is not None}
    with pytest.raises(SpecError, match=said):
        run(spec, weights, random_images(spec, 1, seed=0))


@pytest.mark.parametrize("shape", [(1, 6, 7, 1), (1, 7, 6, 3), (1, 8, 6, 1)])
@pytest.mark.parametrize("run", [forward, logits])
def test_images_of_another_shape_are_refused(run: Callable, shape: tuple[int, ...]) -> None:
    spec = small()
    with pytest.raises(DataError, match=r"reads images of shape \(7, 6, 1\)\. Received: "):
        run(spec, random_weights(spec, seed=0), np.zeros(shape, np.float32))


@pytest.mark.parametrize("dilation_rate", [1, 4096])
def test_memory_follows_the_picture_and_not_the_dilation(dilation_rate: int) -> None:
    window = Window((3, 3), padding="same", dilation_rate=(dilation_rate, dilation_rate))
    maps, kernel = pictures((1, 8, 8, 1)), pictures((3, 3, 1, 1), 1)
    ours = ops.conv2d(maps, kernel, None, window=window)
    if dilation_rate > 8:  # only the middle tap meets the picture
        assert_near(ours, maps.astype(float) * float(kernel[1, 1, 0, 0]), window)
