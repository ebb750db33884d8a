"""A LiteRT graph that grows operation by operation, and the flatbuffer that it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convscope.exporting.flatbuffer import Field, Number, Table, encode
from convscope.model.window import Shape

SCHEMA_VERSION = 3
DTYPES = {"float32": 0, "int32": 2, "uint8": 3, "int8": 9}
"""NumPy's name to the number of the type in the schema."""

FUSED = {"linear": 0, "relu": 1, "relu6": 3}
"""Activations that convolutions, dense layers and pooling can end with."""

PADDINGS = {"same": 0, "valid": 1}


@dataclass(frozen=True)
class Operator:
    """An operation of the schema.

    Attributes:
        code: Its number.
        options: The number of its table of options; 0 for none.
        fields: Option to its field number and format there.
        version: From which on a runtime knows it as it is used here.
    """

    code: int
    options: int = 0
    fields: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    version: int = 1


_WINDOW = {"padding": (0, "b"), "stride_w": (1, "i"), "stride_h": (2, "i")}
_POOL = Operator(0, 5, _WINDOW | {"filter_w": (3, "i"), "filter_h": (4, "i"), "fused": (5, "b")})
_REDUCER = {"keep_dims": (0, "?")}

OPERATORS = {
    "ABS": Operator(101),
    "ADD": Operator(0, 11, {"fused": (0, "b")}),
    "AVERAGE_POOL_2D": Operator(1, _POOL.options, _POOL.fields, 2),
    "BATCH_MATMUL": Operator(126, 101, {"adj_x": (0, "?"), "adj_y": (1, "?")}),
    "CAST": Operator(53, 37, {"from": (0, "b"), "to": (1, "b")}),
    "CONCATENATION": Operator(2, 10, {"axis": (0, "i"), "fused": (1, "b")}, 2),
    "CONV_2D": Operator(3, 1, _WINDOW | {"fused": (3, "b"), "dilation_w": (4, "i"), "dilation_h": (5, "i")}, 6),
    "DEPTHWISE_CONV_2D": Operator(
        4,
        2,
        _WINDOW | {"multiplier": (3, "i"), "fused": (4, "b"), "dilation_w": (5, "i"), "dilation_h": (6, "i")},
        3,
    ),
    "DEQUANTIZE": Operator(6, 38, {}, 2),
    "DIV": Operator(42, 29, {"fused": (0, "b")}),
    "ELU": Operator(111),
    "EXP": Operator(47),
    "FULLY_CONNECTED": Operator(9, 8, {"fused": (0, "b")}, 4),
    "GELU": Operator(150, 116, {"approximate": (0, "?")}),
    "HARD_SWISH": Operator(117),
    "LEAKY_RELU": Operator(98, 75, {"alpha": (0, "f")}, 2),
    "LOG": Operator(73),
    "LOGISTIC": Operator(14),
    "MAXIMUM": Operator(55),
    "MAX_POOL_2D": Operator(17, _POOL.options, _POOL.fields, 2),
    "MEAN": Operator(40, 27, _REDUCER, 2),
    "MINIMUM": Operator(57),
    "MUL": Operator(18, 21, {"fused": (0, "b")}),
    "PAD": Operator(34, 22, {}, 2),
    "QUANTIZE": Operator(114, 89, {}, 2),
    "REDUCE_MAX": Operator(82, 27, _REDUCER, 2),
    "REDUCE_MIN": Operator(89, 27, _REDUCER, 2),
    "RELU": Operator(19),
    "RELU6": Operator(21),
    "RESHAPE": Operator(22),
    "RSQRT": Operator(76),
    "SOFTMAX": Operator(25, 9, {"beta": (0, "f")}),
    "SQRT": Operator(75),
    "SUB": Operator(41, 28, {"fused": (0, "b")}),
    "SUM": Operator(74, 27, _REDUCER),
    "TANH": Operator(28),
}
"""The operations that are written.

Source:
    The schema of LiteRT, version 3: numbers of operations, options and fields.
"""


@dataclass(frozen=True)
class Quantization:
    """How whole numbers stand for real ones: ``scale × (q - zero_point)``.

    Attributes:
        scale: float32, one for all, or one for each index of the axis.
        zero_point: Of all.
        axis: Which axis has the scales.
    """

    scale: np.ndarray | np.generic
    zero_point: int = 0
    axis: int = 0


@dataclass(frozen=True)
class Value:
    """A tensor.

    Attributes:
        name: For people.
        shape: With the number of images first, which is 1 here and any number at run time; of a constant, its own.
        dtype: A key of `DTYPES`.
        data: A constant's numbers.
        quantization: Of whole numbers that stand for real ones.
        is_batch: Whether the first side of a computed value is the number of images.
    """

    name: str
    shape: Shape
    dtype: str = "float32"
    data: np.ndarray | None = None
    quantization: Quantization | None = None
    is_batch: bool = True


@dataclass(frozen=True)
class Operation:
    """One step.

    Attributes:
        kind: A key of `OPERATORS`.
        inputs: Indices of values.
        output: Index of the value.
        options: By the names of `Operator.fields`.
    """

    kind: str
    inputs: tuple[int, ...]
    output: int
    options: Mapping[str, Any]


class Graph:
    """Values and operations of a graph.

    Attributes:
        values: In the order in which they were added.
        operations: In order.
        inputs: Name to value, of the whole graph.
        outputs: Name to value.
        prefix: What the names of added values begin with.
    """

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.operations: list[Operation] = []
        self.inputs: dict[str, int] = {}
        self.outputs: dict[str, int] = {}
        self.prefix = ""

    def add(self, value: Value) -> int:
        """Add a value; returns its index."""
        self.values.append(value)
        return len(self.values) - 1

    def constant(self, data: np.ndarray | np.generic, quantization: Quantization | None = None) -> int:
        """Add a constant; returns its index."""
        numbers = np.asarray(data)
        name = f"constant_{len(self.values)}"
        return self.add(Value(name, numbers.shape, numbers.dtype.name, numbers, quantization))

    def op(self, kind: str, *inputs: int, shape: Shape | None = None, name: str | None = None, **options: Any) -> int:
        """Add an operation on float32 values.

        Args:
            kind: A key of `OPERATORS`.
            inputs: Indices of values.
            shape: Of the output, without the number of images; None for that of the first input.
            name: Of the output.
            options: Of the operation.

        Returns:
            The index of its output.
        """
        given = self.values[inputs[0]].shape if shape is None else (1, *shape)
        output = self.add(Value(name or f"{self.prefix}{kind.lower()}_{len(self.values)}", given))
        self.operations.append(Operation(kind, inputs, output, options))
        return output

    def to_bytes(self, *, name: str, metadata: Mapping[str, str]) -> bytes:
        """The flatbuffer.

        Args:
            name: Of the network.
            metadata: Texts that the file holds, by name.
        """
        kinds = sorted({one.kind for one in self.operations})
        buffers: list[Table] = [{}]  # the first one is empty, for values that are computed
        tensors = [_tensor(value, buffers) for value in self.values]
        texts = []
        for key, text in metadata.items():
            texts.append({0: key, 1: Number("I", len(buffers))})
            buffers.append({0: np.frombuffer(text.encode(), np.uint8)})
        graph: Table = {
            0: tensors,
            1: _indices(self.inputs.values()),
            2: _indices(self.outputs.values()),
            3: [_operation(one, kinds.index(one.kind)) for one in self.operations],
            4: name,
        }
        signature: Table = {
            0: [{0: key, 1: Number("I", index)} for key, index in self.inputs.items()],
            1: [{0: key, 1: Number("I", index)} for key, index in self.outputs.items()],
            2: "serving_default",
            4: Number("I", 0),
        }
        model: Table = {
            0: Number("I", SCHEMA_VERSION),
            1: [_operator_code(OPERATORS[kind]) for kind in kinds],
            2: [graph],
            3: "Written by convscope.",
            4: buffers,
            6: texts,
            7: [signature],
        }
        return encode(model, b"TFL3")


def _indices(values: Any) -> np.ndarray:
    return np.array(list(values), np.int32)


def _operator_code(operator: Operator) -> Table:
    # runtimes of 2020 and before read the first field, which ends at 127
    return {
        0: Number("b", min(operator.code, 127)),
        2: Number("i", operator.version),
        3: Number("i", operator.code),
    }


def _operation(one: Operation, code: int) -> Table:
    operator = OPERATORS[one.kind]
    found: dict[int, Field] = {
        0: Number("I", code),
        1: _indices(one.inputs),
        2: _indices([one.output]),
    }
    if operator.options:
        fields = {
            number: Number(letter, one.options[key])
            for key, (number, letter) in operator.fields.items()
            if key in one.options
        }
        found |= {3: Number("B", operator.options), 4: fields}
    return found


def _tensor(value: Value, buffers: list[Table]) -> Table:
    index = 0
    if value.data is not None:
        index = len(buffers)
        buffers.append({0: np.frombuffer(np.ascontiguousarray(value.data).tobytes(), np.uint8)})
    found: dict[int, Field] = {
        0: _indices(value.shape),
        1: Number("b", DTYPES[value.dtype]),
        2: Number("I", index),
        3: value.name,
        8: Number("?", True),
    }
    if value.data is None and value.is_batch:
        found[7] = _indices([-1, *value.shape[1:]])
    if value.quantization is not None:
        scale = np.atleast_1d(np.asarray(value.quantization.scale, np.float32))
        found[4] = {
            2: scale,
            3: np.full(len(scale), value.quantization.zero_point, np.int64),
            6: Number("i", value.quantization.axis),
        }
    return found


def window_options(strides: Sequence[int], padding: str, dilation_rate: Sequence[int] | None = None) -> dict[str, Any]:
    """The options of a sliding window."""
    options: dict[str, Any] = {"padding": PADDINGS[padding], "stride_h": strides[0], "stride_w": strides[1]}
    if dilation_rate is not None:
        options |= {"dilation_h": dilation_rate[0], "dilation_w": dilation_rate[1]}
    return options
