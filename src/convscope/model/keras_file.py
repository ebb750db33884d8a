"""A Keras model file read without Keras, and without executing anything in it. Light.

A ``.keras`` file is a zip archive: config.json names classes to import and call, model.weights.h5 holds the weights.
An ``.h5`` file, which earlier versions wrote, holds both. Here a name is one of `keras_vocabulary`, or the file is
refused.
"""

from __future__ import annotations

import hashlib
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from convscope.errors import ModelFileError, SpecError
from convscope.model.forward import Weights
from convscope.model.hdf5 import SIGNATURE, Hdf5
from convscope.model.keras_config import KerasNetwork, read_config
from convscope.model.keras_other_formats import refuse_folder, refuse_other_archives, refuse_other_formats
from convscope.model.keras_vocabulary import BACKENDS, VERSIONS
from convscope.model.keras_weights import (
    MODEL_WEIGHTS,
    is_normalization_of_bytes,
    read_archive_weights,
    read_h5_weights,
)
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
        input_range: The range of the network's input, as far as the file tells: ``0..255`` if it begins with a
            rescaling, or with a normalization of such values; else ``0..1``.
        is_logits: Whether the file's last layer had no softmax, which ``spec`` adds.
        is_sigmoid: Whether the file's last layer was one sigmoid unit: ``spec`` has two classes, and the second one's
            probability is that of the sigmoid.
        idle: Skipped layers, which are active in training only, by Keras's names.
        keras_version: The version that wrote the file, as it states.
        sha256: Of the whole file.
    """

    spec: Spec
    weights: Weights = field(repr=False)
    scale: float | None
    offset: float
    input_range: str
    is_logits: bool
    is_sigmoid: bool
    idle: tuple[str, ...]
    keras_version: str
    sha256: str


def read_keras(path: str | Path) -> KerasFile:
    """Read a Sequential or functional model that Keras 2 or 3 saved. Nothing in it is trusted or executed.

    Args:
        path: A ``.keras`` or ``.h5`` file.

    Returns:
        Network and weights.

    Raises:
        ModelFileError: It is no such file, damaged, hostile, or has a layer or an argument that is not supported; the
            message names the file and the layer.
    """
    path = Path(path)
    try:
        with _opened(path) as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            head = _head(file)
            if head.startswith(SIGNATURE):
                return _read_h5(Hdf5(file.read()), sha256)
            if not zipfile.is_zipfile(file):
                refuse_other_formats(path, head)
            file.seek(0)
            with zipfile.ZipFile(file) as archive:
                refuse_other_archives(archive.namelist()[:MAX_MEMBERS])
                return _read_archive(archive, sha256)
    except (ModelFileError, SpecError) as error:
        raise ModelFileError(f"{path}: {error.args[0]}", hint=error.hint) from None
    except _ZIP_TROUBLE as error:
        words = " ".join(str(error).split())[:100] or type(error).__name__
        raise ModelFileError(
            f"Expected a model that Keras saved as .keras or .h5. Received: {path}, not a whole zip archive ({words})."
        ) from None
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read ({error.strerror or error}).") from None


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    refuse_folder(path)
    about = path.stat()
    if not stat.S_ISREG(about.st_mode) or about.st_size > 2 * MAX_FILE_BYTES:
        raise ModelFileError(f"it is not a regular file of at most {2 * MAX_FILE_BYTES:,} bytes.")
    with path.open("rb") as file:
        yield file


def _head(file: BufferedReader) -> bytes:
    """The first bytes; the file is at its start before and after."""
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    return head


def _read_archive(archive: zipfile.ZipFile, sha256: str) -> KerasFile:
    described = parse_json(_text(archive, CONFIG), "its config.json")
    record = parse_json(_text(archive, METADATA), "its metadata.json")
    version = _version(record.get("keras_version") if isinstance(record, dict) else None, "its metadata.json does")
    found = read_config(described, major=_major(version))
    spec, weights = read_archive_weights(Hdf5(_member(archive, WEIGHTS, MAX_FILE_BYTES)), found)
    return _result(found, spec, weights, version, sha256)


def _read_h5(file: Hdf5, sha256: str) -> KerasFile:
    described = file.texts("", "model_config", limit=MAX_HEADER_BYTES)
    if described is None or len(described) != 1:
        is_keras = not {"layers", "_layer_checkpoint_dependencies", "vars"}.isdisjoint(file.names(""))
        what = (
            "weights without the network" if is_keras or file.texts("", "layer_names") is not None else "no Keras model"
        )
        raise ModelFileError(
            f"it is an HDF5 file with {what}.",
            hint="Build the network in Keras, load the weights, and save both: model.save('model.keras').",
        )
    versions, backends = file.texts("", "keras_version") or (None,), file.texts("", "backend") or ("tensorflow",)
    version = _version(versions[0], "its attributes do")
    if backends[0] not in BACKENDS:
        raise ModelFileError(
            f"it was saved by Keras on {ascii(backends[0])[:40]}, whose convolutions may be turned around.",
            hint="Load it in Keras 2 on TensorFlow, and save it there.",
        )
    found = read_config(parse_json(described[0], "its model_config"), major=_major(version))
    if MODEL_WEIGHTS not in file.names(""):
        raise ModelFileError("it has no weights.", hint="Save the model with its weights: model.save('model.keras').")
    spec, weights = read_h5_weights(file, found)
    return _result(found, spec, weights, version, sha256)


def _result(found: KerasNetwork, spec: Spec, weights: Weights, version: str, sha256: str) -> KerasFile:
    is_wide = found.scale is not None or is_normalization_of_bytes(spec)
    return KerasFile(
        spec=spec,
        weights=weights,
        scale=found.scale,
        offset=found.offset,
        input_range="0..255" if is_wide else "0..1",
        is_logits=found.is_logits,
        is_sigmoid=found.is_sigmoid,
        idle=found.idle,
        keras_version=version,
        sha256=sha256,
    )


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    found = [member for member in archive.infolist()[: MAX_MEMBERS + 1] if member.filename == name]
    if len(archive.infolist()) > MAX_MEMBERS or len(found) > 1:
        raise ModelFileError(f"it has more than {MAX_MEMBERS} members, or {name} twice.")
    if not found:
        raise ModelFileError(f"it lacks {name}.", hint="Save the model with Keras: model.save('model.keras').")
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


def _version(version: object, where: str) -> str:
    if not isinstance(version, str) or not version.isprintable() or not 0 < len(version) <= 40:
        raise ModelFileError(f"{where} not state which Keras wrote it.")
    return version


def _major(version: str) -> int:
    """The number before the first point.

    Raises:
        ModelFileError: Files of this version are not read.
    """
    start = version.split(".")[0]
    if start.isascii() and start.isdigit() and int(start) in VERSIONS:
        return int(start)
    raise ModelFileError(
        f"it was saved by Keras {version}; files of Keras {' and '.join(map(str, VERSIONS))} are read.",
        hint="Load it in the version that wrote it, and save it with one of these.",
    )
