"""The activations of the vocabulary in LiteRT's operations, with the constants of `model.activations`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convscope.exporting.litert_file import Graph
from convscope.model.activations import SELU_ALPHA, SELU_SCALE


def _op(kind: str, **options: Any) -> Callable[[Graph, int], int]:
    return lambda graph, x: graph.op(kind, x, **options)


def _number(graph: Graph, value: float) -> int:
    return graph.constant(np.float32(value))


def _selu(graph: Graph, x: int) -> int:
    above = graph.op("MUL", graph.op("RELU", x), _number(graph, float(SELU_SCALE)))
    below = graph.op("ELU", graph.op("MINIMUM", x, _number(graph, 0)))
    return graph.op("ADD", above, graph.op("MUL", below, _number(graph, float(SELU_SCALE * SELU_ALPHA))))


def _hard_sigmoid(graph: Graph, x: int) -> int:
    return graph.op("MUL", graph.op("RELU6", graph.op("ADD", x, _number(graph, 3))), _number(graph, 1 / 6))


def _softplus(graph: Graph, x: int) -> int:
    """The logarithm of 1 + exp(x), written so that nothing overflows."""
    zero = _number(graph, 0)
    size = graph.op("SUB", zero, graph.op("ABS", x), shape=graph.values[x].shape[1:])
    tail = graph.op("LOG", graph.op("ADD", graph.op("EXP", size), _number(graph, 1)))
    return graph.op("ADD", graph.op("RELU", x), tail)


def _mish(graph: Graph, x: int) -> int:
    return graph.op("MUL", x, graph.op("TANH", _softplus(graph, x)))


def _silu(graph: Graph, x: int) -> int:
    return graph.op("MUL", x, graph.op("LOGISTIC", x))


def _softsign(graph: Graph, x: int) -> int:
    return graph.op("DIV", x, graph.op("ADD", graph.op("ABS", x), _number(graph, 1)))


ACTIVATIONS: dict[str, Callable[[Graph, int], int]] = {
    "linear": lambda graph, x: x,
    "relu": _op("RELU"),
    "relu6": _op("RELU6"),
    "leaky_relu": _op("LEAKY_RELU", alpha=0.2),
    "elu": _op("ELU"),
    "selu": _selu,
    "gelu": _op("GELU", approximate=False),
    "silu": _silu,
    "hard_silu": _op("HARD_SWISH"),
    "mish": _mish,
    "softplus": _softplus,
    "softsign": _softsign,
    "sigmoid": _op("LOGISTIC"),
    "hard_sigmoid": _hard_sigmoid,
    "tanh": _op("TANH"),
}
"""Activation to what adds it to the graph. Softmax is not among them: it is the last operation of every graph."""
