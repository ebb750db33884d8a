"""Enough of HDF5 to read the models and weights that Keras writes, from bytes in memory that are not trusted.

HDF5 is a file system in a file: datasets may be in other files, be views of others, be compressed, or claim petabytes.
This reader takes groups, contiguous float32 datasets and texts in attributes; everything else is refused by name.

Source: the HDF5 File Format Specification, version 3.0: superblock 0, version 1 B-trees and object headers, which is
what the library writes by default. Everything else is missing here.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from convscope.errors import ModelFileError
from convscope.model.hdf5_attributes import MAX_NAME, parse_attribute, shape_of, texts_of
from convscope.model.window import Shape

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_NODES = 100_000
"""The most nodes, headers and blocks that are read of one file, so that a circle ends."""


_DATASPACE, _DATATYPE, _EXTERNAL, _LAYOUT, _FILTERS, _ATTRIBUTE, _CONTINUATION, _SYMBOL_TABLE = (
    0x1, 0x3, 0x7, 0x8, 0xB, 0xC, 0x10, 0x11,
)  # fmt: skip
_FLOAT32 = bytes.fromhex("11201f00 04000000 0000 2000 17 08 00 17 7f000000")
"""The datatype message of a little-endian IEEE float of 32 bits."""

_LAYOUTS = {0: "compact", 2: "in chunks", 3: "virtual, a view of other files"}
_SHARED = 0x02
_READ = (_DATASPACE, _DATATYPE, _LAYOUT, _ATTRIBUTE)


@dataclass(frozen=True)
class _Message:
    kind: int
    content: bytes


class Hdf5:
    """An open file; nothing is read in advance.

    Args:
        data: The whole file.

    Raises:
        ModelFileError: It is not an HDF5 file, or has another version of the format.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._looked_at = 0
        if data[:8] != SIGNATURE:
            raise ModelFileError("its weights are not an HDF5 file.")
        versions = self._take(8, 8)
        if versions != bytes([0, 0, 0, 0, 0, 8, 8, 0]):
            raise ModelFileError(f"its weights are an HDF5 file of another version ({versions.hex(' ')}).")
        base, _, end, driver = struct.unpack("<4Q", self._take(24, 32))
        if base or driver != 2**64 - 1 or end != len(data):
            raise ModelFileError("its weights are not one whole HDF5 file: it states another size, or other files.")
        self._root = struct.unpack("<Q", self._take(64, 8))[0]

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a group, in the order of the file; the path of the root is empty.

        Raises:
            ModelFileError: No such group, or a damaged one.
        """
        return tuple(self._group(self._find(path), path))

    def has(self, path: str) -> bool:
        """Whether there is an object of this path.

        Raises:
            ModelFileError: A group on the way is damaged.
        """
        address = self._root
        for name in path.split("/"):
            members = self._group(address, path)
            if name not in members:
                return False
            address = members[name]
        return True

    def texts(self, path: str, name: str, *, limit: int = MAX_NAME) -> tuple[str, ...] | None:
        """An attribute that holds a text or a list of texts; None where there is none of this name.

        Args:
            path: Of the object that has the attribute.
            name: Of the attribute.
            limit: The most bytes of one text.

        Raises:
            ModelFileError: There is no such object, or the attribute is damaged or holds something else.
        """
        for message in self._messages(self._find(path)):
            if message.kind == _ATTRIBUTE:
                attribute = parse_attribute(message.content)
                if attribute.name == name:
                    return texts_of(attribute, self._take_counted, limit=limit)
        return None

    def read(self, path: str, shape: Shape) -> np.ndarray:
        """A dataset, which must be float32 of exactly this shape.

        Args:
            path: Names from the root, with slashes.
            shape: Compared before anything is allocated.

        Returns:
            float32, read-only, a view of the file's bytes.

        Raises:
            ModelFileError: There is no such dataset, it is of another kind, or it is outside these bytes.
        """
        messages: dict[int, bytes] = {}
        for message in self._messages(self._find(path)):
            messages.setdefault(message.kind, message.content)
        if _EXTERNAL in messages:
            raise ModelFileError(f"its weight {path} lies in another file, which is not read.")
        if _FILTERS in messages:
            raise ModelFileError(f"its weight {path} is packed, which Keras does not do.")
        if not {_DATASPACE, _DATATYPE, _LAYOUT} <= set(messages):
            raise ModelFileError(f"its weight {path} is not a dataset.")
        if messages[_DATATYPE][: len(_FLOAT32)] != _FLOAT32:
            raise ModelFileError(f"its weight {path} is not float32.")
        given = shape_of(messages[_DATASPACE])
        if given != shape:
            raise ModelFileError(f"its weight {path} must have the shape {shape}. Received: {str(given)[:100]}.")
        address, size = _place(messages[_LAYOUT], path)
        if size != 4 * math.prod(shape):
            raise ModelFileError(f"its weight {path} states {size:,} bytes instead of {4 * math.prod(shape):,}.")
        return np.frombuffer(self._take(address, size), "<f4").reshape(shape)

    def _take(self, address: int, size: int) -> bytes:
        if address + size > len(self._data):
            raise ModelFileError(f"its weights point to byte {address + size:,} of {len(self._data):,}.")
        return self._data[address : address + size]

    def _take_counted(self, address: int, size: int) -> bytes:
        self._look()
        return self._take(address, size)

    def _look(self) -> None:
        self._looked_at += 1
        if self._looked_at > MAX_NODES:
            raise ModelFileError(f"its weights have more than {MAX_NODES:,} nodes, or go in circles.")

    def _find(self, path: str) -> int:
        address = self._root
        for name in path.split("/") if path else ():
            members = self._group(address, path)
            if name not in members:
                raise ModelFileError(f"its weights lack {path}.")
            address = members[name]
        return address

    def _group(self, address: int, path: str) -> dict[str, int]:
        for message in self._messages(address):
            if message.kind == _SYMBOL_TABLE and len(message.content) >= 16:
                tree, heap = struct.unpack("<2Q", message.content[:16])
                return dict(self._entries(tree, self._names_of(heap)))
        raise ModelFileError(f"its weights have no group at {path}.")

    def _names_of(self, heap: int) -> bytes:
        signature, size, _, address = struct.unpack("<4s4x3Q", self._take(heap, 32))
        if signature != b"HEAP":
            raise ModelFileError("its weights have a damaged list of names.")
        return self._take(address, size)

    def _entries(self, address: int, names: bytes, depth: int = 0) -> Iterator[tuple[str, int]]:
        """The names and addresses below a node of a group's tree."""
        self._look()
        signature = self._take(address, 4)
        if signature == b"SNOD":
            count = struct.unpack("<2xH", self._take(address + 4, 4))[0]
            for index in range(count):
                name, header, kind = struct.unpack("<2QI", self._take(address + 8 + 40 * index, 20))
                if kind not in (0, 1):
                    raise ModelFileError("its weights have a link, which is not followed.")
                yield _text(names, name), header
            return
        kind, level, count = struct.unpack("<2BH", self._take(address + 4, 4))
        if signature != b"TREE" or kind or depth > 8 or level > 8:
            raise ModelFileError("its weights have a damaged list of members.")
        for index in range(count):
            yield from self._entries(struct.unpack("<Q", self._take(address + 32 + 16 * index, 8))[0], names, depth + 1)

    def _messages(self, address: int) -> Iterator[_Message]:
        """The messages of an object's header, with its continuations."""
        version, size = struct.unpack("<B7xI", self._take(address, 12))
        if version != 1:
            raise ModelFileError(f"its weights have an object header of version {version}; 1 is read.")
        waiting = [(address + 16, size)]
        while waiting:
            self._look()
            start, size = waiting.pop()
            block = self._take(start, size)
            place = 0
            while place + 8 <= len(block):
                self._look()
                kind, length, flags = struct.unpack("<2HB", block[place : place + 5])
                content = block[place + 8 : place + 8 + length]
                if len(content) < length or (flags & _SHARED and kind in _READ):
                    raise ModelFileError("its weights have a damaged object header.")
                place += 8 + length
                if kind == _CONTINUATION and length >= 16:
                    waiting.append(struct.unpack("<2Q", content[:16]))
                else:
                    yield _Message(kind, content)


def _text(names: bytes, start: int) -> str:
    end = names.find(b"\0", start, start + MAX_NAME + 1)
    try:
        if end > start:
            return names[start:end].decode()
    except UnicodeDecodeError:
        pass
    raise ModelFileError(f"its weights have a name that is not UTF-8 of 1 to {MAX_NAME} bytes.")


def _place(content: bytes, path: str) -> tuple[int, int]:
    if len(content) < 18 or content[0] != 3 or content[1] != 1:
        kind = _LAYOUTS.get(content[1], "of an unknown layout") if len(content) > 1 else "damaged"
        raise ModelFileError(f"its weight {path} does not lie in one piece: it is {kind}.")
    address, size = struct.unpack("<2Q", content[2:18])
    return address, size
