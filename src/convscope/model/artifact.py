"""The model file: weights and a JSON spec in one ``model.safetensors``, written whole or not at all, read as hostile.

Nothing in the file can name code, a path or an address. Reading opens one file, bounds every size before it allocates,
refuses what `write` would not have written, and ends with the file's own self-test through the NumPy engine.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from convscope.errors import ArtifactError, SpecError
from convscope.model.forward import Weights, logits
from convscope.model.layers import Shape
from convscope.model.spec import Spec, from_json

SCHEMA_VERSION = 1
FORMAT = "convscope"
MAX_FILE_BYTES = 512_000_000
MAX_HEADER_BYTES = 1_000_000
MAX_DEPTH = 12
MAX_CLASSES = 1000
MAX_NAME = 200
SELF_TEST_IMAGES = 2
SELF_TEST_TOLERANCE = 1e-3
"""Far above what another BLAS changes in a float32 sum (1e-5), far below what a swapped weight does."""

_KEYS = {"schema_version", "network", "class_names", "preprocessing", "calibration", "provenance", "weights_sha256"}
_IMAGES, _LOGITS = "self_test/images", "self_test/logits"


@dataclass(frozen=True)
class Model:
    """A trained network with everything that is needed to use it.

    Attributes:
        spec: The network.
        weights: float32 arrays by full name, ``layer/weight``.
        class_names: In the order of the logits.
        preprocessing: The contract of `data.preprocess`, as plain values.
        calibration: Plain values; may be empty.
        provenance: Where it came from, as plain values.

    Raises:
        ArtifactError: The class names do not fit the network.
    """

    spec: Spec
    weights: Weights = field(repr=False)
    class_names: tuple[str, ...]
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = self.class_names
        if len(names) != self.spec.num_classes or len(names) > MAX_CLASSES:
            raise ArtifactError(
                f"Expected one class name for each of {self.spec.num_classes} classes, at most {MAX_CLASSES}. "
                f"Received: {len(names)}."
            )
        if any(not isinstance(name, str) or not 0 < len(name) <= MAX_NAME for name in names):
            raise ArtifactError(f"Class names must be texts of 1 to {MAX_NAME} characters.")


def weights_sha256(weights: Weights) -> str:
    """One string that identifies a set of weights: over names, shapes and bytes.

    Example:
        >>> weights_sha256({"dense/bias": np.zeros(2, np.float32)})[:12]
        '538470b843b2'
    """
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(f"{name} {list(weights[name].shape)}\n".encode())
        digest.update(np.ascontiguousarray(weights[name], "<f4").tobytes())
    return digest.hexdigest()


def write(model: Model, path: str | Path) -> None:
    """Write a model file: a reader sees the old one or the new one, never half of it.

    Raises:
        ArtifactError: A weight is missing, of another shape or not finite, or the file cannot be written (the disk is
            full, the folder read-only); an older file of that name is untouched.
    """
    path = Path(path)
    images = _self_test_images(model.spec)
    _check_weights(model.weights, model.spec.weight_shapes())
    tensors = {name: model.weights[name] for name in model.spec.weight_shapes()}
    tensors |= {_IMAGES: images, _LOGITS: logits(model.spec, model.weights, images)}
    content = _encode(model, tensors)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            for part in content:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ArtifactError(
            f"The model file {path} could not be written ({error.strerror}).", hint="Make room, or give another --out."
        ) from None


def read(path: str | Path) -> Model:
    """Read a model file, trusting nothing in it.

    Returns:
        The model, whose self-test has passed.

    Raises:
        ArtifactError: It is damaged, hostile, or written by a newer convscope; the message names the file.
    """
    try:
        return _read(Path(path))
    except (ArtifactError, SpecError) as error:
        raise ArtifactError(f"{path}: {error}") from None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error.strerror}).") from None


def _encode(model: Model, tensors: Mapping[str, np.ndarray]) -> list[bytes]:
    spec = {
        "schema_version": SCHEMA_VERSION,
        "network": model.spec.to_json(),
        "class_names": list(model.class_names),
        "preprocessing": dict(model.preprocessing),
        "calibration": dict(model.calibration),
        "provenance": dict(model.provenance),
        "weights_sha256": weights_sha256(model.weights),
    }
    header: dict[str, Any] = {
        "__metadata__": {"format": FORMAT, "spec": json.dumps(spec, sort_keys=True, allow_nan=False)}
    }
    end = 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [end, end + 4 * tensor.size]}
        end += 4 * tensor.size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER_BYTES:
        raise ArtifactError(f"The model's description is over {MAX_HEADER_BYTES:,} bytes.")
    return [
        len(text).to_bytes(8, "little"),
        text,
        *(np.ascontiguousarray(tensor, "<f4").tobytes() for tensor in tensors.values()),
    ]


def _read(path: Path) -> Model:
    header, payload = _read_bounded(path)
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or set(metadata) != {"format", "spec"} or metadata["format"] != FORMAT:
        raise ArtifactError("it is not a model of convscope: its description is missing.")
    record = _parse_json(metadata["spec"], "the spec")
    version = record.get("schema_version") if isinstance(record, dict) else None
    if type(version) is int and version > SCHEMA_VERSION:
        raise ArtifactError(f"it was written by a newer convscope (schema {version}).", hint="Upgrade convscope.")
    if not isinstance(record, dict) or version != SCHEMA_VERSION or set(record) != _KEYS:
        raise ArtifactError(f"its spec must have exactly the keys {', '.join(sorted(_KEYS))}.")
    spec = from_json(record["network"])
    shapes = spec.weight_shapes()
    tests = {_IMAGES: (SELF_TEST_IMAGES, *spec.input_shape), _LOGITS: (SELF_TEST_IMAGES, spec.num_classes)}
    tensors = _tensors(header, payload, shapes | tests)
    weights = {name: tensors[name] for name in shapes}
    if weights_sha256(weights) != record["weights_sha256"]:
        raise ArtifactError("its weights do not have the hash that it states: the file is damaged.")
    if not isinstance(record["class_names"], list) or any(
        not isinstance(record[key], dict) for key in ("preprocessing", "calibration", "provenance")
    ):
        raise ArtifactError("its class names, preprocessing, calibration or provenance have the wrong form.")
    model = Model(
        spec=spec,
        weights=weights,
        class_names=tuple(record["class_names"]),
        preprocessing=record["preprocessing"],
        calibration=record["calibration"],
        provenance=record["provenance"],
    )
    _run_self_test(model, tensors[_IMAGES], tensors[_LOGITS])
    return model


def _read_bounded(path: Path) -> tuple[dict[str, Any], bytes]:
    # Not blocking: opening a named pipe would otherwise wait for a writer for ever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123
        status = os.fstat(descriptor)
        size = status.st_size
        if not stat.S_ISREG(status.st_mode):
            raise ArtifactError("it is not a regular file.")
        if not 16 <= size <= MAX_FILE_BYTES:
            raise ArtifactError(f"a model file has 16 to {MAX_FILE_BYTES:,} bytes. Received: {size:,}.")
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
            raise ArtifactError(f"its header cannot be {length:,} bytes long: it is damaged or no safetensors file.")
        text, payload = file.read(length), file.read(size - 8 - length + 1)
    if len(text) != length or len(payload) != size - 8 - length:
        raise ArtifactError("it changed while it was read.")
    try:
        header = _parse_json(text.decode("utf-8"), "the header")
    except UnicodeDecodeError:
        raise ArtifactError("its header is not UTF-8.") from None
    if not text.startswith(b"{") or not isinstance(header, dict):
        raise ArtifactError("its header is not a JSON object.")
    return header, payload


def _tensors(header: Mapping[str, Any], payload: bytes, shapes: Mapping[str, Shape]) -> Weights:
    if set(header) != set(shapes):
        wrong = sorted(str(name)[:60] for name in set(header) ^ set(shapes))[:4]
        raise ArtifactError(f"its tensors are not those that its network implies. Received: {', '.join(wrong)}.")
    tensors, end = {}, 0
    for name, shape in shapes.items():
        size = 4 * math.prod(shape)
        expected = {"dtype": "F32", "shape": list(shape), "data_offsets": [end, end + size]}
        if header[name] != expected or any(type(n) is not int for n in _numbers(header[name])):
            raise ArtifactError(f"its tensor {name} must be {expected}. Received: {str(header[name])[:120]}.")
        if end + size > len(payload):
            raise ArtifactError(f"it ends in the middle of the tensor {name}.")
        tensors[name] = np.frombuffer(payload, "<f4", count=size // 4, offset=end).reshape(shape).astype(np.float32)
        end += size
    if end != len(payload):
        raise ArtifactError(f"it has {len(payload) - end:,} bytes behind its last tensor.")
    _check_weights(tensors, shapes)
    return tensors


def _numbers(entry: Mapping[str, Any]) -> list[Any]:
    return [*entry["shape"], *entry["data_offsets"]]


def _check_weights(weights: Weights, shapes: Mapping[str, Shape]) -> None:
    if set(weights) != set(shapes):
        missing = sorted(set(weights) ^ set(shapes))[:4]
        raise ArtifactError(f"The weights are not those that the network implies. Received: {', '.join(missing)}.")
    for name, shape in shapes.items():
        if weights[name].shape != shape:
            raise ArtifactError(f"The weight {name} must be of shape {shape}. Received: {weights[name].shape}.")
        if not np.isfinite(weights[name]).all():
            raise ArtifactError(f"The tensor {name} has a value that is not a finite number.")


def _parse_json(text: object, what: str) -> Any:
    if not isinstance(text, str):
        raise ArtifactError(f"{what} is not a text.")

    def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ArtifactError(f"{what} has a key twice.")
        return dict(pairs)

    def refuse(number: str) -> Any:
        raise ArtifactError(f"{what} has a number that is not finite.")

    def bounded(number: str) -> int:
        if len(number) > 18:
            raise ArtifactError(f"{what} has a whole number of {len(number)} digits.")
        return int(number)

    depth = deepest = 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise ArtifactError(f"{what} is nested more than {MAX_DEPTH} deep.")
    try:
        return json.loads(text, object_pairs_hook=no_twins, parse_constant=refuse, parse_int=bounded)
    except (ValueError, RecursionError):
        raise ArtifactError(f"{what} is not JSON.") from None


def _self_test_images(spec: Spec) -> np.ndarray:
    """Smooth waves: every pixel differs, nothing is drawn from a random source."""
    shape = (SELF_TEST_IMAGES, *spec.input_shape)
    return (0.5 + 0.5 * np.sin(0.37 * np.arange(math.prod(shape)))).astype(np.float32).reshape(shape)


def _run_self_test(model: Model, images: np.ndarray, expected: np.ndarray) -> None:
    if images.min() < 0 or images.max() > 1:
        raise ArtifactError("its self-test images are not in [0, 1].")
    difference = float(np.abs(logits(model.spec, model.weights, images) - expected).max())
    if not difference <= SELF_TEST_TOLERANCE * max(1.0, float(np.abs(expected).max())):
        raise ArtifactError(f"its self-test fails: the logits differ by {difference:.3g}.")


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
