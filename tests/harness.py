"""The facts that every network satisfies, each as one function that a test calls with a spec.

TensorFlow is imported inside the functions, so that a file that only wants `random_spec` stays light.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np

from convscope.errors import OptionError, SpecError
from convscope.explanation.backward import backpropagate
from convscope.explanation.explainers.integrated_gradients import LEAST_DIFFERENCE
from convscope.explanation.saliency import EXPLAINERS
from convscope.explanation.sliding_window import ConvOptions, SlidingWindow, slide
from convscope.model import ops
from convscope.model.checks import ACTIVATIONS, INITIALIZERS
from convscope.model.forward import forward, logits
from convscope.model.layers import LAYERS
from convscope.model.layers.activation import Activation
from convscope.model.layers.average_pooling2d import AveragePooling2D
from convscope.model.layers.batch_normalization import BatchNormalization
from convscope.model.layers.conv2d import Conv2D
from convscope.model.layers.dense import Dense
from convscope.model.layers.depthwise_conv2d import DepthwiseConv2D
from convscope.model.layers.flatten import Flatten
from convscope.model.layers.layer import Layer
from convscope.model.layers.max_pooling2d import MaxPooling2D
from convscope.model.layers.normalization import Normalization
from convscope.model.layers.separable_conv2d import SeparableConv2D
from convscope.model.layers.softmax import Softmax
from convscope.model.model_file import Model
from convscope.model.spec import INPUT, Node, Spec, default_name
from convscope.model.window import Shape

GRADIENT_TOLERANCE = 1e-4
"""Of the largest number of a gradient: float32 sums in another order are 1e-6 apart, a wrong tap 1e-1."""

SIDES = (5, 14)
"""Rows and columns of a random network's pictures: odd and even, rarely square, small enough for nested loops."""

HIDDEN_ACTIVATIONS = tuple(name for name in ACTIVATIONS if name != "softmax")

TOLERANCE = 2e-5
"""How far two float32 engines may lie apart, relative to the largest number of the activation.

One float32 sum of the few hundred products in these networks is off by about 1e-6 of its largest term, in an order that
each library chooses for itself; ten layers add up. A wrong tap, pad or constant moves numbers by 1e-2 and more.
"""


def random_weights(spec: Spec, *, seed: int) -> dict[str, np.ndarray]:
    """Weights that keep activations near 1, with no statistic, scale or bias at the value that hides a mistake."""
    rng, weights = np.random.default_rng(seed), {}
    for name, shape in spec.weight_shapes().items():
        kind = name.rsplit("/", 1)[1]
        if kind in ("gamma", "moving_variance"):
            value = rng.uniform(0.5, 1.5, shape)
        elif kind in ("beta", "bias", "moving_mean"):
            value = rng.uniform(-0.5, 0.5, shape)
        else:
            inputs = math.prod(shape[:2]) if kind == "depthwise_kernel" else math.prod(shape[:-1])
            value = rng.normal(0, 1 / math.sqrt(inputs), shape)
        weights[name] = value.astype(np.float32)
    return weights


def random_images(spec: Spec, n: int, *, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((n, *spec.input_shape), np.float32)


def check_spec(spec: Spec) -> None:
    """Keras's names, shapes and parameter counts are those of the shape table, layer by layer."""
    from convscope.model.build import build, get_weights

    model, rows = build(spec), spec.table()
    keras_layers = {layer.name: layer for layer in model.layers if type(layer).__name__ != "InputLayer"}
    assert set(keras_layers) == {row.name for row in rows}
    assert spec.nodes or list(keras_layers) == [row.name for row in rows], "the order of a line"
    for row in rows:
        layer = keras_layers[row.name]
        assert type(layer).__name__ == row.kind
        given = layer.input if isinstance(layer.input, list) else [layer.input]
        assert tuple(one.shape[1:] for one in given) == row.input_shapes, row
        assert layer.output.shape[1:] == row.output_shape, row
        assert layer.count_params() == row.parameters, row
    assert model.count_params() == spec.parameters
    found = {name: weight.shape for name, weight in get_weights(model).items()}
    for row in rows:  # the order of the weights of a layer; that of the layers is Keras's own in a graph
        names = [name for name in found if name.startswith(f"{row.name}/")]
        assert names == [f"{row.name}/{weight}" for weight in row.layer.weight_shapes(row.input_shape)]
    assert found == spec.weight_shapes()


def check_engine(spec: Spec, seed: int) -> None:
    """NumPy and Keras agree on every activation of the same images, and the logits alone are the same logits."""
    from convscope.model.build import build, set_weights
    from convscope.model.tensorflow import keras

    weights, images = random_weights(spec, seed=seed), random_images(spec, 3, seed=seed)
    seen = forward(spec, weights, images)
    model = build(spec)
    set_weights(model, weights)
    outputs = [model.get_layer(activation.name).output for activation in seen.layers]
    computed = keras.Model(model.inputs[0], outputs)(images, training=False)
    for activation, output in zip(seen.layers, computed, strict=True):
        assert_close(activation.output, np.asarray(output), activation.name)
    before_softmax = build(spec, output="logits")
    set_weights(before_softmax, weights)
    assert_close(seen.logits, np.asarray(before_softmax(images, training=False)), "logits")
    assert_close(seen.probabilities.sum(axis=1), np.ones(3), "probabilities sum to one")
    assert np.array_equal(logits(spec, weights, images), seen.logits), "the same code on the same images: no tolerance"


def check_gradient(spec: Spec, seed: int) -> None:
    """The gradient of a logit at the pixels is TensorFlow's."""
    from convscope.model.build import build, set_weights
    from convscope.model.tensorflow import tf

    weights, images = random_weights(spec, seed=seed), random_images(spec, 3, seed=seed)
    model = build(spec, output="logits")
    set_weights(model, weights)
    with tf.GradientTape() as tape:
        watched = tf.constant(images)
        tape.watch(watched)
        logit = model(watched, training=False)[:, 1]
    expected = tape.gradient(logit, watched).numpy()
    found = backpropagate(spec, weights, images, 1)
    assert found.gradient.dtype == np.float32 and found.gradient.shape == images.shape
    assert np.abs(found.gradient - expected).max() <= GRADIENT_TOLERANCE * max(1e-3, np.abs(expected).max())
    assert np.allclose(found.logits[:, 1], logit, rtol=1e-4, atol=1e-4)


def check_keras_config(spec: Spec) -> None:
    """The config that Keras writes of the network is read back as the network, but for initializers."""
    from convscope.model.build import build
    from convscope.model.keras_config import read_config

    found = read_config(json.loads(build(spec).to_json()))
    read = [_without_initializer(layer) for layer in found.spec.layers]
    if spec.nodes:  # Keras orders the layers of a graph by depth
        assert sorted(map(str, read)) == sorted(str(_without_initializer(layer)) for layer in spec.layers)
        assert len(found.spec.nodes) == len(spec.nodes)
    else:
        assert read == [_without_initializer(layer) for layer in spec.layers] and not found.spec.nodes
    assert (found.idle, found.is_logits, found.spec.num_classes) == ((), False, spec.num_classes)


def _without_initializer(layer: Layer) -> Layer:
    return replace(layer, kernel_initializer="glorot_uniform") if hasattr(layer, "kernel_initializer") else layer


def networks_of(layer: Layer) -> list[Spec]:
    """Small networks around one layer, wherever it fits: on maps, on a row of numbers, at the end."""
    head: list[Layer] = [Flatten(), Dense(3, activation="softmax")]
    found = []
    for stack in (
        [Conv2D(4, 1, activation="tanh"), layer, *head],
        [Flatten(), Dense(6, activation="tanh"), layer, Dense(3, activation="softmax")],
        [Flatten(), Dense(3), layer],
    ):
        with contextlib.suppress(SpecError):
            found.append(Spec((9, 8, 3), tuple(stack)))
    merged = [Conv2D(4, 1), DepthwiseConv2D(1), Conv2D(4, 3, padding="same"), layer, *head]
    inputs = [(INPUT,), ("a",), ("a",), ("b", "c"), ("d",), ("e",)]
    with contextlib.suppress(SpecError):
        nodes = tuple(Node(name, given) for name, given in zip("abcdef", inputs, strict=True))
        found.append(Spec((9, 8, 3), tuple(merged), nodes=nodes))
    assert found, f"no network fits {layer}"
    return found


def assert_close(ours: np.ndarray, theirs: np.ndarray, what: str) -> None:
    assert ours.shape == theirs.shape, what
    allowed = TOLERANCE * max(1.0, float(np.abs(theirs).max()))
    worst = float(np.abs(ours - theirs).max())
    assert worst <= allowed, f"{what}: off by {worst:.2g}, allowed {allowed:.2g}"


class _Draft:
    """A network as it is drawn: each layer takes the last one, unless others are given."""

    def __init__(self, input_shape: Shape) -> None:
        self.layers: list[Layer] = []
        self.nodes: list[Node] = []
        self.last, self.shape = INPUT, input_shape
        self._shapes: dict[str, Shape] = {INPUT: input_shape}
        self._counts: Counter[str] = Counter()

    def add(self, layer: Layer, inputs: Sequence[str] | None = None) -> None:
        name = default_name(type(layer).__name__, self._counts)
        self.layers.append(layer)
        self.nodes.append(Node(name, tuple(inputs or (self.last,))))
        shapes = [self._shapes[one] for one in self.nodes[-1].inputs]
        self.last, self.shape = name, layer.output_shape(layer.merge_shapes(shapes))
        self._shapes[name] = self.shape


def random_spec(rng: np.random.Generator) -> Spec:
    """Any network of the vocabulary over small pictures: every layer, option and shortcut can come up."""
    shape: Shape = (*(int(side) for side in rng.integers(*SIDES, 2, endpoint=True)), int(rng.choice([1, 3])))
    input_shape, draft = shape, _Draft(shape)
    for _ in range(int(rng.integers(1, 6))):
        draft.add(_fitting([*_IMAGE_LAYERS, *_ANY_LAYERS, *[_example] * 3], draft.shape, rng))
        if _merging() and rng.random() < 0.25:
            _add_shortcut(draft, rng)
    pooled = rng.random() < 0.3
    draft.add(_pick(rng, _to_rows()) if pooled else Flatten())
    for _ in range(int(rng.integers(0, 3))):
        draft.add(_fitting([_dense, *_ANY_LAYERS, _example], draft.shape, rng))
    for layer in _ending(rng):
        draft.add(layer)
    return Spec(input_shape, tuple(draft.layers), f"random {rng.integers(1000)}", tuple(draft.nodes))


def _merging() -> list[Layer]:
    """Layers that take several inputs."""
    return [kind.examples()[0] for kind in LAYERS.values() if _merges(kind.examples()[0])]


def _merges(layer: Layer) -> bool:
    try:
        return layer.merge_shapes([(9, 8, 4), (9, 8, 4)]) is not None
    except SpecError:
        return False


def _to_rows() -> tuple[Layer, ...]:
    """Layers that turn maps into a row of numbers."""
    found = []
    for kind in LAYERS.values():
        with contextlib.suppress(SpecError):
            if len(kind.examples()[0].output_shape((9, 8, 4))) == 1:
                found.append(kind.examples()[0])
    return tuple(found)


def _add_shortcut(draft: _Draft, rng: np.random.Generator) -> None:
    """One or two branches of the same shape from the last layer, and a layer that merges them."""
    start, shape = draft.last, draft.shape
    ends = []
    for _ in range(int(rng.integers(1, 3))):
        draft.add(Conv2D(shape[2], _pair(rng, 3), padding="same", activation=_pick(rng, HIDDEN_ACTIVATIONS)), [start])
        if rng.random() < 0.5:
            draft.add(_batch_normalization(rng, shape))
        ends.append(draft.last)
    ends += [start] if len(ends) == 1 or rng.random() < 0.5 else []
    draft.add(_pick(rng, tuple(_merging())), ends)


def _fitting(
    makers: list[Callable[[np.random.Generator, Shape], Layer]], shape: Shape, rng: np.random.Generator
) -> Layer:
    while True:
        try:
            layer = makers[rng.integers(len(makers))](rng, shape)
            output = layer.output_shape(layer.merge_shapes([shape]))
        except SpecError:  # it does not fit what is left of the picture: draw again
            continue
        fits = math.prod(output) <= 4000 and len(output) == len(shape) and layer.activation_name != "softmax"
        if fits and not tensorflow_is_wrong(layer, shape):
            return layer


def _example(rng: np.random.Generator, shape: Shape) -> Layer:
    """An example of any kind, as the kind offers it."""
    return _pick(rng, _pick(rng, tuple(LAYERS.values())).examples())


def tensorflow_is_wrong(layer: Layer, shape: Shape) -> bool:
    """TensorFlow 2.21 with oneDNN reads the wrong rows: one channel, one output column, strides of 1 and more than 1.

    Nested loops and ``TF_ENABLE_ONEDNN_OPTS=0`` agree with NumPy there, so such layers are not drawn.
    """
    if not isinstance(layer, Conv2D) or shape[2] != 1:
        return False
    return layer.strides[0] == 1 < layer.strides[1] and layer.output_shape(shape)[1] == 1


def random_sliding_window(rng: np.random.Generator) -> SlidingWindow:
    """Any sliding window that fits: sizes 1 to 32, K 1 to 7, S 1 to 4, D 1 to 3, G up to 4, three paddings."""
    while True:
        size, kernel, strides, rate = (
            (int(rng.integers(1, high + 1)), int(rng.integers(1, high + 1))) for high in (32, 7, 4, 3)
        )
        groups, pools = int(rng.integers(1, 5)), rng.random() < 0.25
        channels, filters = groups * int(rng.integers(1, 4)), groups * int(rng.integers(1, 4))
        zeros = (int(rng.integers(0, 7)), int(rng.integers(0, 7)))
        options = ConvOptions(
            size=size, kernel_size=kernel, strides=strides, dilation_rate=rate, channels=channels,
            padding=("valid", "same", zeros)[rng.integers(3)], seed=int(rng.integers(1 << 30)),
            operation=("max", "average")[rng.integers(2)] if pools else "conv",
            **({} if pools else {"groups": groups, "filters": filters}),
        )  # fmt: skip
        try:
            return slide(options)
        except OptionError:  # the letters do not fit together: draw again
            continue


def check_sliding_window(made: SlidingWindow) -> None:
    """TensorFlow computes the same numbers: to the bit, but for means.

    Pixels and weights are small whole numbers, so that every order of a sum is exact; only a mean is rounded.
    """
    theirs = _tensorflow_conv(made) if made.kernel is not None else _tensorflow_pool(made)
    assert made.output.shape == theirs.shape, made.caption
    if made.operation == "average":
        np.testing.assert_allclose(made.output, theirs, rtol=1e-6, err_msg=made.caption)
    else:
        assert np.array_equal(made.output, theirs), made.caption


def _tensorflow_conv(made: SlidingWindow) -> np.ndarray:
    from convscope.model.tensorflow import tf

    window, zeros = made.window, made.window.padding
    padding = zeros.upper() if isinstance(zeros, str) else [[0, 0], *([p, p] for p in zeros), [0, 0]]
    return tf.nn.conv2d(
        made.pixels[None], made.kernel, window.strides, padding, dilations=window.dilation_rate
    ).numpy()[0]


def _tensorflow_pool(made: SlidingWindow) -> np.ndarray:
    """Its pooling knows neither a number of zeros nor dilation with strides; its `extract_patches` knows both."""
    from convscope.model.tensorflow import tf

    window, zeros = made.window, made.window.padding
    around = ((0, 0), (0, 0)) if isinstance(zeros, str) else tuple((p, p) for p in zeros)
    padding = zeros.upper() if isinstance(zeros, str) else "VALID"
    if padding == "VALID" or max(window.dilation_rate) > 1:
        taps = (tf.image.extract_patches(
            np.pad(values, ((0, 0), *around, (0, 0))), (1, *window.kernel_size, 1), (1, *window.strides, 1),
            (1, *window.dilation_rate, 1), padding,
        ).numpy()[0] for values in (made.pixels[None] + 1, np.ones_like(made.pixels[None])))  # fmt: skip
        values, is_pixel = (tap.reshape(*tap.shape[:2], -1, made.pixels.shape[2]) for tap in taps)
        # every pixel was one more than it is, so that a pixel of 0 wins over padding
        folded = values.max(2) if made.operation == "max" else values.sum(2) / is_pixel.sum(2)
        return folded - 1
    pool = tf.nn.max_pool2d if made.operation == "max" else tf.nn.avg_pool2d
    return pool(made.pixels[None], window.kernel_size, window.strides, padding).numpy()[0]


def _ending(rng: np.random.Generator) -> tuple[Layer, ...]:
    classes, use_bias = int(rng.integers(2, 8)), bool(rng.random() < 0.7)
    match rng.integers(3):
        case 0:
            return (Dense(classes, activation="softmax", use_bias=use_bias),)
        case 1:
            return (Dense(classes, use_bias=use_bias), Softmax())
        case _:
            return (Dense(classes, use_bias=use_bias), Activation("softmax"))


def _pick(rng: np.random.Generator, values: tuple) -> Any:
    return values[rng.integers(len(values))]


def _pair(rng: np.random.Generator, top: int) -> tuple[int, int]:
    rows, columns = rng.integers(1, top, 2, endpoint=True)
    return int(rows), int(columns)


def _slide(rng: np.random.Generator, *, square: bool) -> dict[str, object]:
    """Kernel, strides, padding, dilation: strides over 1, or dilation over 1, or neither."""
    strides = dilation = (1, 1)
    mode = rng.integers(3)
    if mode == 1:
        strides = _pair(rng, 3)
        strides = (strides[0], strides[0]) if square else strides
    elif mode == 2:
        dilation = _pair(rng, 3)
    return {
        "kernel_size": _pair(rng, 5),
        "strides": strides,
        "dilation_rate": dilation,
        "padding": _pick(rng, ("valid", "same")),
        "activation": _pick(rng, HIDDEN_ACTIVATIONS),
        "use_bias": bool(rng.random() < 0.7),
    }


def _conv(rng: np.random.Generator, shape: Shape) -> Layer:
    groups = int(_pick(rng, tuple(g for g in range(1, shape[2] + 1) if shape[2] % g == 0)))
    filters = groups * int(rng.integers(1, max(2, 8 // groups)))
    initializer = _pick(rng, INITIALIZERS)
    return Conv2D(filters, groups=groups, kernel_initializer=initializer, **_slide(rng, square=False))


def _depthwise(rng: np.random.Generator, shape: Shape) -> Layer:
    return DepthwiseConv2D(depth_multiplier=int(rng.integers(1, 4)), **_slide(rng, square=True))


def _separable(rng: np.random.Generator, shape: Shape) -> Layer:
    multiplier = int(rng.integers(1, 4))
    return SeparableConv2D(int(rng.integers(1, 7)), depth_multiplier=multiplier, **_slide(rng, square=True))


def _pooling(rng: np.random.Generator, shape: Shape) -> Layer:
    kind = _pick(rng, (MaxPooling2D, AveragePooling2D))
    strides = _pair(rng, 3) if rng.random() < 0.5 else None
    return kind(_pair(rng, 4), strides=strides, padding=_pick(rng, ("valid", "same")))


def _batch_normalization(rng: np.random.Generator, shape: Shape) -> Layer:
    center, scale = (bool(flag) for flag in rng.integers(0, 2, 2))
    return BatchNormalization(momentum=0.9, epsilon=float(rng.choice([1e-3, 0.1])), center=center, scale=scale)


def _dense(rng: np.random.Generator, shape: Shape) -> Layer:
    return Dense(
        int(rng.integers(1, 12)),
        activation=_pick(rng, HIDDEN_ACTIVATIONS),
        use_bias=bool(rng.random() < 0.7),
        kernel_initializer=_pick(rng, INITIALIZERS),
    )


def _normalization(rng: np.random.Generator, shape: Shape) -> Layer:
    """Numbers that float32 holds exactly, one for each channel or one for all."""
    count = shape[-1] if rng.random() < 0.7 else 1
    mean, variance = (tuple(float(x) / 16 for x in rng.integers(low, 32, count)) for low in (-16, 1))
    return Normalization(mean, variance)


_IMAGE_LAYERS = [_conv, _conv, _depthwise, _separable, _pooling]
_ANY_LAYERS = [
    _batch_normalization,
    _normalization,
    lambda rng, shape: Activation(_pick(rng, HIDDEN_ACTIVATIONS)),
]


def check_explainer(name: str, network: Model, image: np.ndarray, *, target: int) -> None:
    """A map of one logit: the picture's shape, the same every time, complete where promised, nothing changed."""
    explain = EXPLAINERS[name]
    kept = {key: value.copy() for key, value in network.weights.items()}
    seen = image.copy()
    attribution = explain(network, image, target=target, seed=3)
    assert (attribution.method, attribution.target) == (name, target)
    assert attribution.values.dtype == np.float32 and np.isfinite(attribution.values).all()
    assert attribution.values.shape[:2] == image.shape[:2] and attribution.values.shape[2] in (1, image.shape[2])
    assert attribution.logit == logits(network.spec, network.weights, image[None])[0, target], (
        "the logit, no probability"
    )
    again = explain(network, image, target=target, seed=3)
    assert np.array_equal(again.values, attribution.values) and again.to_json() == attribution.to_json(), (
        "deterministic"
    )
    if attribution.difference is not None:
        assert abs(attribution.total - attribution.difference) <= 0.01 * max(
            abs(attribution.difference), LEAST_DIFFERENCE
        )
    for calls in range(3):
        # the last layer fails, the first time that it computes or later
        done = [ops.dense] * calls + [MemoryError("no room")]
        with mock.patch.object(ops, "dense", side_effect=_in_turn(done)), contextlib.suppress(MemoryError):
            explain(network, image, target=target, seed=3)
    for key, value in network.weights.items():
        assert np.array_equal(value, kept[key]), f"{key} was changed"
    assert np.array_equal(image, seen), "the image was changed"


def _in_turn(steps: list[Callable | Exception]) -> Callable:
    left = iter(steps)

    def step(*args: object, **kwargs: object) -> object:
        one = next(left, steps[-1])
        if isinstance(one, Exception):
            raise one
        return one(*args, **kwargs)

    return step
