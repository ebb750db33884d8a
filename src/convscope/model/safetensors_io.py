"""The container of a model file: safetensors with one text beside the tensors. Never trusted.

Eight bytes give the length of a JSON header; the header gives each tensor's place; the numbers follow without a gap.
Every size is checked before anything is allocated, and what `encode` would not have written is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convscope.errors import ModelFileError
from convscope.model.files import open_regular
from convscope.model.window import Shape

FORMAT = "convscope"
MAX_FILE_BYTES = 512_000_000
MAX_HEADER_BYTES = 1_000_000
MAX_DEPTH = 12
"""How deep lists and objects may be nested."""

MAX_DIGITS = 20
"""Of a whole number: any 64-bit one fits."""

_METADATA = {"format", "sha256", "spec"}
_SURROGATE = re.compile("[\\ud800-\\udfff]")


@dataclass(frozen=True)
class TensorFile:
    """The content of a file: sizes and checksum are checked, its tensors are not yet compared with any network.

    Attributes:
        text: The text that `encode` stored beside the tensors.
        header: The JSON object of each tensor, by name.
        payload: The tensors' bytes.
    """

    text: str
    header: Mapping[str, Any]
    payload: bytes


def encode(text: str, tensors: Mapping[str, np.ndarray], *, max_bytes: int = MAX_FILE_BYTES) -> list[bytes]:
    """Lay out a file.

    Args:
        text: Kept beside the tensors, as it is.
        tensors: float32, float16 or int8, of any shape, in the order in which they are stored, wider numbers first.
        max_bytes: The size limit of the file.

    Returns:
        The file's parts, in order. The file opens with the ``safetensors`` library too.

    Raises:
        ModelFileError: The header takes more than `MAX_HEADER_BYTES`, or the file more than ``max_bytes``.
    """
    data = [np.ascontiguousarray(tensor, _type(tensor)).tobytes() for tensor in tensors.values()]
    metadata = {"format": FORMAT, "sha256": _digest(text, data), "spec": text}
    header: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name, tensor in tensors.items():
        header[name] = _entry(tensor.shape, end, _type(tensor))
        end += int(_type(tensor)[-1]) * tensor.size
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)  # so that the numbers start at a multiple of 8
    if len(encoded) > MAX_HEADER_BYTES:
        raise ModelFileError(
            f"The model's description takes over {MAX_HEADER_BYTES:,} bytes. Received: {len(encoded):,}."
        )
    if 8 + len(encoded) + end > max_bytes:
        raise ModelFileError(f"A model file has at most {max_bytes:,} bytes. Received: {8 + len(encoded) + end:,}.")
    return [len(encoded).to_bytes(8, "little"), encoded, *data]


def open_file(path: Path, *, max_bytes: int = MAX_FILE_BYTES) -> TensorFile:
    """Read a file into memory: opened once, every size checked, the checksum compared.

    Raises:
        ModelFileError: It is not such a file, or damaged. The message does not name the file.
        OSError: It cannot be read.
    """
    encoded, payload = _read_bounded(path, max_bytes)
    try:
        header = parse_json(encoded.decode("utf-8"), "its header")
    except UnicodeDecodeError:
        raise ModelFileError("its header is not UTF-8.") from None
    if not encoded.startswith(b"{") or not isinstance(header, dict):
        raise ModelFileError("its header is not a JSON object.")
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT or not isinstance(metadata.get("spec"), str):
        raise ModelFileError("it is not a model of convscope: its description is missing.")
    if set(metadata) != _METADATA:
        raise ModelFileError(f"its metadata must have exactly the keys {', '.join(sorted(_METADATA))}.")
    if metadata["sha256"] != _digest(metadata["spec"], [payload]):
        raise ModelFileError("checksum mismatch: the file is damaged.")
    return TensorFile(metadata["spec"], header, payload)


def tensors_of(
    file: TensorFile, shapes: Mapping[str, Shape], *, float16: Sequence[str] = (), int8: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """The tensors of a file, if names, shapes, dtypes and offsets are the expected ones.

    Args:
        file: From `open_file`.
        shapes: The expected tensors, in order.
        float16: The names of those in float16.
        int8: The names of those in int8.

    Returns:
        Views into the file's bytes, read-only, all values finite.

    Raises:
        ModelFileError: The file has other tensors.
    """
    if set(file.header) != set(shapes):
        wrong = [ascii(name[:60]) for name in sorted(set(file.header) ^ set(shapes))[:4]]
        raise ModelFileError(f"its tensors are not those that its network implies. Received: {', '.join(wrong)}.")
    tensors, end = {}, 0
    for name, shape in shapes.items():
        kind = "<f2" if name in float16 else "|i1" if name in int8 else "<f4"
        expected = _entry(shape, end, kind)
        # compared as text, since in Python 1 equals 1.0 and True
        if json.dumps(file.header[name], sort_keys=True) != json.dumps(expected, sort_keys=True):
            raise ModelFileError(f"its tensor {name} must be {expected}. Received: {ascii(file.header[name])[:120]}.")
        count = math.prod(shape)
        size = int(kind[-1]) * count
        if end + size > len(file.payload):
            raise ModelFileError(f"it ends in the middle of the tensor {name}.")
        tensors[name] = np.frombuffer(file.payload, kind, count=count, offset=end).reshape(shape)
        if not np.isfinite(tensors[name]).all():
            raise ModelFileError(f"its tensor {name} has a value that is not a finite number.")
        end += size
    if end != len(file.payload):
        raise ModelFileError(f"it has {len(file.payload) - end:,} bytes behind its last tensor.")
    return tensors


def parse_json(text: str, what: str, *, any_text: bool = False) -> Any:
    """Parse JSON strictly: no duplicate keys, no numbers that are not finite, limited depth.

    Args:
        text: At most some megabytes.
        what: The subject of the error's sentence.
        any_text: Whether a text may have an unpaired surrogate, as the name of a file whose bytes are not UTF-8.

    Raises:
        ModelFileError: It is not JSON, or one of these.

    Example:
        >>> parse_json('{"classes": 10}', "the spec")
        {'classes': 10}
    """

    def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ModelFileError(f"{what} has a key twice.")
        return dict(pairs)

    def finite(number: str) -> float:
        if not math.isfinite(float(number)):
            raise ModelFileError(f"{what} has a number that is not finite.")
        return float(number)

    def bounded(number: str) -> int:
        if len(number) > MAX_DIGITS:
            raise ModelFileError(f"{what} has a whole number of {len(number)} digits.")
        return int(number)

    try:
        value = json.loads(
            text, object_pairs_hook=no_twins, parse_float=finite, parse_constant=finite, parse_int=bounded
        )
    except RecursionError:
        raise ModelFileError(f"{what} is nested more than {MAX_DEPTH} deep.") from None
    except ValueError:
        raise ModelFileError(f"{what} is not JSON.") from None
    _check_texts_and_depth(value, what, any_text)
    return value


def plain(value: object, what: str, depth: int = 0) -> Any:
    """A copy of plain JSON values that `parse_json` reads back unchanged.

    An unpaired surrogate, which a file name may have and UTF-8 cannot encode, becomes a question mark.

    Raises:
        ModelFileError: There is something else than texts, finite numbers, booleans, None, lists and objects.

    Example:
        >>> plain({"seed": 1, "source": ["a.zip"]}, "provenance")
        {'seed': 1, 'source': ['a.zip']}
    """
    if depth > MAX_DEPTH - 2:  # the file adds two levels around it
        raise ModelFileError(f"{what} must not be nested deeper than {MAX_DEPTH - 2}.")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return {plain(key, what): plain(item, what, depth + 1) for key, item in value.items()}
    elif isinstance(value, list | tuple):
        return [plain(item, what, depth + 1) for item in value]
    small = type(value) is int and len(str(value)) <= MAX_DIGITS
    if value is None or type(value) is bool or small or (type(value) is float and math.isfinite(value)):
        return value
    raise ModelFileError(f"{what} must be plain JSON with finite numbers. Received: {ascii(value)[:60]}.")


def _check_texts_and_depth(value: object, what: str, any_text: bool) -> None:
    """Walk level by level: an unpaired surrogate cannot be printed, and deep nesting has no use here."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        texts = [item for item in level if isinstance(item, str)]
        inner = [part for item in level if isinstance(item, dict) for part in (*item.keys(), *item.values())]
        inner += [part for item in level if isinstance(item, list) for part in item]
        if not any_text and any(_SURROGATE.search(text) for text in texts):
            raise ModelFileError(f"{what} has a text that is not Unicode.")
        if not inner:
            return
        level = inner
    raise ModelFileError(f"{what} is nested more than {MAX_DEPTH} deep.")


def _digest(text: str, data: Sequence[bytes]) -> str:
    digest = hashlib.sha256(text.encode())
    for part in data:
        digest.update(part)
    return digest.hexdigest()


def _type(tensor: np.ndarray | np.generic) -> str:
    return {"float16": "<f2", "int8": "|i1"}.get(tensor.dtype.name, "<f4")


def _entry(shape: Shape, start: int, kind: str) -> dict[str, Any]:
    bytes_each = int(kind[-1])
    name = {1: "I8", 2: "F16", 4: "F32"}[bytes_each]
    return {"dtype": name, "shape": list(shape), "data_offsets": [start, start + bytes_each * math.prod(shape)]}


def _read_bounded(path: Path, max_bytes: int) -> tuple[bytes, bytes]:
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if not 16 <= size <= max_bytes:
            raise ModelFileError(f"a model file has 16 to {max_bytes:,} bytes. Received: {size:,}.")
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
            raise ModelFileError(f"its header cannot be {length:,} bytes long: it is damaged or no safetensors file.")
        encoded, payload = file.read(length), file.read(size - 8 - length + 1)
    if len(encoded) != length or len(payload) != size - 8 - length:
        raise ModelFileError("it changed while it was read.")
    return encoded, payload
