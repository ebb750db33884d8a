"""A network as one C99 file without allocation: compile it with ``-lm``, call ``convscope_predict``.

The maps keep the order of the spec, channels last. All values lie in one static buffer, whose parts are used again as
soon as no later layer needs them; layers that change each value on its own work in place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from convscope.arithmetic import padding_split
from convscope.errors import SpecError
from convscope.evaluation.reliability import reliability_of
from convscope.evaluation.temperature import temperature_of
from convscope.exporting.c_functions import ACTIVATIONS, FUNCTIONS
from convscope.exporting.c_memory import plan
from convscope.exporting.c_score import DECLARED, score_calls, score_function, score_functions, score_state
from convscope.exporting.folding import Weights, affine, unfolded, writer_of
from convscope.exporting.score import ScoreParts, score_parts, used_threshold
from convscope.model.layers.normalization import EPSILON
from convscope.model.model_file import Model
from convscope.model.spec import INPUT, Row
from convscope.model.window import Window

MAX_PARAMETERS = 5_000_000
"""A larger network gives a source file that compilers take minutes for."""

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
        write, kind, each = (str, "signed char", 24) if is_small else (_number, "float", 8)
        numbers = [write(value) for value in np.asarray(values, np.int8 if is_small else np.float32).ravel().tolist()]
        lines = ["  " + ", ".join(numbers[start : start + each]) for start in range(0, len(numbers), each)]
        identifier = re.sub(r"\W", "_", name)
        self.arrays.append(f"static const {kind} {identifier}[{len(numbers)}] = {{\n" + ",\n".join(lines) + "\n};\n")
        return identifier

    def call(self, function: str, *arguments: str | int | float) -> None:
        """Call one of `c_functions.FUNCTIONS`."""
        self.functions.add(function)
        self.calls.append(f"  {function}({', '.join(map(str, arguments))});")


def c_bytes(model: Model, metadata: Mapping[str, str]) -> bytes:
    """The network as a C99 source file.

    ``void convscope_logits(const unsigned char *image, float *logits)`` and ``convscope_predict`` with calibrated
    probabilities take the bytes of one image: rows, columns, channels. A network with a score for unknown images has
    ``float convscope_predict_with_score`` too, which does the same and returns the score, and ``convscope_threshold``.

    Args:
        model: The network.
        metadata: Texts for the comment at the top.

    Raises:
        SpecError: A layer has no counterpart, or the network has more than `MAX_PARAMETERS` parameters.
    """
    spec, rows = model.spec, model.spec.table()
    if spec.parameters > MAX_PARAMETERS:
        raise SpecError(
            f"Expected at most {MAX_PARAMETERS:,} parameters for C. Received: {spec.parameters:,}.",
            hint="Export to onnx.",
        )
    places, size = plan(rows, in_place=IN_PLACE)
    source = Source([], [], set())
    pixels = math.prod(spec.input_shape)
    source.calls.append(
        f"  for (int i = 0; i < {pixels}; i++) {_at(places[INPUT])}[i] = (float)image[i] * {_number(1 / 255)};"
    )
    parts = score_parts(model)
    for step in unfolded(model):
        row = step.row
        if parts is not None and row.name == parts.row.name:
            source.calls += score_calls(parts, _at(places[row.inputs[0]]), source.array)
        _write(source, row, step.layer, step.weights, [_at(places[name]) for name in row.inputs], _at(places[row.name]))
    source.calls.append(f"  for (int i = 0; i < {spec.num_classes}; i++) logits[i] = {_at(places[rows[-1].name])}[i];")
    return _file(model, metadata, source, size, parts).encode()


def _write(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
    write = writer_of(WRITERS, row, layer, title="C")
    source.calls.append(f"  /* {row.name}: {row.kind} */")
    write(source, row, layer, weights, inputs, output)
    activation = layer.activation_name or "linear"
    if activation != "linear" and row.kind != "LeakyReLU":
        source.call(ACTIVATIONS[activation], output, math.prod(row.output_shape))


def _at(place: int) -> str:
    return f"(values + {place})" if place else "values"


def _number(value: float) -> str:
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
    source.call("layer_normalization", inputs[0], gamma, beta, output, places, channels, _number(layer.epsilon))


def _leaky_re_lu(source: Source, row: Row, layer: Any, weights: Weights, inputs: list[str], output: str) -> None:
    source.call("leaky", inputs[0], output, math.prod(row.input_shape), _number(layer.negative_slope))


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


def _file(model: Model, metadata: Mapping[str, str], source: Source, size: int, parts: ScoreParts | None) -> str:
    h, w, c = model.spec.input_shape
    about = [f"{name}: {value}" for name, value in metadata.items()]
    names = ", ".join(_text(name) for name in model.class_names)
    needed = [FUNCTIONS[name] for name in FUNCTIONS if name in source.functions]
    needed += [score_functions(parts)] if parts else []
    return "\n".join(
        [
            "/* A convolutional network, written by convscope. C99; link with -lm. One static buffer: not reentrant.",
            *[f" * {_comment(line)}" for line in about],
            " */",
            "#include <math.h>",
            "",
            f"/* image: {h} rows x {w} columns x {c} channels, 0..255. Each function handles one image. */",
            "void convscope_logits(const unsigned char *image, float *logits);",
            "void convscope_predict(const unsigned char *image, float *probabilities);",
            *_score_head(model, parts),
            "",
            f"const int convscope_classes = {model.spec.num_classes};",
            f"const char *const convscope_class_names[{model.spec.num_classes}] = {{{names}}};",
            "",
            f"static float values[{size}];",
            score_state(parts) if parts else "",
            *source.arrays,
            *needed,
            "void convscope_logits(const unsigned char *image, float *logits) {",
            *source.calls,
            "}",
            "",
            "static void calibrate(float *probabilities) {",
            f"  const float temperature = {_number(temperature_of(model.calibration))};",
            "  float largest = probabilities[0] / temperature, sum = 0.0f;",
            "  for (int i = 0; i < convscope_classes; i++) {",
            "    probabilities[i] /= temperature;",
            "    if (probabilities[i] > largest) largest = probabilities[i];",
            "  }",
            "  for (int i = 0; i < convscope_classes; i++) sum += probabilities[i] = expf(probabilities[i] - largest);",
            "  for (int i = 0; i < convscope_classes; i++) probabilities[i] /= sum;",
            "}",
            "",
            "void convscope_predict(const unsigned char *image, float *probabilities) {",
            "  convscope_logits(image, probabilities);",
            "  calibrate(probabilities);",
            "}",
            "",
            *(score_function(parts, model.spec.input_shape, _number) if parts else []),
        ]
    )


def _score_head(model: Model, parts: ScoreParts | None) -> list[str]:
    rejection = reliability_of(model).rejection
    if parts is None or rejection is None:
        return []
    level = rejection.default_level
    threshold = used_threshold(rejection)
    promise = "no level can be promised" if level is None else f"of images like the held-out ones, {level:.0%} at most"
    return [
        f"/* returns the score for unknown images; above the threshold, an image is unknown ({promise}) */",
        DECLARED,
        f"const float convscope_threshold = {'INFINITY' if threshold is None else _number(threshold)};",
    ]


def _text(value: str) -> str:
    """A string of C, every byte but letters and digits in octal, so that no escape or trigraph can arise."""
    return (
        '"' + "".join(chr(b) if chr(b).isascii() and chr(b).isalnum() else f"\\{b:03o}" for b in value.encode()) + '"'
    )


def _comment(value: str) -> str:
    """Text inside a comment: in ASCII, without what ends one or continues a line."""
    return (
        value.encode("ascii", "replace")
        .decode()
        .replace("*/", "* /")
        .replace("/*", "/ *")
        .replace("\\", "/")
        .replace("??", "? ?")
    )
