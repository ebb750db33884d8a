"""The slow, obvious way, in float64: what the fast code must agree with. No function here asks `convscope.arithmetic`.

Pictures are ``(n, h, w, c)``. Padding is never stored: a tap that falls outside the picture is left out of its window.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

Pair = tuple[int, int]


def window_starts(
    size: int, kernel_size: int, *, strides: int, padding: str | int, dilation_rate: int = 1
) -> list[int]:
    """The position of each window's first tap on one axis, found by trying; negative inside the padding.

    ``same`` is tried out too: as many windows as there are multiples of the stride in the picture, under the least
    padding that makes the last one fit, the odd zero behind. A number is that many zeros on each side.
    """
    extent = max(tap * dilation_rate for tap in range(kernel_size)) + 1
    if isinstance(padding, int):
        return [start for start in range(-padding, size, strides) if start + extent <= size + padding]
    if padding == "valid":
        return [start for start in range(0, size, strides) if start + extent <= size]
    wanted = len(range(0, size, strides))
    total = 0
    while len([start for start in range(0, size + total, strides) if start + extent <= size + total]) < wanted:
        total += 1
    return [index * strides - total // 2 for index in range(wanted)]


def windows(
    shape: tuple[int, ...],
    kernel_size: Pair,
    *,
    strides: Pair = (1, 1),
    padding: str | Pair = "valid",
    dilation_rate: Pair = (1, 1),
) -> Iterator[tuple[Pair, list[tuple[int, int, int, int]]]]:
    """Each output place with its taps inside the picture: (tap row, tap column, picture row, picture column)."""
    tops, lefts = (
        window_starts(
            shape[axis],
            kernel_size[axis],
            strides=strides[axis],
            padding=padding if isinstance(padding, str) else padding[axis],
            dilation_rate=dilation_rate[axis],
        )
        for axis in (0, 1)
    )
    for (row, top), (column, left) in itertools.product(enumerate(tops), enumerate(lefts)):
        taps = []
        for i, j in itertools.product(range(kernel_size[0]), range(kernel_size[1])):
            y, x = top + i * dilation_rate[0], left + j * dilation_rate[1]
            if 0 <= y < shape[0] and 0 <= x < shape[1]:
                taps.append((i, j, y, x))
        yield (row, column), taps


def _empty(pictures: np.ndarray, places: list, channels: int) -> np.ndarray:
    rows, columns = (1 + max(place[axis] for place, _ in places) for axis in (0, 1))
    return np.zeros((len(pictures), rows, columns, channels))


def convolution(
    pictures: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None = None, *, groups: int = 1, **sliding: object
) -> np.ndarray:
    """Every product by itself: each filter looks at the channels of its own group."""
    places = list(windows(pictures.shape[1:], kernel.shape[:2], **sliding))
    depth, filters = kernel.shape[2:]
    out = _empty(pictures, places, filters)
    for n, f, ((row, column), taps) in itertools.product(range(len(pictures)), range(filters), places):
        group = f // (filters // groups)
        total = 0.0 if bias is None else float(bias[f])
        for i, j, y, x in taps:
            for c in range(depth):
                total += float(pictures[n, y, x, group * depth + c]) * float(kernel[i, j, c, f])
        out[n, row, column, f] = total
    return out


def depthwise_convolution(
    pictures: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None = None, **sliding: object
) -> np.ndarray:
    """Each channel has its own windows; output channel ``c × multiplier + m``."""
    places = list(windows(pictures.shape[1:], kernel.shape[:2], **sliding))
    channels, multiplier = kernel.shape[2:]
    out = _empty(pictures, places, channels * multiplier)
    for n, c, m in itertools.product(range(len(pictures)), range(channels), range(multiplier)):
        for (row, column), taps in places:
            total = 0.0 if bias is None else float(bias[c * multiplier + m])
            for i, j, y, x in taps:
                total += float(pictures[n, y, x, c]) * float(kernel[i, j, c, m])
            out[n, row, column, c * multiplier + m] = total
    return out


def pooling(
    pictures: np.ndarray, pool_size: Pair, fold: Callable[[list[float]], float], **sliding: object
) -> np.ndarray:
    """``fold`` of the pixels in each window; those of the padding are not there."""
    places = list(windows(pictures.shape[1:], pool_size, **sliding))
    out = _empty(pictures, places, pictures.shape[3])
    for n, c, ((row, column), taps) in itertools.product(range(len(pictures)), range(pictures.shape[3]), places):
        out[n, row, column, c] = fold([float(pictures[n, y, x, c]) for _, _, y, x in taps])
    return out


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def global_average(pictures: np.ndarray) -> np.ndarray:
    n, h, w, c = pictures.shape
    out = np.zeros((n, c))
    for image, channel in itertools.product(range(n), range(c)):
        values = [float(pictures[image, y, x, channel]) for y in range(h) for x in range(w)]
        out[image, channel] = mean(values)
    return out


def global_max(pictures: np.ndarray) -> np.ndarray:
    n, h, w, c = pictures.shape
    out = np.zeros((n, c))
    for image, channel in itertools.product(range(n), range(c)):
        out[image, channel] = max(float(pictures[image, y, x, channel]) for y in range(h) for x in range(w))
    return out


def zero_padding(pictures: np.ndarray, padding: tuple[Pair, Pair]) -> np.ndarray:
    (top, bottom), (left, right) = padding
    n, h, w, c = pictures.shape
    out = np.zeros((n, top + h + bottom, left + w + right, c))
    for image, y, x, channel in np.ndindex(pictures.shape):
        out[image, top + y, left + x, channel] = pictures[image, y, x, channel]
    return out


def layer_normalization(tensor: np.ndarray, weights: Mapping[str, np.ndarray], *, epsilon: float) -> np.ndarray:
    """At each place (x - mean) / sqrt(variance + epsilon) * gamma + beta over the channels."""
    out = np.empty(tensor.shape)
    for place in np.ndindex(tensor.shape[:-1]):
        row = [float(x) for x in tensor[place]]
        middle = mean(row)
        spread = math.sqrt(mean([(x - middle) ** 2 for x in row]) + epsilon)
        for c, x in enumerate(row):
            value = (x - middle) / spread * (float(weights["gamma"][c]) if "gamma" in weights else 1.0)
            out[(*place, c)] = value + (float(weights["beta"][c]) if "beta" in weights else 0.0)
    return out


def total(*tensors: np.ndarray) -> np.ndarray:
    out = np.empty(tensors[0].shape)
    for place in np.ndindex(out.shape):
        out[place] = math.fsum(float(tensor[place]) for tensor in tensors)
    return out


def each(tensor: np.ndarray, number: Callable[[float], float]) -> np.ndarray:
    """A function of each number by itself."""
    return np.array([number(float(x)) for x in tensor.ravel()]).reshape(tensor.shape)


def dense(rows: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    out = np.zeros((len(rows), kernel.shape[1]))
    for n, unit in itertools.product(range(len(rows)), range(kernel.shape[1])):
        terms = [float(rows[n, i]) * float(kernel[i, unit]) for i in range(kernel.shape[0])]
        out[n, unit] = math.fsum(terms) + (0.0 if bias is None else float(bias[unit]))
    return out


def batch_normalization(tensor: np.ndarray, weights: Mapping[str, np.ndarray], *, epsilon: float) -> np.ndarray:
    """As the paper has it: (x - mean) / sqrt(variance + epsilon) * gamma + beta."""
    out = np.empty(tensor.shape)
    for place in np.ndindex(tensor.shape):
        c = place[-1]
        value = float(tensor[place]) - float(weights["moving_mean"][c])
        value /= math.sqrt(float(weights["moving_variance"][c]) + epsilon)
        value *= float(weights["gamma"][c]) if "gamma" in weights else 1.0
        out[place] = value + (float(weights["beta"][c]) if "beta" in weights else 0.0)
    return out


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _hard_sigmoid(x: float) -> float:
    """Keras 3's; that of Keras 2 was another function."""
    return min(max(x + 3, 0.0), 6.0) / 6


ACTIVATIONS: dict[str, Callable[[float], float]] = {
    "linear": lambda x: x,
    "relu": lambda x: x if x > 0 else 0.0,
    "leaky_relu": lambda x: x if x > 0 else 0.2 * x,
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x)),
    "gelu": lambda x: x * math.erfc(-x / math.sqrt(2)) / 2,
    "silu": lambda x: x * _sigmoid(x),
    "hard_silu": lambda x: x * _hard_sigmoid(x),
    "mish": lambda x: x * math.tanh(_softplus(x)),
    "softplus": lambda x: _softplus(x),
    "softsign": lambda x: x / (1 + abs(x)),
    "hard_sigmoid": lambda x: _hard_sigmoid(x),
    "sigmoid": _sigmoid,
    "tanh": math.tanh,
}
"""One number at a time; softmax looks at a whole row and stands by itself."""


def activation(tensor: np.ndarray, name: str) -> np.ndarray:
    if name == "softmax":
        return softmax(tensor)
    return np.array([ACTIVATIONS[name](float(x)) for x in tensor.ravel()]).reshape(tensor.shape)


def softmax(rows: np.ndarray) -> np.ndarray:
    out = np.empty(rows.shape)
    for place in np.ndindex(rows.shape[:-1]):
        row = [float(x) for x in rows[place]]
        powers = [math.exp(x - max(row)) for x in row]
        out[place] = [power / math.fsum(powers) for power in powers]
    return out


def seen_by(network: Callable[[np.ndarray], np.ndarray], shape: Pair, place: Pair) -> set[Pair]:
    """The pixels that one output place sees: those whose change changes it.

    ``network`` maps ``(1, h, w, 1)`` to ``(1, rows, columns, 1)`` and must not be able to hide a change: positive
    weights, no activation; under max pooling a pixel that becomes huge always wins.
    """
    base, seen = np.ones((1, *shape, 1)), set()
    before = network(base)[0, place[0], place[1], 0]
    for pixel in np.ndindex(*shape):
        changed = base.copy()
        changed[0, pixel[0], pixel[1], 0] = 1e6
        if network(changed)[0, place[0], place[1], 0] != before:
            seen.add(pixel)
    return seen


def joined(*tensors: np.ndarray) -> np.ndarray:
    """Each pixel's channels as one list: those of the first input, then those of the next."""
    out = np.empty((*tensors[0].shape[:-1], sum(tensor.shape[-1] for tensor in tensors)))
    for place in np.ndindex(out.shape[:-1]):
        out[place] = [float(x) for tensor in tensors for x in tensor[place]]
    return out


def standardized(tensor: np.ndarray, mean: tuple[float, ...], variance: tuple[float, ...]) -> np.ndarray:
    out = np.empty(tensor.shape)
    for place in np.ndindex(tensor.shape):
        m, v = (numbers[place[-1] % len(numbers)] for numbers in (mean, variance))
        out[place] = (float(tensor[place]) - m) / max(math.sqrt(v), 1e-7)
    return out


def reshaped(picture: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    out = np.empty(shape)
    for place, value in zip(np.ndindex(*shape), picture.ravel(), strict=True):
        out[place] = value
    return out


# --- one layer of each kind ---------------------------------------------------------------------------------------

Weights = Mapping[str, np.ndarray]


def _sliding(layer: Any) -> dict[str, object]:
    return {"strides": layer.strides, "padding": layer.padding, "dilation_rate": layer.dilation_rate}


def _separable(layer: Any, weights: Weights, tensor: np.ndarray) -> np.ndarray:
    half = depthwise_convolution(tensor, weights["depthwise_kernel"], **_sliding(layer))
    return convolution(half, weights["pointwise_kernel"], weights.get("bias"))


def _pooling(fold: Callable[[list[float]], float]) -> Callable[[Any, Weights, np.ndarray], np.ndarray]:
    return lambda layer, weights, tensor: pooling(
        tensor, layer.pool_size, fold, strides=layer.strides, padding=layer.padding
    )


def same(layer: Any, weights: Weights, tensor: np.ndarray) -> np.ndarray:
    """Nothing, before the activation if there is one."""
    return tensor


LAYERS: dict[str, Callable[..., np.ndarray]] = {
    "Activation": same,
    "Add": lambda layer, weights, *tensors: total(*tensors),
    "AveragePooling2D": _pooling(mean),
    "BatchNormalization": lambda layer, weights, tensor: batch_normalization(tensor, weights, epsilon=layer.epsilon),
    "Concatenate": lambda layer, weights, *tensors: joined(*tensors),
    "Conv2D": lambda layer, weights, tensor: convolution(
        tensor, weights["kernel"], weights.get("bias"), groups=layer.groups, **_sliding(layer)
    ),
    "Dense": lambda layer, weights, tensor: dense(tensor, weights["kernel"], weights.get("bias")),
    "DepthwiseConv2D": lambda layer, weights, tensor: depthwise_convolution(
        tensor, weights["kernel"], weights.get("bias"), **_sliding(layer)
    ),
    "Dropout": same,
    "Flatten": lambda layer, weights, tensor: np.array([list(picture.ravel()) for picture in tensor]),
    "GlobalAveragePooling2D": lambda layer, weights, tensor: global_average(tensor),
    "GlobalMaxPooling2D": lambda layer, weights, tensor: global_max(tensor),
    "LayerNormalization": lambda layer, weights, tensor: layer_normalization(tensor, weights, epsilon=layer.epsilon),
    "LeakyReLU": same,
    "MaxPooling2D": _pooling(max),
    "Normalization": lambda layer, weights, tensor: standardized(tensor, layer.mean, layer.variance),
    "ReLU": same,
    "Reshape": lambda layer, weights, tensor: np.array(
        [reshaped(picture, layer.output_shape(picture.shape)) for picture in tensor]
    ),
    "Rescaling": lambda layer, weights, tensor: each(tensor, lambda x: x * layer.scale + layer.offset),
    "SeparableConv2D": _separable,
    "Softmax": same,
    "ZeroPadding2D": lambda layer, weights, tensor: zero_padding(tensor, layer.padding),
}
"""What a layer computes before its activation, from the layer, its weights and its inputs."""


def layer(row: Any, weights: Weights, inputs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """What one layer computes, before and after its activation."""
    before = LAYERS[row.kind](row.layer, weights, *inputs)
    if row.kind == "LeakyReLU":
        return before, each(before, lambda x: x if x > 0 else x * row.layer.negative_slope)
    name = {"ReLU": "relu", "Softmax": "softmax"}.get(row.kind) or getattr(row.layer, "activation", "linear")
    return before, activation(before, name)
