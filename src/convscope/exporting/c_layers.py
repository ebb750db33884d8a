"""The layers of a network in C: constants for their weights, and calls of the functions of `c_functions`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convscope.arithmetic import padding_split
from convscope.exporting.c_functions import ACTIVATIONS
from convscope.exporting.folding import Weights, affine, writer_of
from convscope.model.layers.normalization import EPSILON
from convscope.model.spec import Row
from convscope.model.window import Window

IN_PLACE = {
    "Activation", "Add", "BatchNormalization", "Dropout", "Flatten", "LayerNormalization", "LeakyReLU", "Normalization",
    "ReLU", "Rescaling", "Reshape", "Softmax",
}  # fmt: skip
"""Layers whose output may take the place of their first input."""


@dataclass
class Source:
    """The parts of the file as they are written.

    Attributes:
        arrays: Definitions of constants.
        calls: Lines of the body of ``convscope_logits``.
        functions: Names of the functions that are called.
    """

    arrays: list[str]
    calls: list[str]
    functions: set[str]

    def array(self, name: str, values: np.ndarray) -> str:
        """Define a constant array, of 8 bits if its values are; returns its name in C."""
        is_small = values.dtype == np.int8
        write, kind, each = (str, "signed char", 24) if is_small else (c_number, "float", 8)
        numbers = [write(value) for value in np.asarray(values, np.int8 if is_small else np.float32).ravel().tolist()]
        lines = ["  " + ", ".join(numbers[start : start + each]) for start in range(0, len(numbers), each)]
        identifier = re.sub(r"\W", "_", name)
        self.arrays.append(f"static const {kind} {identifier}[{len(numbers)}] = {{\n" + ",\n".join(lines) + "\n};\n")
        return identifier

    def call(self, function: str, *arguments: str | int | float) -> None:
        """Call one of `c_functions.FUNCTIONS`."""
        self.functions.add(function)
        self.calls.append(f"  {function}({', '.join(map(str, arguments))});")


def c_number(value: float) -> str:
    """A number as a float of C, in so many digits that it is read back as the same float32."""
    text = f"{float(np.float32(value)):.9g}"
    return (text if any(mark in text for mark in ".en") else f"{text}.0") + "f"


def _window(row: Row, window: Window) -> tuple[int, ...]:
    """Kernel, strides, dilation and padding before, each for rows and columns."""
    before = [padding_split(row.input_shape[axis], **window.axis(axis))[0] for axis in (0, 1)]
    return (*window.kernel_size, *window.strides, *window.dilation_rate, *before)


def _bias(source: Source, row: Row, weights: Weights) -> str:
    return source.array(f"{row.name}_bias", weights["bias"]) if "bias" in weights else "0"


def _conv2d(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
    kernel = source.array(f"{row.name}_kernel", weights["kernel"])
    shapes = (*row.input_shape, *row.output_shape, *_window(row, layer.window))
    source.call("conv2d", inputs[0], kernel, _bias(source, row, weights), output, *shapes, layer.groups)


def _depthwise_conv2d(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
    kernel = source.array(f"{row.name}_kernel", weights["kernel"])
    shapes = (*row.input_shape, *row.output_shape, *_window(row, layer.window))
    source.call("depthwise_conv2d", inputs[0], kernel, _bias(source, row, weights), output, *shapes)


def _separable_conv2d(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
    depthwise = source.array(f"{row.name}_depthwise_kernel", weights["depthwise_kernel"])
    pointwise = source.array(f"{row.name}_pointwise_kernel", weights["pointwise_kernel"])
    middle = row.input_shape[2] * layer.depth_multiplier
    shapes = (*row.input_shape, *row.output_shape, middle, *_window(row, layer.window))
    source.call("separable_conv2d", inputs[0], depthwise, pointwise, _bias(source, row, weights), output, *shapes)


def _dense(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
    kernel = source.array(f"{row.name}_kernel", weights["kernel"])
    source.call(
        "dense", inputs[0], kernel, _bias(source, row, weights), output, row.input_shape[0], row.output_shape[0]
    )


def _pooling(function: str) -> Callable[..., None]:
    def write(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
        slid = _window(row, layer.window)
        shapes = (*row.input_shape, *row.output_shape[:2], *slid[:4], *slid[6:])
        source.call(function, inputs[0], output, *shapes)

    return write


def _global(function: str) -> Callable[..., None]:
    def write(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
        h, w, c = row.input_shape
        source.call(function, inputs[0], output, h * w, c)

    return write


def _affine(source: Source, row: Row, factor: np.ndarray, shift: np.ndarray, given: str, output: str) -> None:
    channels = row.input_shape[-1]
    names = [
        source.array(f"{row.name}_{name}", np.broadcast_to(np.asarray(value, np.float32), (channels,)))
        for name, value in (("factor", factor), ("shift", shift))
    ]
    source.call("affine", given, *names, output, math.prod(row.input_shape) // channels, channels)


def _batch_normalization(
    source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str
) -> None:
    _affine(source, row, *affine(layer, weights), inputs[0], output)


def _normalization(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
    factor = 1 / np.maximum(np.sqrt(np.array(layer.variance)), EPSILON)
    _affine(source, row, factor, -np.array(layer.mean) * factor, inputs[0], output)


def _rescaling(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
    _affine(source, row, np.array(layer.scale), np.array(layer.offset), inputs[0], output)


def _layer_normalization(
    source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str
) -> None:
    channels = row.input_shape[-1]
    gamma = source.array(f"{row.name}_gamma", weights["gamma"]) if layer.scale else "0"
    beta = source.array(f"{row.name}_beta", weights["beta"]) if layer.center else "0"
    places = math.prod(row.input_shape) // channels
    source.call("layer_normalization", inputs[0], gamma, beta, output, places, channels, c_number(layer.epsilon))


def _leaky_re_lu(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
    source.call("leaky", inputs[0], output, math.prod(row.input_shape), c_number(layer.negative_slope))


def _zero_padding2d(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
    (top, _), (left, _) = layer.padding
    source.call("zero_padding2d", inputs[0], output, *row.input_shape, *row.output_shape[:2], top, left)


def _add(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
    size = math.prod(row.output_shape)
    source.call("add", inputs[0], inputs[1], output, size)
    for other in inputs[2:]:
        source.call("add", output, other, output, size)


def _concatenate(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
    channels, start = row.output_shape[-1], 0
    for given, shape in zip(inputs, row.input_shapes, strict=True):
        places = math.prod(shape) // shape[-1]
        source.call("copy_channels", given, output, places, shape[-1], channels, start)
        start += shape[-1]


def _same(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
    if inputs[0] != output:
        source.call("copy", inputs[0], output, math.prod(row.output_shape))


WRITERS: dict[str, Callable[..., None]] = {
    "Activation": _same,
    "Add": _add,
    "AveragePooling2D": _pooling("average_pooling2d"),
    "BatchNormalization": _batch_normalization,
    "Concatenate": _concatenate,
    "Conv2D": _conv2d,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise_conv2d,
    "Dropout": _same,
    "Flatten": _same,
    "GlobalAveragePooling2D": _global("global_average_pooling2d"),
    "GlobalMaxPooling2D": _global("global_max_pooling2d"),
    "LayerNormalization": _layer_normalization,
    "LeakyReLU": _leaky_re_lu,
    "MaxPooling2D": _pooling("max_pooling2d"),
    "Normalization": _normalization,
    "ReLU": _same,
    "Rescaling": _rescaling,
    "Reshape": _same,
    "SeparableConv2D": _separable_conv2d,
    "Softmax": _same,
    "ZeroPadding2D": _zero_padding2d,
}
"""Layer class to what calls its function, without its activation."""


def write_layer(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
    """Call the functions of one layer, its activation included.

    Args:
        source: The file.
        row: The layer in the network.
        layer: Its settings.
        weights: Its weights, by their names within the layer.
        inputs: Expressions of C for the addresses of its inputs.
        output: The same for its output.

    Raises:
        SpecError: The layer has no counterpart in C.
    """
    write = writer_of(WRITERS, row, layer, title="C")
    source.calls.append(f"  /* {row.name}: {row.kind} */")
    write(source, row, layer, weights, inputs, output)
    activation = layer.activation_name or "linear"
    if activation != "linear" and row.kind != "LeakyReLU":
        source.call(ACTIVATIONS[activation], output, math.prod(row.output_shape))
