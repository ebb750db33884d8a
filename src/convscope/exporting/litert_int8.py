"""Post-training quantization of a LiteRT graph: weights and most values as int8.

Weights get a scale for each output channel, values a scale and a zero point from the range that calibration images give
them. What LiteRT has no int8 operation for, such as most activations, is computed in float32 in between, and so is the
score for unknown images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from convscope.arrays import Pixels
from convscope.exporting.litert_file import Graph, Operation, Quantization, Value
from convscope.exporting.litert_model import litert_graph, with_labels
from convscope.exporting.litert_runtime import CHUNK, Interpreter
from convscope.exporting.litert_score import PREFIX
from convscope.exporting.score import score_parts
from convscope.model.model_file import Model

Range = tuple[float, float]
"""The least and the greatest value."""

PIXELS = Quantization(np.float32(1 / 255), -128)
"""The scaled image: each byte is itself, minus 128."""

CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
"""Operations with weights, and the axis of their output channels."""

KEEPING = {"AVERAGE_POOL_2D", "MAX_POOL_2D", "PAD", "REDUCE_MAX", "RESHAPE"}
"""Operations whose output has the scale of their input."""

FOLLOWING = {"ADD", "CONCATENATION", "MEAN"} | KEEPING
"""Operations that are computed in int8 where all their inputs are."""


def litert_int8_bytes(model: Model, metadata: Mapping[str, str], calibration: Pixels) -> bytes:
    """The network as a quantized LiteRT file; inputs and outputs are those of `litert_model.litert_bytes`.

    Args:
        model: The network.
        metadata: Texts that the file holds.
        calibration: Training images, uint8 ``(n, h, w, c)``.

    Raises:
        SpecError: A layer has no counterpart in LiteRT.

    Source:
        Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference",
        CVPR 2018. We differ in that weights have a scale for each channel and no zero point, as LiteRT wants them.
    """
    graph = litert_graph(model, score_parts(model))
    small = _Quantizer(graph, ranges(graph, calibration)).run()
    return with_labels(small.to_bytes(name=model.spec.name, metadata=metadata), model.class_names)


def ranges(graph: Graph, images: Pixels) -> list[Range]:
    """The range of each value of a graph over some images."""
    opened = Interpreter(graph.to_bytes(name="calibration", metadata={}), keeps_all=True)
    found = [(0.0, 0.0)] * len(graph.values)
    for start in range(0, len(images), CHUNK):
        opened.run(images[start : start + CHUNK])
        for operation in graph.operations:
            low, high = found[operation.output]
            value = opened.value(operation.output)
            found[operation.output] = (min(low, float(value.min())), max(high, float(value.max())))
    return found


@dataclass
class _Quantizer:
    """Rewrites a float graph, operation by operation."""

    graph: Graph
    ranges: Sequence[Range]

    def run(self) -> Graph:
        self.new = Graph()
        self.real: dict[int, int] = {}
        self.small: dict[int, int] = {}
        given = self.graph.inputs["images"]
        pixels = self.graph.values[given]
        images = self.new.add(Value("images", pixels.shape, "uint8", quantization=Quantization(PIXELS.scale, 0)))
        self.new.inputs["images"] = images
        scaled = next(index for index, value in enumerate(self.graph.values) if value.name == "scaled")
        self.small[scaled] = self._step("QUANTIZE", [images], Value("scaled_int8", pixels.shape, "int8", None, PIXELS))
        for operation in self.graph.operations:
            if operation.output > scaled:
                self._rewrite(operation)
        for name, index in self.graph.outputs.items():
            self.new.outputs[name] = self._real(index)
        return self.new

    def _rewrite(self, operation: Operation) -> None:
        variables = [index for index in operation.inputs if self.graph.values[index].data is None]
        has_constant = len(variables) < len(operation.inputs)
        is_exact = self.graph.values[operation.output].name.startswith(PREFIX)
        is_small = all(index in self.small for index in variables) and not is_exact
        if operation.kind in CHANNEL_AXIS and not is_exact:
            self._weighted(operation)
        elif operation.kind in FOLLOWING and is_small and not (operation.kind == "ADD" and has_constant):
            self._following(operation)
        else:
            inputs = [self._real(index) for index in operation.inputs]
            value = self.graph.values[operation.output]
            self.real[operation.output] = self._step(operation.kind, inputs, value, operation.options)

    def _weighted(self, operation: Operation) -> None:
        given, kernel, bias = operation.inputs
        source = self._small(given)
        weights, axis = self.graph.values[kernel].data, CHANNEL_AXIS[operation.kind]
        assert weights is not None
        others = tuple(index for index in range(weights.ndim) if index != axis)
        largest = np.abs(weights).max(axis=others, keepdims=True)
        scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
        numbers = np.rint(weights / scale).astype(np.int8)
        per_channel = Quantization(scale.ravel(), 0, axis)
        found = self.new.values[source].quantization
        assert found is not None
        bias_scale = np.float32(found.scale) * scale.ravel()
        shift = np.rint(np.asarray(self.graph.values[bias].data, np.float64) / bias_scale)
        whole = np.clip(shift, -(2**31), 2**31 - 1).astype(np.int32)
        inputs = [source, self.new.constant(numbers, per_channel), self.new.constant(whole, Quantization(bias_scale))]
        self._as_small(operation, inputs, self._quantization(operation.output))

    def _following(self, operation: Operation) -> None:
        inputs = [
            self.small[index] if self.graph.values[index].data is None else self._real(index)
            for index in operation.inputs
        ]
        kept = self.new.values[inputs[0]].quantization
        quantization = kept if operation.kind in KEEPING and kept else self._quantization(operation.output)
        if operation.kind == "CONCATENATION":
            inputs = [self._requantized(index, quantization) for index in inputs]
        self._as_small(operation, inputs, quantization)

    def _requantized(self, index: int, quantization: Quantization) -> int:
        value = self.new.values[index]
        if value.quantization == quantization:
            return index
        return self._step("QUANTIZE", [index], Value(f"{value.name}_again", value.shape, "int8", None, quantization))

    def _as_small(self, operation: Operation, inputs: Sequence[int], quantization: Quantization) -> None:
        value = self.graph.values[operation.output]
        made = Value(f"{value.name}_int8", value.shape, "int8", None, quantization)
        self.small[operation.output] = self._step(operation.kind, inputs, made, operation.options)

    def _quantization(self, index: int) -> Quantization:
        low, high = self.ranges[index]
        scale = np.float32((high - low) / 255 or 1.0)
        return Quantization(scale, int(np.clip(round(-128 - low / float(scale)), -128, 127)))

    def _small(self, index: int) -> int:
        """A value as int8."""
        if index not in self.small:
            value = self.graph.values[index]
            made = Value(f"{value.name}_int8", value.shape, "int8", None, self._quantization(index))
            self.small[index] = self._step("QUANTIZE", [self._real(index)], made)
        return self.small[index]

    def _real(self, index: int) -> int:
        """A value as it was: float32, or a constant of any type."""
        if index not in self.real:
            value = self.graph.values[index]
            if value.data is not None:
                self.real[index] = self.new.add(value)
            else:
                self.real[index] = self._step("DEQUANTIZE", [self.small[index]], value)
        return self.real[index]

    def _step(self, kind: str, inputs: Sequence[int], value: Value, options: Mapping[str, object] | None = None) -> int:
        output = self.new.add(value)
        self.new.operations.append(Operation(kind, tuple(inputs), output, options or {}))
        return output
