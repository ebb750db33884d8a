"""A Keras model file read without Keras: a Sequential network of our vocabulary, from its words, executed never.

A ``.keras`` file is a zip archive: config.json names classes to be looked up and called, model.weights.h5 holds the
numbers. Keras imports what the names say; here a name either stands in `layers.LAYERS` or is refused.
"""

from __future__ import annotations

import hashlib
import lzma
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from convscope.errors import ModelFileError, SpecError
from convscope.model.forward import Weights
from convscope.model.hdf5 import Hdf5
from convscope.model.layers import LAYERS, Activation, Dense, Layer, Softmax
from convscope.model.safetensors_io import MAX_FILE_BYTES, MAX_HEADER_BYTES, parse_json
from convscope.model.spec import MAX_LAYERS, Spec
from convscope.model.spec_parser import make_layer

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MAX_MEMBERS = 100

IDLE = (
    "SpatialDropout2D",
    "GaussianDropout",
    "GaussianNoise",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "RandomShear",
    "RandomBrightness",
    "RandomContrast",
    "ActivityRegularization",
)
"""Layers that do something in training only: they are left out, which changes no answer."""

_INERT = {"name", "trainable", "dtype", "seed", "noise_shape", "build_config", "synchronized", "batch_input_shape"}
_INERT |= {"kernel_initializer", "renorm_clipping", "renorm_momentum"}
_INERT_ENDS = ("_initializer", "_regularizer", "_constraint")
_ONLY: dict[str, tuple[object, ...]] = {
    "data_format": ("channels_last", None),
    "axis": (-1, 3, [-1], [3]),
    "max_value": (None,),
    "negative_slope": (None, 0),
    "threshold": (None, 0),
    "keepdims": (False,),
    "renorm": (False,),
    "quantization_config": (None,),
    "lora_rank": (None,),
    "lora_alpha": (None,),
}
"""Arguments that our layers do not have, and the values at which they change nothing."""

_MODULES = ("keras", "keras.models")
_ZIP_TROUBLE = (zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True, eq=False)
class KerasFile:
    """What a Keras file holds, in our words.

    Attributes:
        spec: The network, from the first layer after the rescaling on.
        weights: float32, finite, by full name.
        scale: The first layers turn an input x into ``scale * x + offset``; None where there is no rescaling.
        offset: See ``scale``.
        is_logits: Whether the file's last layer had no softmax, which ours then has.
        idle: Layers left out because they do something in training only, by Keras's names.
        keras_version: What the file says wrote it.
        sha256: Of the whole file.
    """

    spec: Spec
    weights: Weights = field(repr=False)
    scale: float | None
    offset: float
    is_logits: bool
    idle: tuple[str, ...]
    keras_version: str
    sha256: str


def read_keras(path: str | Path) -> KerasFile:
    """Read a Sequential model that Keras 3 saved, trusting nothing in it and executing nothing of it.

    Args:
        path: A ``.keras`` file.

    Returns:
        Network and weights.

    Raises:
        ModelFileError: It is no such file, damaged, hostile, or has a layer or an argument that convscope does not
            have; the message names the file, and the layer.
    """
    path = Path(path)
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > 2 * MAX_FILE_BYTES:
            raise ModelFileError(f"it is not a regular file of at most {2 * MAX_FILE_BYTES:,} bytes.")
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            with zipfile.ZipFile(file) as archive:
                return _read(archive, sha256)
    except (ModelFileError, SpecError) as error:
        raise ModelFileError(f"{path}: {error.args[0]}", hint=error.hint) from None
    except _ZIP_TROUBLE as error:
        words = " ".join(str(error).split())[:100] or type(error).__name__
        raise ModelFileError(
            f"Expected a model that Keras 3 saved as .keras. Received: {path}, not a whole zip archive ({words})."
        ) from None
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read ({error.strerror or error}).") from None


def _read(archive: zipfile.ZipFile, sha256: str) -> KerasFile:
    config = parse_json(_text(archive, CONFIG), "its config.json")
    version = _version(archive)
    shape, entries, name = _sequential(config)
    layers, idle, scale, offset = [], [], None, 0.0
    for index, entry in enumerate(entries):
        kind = _kind(entry, index)
        values = entry["config"]
        if kind == "InputLayer":
            continue
        if kind in IDLE:
            idle.append(kind)
        elif kind == "Rescaling":
            if layers:
                raise ModelFileError(f"layer {index + 1}: Rescaling is read as the first layer only.")
            by, plus = (_number(values, key, index) for key in ("scale", "offset"))
            scale, offset = by * (1.0 if scale is None else scale), by * offset + plus
        else:
            layers.append(_layer(kind, values, index))
    if not layers:
        raise ModelFileError("its network has no layer that convscope knows.")
    is_logits = not _is_softmax(layers[-1])
    spec = Spec(input_shape=shape, layers=tuple(_with_softmax(layers)), name=name)
    weights = _weights(Hdf5(_member(archive, WEIGHTS, MAX_FILE_BYTES)), spec)
    return KerasFile(spec, weights, scale, offset, is_logits, tuple(idle), version, sha256)


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    found = [member for member in archive.infolist()[: MAX_MEMBERS + 1] if member.filename == name]
    if len(archive.infolist()) > MAX_MEMBERS or len(found) > 1:
        raise ModelFileError(f"it has more than {MAX_MEMBERS} members, or {name} twice.")
    if not found:
        raise ModelFileError(f"it lacks {name}.", hint="Save the model with Keras 3: model.save('model.keras').")
    with archive.open(found[0]) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise ModelFileError(f"its {name} has more than {limit:,} bytes.")
    return content


def _text(archive: zipfile.ZipFile, name: str) -> str:
    try:
        return _member(archive, name, MAX_HEADER_BYTES).decode()
    except UnicodeDecodeError:
        raise ModelFileError(f"its {name} is not UTF-8.") from None


def _version(archive: zipfile.ZipFile) -> str:
    record = parse_json(_text(archive, METADATA), "its metadata.json")
    version = record.get("keras_version") if isinstance(record, dict) else None
    if not isinstance(version, str) or not version.isprintable() or len(version) > 40:
        raise ModelFileError("its metadata.json does not say which Keras wrote it.")
    return version


def _sequential(config: object) -> tuple[tuple[int, int, int], list[Any], str]:
    """Input shape, layers and name of a Sequential model."""
    kind = config.get("class_name") if isinstance(config, dict) else None
    if (
        not isinstance(config, dict)
        or kind != "Sequential"
        or config.get("module", "keras") not in ("keras", "keras.models")
    ):
        raise ModelFileError(
            f"Expected a Sequential model. Received: {ascii(kind)[:60]}.",
            hint="Only a plain stack of layers is read; rebuild the model with keras.Sequential.",
        )
    inner = config.get("config")
    entries = inner.get("layers") if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or not isinstance(entries, list) or not 1 <= len(entries) <= 2 * MAX_LAYERS:
        raise ModelFileError(f"its config must have a list of 1 to {2 * MAX_LAYERS} layers.")
    first = entries[0].get("config") if isinstance(entries[0], dict) else None
    shape = first.get("batch_shape") if isinstance(first, dict) else None
    shape = shape or inner.get("build_input_shape")
    sizes = shape[1:] if isinstance(shape, list) and len(shape) == 4 else []
    if len(sizes) != 3 or any(type(size) is not int for size in sizes):
        raise ModelFileError(
            f"Expected images of fixed size: rows, columns, channels. Received: {ascii(shape)[:60]}.",
            hint="Begin the model with keras.Input((rows, columns, channels)).",
        )
    name = inner.get("name")
    return (sizes[0], sizes[1], sizes[2]), entries, name if isinstance(name, str) else "network"


def _kind(entry: object, index: int) -> str:
    """The class of a layer, once it is one of Keras's own and not somebody's of that name."""
    kind = entry.get("class_name") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(kind, str) or not isinstance(entry.get("config"), dict):
        raise ModelFileError(f"layer {index + 1} is not the description of a layer.")
    is_own = entry.get("registered_name") in (None, kind) and entry.get("module", "keras.layers") == "keras.layers"
    if is_own and kind in (*LAYERS, *IDLE, "InputLayer", "Rescaling"):
        return kind
    raise ModelFileError(
        f"layer {index + 1} is {ascii(kind)[:60]} of {ascii(entry.get('module'))[:60]}, which convscope does not have.",
        hint=f"It reads {', '.join(LAYERS)}, and Rescaling in front.",
    )


def _layer(kind: str, values: Mapping[str, Any], index: int) -> Layer:
    names = {field.name: field.default for field in fields(LAYERS[kind])}
    given: dict[str, object] = {}
    for key, value in values.items():
        if key in names and key != "kernel_initializer":
            given[key] = "linear" if key == "activation" and value is None else value
        elif key in _ONLY:
            if not any(type(value) is not bool or type(only) is bool for only in _ONLY[key] if value == only):
                raise ModelFileError(f"layer {index + 1} ({kind}): {key}={ascii(value)[:40]} is not supported.")
        elif key not in _INERT and not key.endswith(_INERT_ENDS):
            raise ModelFileError(f"layer {index + 1} ({kind}): convscope does not know the argument {ascii(key)[:60]}.")
    lacking = [name for name, default in names.items() if default is MISSING and name not in given]
    if lacking:
        raise ModelFileError(f"layer {index + 1} ({kind}) lacks {', '.join(lacking)}.")
    try:
        return make_layer(LAYERS[kind], given)
    except SpecError as error:
        raise ModelFileError(f"layer {index + 1} ({kind}): {error}") from None


def _number(values: Mapping[str, Any], key: str, index: int) -> float:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e6:
        raise ModelFileError(f"layer {index + 1} (Rescaling): {key} must be a number. Received: {ascii(value)[:60]}.")
    return float(value)


def _is_softmax(layer: Layer) -> bool:
    return isinstance(layer, Softmax) or getattr(layer, "activation", "") == "softmax"


def _with_softmax(layers: list[Layer]) -> list[Layer]:
    last = layers[-1]
    if _is_softmax(last):
        return layers
    if getattr(last, "activation", "linear") != "linear" or not isinstance(last, Dense | Activation):
        raise ModelFileError(
            f"Expected a last layer that gives one number a class, with softmax or as logits. "
            f"Received: {ascii(last)[:100]}.",
            hint="One sigmoid for two classes is not read; train with two units and softmax.",
        )
    return [*layers, Softmax()]


def _weights(file: Hdf5, spec: Spec) -> dict[str, np.ndarray]:
    """Keras numbers the weights of each layer, in the order in which our layers name them."""
    weights: dict[str, np.ndarray] = {}
    for row in spec.table():
        shapes = row.layer.weight_shapes(row.input_shape)
        if not shapes:
            continue
        group = f"layers/{row.name}/vars"
        if set(file.names(group)) != {str(index) for index in range(len(shapes))}:
            raise ModelFileError(f"its weights have not exactly {len(shapes)} numbers' arrays in {group}.")
        for index, (name, shape) in enumerate(shapes.items()):
            weights[f"{row.name}/{name}"] = value = file.read(f"{group}/{index}", shape)
            if not np.isfinite(value).all():
                raise ModelFileError(f"its weight {row.name}/{name} has a value that is not a finite number.")
    return weights
