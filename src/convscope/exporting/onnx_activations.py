"""The activations of the vocabulary in ONNX's operations of opset 17, with the constants of `model.activations`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convscope.exporting.onnx_graph import Graph
from convscope.model.activations import SELU_ALPHA, SELU_SCALE


def _op(kind: str, **attributes: Any) -> Callable[[Graph, str], str]:
    return lambda graph, x: graph.op(kind, x, **attributes)


def _relu6(graph: Graph, x: str) -> str:
    return graph.op("Clip", x, graph.constant(np.float32(0)), graph.constant(np.float32(6)))


def _gelu(graph: Graph, x: str) -> str:
    error = graph.op("Erf", graph.op("Mul", x, graph.constant(np.float32(0.7071067811865476))))
    half = graph.op("Mul", x, graph.constant(np.float32(0.5)))
    return graph.op("Mul", half, graph.op("Add", error, graph.constant(np.float32(1))))


def _silu(graph: Graph, x: str) -> str:
    return graph.op("Mul", x, graph.op("Sigmoid", x))


def _hard_silu(graph: Graph, x: str) -> str:
    return graph.op("Mul", x, _hard_sigmoid(graph, x))


def _mish(graph: Graph, x: str) -> str:
    return graph.op("Mul", x, graph.op("Tanh", graph.op("Softplus", x)))


def _hard_sigmoid(graph: Graph, x: str) -> str:
    return graph.op("HardSigmoid", x, alpha=1 / 6, beta=0.5)


def _selu(graph: Graph, x: str) -> str:
    return graph.op("Selu", x, alpha=float(SELU_ALPHA), gamma=float(SELU_SCALE))


ACTIVATIONS: dict[str, Callable[[Graph, str], str]] = {
    "linear": lambda graph, x: x,
    "relu": _op("Relu"),
    "relu6": _relu6,
    "leaky_relu": _op("LeakyRelu", alpha=0.2),
    "elu": _op("Elu"),
    "selu": _selu,
    "gelu": _gelu,
    "silu": _silu,
    "hard_silu": _hard_silu,
    "mish": _mish,
    "softplus": _op("Softplus"),
    "softsign": _op("Softsign"),
    "sigmoid": _op("Sigmoid"),
    "hard_sigmoid": _hard_sigmoid,
    "tanh": _op("Tanh"),
}
"""Activation to what adds it to the graph. Softmax is not among them: it is the last operation of every graph."""
