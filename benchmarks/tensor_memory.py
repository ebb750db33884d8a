"""The memory that a LiteRT file needs for its tensors, from the file alone: what a microcontroller has to have.

Weights stay in the file, in flash. All other tensors are kept from the operation that writes them to the last one that
reads them, in one block of memory; it is at least as large as the tensors that live at the same time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ai_edge_litert import schema_py_generated as schema

SIZES = {
    schema.TensorType.FLOAT32: 4,
    schema.TensorType.INT32: 4,
    schema.TensorType.UINT8: 1,
    schema.TensorType.INT8: 1,
    schema.TensorType.BOOL: 1,
    schema.TensorType.INT64: 8,
}


def tensor_bytes(path: Path, *, outputs: int | None = None) -> int:
    """The largest sum of the sizes of tensors that live at once, for one image.

    Args:
        path: A LiteRT file with one subgraph.
        outputs: Only what the first so many outputs need; None for all.
    """
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    graph = model.subgraphs[0]
    wanted = [int(index) for index in graph.outputs[:outputs]]
    sizes = {
        index: SIZES[tensor.type] * math.prod(1 if side < 0 else int(side) for side in shape_of(tensor))
        for index, tensor in enumerate(graph.tensors)
        if model.buffers[tensor.buffer].data is None
    }
    steps = [([], graph.inputs), *needed(graph.operators, wanted), (wanted, [])]
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for step, (read, written) in enumerate(steps):
        for index in map(int, [*read, *written]):
            first.setdefault(index, step)
            last[index] = step
    return max(
        sum(size for index, size in sizes.items() if index in first and first[index] <= step <= last[index])
        for step in range(len(steps))
    )


def needed(operators: Sequence[schema.OperatorT], outputs: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """What the operations that some outputs depend on read and write, in order."""
    wanted, found = set(outputs), []
    for one in reversed(operators):
        read, written = ([int(index) for index in some if index >= 0] for some in (one.inputs, one.outputs))
        if wanted.intersection(written):
            wanted.update(read)
            found.append((read, written))
    return found[::-1]


def shape_of(tensor: schema.TensorT) -> list[int]:
    """The shape, in which the number of images may be open."""
    signature = tensor.shapeSignature
    chosen = tensor.shape if signature is None or len(signature) == 0 else signature
    return [] if chosen is None else [int(side) for side in chosen]
