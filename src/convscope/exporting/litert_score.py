"""The score for unknown images in a LiteRT graph, in float32."""

from __future__ import annotations

import numpy as np

from convscope.evaluation.total_variation import VariationLimit
from convscope.exporting.litert_file import Graph, Operation, Quantization, Value, window_options
from convscope.exporting.score import BLANK_SCORE, OUTPUT, UNEQUAL, ScoreParts

PREFIX = f"{OUTPUT}_"
"""What the names of its values begin with: they stay in float32 in a quantized file."""

MOST_NUMBERS = 8192
"""Numbers of the directions that are float32 at a time: 32 kB."""


def add_score(graph: Graph, parts: ScoreParts, *, images: int, features: int, logits: int) -> None:
    """Add the output ``score``, ``(n,)``.

    Args:
        graph: The graph of the network.
        parts: What the score is computed from.
        images: The images in [0, 1].
        features: The input of ``parts.row``.
        logits: Before the temperature.
    """
    graph.prefix = PREFIX
    residual = _residual(graph, parts, features)
    if parts.variation:
        residual = graph.op("ADD", residual, _excess(graph, parts.variation, images), fused=0)
    distance = graph.op("MUL", residual, graph.constant(np.float32(parts.scale)), fused=0)
    score = graph.op("SUB", distance, _largest(graph, parts, logits), fused=0)
    if parts.rejects_blank:
        score = graph.op("ADD", score, _blank(graph, images), fused=0)
    graph.outputs[OUTPUT] = score
    graph.prefix = ""


def _residual(graph: Graph, parts: ScoreParts, features: int) -> int:
    centered = graph.op("SUB", _averaged(graph, parts, features), graph.constant(parts.center), fused=0)
    along = _along(graph, parts, centered)
    squares = graph.op("SUB", _sum(graph, _square(graph, centered)), _sum(graph, _square(graph, along)), fused=0)
    return graph.op("SQRT", graph.op("MAXIMUM", squares, graph.constant(np.float32(0))))


def _along(graph: Graph, parts: ScoreParts, centered: int) -> int:
    """How far the centered features lie along each of the directions."""
    rows = np.ascontiguousarray(parts.directions.T)
    if parts.steps is None:
        zeros = graph.constant(np.zeros(len(rows), np.float32))
        return graph.op("FULLY_CONNECTED", centered, graph.constant(rows), zeros, shape=(len(rows),), fused=0)
    # Directions of 8 bits become float32 in memory, of which a microcontroller has little: some at a time.
    found: list[int] = []
    biases: dict[int, int] = {}
    for some in np.array_split(rows, -(-rows.size // MOST_NUMBERS)):
        if len(some) not in biases:
            biases[len(some)] = graph.constant(np.zeros(len(some), np.float32))
        whole = graph.constant(some, Quantization(np.float32(1)))
        kernel = graph.add(Value(f"{PREFIX}directions_{whole}", some.shape, is_batch=False))
        graph.operations.append(Operation("DEQUANTIZE", (whole,), kernel, {}))
        shape = (len(some),)
        found.append(graph.op("FULLY_CONNECTED", centered, kernel, biases[len(some)], shape=shape, fused=0))
    joined = graph.op("CONCATENATION", *found, shape=(len(rows),), axis=1, fused=0) if len(found) > 1 else found[0]
    return graph.op("MUL", joined, graph.constant(parts.steps), fused=0)


def _square(graph: Graph, x: int) -> int:
    return graph.op("MUL", x, x, fused=0)


def _reduced(graph: Graph, kind: str, x: int, axes: tuple[int, ...]) -> int:
    shape = graph.values[x].shape
    left = tuple(size for axis, size in enumerate(shape) if axis and axis not in axes)
    return graph.op(kind, x, graph.constant(np.array(axes, np.int32)), shape=left, keep_dims=False)


def _sum(graph: Graph, x: int) -> int:
    return _reduced(graph, "SUM", x, (1,))


def _averaged(graph: Graph, parts: ScoreParts, features: int) -> int:
    """The features as rows, one for each image."""
    h, w, c = parts.grid
    if parts.averages is not None:
        rows, columns = parts.averages
        joined = _reshape(graph, features, (h, w * c))
        fewer = graph.op("BATCH_MATMUL", graph.constant(rows[None]), joined, shape=(len(rows), w * c))
        apart = _reshape(graph, fewer, (len(rows), w, c))
        shape = (len(rows), len(columns), c)
        features = graph.op("BATCH_MATMUL", graph.constant(columns[None, None]), apart, shape=shape)
        h, w = shape[:2]
    return _reshape(graph, features, (h * w * c,))


def _reshape(graph: Graph, x: int, shape: tuple[int, ...]) -> int:
    return graph.op("RESHAPE", x, graph.constant(np.array([-1, *shape], np.int32)), shape=shape)


def _largest(graph: Graph, parts: ScoreParts, logits: int) -> int:
    if parts.centers_logits:
        highest, mean = (_reduced(graph, kind, logits, (1,)) for kind in ("REDUCE_MAX", "MEAN"))
        return graph.op("SUB", highest, mean, fused=0)
    axis = graph.constant(np.array([1], np.int32))
    highest = graph.op("REDUCE_MAX", logits, axis, shape=(1,), keep_dims=True)
    total = _sum(graph, graph.op("EXP", graph.op("SUB", logits, highest, fused=0)))
    return graph.op("ADD", _reduced(graph, "REDUCE_MAX", logits, (1,)), graph.op("LOG", total), fused=0)


def _excess(graph: Graph, limit: VariationLimit, images: int) -> int:
    """As `VariationLimit.excess`. A convolution takes the differences: it is faster than to subtract slices."""
    (rows, columns, channels), sums = graph.values[images].shape[1:], []
    zeros = graph.constant(np.zeros(channels, np.float32))
    for down, right in ((1, 0), (0, 1)):
        kernel = np.stack([-np.ones(channels, np.float32), np.ones(channels, np.float32)])
        differences = graph.op(
            "DEPTHWISE_CONV_2D",
            images,
            graph.constant(kernel.reshape(1, 1 + down, 1 + right, channels)),
            zeros,
            shape=(rows - down, columns - right, channels),
            fused=0,
            multiplier=1,
            **window_options((1, 1), "valid", (1, 1)),
        )
        sums.append(_reduced(graph, "SUM", graph.op("ABS", differences), (1, 2, 3)))
    factor = graph.constant(np.float32(limit.weight / limit.largest))
    above = graph.op("MUL", graph.op("ADD", *sums, fused=0), factor, fused=0)
    return graph.op("RELU", graph.op("SUB", above, graph.constant(np.float32(limit.weight)), fused=0))


def _blank(graph: Graph, images: int) -> int:
    """`BLANK_SCORE` for an image of a single intensity in each channel, else 0."""
    highest, lowest = (_reduced(graph, kind, images, (1, 2)) for kind in ("REDUCE_MAX", "REDUCE_MIN"))
    spread = _reduced(graph, "REDUCE_MAX", graph.op("SUB", highest, lowest, fused=0), (1,))
    steps = graph.op("MUL", spread, graph.constant(np.float32(-UNEQUAL)), fused=0)
    is_blank = graph.op("RELU", graph.op("ADD", steps, graph.constant(np.float32(1)), fused=0))
    return graph.op("MUL", is_blank, graph.constant(np.float32(BLANK_SCORE)), fused=0)
