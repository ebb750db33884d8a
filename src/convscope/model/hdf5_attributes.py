"""Attributes of an HDF5 object that hold text, from bytes that are not trusted: config and names of a Keras model.

Source: the HDF5 File Format Specification, version 3.0: attribute messages of versions 1 and 3, strings of fixed and
variable length, and the global heap. Attributes of other types can be present; they are not read.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from convscope.errors import ModelFileError

MAX_TEXTS = 5_000
MAX_NAME = 200
MAX_RANK = 8

_STRING, _VARIABLE = 3, 9
_STARTS = {1: 8, 3: 9}
"""Where the name begins, for each version of the message."""

Take = Callable[[int, int], bytes]
"""The bytes at an address, or an error: `Hdf5` hands it over."""


@dataclass(frozen=True)
class Attribute:
    """One attribute, not decoded yet.

    Attributes:
        name: Its name.
        datatype: The datatype message.
        shape: Empty for a single value.
        data: Everything behind; it may be longer than the values.
    """

    name: str
    datatype: bytes
    shape: tuple[int, ...]
    data: bytes


def parse_attribute(content: bytes) -> Attribute:
    """Read the message of an attribute.

    Raises:
        ModelFileError: It is damaged, or of another version.
    """
    version = content[0] if content else 0
    if version not in _STARTS or len(content) < _STARTS[version] or (version == 3 and content[1]):
        raise ModelFileError(f"it has an attribute of version {version}, or a shared one, which is not read.")
    sizes = struct.unpack("<3H", content[2:8])
    places, start = [], _STARTS[version]
    for size in sizes:
        places.append((start, start + size))
        start += size + (-size % 8 if version == 1 else 0)
    if start > len(content) or not 1 <= sizes[0] <= MAX_NAME:
        raise ModelFileError("it has a damaged attribute.")
    name, datatype, space = (content[first:last] for first, last in places)
    return Attribute(_decode(name.split(b"\0")[0], "a name"), datatype, shape_of(space), content[start:])


def shape_of(content: bytes) -> tuple[int, ...]:
    """The shape in a dataspace message.

    Raises:
        ModelFileError: It is damaged, or of another version.
    """
    version, rank = content[:2] if len(content) >= 4 else (0, 0)
    start = {1: 8, 2: 4}.get(version)
    if start is None or rank > MAX_RANK or len(content) < start + 8 * rank:
        raise ModelFileError("it has a shape of another kind.")
    if version == 2 and content[3] == 2:  # no value at all
        return (0,)
    return struct.unpack(f"<{rank}Q", content[start : start + 8 * rank])


def texts_of(attribute: Attribute, take: Take, *, limit: int) -> tuple[str, ...]:
    """The texts of an attribute, in order.

    Args:
        attribute: From `parse_attribute`.
        take: Reads the file.
        limit: The most bytes of a single text; each of several has at most `MAX_NAME`.

    Raises:
        ModelFileError: It has no texts, too many or too long ones, or is damaged.
    """
    count = math.prod(attribute.shape)
    if count == 0:  # Keras writes an empty list as one of numbers
        return ()
    limit = limit if count == 1 else min(limit, MAX_NAME)
    if count > MAX_TEXTS or len(attribute.datatype) < 8:
        raise ModelFileError(f"its attribute {attribute.name} has more than {MAX_TEXTS:,} values, or is damaged.")
    kind, bits = attribute.datatype[0] & 15, attribute.datatype[1] & 15
    size = struct.unpack("<I", attribute.datatype[4:8])[0]
    if kind == _STRING and 1 <= size <= limit and len(attribute.data) >= count * size:
        pieces = (attribute.data[index * size : (index + 1) * size] for index in range(count))
        return tuple(_decode(piece.split(b"\0")[0], attribute.name) for piece in pieces)
    if kind == _VARIABLE and bits == 1 and size == 16 and len(attribute.data) >= count * size:
        return tuple(_from_heap(attribute, take, limit))
    raise ModelFileError(f"its attribute {attribute.name} is not text of at most {limit:,} bytes.")


def _from_heap(attribute: Attribute, take: Take, limit: int) -> Iterator[str]:
    """Strings of variable length: each is an object of a collection elsewhere in the file."""
    heaps: dict[int, dict[int, tuple[int, int]]] = {}
    for index in range(math.prod(attribute.shape)):
        length, address, number = struct.unpack("<IQI", attribute.data[16 * index : 16 * index + 16])
        if not length:
            yield ""
            continue
        if address not in heaps:
            heaps[address] = dict(_objects(address, take))
        start, size = heaps[address].get(number, (0, 0))
        if not length <= size or length > limit:
            raise ModelFileError(f"its attribute {attribute.name} is not text of at most {limit:,} bytes.")
        yield _decode(take(start, length).split(b"\0")[0], attribute.name)


def _objects(address: int, take: Take) -> Iterator[tuple[int, tuple[int, int]]]:
    """The objects of a global heap collection: number, and where its bytes are."""
    signature, version, size = struct.unpack("<4sB3xQ", take(address, 16))
    if signature != b"GCOL" or version != 1:
        raise ModelFileError("it has a damaged heap of texts.")
    place, end = address + 16, address + size
    while place + 16 <= end:
        number, length = struct.unpack("<H6xQ", take(place, 16))
        if number == 0:  # the free space at the end
            return
        yield number, (place + 16, length)
        place += 16 + length + -length % 8


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ModelFileError(f"its attribute {name} is not UTF-8.") from None
