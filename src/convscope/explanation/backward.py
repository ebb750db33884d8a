"""Backwards through the network in plain NumPy: how one logit changes with each number before it. No TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from convscope.arrays import Images, Logits
from convscope.model import layers
from convscope.model.forward import Activations, Weights, forward
from convscope.model.layers import Window
from convscope.model.ops import taps
from convscope.model.spec import Row, Spec

Tensor = Float32[np.ndarray, "n ..."]
Maps = Float32[np.ndarray, "n h w c"]
Slid = Float32[np.ndarray, "n rows columns f"]

MEMORY_BYTES = 1 << 26
"""What the activations of one chunk of images should not outgrow by much."""


@dataclass(frozen=True)
class Gradients:
    """One logit of some images, and how it changes with each number of one place in the network.

    Attributes:
        logits: Of all classes.
        values: The images, or what the layer gave.
        gradient: Of the values' shape: logits per unit of the value.
    """

    logits: Logits
    values: Tensor
    gradient: Tensor


def backpropagate(spec: Spec, weights: Weights, images: Images, target: int, *, at: str | None = None) -> Gradients:
    """The gradient of one class's logit. Batch normalization keeps its moving statistics.

    At the corner of a ReLU the slope is 0, and of equal pixels in a pooling window the first has all of the gradient:
    both as in TensorFlow, and as in the page.

    Args:
        spec: The network.
        weights: Every weight of it, float32.
        images: In [0, 1] or beyond, of the network's input shape; any number of them, in bounded memory.
        target: The class, 0..k-1.
        at: A layer's name: the gradient at its output instead of at the images.

    Returns:
        float32, for all images.

    Raises:
        SpecError: A weight is missing, unknown, or of another shape or dtype.
        DataError: The images have another shape.

    Source:
        Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", 1986. We go back to the
        pixels, not to the weights.

    Example:
        >>> from convscope.model.spec_parser import parse
        >>> lines = ["Flatten()", "Dense(num_classes, activation='softmax', use_bias=False)"]
        >>> spec = parse(chr(10).join(lines), input_shape=(1, 2, 1), num_classes=2)
        >>> weights = {"dense/kernel": np.array([[3, 0], [-2, 0]], np.float32)}
        >>> backpropagate(spec, weights, np.ones((1, 1, 2, 1), np.float32), 0).gradient.ravel().tolist()
        [3.0, -2.0]
    """
    rows = spec.table()
    size = max(1, min(256, MEMORY_BYTES // (8 * sum(math.prod(row.output_shape) for row in rows))))
    parts = []
    for start in range(0, len(images), size):
        seen = forward(spec, weights, images[start : start + size])
        values = seen.images if at is None else seen.by_name[at].output
        parts.append(Gradients(seen.logits, values, _back(rows, weights, seen, target, at)))
    return Gradients(
        *(np.concatenate([getattr(part, key) for part in parts]) for key in Gradients.__dataclass_fields__)
    )


def _back(rows: tuple[Row, ...], weights: Weights, seen: Activations, target: int, at: str | None) -> Tensor:
    flow: Tensor = np.zeros_like(seen.logits)
    flow[:, target] = 1
    for index in range(len(rows) - 1, -1, -1):
        row, activation = rows[index], seen.layers[index]
        if row.name == at:
            return flow
        given = seen.layers[index - 1].output if index else seen.images
        # a network that leaves float32 has infinite or no gradients: as in `forward`, no warning
        with np.errstate(over="ignore", invalid="ignore"):
            if activation.pre_activation is not None and index < len(rows) - 1:  # the logit lies before the softmax
                flow = flow * _slope(row.layer, activation.pre_activation, activation.output)
            own = {name: weights[f"{row.name}/{name}"] for name in row.layer.weight_shapes(row.input_shape)}
            flow = _through(row, own, given, activation.output, flow)
    return flow


def _slope(layer: layers.Layer, before: Tensor, after: Tensor) -> Tensor:
    name = "relu" if isinstance(layer, layers.ReLU) else getattr(layer, "activation", "linear")
    return SLOPES[name](before, after)


def _sigmoid(x: Tensor) -> Tensor:
    return (0.5 + 0.5 * np.tanh(0.5 * x)).astype(np.float32)


def _silu_slope(x: Tensor, y: Tensor) -> Tensor:
    share = _sigmoid(x)
    return share * (1 + x * (1 - share))


SLOPES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "linear": lambda x, y: np.ones_like(x),
    "relu": lambda x, y: (x > 0).astype(np.float32),
    "leaky_relu": lambda x, y: np.where(x > 0, np.float32(1), np.float32(0.2)),
    "elu": lambda x, y: np.where(x > 0, np.float32(1), y + 1),
    "silu": _silu_slope,
    "sigmoid": lambda x, y: y * (1 - y),
    "tanh": lambda x, y: 1 - y * y,
}
"""The slope of each activation but softmax, from what went in and what came out."""


def _through(row: Row, weights: Mapping[str, np.ndarray], given: Tensor, output: Tensor, flow: Tensor) -> Tensor:
    """Through a layer without its activation: the gradient at its input."""
    layer, shape = row.layer, given.shape
    match layer:
        case layers.Conv2D():
            return _conv2d(shape, weights["kernel"], layer.window, layer.groups, flow)
        case layers.DepthwiseConv2D():
            return _depthwise(shape, weights["kernel"], layer.window, flow)
        case layers.SeparableConv2D():
            pointwise = weights["pointwise_kernel"][0, 0]
            return _depthwise(shape, weights["depthwise_kernel"], layer.window, flow @ pointwise.T)
        case layers.Dense():
            return flow @ weights["kernel"].T
        case layers.BatchNormalization():
            factor = 1 / np.sqrt(weights["moving_variance"] + np.float32(layer.epsilon))
            return flow * (factor * weights.get("gamma", np.float32(1)))
        case layers.AveragePooling2D():  # before its parent, MaxPooling2D
            return _average_pooling(shape, layer.window, flow)
        case layers.MaxPooling2D():
            return _max_pooling(given, output, layer.window, flow)
        case layers.GlobalAveragePooling2D():
            even = flow[:, None, None, :] / np.float32(math.prod(shape[1:3]))
            return np.broadcast_to(even, shape)
        case layers.Flatten():
            return flow.reshape(shape)
        case _:  # Dropout, which does nothing here, and the layers that are an activation
            return flow


def _places(shape: tuple[int, ...], window: Window, flow: Slid) -> Iterator[tuple[tuple[int, int], tuple, tuple]]:
    """Each tap of a window: (row, column) in the kernel, where its outputs lie, where its pixels lie."""
    across = list(taps(shape[2], window, 1))
    for i, out_rows, rows in taps(shape[1], window, 0):
        for j, out_columns, columns in across:
            yield (i, j), (slice(None), out_rows, out_columns), (slice(None), rows, columns)


def _conv2d(shape: tuple[int, ...], kernel: np.ndarray, window: Window, groups: int, flow: Slid) -> Maps:
    result = np.zeros(shape, np.float32)
    depth, filters = kernel.shape[2], kernel.shape[3] // groups
    for tap, outputs, pixels in _places(shape, window, flow):
        for group in range(groups):
            channels, own = slice(group * depth, (group + 1) * depth), slice(group * filters, (group + 1) * filters)
            result[(*pixels, channels)] += flow[(*outputs, own)] @ kernel[tap][:, own].T
    return result


def _depthwise(shape: tuple[int, ...], kernel: np.ndarray, window: Window, flow: Slid) -> Maps:
    result = np.zeros(shape, np.float32)
    apart = flow.reshape(*flow.shape[:3], *kernel.shape[2:])
    for tap, outputs, pixels in _places(shape, window, flow):
        result[pixels] += (apart[outputs] * kernel[tap]).sum(axis=-1)
    return result


def _average_pooling(shape: tuple[int, ...], window: Window, flow: Slid) -> Maps:
    """Each pixel of a window has an equal share; the padding is not counted."""
    counts = np.zeros((1, *flow.shape[1:3], 1), np.float32)
    for _, outputs, _ in _places(shape, window, flow):
        counts[outputs] += 1
    result, shared = np.zeros(shape, np.float32), flow / counts
    for _, outputs, pixels in _places(shape, window, flow):
        result[pixels] += shared[outputs]
    return result


def _max_pooling(given: Maps, largest: Slid, window: Window, flow: Slid) -> Maps:
    """The first pixel that has the largest value takes all."""
    result, left = np.zeros(given.shape, np.float32), np.ones(flow.shape, bool)
    for _, outputs, pixels in _places(given.shape, window, flow):
        taken = left[outputs] & (given[pixels] == largest[outputs])
        result[pixels] += np.where(taken, flow[outputs], np.float32(0))
        left[outputs] &= ~taken
    return result
