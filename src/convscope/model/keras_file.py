"""A Keras model file read without Keras, and without executing anything in it. Light.

A ``.keras`` file is a zip archive: config.json names classes to import and call, model.weights.h5 holds the weights.
Here a name is one of `layers.LAYERS`, or the file is refused.
"""

from __future__ import annotations

import hashlib
import lzma
import stat
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from convscope.errors import ModelFileError, SpecError
from convscope.model.forward import Weights
from convscope.model.hdf5 import Hdf5
from convscope.model.keras_config import KerasNetwork, read_config
from convscope.model.safetensors_io import MAX_FILE_BYTES, MAX_HEADER_BYTES, parse_json
from convscope.model.spec import Spec

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MAX_MEMBERS = 100

_ZIP_TROUBLE = (zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True, eq=False)
class KerasFile:
    """The content of a Keras file.

    Attributes:
        spec: The network, without the rescaling at its input.
        weights: float32, finite, by full name.
        scale: The first layers turn an input x into ``scale * x + offset``; None without a rescaling.
        offset: See ``scale``.
        is_logits: Whether the file's last layer had no softmax, which ``spec`` adds.
        idle: Skipped layers, which are active in training only, by Keras's names.
        keras_version: The version that wrote the file, as it states.
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
    """Read a Sequential or functional model that Keras 3 saved. Nothing in it is trusted or executed.

    Args:
        path: A ``.keras`` file.

    Returns:
        Network and weights.

    Raises:
        ModelFileError: It is no such file, damaged, hostile, or has a layer or an argument that is not supported; the
            message names the file and the layer.
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
    found = read_config(parse_json(_text(archive, CONFIG), "its config.json"))
    version = _version(archive)
    weights = _weights(Hdf5(_member(archive, WEIGHTS, MAX_FILE_BYTES)), found)
    return KerasFile(found.spec, weights, found.scale, found.offset, found.is_logits, found.idle, version, sha256)


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
        raise ModelFileError("its metadata.json does not state which Keras wrote it.")
    return version


def _weights(file: Hdf5, network: KerasNetwork) -> dict[str, np.ndarray]:
    """Keras numbers the weights of each layer, in the order in which our layers name them."""
    weights: dict[str, np.ndarray] = {}
    for row, layer_group in zip(network.spec.table(), network.groups, strict=True):
        shapes = row.layer.weight_shapes(row.input_shape)
        if not shapes:
            continue
        group = f"layers/{layer_group}/vars"
        found = len(file.names(group))
        if set(file.names(group)) != {str(index) for index in range(len(shapes))}:
            raise ModelFileError(f"Expected {len(shapes)} weight arrays in {group}. Received: {found}.")
        for index, (name, shape) in enumerate(shapes.items()):
            weights[f"{row.name}/{name}"] = value = file.read(f"{group}/{index}", shape)
            if not np.isfinite(value).all():
                raise ModelFileError(f"its weight {row.name}/{name} has a value that is not a finite number.")
    return weights
