"""The score for unknown images in an ONNX graph, in float32."""

from __future__ import annotations

import numpy as np

from convscope.evaluation.total_variation import VariationLimit
from convscope.exporting.onnx_graph import Graph
from convscope.exporting.score import BLANK_SCORE, OUTPUT, UNEQUAL, ScoreParts

FLOAT = 1
"""ONNX's number of the type."""

PREFIX = f"{OUTPUT}_"
"""What the names of its nodes begin with."""


def add_score(graph: Graph, parts: ScoreParts, *, images: str, features: str, logits: str) -> None:
    """Add the output ``score``, ``(n,)``.

    Args:
        graph: The graph of the network.
        parts: What the score is computed from.
        images: The images in [0, 1], channels last.
        features: The input of ``parts.row``, channels last.
        logits: Before the temperature.
    """
    graph.prefix = PREFIX
    residual = _residual(graph, parts, features)
    if parts.variation:
        residual = graph.op("Add", residual, _excess(graph, parts.variation, images))
    distance = graph.op("Mul", residual, graph.constant(np.float32(parts.scale)))
    score = graph.op("Sub", distance, _largest(graph, parts, logits))
    if parts.rejects_blank:
        score = graph.op("Add", score, _blank(graph, images))
    graph.prefix = ""
    graph.op("Identity", score, output=OUTPUT)


def _residual(graph: Graph, parts: ScoreParts, features: str) -> str:
    centered = graph.op("Sub", _averaged(graph, parts, features), graph.constant(parts.center))
    along = graph.op("MatMul", centered, graph.op("Cast", graph.constant(parts.directions), to=FLOAT))
    if parts.steps is not None:
        along = graph.op("Mul", along, graph.constant(parts.steps))
    squares = graph.op("Sub", _sum(graph, graph.op("Mul", centered, centered)), _sum(graph, _square(graph, along)))
    return graph.op("Sqrt", graph.op("Max", squares, graph.constant(np.float32(0))))


def _square(graph: Graph, x: str) -> str:
    return graph.op("Mul", x, x)


def _sum(graph: Graph, x: str) -> str:
    return graph.op("ReduceSum", x, graph.constant(np.array([-1], np.int64)), keepdims=0)


def _averaged(graph: Graph, parts: ScoreParts, features: str) -> str:
    """The features as rows, one for each image."""
    h, w, c = parts.grid
    if parts.averages is not None:
        rows, columns = parts.averages
        joined = graph.op("Reshape", features, graph.constant(np.array([0, h, w * c], np.int64)))
        fewer = graph.op("MatMul", graph.constant(rows), joined)
        apart = graph.op("Reshape", fewer, graph.constant(np.array([0, len(rows), w, c], np.int64)))
        features = graph.op("MatMul", graph.constant(columns), apart)
    return graph.op("Flatten", features, axis=1)


def _largest(graph: Graph, parts: ScoreParts, logits: str) -> str:
    if parts.centers_logits:
        mean = graph.op("ReduceMean", logits, axes=[-1], keepdims=0)
        return graph.op("Sub", graph.op("ReduceMax", logits, axes=[-1], keepdims=0), mean)
    highest = graph.op("ReduceMax", logits, axes=[-1], keepdims=1)
    total = _sum(graph, graph.op("Exp", graph.op("Sub", logits, highest)))
    return graph.op("Add", graph.op("ReduceMax", logits, axes=[-1], keepdims=0), graph.op("Log", total))


def _excess(graph: Graph, limit: VariationLimit, images: str) -> str:
    """As `VariationLimit.excess`."""
    sums = []
    for axis in (1, 2):
        ends = [(np.array([1]), np.array([np.iinfo(np.int64).max])), (np.array([0]), np.array([-1]))]
        later, earlier = (
            graph.op(
                "Slice", images, *(graph.constant(one.astype(np.int64)) for one in (start, stop, np.array([axis])))
            )
            for start, stop in ends
        )
        size = graph.op("Abs", graph.op("Sub", later, earlier))
        sums.append(graph.op("ReduceSum", size, graph.constant(np.array([1, 2, 3], np.int64)), keepdims=0))
    factor = graph.constant(np.float32(limit.weight / limit.largest))
    above = graph.op("Sub", graph.op("Mul", graph.op("Add", *sums), factor), graph.constant(np.float32(limit.weight)))
    return graph.op("Relu", above)


def _blank(graph: Graph, images: str) -> str:
    """`BLANK_SCORE` for an image of a single intensity in each channel, else 0."""
    highest = graph.op("ReduceMax", images, axes=[1, 2], keepdims=0)
    spread = graph.op("Sub", highest, graph.op("ReduceMin", images, axes=[1, 2], keepdims=0))
    steps = graph.op("Mul", graph.op("ReduceMax", spread, axes=[-1], keepdims=0), graph.constant(np.float32(UNEQUAL)))
    is_blank = graph.op("Relu", graph.op("Sub", graph.constant(np.float32(1)), steps))
    return graph.op("Mul", is_blank, graph.constant(np.float32(BLANK_SCORE)))
