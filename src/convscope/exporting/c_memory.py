"""Where the values of each layer lie in one buffer that is as small as a simple search makes it."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from convscope.model.spec import INPUT, Row


def plan(rows: Sequence[Row], *, in_place: Collection[str]) -> tuple[dict[str, int], int]:
    """Give each layer's output a place.

    Two outputs share numbers only if one is no longer needed when the other is written.

    Args:
        rows: The network.
        in_place: Kinds whose output may take the place of their first input, if nothing else needs that.

    Returns:
        The first number of each layer's output, of the image under the name ``input``; and how many numbers the buffer
        has.
    """
    last_use = {name: index for index, row in enumerate(rows) for name in row.inputs}
    last_use[rows[-1].name] = len(rows)
    places: dict[str, int] = {INPUT: 0}
    sizes = {INPUT: math.prod(rows[0].input_shapes[rows[0].inputs.index(INPUT)])}
    for index, row in enumerate(rows):
        size = math.prod(row.output_shape)
        first = row.inputs[0]
        needed = {name for name in places if last_use.get(name, -1) >= index}
        if row.kind in in_place and last_use[first] == index and sizes[first] == size and _is_alone(row, places):
            places[row.name], sizes[row.name] = places[first], size
            continue
        taken = sorted((places[name], places[name] + sizes[name]) for name in needed)
        start = 0
        for begin, end in taken:
            if start + size <= begin:
                break
            start = max(start, end)
        places[row.name], sizes[row.name] = start, size
    return places, max(places[name] + sizes[name] for name in places)


def _is_alone(row: Row, places: dict[str, int]) -> bool:
    """Whether the first input lies where no other input lies: Add()(x, x) reads it twice, which is allowed."""
    first = places[row.inputs[0]]
    return all(name == row.inputs[0] or places[name] != first for name in row.inputs[1:])
