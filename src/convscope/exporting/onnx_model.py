"""A network as an ONNX model: uint8 images in, probabilities, logits and the score for unknown images out.

Written from the spec with `onnx.helper`, without TensorFlow or a converter. Scaling to [0, 1] and the temperature are
inside the graph. Maps have channels first in between, as ONNX's convolutions want them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from convscope.arithmetic import padding_split
from convscope.data.preprocess import Preprocessing
from convscope.errors import MissingExtraError
from convscope.evaluation.temperature import temperature_of
from convscope.exporting.folding import Weights, folded, writer_of
from convscope.exporting.onnx_activations import ACTIVATIONS
from convscope.exporting.onnx_graph import Graph
from convscope.exporting.onnx_score import add_score
from convscope.exporting.photo import PHOTO_SHAPE, add_preprocessing
from convscope.exporting.score import OUTPUT as SCORE
from convscope.exporting.score import ScoreParts, score_parts
from convscope.model.layers.add import Add
from convscope.model.layers.average_pooling2d import AveragePooling2D
from convscope.model.layers.batch_normalization import BatchNormalization
from convscope.model.layers.concatenate import Concatenate
from convscope.model.layers.conv2d import Conv2D
from convscope.model.layers.dense import Dense
from convscope.model.layers.depthwise_conv2d import DepthwiseConv2D
from convscope.model.layers.flatten import Flatten
from convscope.model.layers.layer_normalization import LayerNormalization
from convscope.model.layers.leaky_re_lu import LeakyReLU
from convscope.model.layers.max_pooling2d import MaxPooling2D
from convscope.model.layers.normalization import EPSILON, Normalization
from convscope.model.layers.rescaling import Rescaling
from convscope.model.layers.reshape import Reshape
from convscope.model.layers.separable_conv2d import SeparableConv2D
from convscope.model.layers.zero_padding2d import ZeroPadding2D
from convscope.model.model_file import Model
from convscope.model.spec import INPUT, Row
from convscope.model.window import Shape, Window


def onnx_bytes(model: Model, metadata: Mapping[str, str]) -> bytes:
    """The network as the bytes of an ONNX file.

    The input ``images`` is uint8 ``(n, height, width, channels)`` for any n; the outputs ``probabilities`` and
    ``logits`` are float32 ``(n, classes)``. The logits are as the last layer gives them, the probabilities are
    calibrated. A network with a score for unknown images has a third output, ``score``, float32 ``(n,)``.

    Args:
        model: The network.
        metadata: Texts that the file holds as ``metadata_props``.

    Raises:
        MissingExtraError: The package onnx is not installed.
        SpecError: A layer has no counterpart in ONNX.
    """
    return onnx_proto(model, metadata, score_parts(model)).SerializeToString()


def onnx_proto(
    model: Model,
    metadata: Mapping[str, str],
    parts: ScoreParts | None,
    *,
    photo: Preprocessing | None = None,
) -> Any:
    """The network as an `onnx.ModelProto`, as `onnx_bytes` describes it.

    Args:
        model: The network.
        metadata: Texts that the file holds.
        parts: What its output ``score`` is computed from; None for a graph without one.
        photo: The preprocessing that goes into the graph; None to take the network's input as it is.

    Raises:
        MissingExtraError, SpecError: As `onnx_bytes`.
    """
    try:
        import onnx
    except ImportError:
        raise MissingExtraError(
            "An ONNX file needs the package onnx.", hint="Run: pip install 'convscope[onnx]'."
        ) from None
    graph, spec = Graph(), model.spec
    pixels = add_preprocessing(graph, photo) if photo else "images"
    scaled = graph.op("Mul", graph.op("Cast", pixels, to=onnx.TensorProto.FLOAT), graph.constant(np.float32(1 / 255)))
    values = {INPUT: graph.op("Transpose", scaled, perm=[0, 3, 1, 2])}
    for step in folded(model, kept=[parts.row.name] if parts else []):
        inputs = [values[name] for name in step.row.inputs]
        values[step.output] = _written(graph, step.row, step.layer, inputs, step.weights)
    logits = graph.op("Identity", values[spec.table()[-1].name], output="logits")
    calibrated = graph.op("Div", logits, graph.constant(np.float32(temperature_of(model.calibration))))
    graph.op("Softmax", calibrated, axis=-1, output="probabilities")
    outputs: dict[str, Shape] = dict.fromkeys(("probabilities", "logits"), (spec.num_classes,))
    if parts:
        features = _channels_last(graph, values[parts.row.inputs[0]], parts.row.input_shape)
        add_score(graph, parts, images=scaled, features=features, logits=logits)
        outputs[SCORE] = ()
    made = graph.model(spec.name, PHOTO_SHAPE if photo else ("n", *spec.input_shape), outputs)
    onnx.helper.set_model_props(made, dict(metadata))
    return made


def _written(graph: Graph, row: Row, layer: Any, inputs: list[str], weights: Weights) -> str:
    """Add a layer to the graph, its activation included; returns the name of its output."""
    output = writer_of(WRITERS, row, layer, title="ONNX")(graph, row, layer, inputs, weights)
    return ACTIVATIONS[layer.activation_name or "linear"](graph, output)


def _slid(window: Window, input_shape: Shape) -> dict[str, Any]:
    before, after = zip(*(padding_split(input_shape[axis], **window.axis(axis)) for axis in (0, 1)), strict=True)
    return {"kernel_shape": list(window.kernel_size), "strides": list(window.strides), "pads": [*before, *after]}


def _convolution(
    graph: Graph, row: Row, window: Window, values: str, kernel: np.ndarray, bias: np.ndarray | None, groups: int
) -> str:
    """Args: ``kernel`` is ``(filters, channels of a group, rows, columns)``."""
    given = [values, graph.constant(kernel)] + ([] if bias is None else [graph.constant(bias)])
    return graph.op(
        "Conv", *given, **_slid(window, row.input_shape), dilations=list(window.dilation_rate), group=groups
    )


def _conv2d(graph: Graph, row: Row, layer: Conv2D, inputs: list[str], weights: Weights) -> str:
    kernel = weights["kernel"].transpose(3, 2, 0, 1)
    return _convolution(graph, row, layer.window, inputs[0], kernel, weights.get("bias"), layer.groups)


def _depthwise_kernel(kernel: np.ndarray) -> np.ndarray:
    rows, columns, channels, multiplier = kernel.shape
    return kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, rows, columns)


def _depthwise_conv2d(graph: Graph, row: Row, layer: DepthwiseConv2D, inputs: list[str], weights: Weights) -> str:
    kernel, channels = weights["kernel"], row.input_shape[2]
    return _convolution(graph, row, layer.window, inputs[0], _depthwise_kernel(kernel), weights.get("bias"), channels)


def _separable_conv2d(graph: Graph, row: Row, layer: SeparableConv2D, inputs: list[str], weights: Weights) -> str:
    kernel, channels = _depthwise_kernel(weights["depthwise_kernel"]), row.input_shape[2]
    depthwise = _convolution(graph, row, layer.window, inputs[0], kernel, None, channels)
    pointwise = weights["pointwise_kernel"].transpose(3, 2, 0, 1)
    return _convolution(graph, row, Window((1, 1)), depthwise, pointwise, weights.get("bias"), 1)


def _dense(graph: Graph, row: Row, layer: Dense, inputs: list[str], weights: Weights) -> str:
    given = [inputs[0], graph.constant(weights["kernel"])]
    return graph.op("Gemm", *given, *([graph.constant(weights["bias"])] if "bias" in weights else []))


def _max_pooling2d(graph: Graph, row: Row, layer: MaxPooling2D, inputs: list[str], weights: Weights) -> str:
    return graph.op("MaxPool", inputs[0], **_slid(layer.window, row.input_shape))


def _average_pooling2d(graph: Graph, row: Row, layer: AveragePooling2D, inputs: list[str], weights: Weights) -> str:
    return graph.op("AveragePool", inputs[0], **_slid(layer.window, row.input_shape), count_include_pad=0)


def _global(op: str) -> Callable[..., str]:
    def write(graph: Graph, row: Row, layer: object, inputs: list[str], weights: Weights) -> str:
        return graph.op("Flatten", graph.op(op, inputs[0]), axis=1)

    return write


def _per_channel(values: np.ndarray, shape: Shape) -> np.ndarray:
    """One number for each channel, or for all, for maps with channels first, or for vectors."""
    return values.reshape(-1, 1, 1) if len(shape) == 3 else values


def _batch_normalization(graph: Graph, row: Row, layer: BatchNormalization, inputs: list[str], weights: Weights) -> str:
    mean, variance = weights["moving_mean"], weights["moving_variance"]
    gamma, beta = weights.get("gamma", np.ones_like(mean)), weights.get("beta", np.zeros_like(mean))
    given = [graph.constant(value) for value in (gamma, beta, mean, variance)]
    return graph.op("BatchNormalization", inputs[0], *given, epsilon=float(layer.epsilon))


def _layer_normalization(graph: Graph, row: Row, layer: LayerNormalization, inputs: list[str], weights: Weights) -> str:
    values = _channels_last(graph, inputs[0], row.input_shape)
    channels = row.input_shape[-1]
    scale = weights.get("gamma", np.ones(channels, np.float32))
    given = [values, graph.constant(scale)] + ([graph.constant(weights["beta"])] if layer.center else [])
    output = graph.op("LayerNormalization", *given, axis=-1, epsilon=float(layer.epsilon))
    return _channels_first(graph, output, row.input_shape)


def _normalization(graph: Graph, row: Row, layer: Normalization, inputs: list[str], weights: Weights) -> str:
    deviation = np.maximum(np.sqrt(np.array(layer.variance, np.float32)), np.float32(EPSILON))
    mean = graph.constant(_per_channel(np.array(layer.mean, np.float32), row.input_shape))
    return graph.op("Div", graph.op("Sub", inputs[0], mean), graph.constant(_per_channel(deviation, row.input_shape)))


def _rescaling(graph: Graph, row: Row, layer: Rescaling, inputs: list[str], weights: Weights) -> str:
    scaled = graph.op("Mul", inputs[0], graph.constant(np.float32(layer.scale)))
    return graph.op("Add", scaled, graph.constant(np.float32(layer.offset)))


def _leaky_re_lu(graph: Graph, row: Row, layer: LeakyReLU, inputs: list[str], weights: Weights) -> str:
    return graph.op("LeakyRelu", inputs[0], alpha=float(layer.negative_slope))


def _zero_padding2d(graph: Graph, row: Row, layer: ZeroPadding2D, inputs: list[str], weights: Weights) -> str:
    (top, bottom), (left, right) = layer.padding
    pads = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
    return graph.op("Pad", inputs[0], graph.constant(pads))


def _channels_last(graph: Graph, values: str, shape: Shape) -> str:
    return graph.op("Transpose", values, perm=[0, 2, 3, 1]) if len(shape) == 3 else values


def _channels_first(graph: Graph, values: str, shape: Shape) -> str:
    return graph.op("Transpose", values, perm=[0, 3, 1, 2]) if len(shape) == 3 else values


def _reshape(graph: Graph, row: Row, layer: Reshape | Flatten, inputs: list[str], weights: Weights) -> str:
    values = _channels_last(graph, inputs[0], row.input_shape)
    shape = graph.constant(np.array([0, *row.output_shape], np.int64))  # 0 keeps the number of images
    return _channels_first(graph, graph.op("Reshape", values, shape), row.output_shape)


def _add(graph: Graph, row: Row, layer: Add, inputs: list[str], weights: Weights) -> str:
    total = inputs[0]
    for other in inputs[1:]:
        total = graph.op("Add", total, other)
    return total


def _concatenate(graph: Graph, row: Row, layer: Concatenate, inputs: list[str], weights: Weights) -> str:
    return graph.op("Concat", *inputs, axis=1)


def _same(graph: Graph, row: Row, layer: object, inputs: list[str], weights: Weights) -> str:
    return inputs[0]


WRITERS: dict[str, Callable[..., str]] = {
    "Activation": _same,
    "Add": _add,
    "AveragePooling2D": _average_pooling2d,
    "BatchNormalization": _batch_normalization,
    "Concatenate": _concatenate,
    "Conv2D": _conv2d,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise_conv2d,
    "Dropout": _same,
    "Flatten": _reshape,
    "GlobalAveragePooling2D": _global("GlobalAveragePool"),
    "GlobalMaxPooling2D": _global("GlobalMaxPool"),
    "LayerNormalization": _layer_normalization,
    "LeakyReLU": _leaky_re_lu,
    "MaxPooling2D": _max_pooling2d,
    "Normalization": _normalization,
    "ReLU": _same,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "SeparableConv2D": _separable_conv2d,
    "Softmax": _same,
    "ZeroPadding2D": _zero_padding2d,
}
"""Layer class to what adds it to the graph, without its activation."""
