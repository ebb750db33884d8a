"""Writing of flatbuffers: tables, vectors and strings, laid out in the order in which they are reached.

A flatbuffer is read in place: a table points to the list of its fields' positions, and each field that is not a number
holds the distance to its value, which lies behind it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

DATA_ALIGNMENT = 16
"""Of vectors of numbers: runtimes read weights where they lie."""


@dataclass(frozen=True)
class Number:
    """A number of a fixed size.

    Attributes:
        format: The format character of `struct`: b, B, ?, i, I, f or Q.
        value: The number.
    """

    format: str
    value: float


Table = Mapping[int, "Field"]
"""Field number to value."""

Field = Number | str | np.ndarray | Table | Sequence[Table]


def encode(root: Table, identifier: bytes) -> bytes:
    """The bytes of a flatbuffer.

    Args:
        root: The outermost table.
        identifier: Four bytes that name the schema.

    Source:
        The flatbuffers documentation, "FlatBuffers internals". We write from front to back and store no table twice.
    """
    out = bytearray(struct.pack("<I4s", 0, identifier))
    waiting: list[tuple[int, Field]] = [(0, root)]
    while waiting:
        place, value = waiting.pop()
        at, found = _append(out, value)
        struct.pack_into("<I", out, place, at - place)
        waiting += reversed(found)
    return bytes(out)


def _append(out: bytearray, value: Field) -> tuple[int, list[tuple[int, Field]]]:
    """Append a value.

    Returns:
        Where it begins, and the places that have to point to further values.
    """
    if isinstance(value, Mapping):
        return _append_table(out, value)
    if isinstance(value, str):
        text = value.encode()
        return _append_vector(out, len(text), text + b"\0", 4), []
    if isinstance(value, np.ndarray):
        flat = np.ascontiguousarray(value).ravel()
        return _append_vector(out, flat.size, flat.tobytes(), DATA_ALIGNMENT), []
    if isinstance(value, Number):
        raise TypeError("Expected a number inside a table.")
    at = _append_vector(out, len(value), bytes(4 * len(value)), 4)
    return at, [(at + 4 + 4 * index, one) for index, one in enumerate(value)]


def _append_vector(out: bytearray, length: int, content: bytes, alignment: int) -> int:
    """The content is aligned, and the length lies before it."""
    out += bytes(-(len(out) + 4) % alignment)
    at = len(out)
    out += struct.pack("<I", length) + content
    return at


def _append_table(out: bytearray, table: Table) -> tuple[int, list[tuple[int, Field]]]:
    offsets, size = [0] * (max(table) + 1 if table else 0), 4
    order = sorted(table, key=lambda number: -_size(table[number]))
    for number in order:
        size += -size % _size(table[number])
        offsets[number] = size
        size += _size(table[number])
    out += bytes(-len(out) % 2)
    fields = len(out)
    out += struct.pack(f"<HH{len(offsets)}H", 4 + 2 * len(offsets), size, *offsets)
    out += bytes(-len(out) % 8)
    at = len(out)
    out += bytes(size)
    struct.pack_into("<i", out, at, at - fields)
    further = []
    for number, value in table.items():
        if isinstance(value, Number):
            struct.pack_into(f"<{value.format}", out, at + offsets[number], value.value)
        else:
            further.append((at + offsets[number], value))
    return at, further


def _size(value: Field) -> int:
    return struct.calcsize(f"<{value.format}") if isinstance(value, Number) else 4
