"""A network as a LiteRT model (a .tflite file): uint8 images in, probabilities, logits and score out.

Written from the spec as a flatbuffer, without TensorFlow or a converter. Scaling to [0, 1] and the temperature are
inside the graph, and batch normalization is folded into the layer before it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from convscope.evaluation.temperature import temperature_of
from convscope.exporting.folding import Step, affine, folded, writer_of
from convscope.exporting.litert_activations import ACTIVATIONS
from convscope.exporting.litert_file import DTYPES, FUSED, Graph, Value, window_options
from convscope.exporting.litert_score import add_score
from convscope.exporting.score import ScoreParts, score_parts
from convscope.model.layers.normalization import EPSILON
from convscope.model.model_file import Model
from convscope.model.spec import INPUT


def litert_bytes(model: Model, metadata: Mapping[str, str]) -> bytes:
    """The network as the bytes of a LiteRT file.

    The input ``images`` is uint8 ``(n, height, width, channels)`` for any n; the outputs ``probabilities`` and
    ``logits`` are float32 ``(n, classes)``. The logits are as the last layer gives them, the probabilities are
    calibrated. A network with a score for unknown images has a third output, ``score``, float32 ``(n,)``. The class
    names lie behind the model as a ZIP archive with ``labels.txt``, where tools look for them.

    Args:
        model: The network.
        metadata: Texts that the file holds as metadata.

    Raises:
        SpecError: A layer has no counterpart in LiteRT.
    """
    graph = litert_graph(model, score_parts(model))
    return with_labels(graph.to_bytes(name=model.spec.name, metadata=metadata), model.class_names)


def with_labels(content: bytes, class_names: tuple[str, ...]) -> bytes:
    """A LiteRT file with its class names behind it, in an archive without compression."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("labels.txt", date_time=(1980, 1, 1, 0, 0, 0))
        archive.writestr(entry, "".join(f"{name}\n" for name in class_names))
    return content + packed.getvalue()


def litert_graph(model: Model, parts: ScoreParts | None) -> Graph:
    """The graph of a network.

    Args:
        model: The network.
        parts: What its output ``score`` is computed from; None for a graph without one.

    Raises:
        SpecError: A layer has no counterpart in LiteRT.
    """
    graph, spec = Graph(), model.spec
    images = graph.add(Value("images", (1, *spec.input_shape), "uint8"))
    graph.inputs["images"] = images
    real = graph.op("CAST", images, **_TO_FLOAT)
    values = {INPUT: graph.op("MUL", real, graph.constant(np.float32(1 / 255)), name="scaled")}
    for step in folded(model, kept=[parts.row.name] if parts else []):
        values[step.output] = _written(graph, step, [values[name] for name in step.row.inputs])
    logits = values[spec.table()[-1].name]
    probabilities = graph.op("SOFTMAX", logits, name="probabilities", beta=1 / temperature_of(model.calibration))
    graph.outputs |= {"probabilities": probabilities, "logits": logits}
    if parts:
        add_score(graph, parts, images=values[INPUT], features=values[parts.row.inputs[0]], logits=logits)
    return graph


def _written(graph: Graph, step: Step, inputs: list[int]) -> int:
    """Add a layer to the graph, its activation included; returns its output."""
    row = step.row
    output = writer_of(WRITERS, row, step.layer, title="LiteRT")(graph, step, inputs)
    activation = step.layer.activation_name or "linear"
    return output if row.kind in _FUSING and activation in FUSED else ACTIVATIONS[activation](graph, output)


def _fused(step: Step) -> int:
    return FUSED.get(step.layer.activation_name or "linear", 0)


def _bias(graph: Graph, step: Step, count: int) -> int:
    return graph.constant(step.weights.get("bias", np.zeros(count, np.float32)))


def _conv2d(graph: Graph, step: Step, inputs: list[int]) -> int:
    kernel = step.weights["kernel"].transpose(3, 0, 1, 2)
    window = step.layer.window
    options = window_options(window.strides, window.padding, window.dilation_rate)
    given = (inputs[0], graph.constant(kernel), _bias(graph, step, len(kernel)))
    return graph.op("CONV_2D", *given, shape=step.row.output_shape, fused=_fused(step), **options)


def _depthwise(graph: Graph, step: Step, given: int, kernel: np.ndarray, bias: int, fused: int) -> int:
    rows, columns, channels, multiplier = kernel.shape
    window = step.layer.window
    shape = (*window.output_size(step.row.input_shape), channels * multiplier)
    weights = graph.constant(kernel.reshape(1, rows, columns, channels * multiplier))
    options = window_options(window.strides, window.padding, window.dilation_rate)
    return graph.op(
        "DEPTHWISE_CONV_2D", given, weights, bias, shape=shape, fused=fused, multiplier=multiplier, **options
    )


def _depthwise_conv2d(graph: Graph, step: Step, inputs: list[int]) -> int:
    bias = _bias(graph, step, step.row.output_shape[-1])
    return _depthwise(graph, step, inputs[0], step.weights["kernel"], bias, _fused(step))


def _separable_conv2d(graph: Graph, step: Step, inputs: list[int]) -> int:
    kernel = step.weights["depthwise_kernel"]
    nothing = graph.constant(np.zeros(kernel.shape[2] * kernel.shape[3], np.float32))
    middle = _depthwise(graph, step, inputs[0], kernel, nothing, 0)
    pointwise = step.weights["pointwise_kernel"].transpose(3, 0, 1, 2)
    given = (middle, graph.constant(pointwise), _bias(graph, step, len(pointwise)))
    options = window_options((1, 1), "valid", (1, 1))
    return graph.op("CONV_2D", *given, shape=step.row.output_shape, fused=_fused(step), **options)


def _dense(graph: Graph, step: Step, inputs: list[int]) -> int:
    kernel = np.ascontiguousarray(step.weights["kernel"].T)
    given = (inputs[0], graph.constant(kernel), _bias(graph, step, len(kernel)))
    return graph.op("FULLY_CONNECTED", *given, shape=step.row.output_shape, fused=_fused(step))


def _pooling(kind: str) -> Callable[..., int]:
    def write(graph: Graph, step: Step, inputs: list[int]) -> int:
        window = step.layer.window
        rows, columns = window.kernel_size
        options = window_options(window.strides, window.padding) | {"filter_h": rows, "filter_w": columns, "fused": 0}
        return graph.op(kind, inputs[0], shape=step.row.output_shape, **options)

    return write


def _global(kind: str) -> Callable[..., int]:
    def write(graph: Graph, step: Step, inputs: list[int]) -> int:
        axes = graph.constant(np.array([1, 2], np.int32))
        return graph.op(kind, inputs[0], axes, shape=step.row.output_shape, keep_dims=False)

    return write


def _scaled(graph: Graph, given: int, factor: np.ndarray | np.generic, shift: np.ndarray | np.generic) -> int:
    product = graph.op("MUL", given, graph.constant(np.asarray(factor, np.float32)), fused=0)
    return graph.op("ADD", product, graph.constant(np.asarray(shift, np.float32)), fused=0)


def _batch_normalization(graph: Graph, step: Step, inputs: list[int]) -> int:
    return _scaled(graph, inputs[0], *affine(step.layer, step.weights))


def _rescaling(graph: Graph, step: Step, inputs: list[int]) -> int:
    return _scaled(graph, inputs[0], np.float32(step.layer.scale), np.float32(step.layer.offset))


def _normalization(graph: Graph, step: Step, inputs: list[int]) -> int:
    deviation = np.maximum(np.sqrt(np.array(step.layer.variance, np.float32)), np.float32(EPSILON))
    centered = graph.op("SUB", inputs[0], graph.constant(np.array(step.layer.mean, np.float32)), fused=0)
    return graph.op("DIV", centered, graph.constant(deviation), fused=0)


def _layer_normalization(graph: Graph, step: Step, inputs: list[int]) -> int:
    shape = step.row.input_shape
    axis = graph.constant(np.array([len(shape)], np.int32))
    mean = graph.op("MEAN", inputs[0], axis, shape=(*shape[:-1], 1), keep_dims=True)
    centered = graph.op("SUB", inputs[0], mean, fused=0)
    variance = graph.op(
        "MEAN", graph.op("MUL", centered, centered, fused=0), axis, shape=(*shape[:-1], 1), keep_dims=True
    )
    shifted = graph.op("ADD", variance, graph.constant(np.float32(step.layer.epsilon)), fused=0)
    output = graph.op("DIV", centered, graph.op("SQRT", shifted), fused=0)
    if step.layer.scale:
        output = graph.op("MUL", output, graph.constant(step.weights["gamma"]), fused=0)
    return graph.op("ADD", output, graph.constant(step.weights["beta"]), fused=0) if step.layer.center else output


def _leaky_re_lu(graph: Graph, step: Step, inputs: list[int]) -> int:
    slope = float(step.layer.negative_slope)
    if slope <= 1:
        return graph.op("LEAKY_RELU", inputs[0], alpha=slope)
    # LiteRT's kernel takes the larger of x and slope × x, which is right for slopes up to 1
    below = graph.op(
        "MUL", graph.op("MINIMUM", inputs[0], graph.constant(np.float32(0))), graph.constant(np.float32(slope))
    )
    return graph.op("ADD", graph.op("RELU", inputs[0]), below)


def _zero_padding2d(graph: Graph, step: Step, inputs: list[int]) -> int:
    sides = graph.constant(np.array([(0, 0), *step.layer.padding, (0, 0)], np.int32))
    return graph.op("PAD", inputs[0], sides, shape=step.row.output_shape)


def _reshape(graph: Graph, step: Step, inputs: list[int]) -> int:
    shape = graph.constant(np.array([-1, *step.row.output_shape], np.int32))  # -1 is the number of images
    return graph.op("RESHAPE", inputs[0], shape, shape=step.row.output_shape)


def _add(graph: Graph, step: Step, inputs: list[int]) -> int:
    total = inputs[0]
    for other in inputs[1:]:
        total = graph.op("ADD", total, other, fused=0)
    return total


def _concatenate(graph: Graph, step: Step, inputs: list[int]) -> int:
    return graph.op("CONCATENATION", *inputs, shape=step.row.output_shape, axis=len(step.row.output_shape), fused=0)


def _same(graph: Graph, step: Step, inputs: list[int]) -> int:
    return inputs[0]


WRITERS: dict[str, Callable[..., int]] = {
    "Activation": _same,
    "Add": _add,
    "AveragePooling2D": _pooling("AVERAGE_POOL_2D"),
    "BatchNormalization": _batch_normalization,
    "Concatenate": _concatenate,
    "Conv2D": _conv2d,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise_conv2d,
    "Dropout": _same,
    "Flatten": _reshape,
    "GlobalAveragePooling2D": _global("MEAN"),
    "GlobalMaxPooling2D": _global("REDUCE_MAX"),
    "LayerNormalization": _layer_normalization,
    "LeakyReLU": _leaky_re_lu,
    "MaxPooling2D": _pooling("MAX_POOL_2D"),
    "Normalization": _normalization,
    "ReLU": _same,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "SeparableConv2D": _separable_conv2d,
    "Softmax": _same,
    "ZeroPadding2D": _zero_padding2d,
}
"""Layer class to what adds it to the graph, without its activation."""

_TO_FLOAT: dict[str, Any] = {"from": DTYPES["uint8"], "to": DTYPES["float32"]}

_FUSING = ("Conv2D", "Dense", "DepthwiseConv2D", "SeparableConv2D")
