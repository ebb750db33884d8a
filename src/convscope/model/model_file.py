"""The model file: weights and a JSON spec in one ``model.safetensors``, written atomically, never trusted when read.

Nothing in the file can name code, a path or an address. Reading opens one file, checks every size before it allocates,
refuses what `save_model` would not have written, and ends with the file's own self-test on the NumPy engine.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from convscope.arrays import MAX_CLASS_NAME, MAX_CLASSES, Images, is_class_name
from convscope.errors import ModelFileError, SpecError
from convscope.model.features import Subspace
from convscope.model.files import replace_file
from convscope.model.forward import Weights, check_weights, logits
from convscope.model.layers.layer import SLOW
from convscope.model.safetensors_io import encode, open_file, parse_json, plain, tensors_of
from convscope.model.spec import Spec
from convscope.model.spec_parser import from_json
from convscope.model.subspace_tensors import (
    DIRECTIONS,
    STEPS,
    check_subspace,
    read_subspace,
    subspace_shapes,
    subspace_tensors,
    whole_of,
)

SCHEMA_VERSION = 4
"""The newest version that is read. A line is written as version 1; version 2 names the layers of a graph; version 3 has
what the network's answers on held-out images were like, version 4 with directions in 8 bits."""

MAX_COST = 10_000_000_000
"""For one image, in multiply-adds of a matrix product: about a third of a second on one core (see `cost`)."""

MAX_OUTPUT = 10_000_000
"""Numbers that one layer may give for one image: 40 MB in float32."""

SELF_TEST_IMAGES = 2
SELF_TEST_TOLERANCE = 1e-3
"""Far above what another BLAS changes in a float32 sum (1e-5), far below what a swapped weight does."""

_PLAIN = ("preprocessing", "calibration", "provenance")
_KEYS = {"schema_version", "network", "class_names", "weights_sha256", *_PLAIN}
_IMAGES, _LOGITS = "self_test/images", "self_test/logits"

_RELIABILITY = {"reliability", "directions"}
"""The keys that version 3 adds."""


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network with everything needed to use it.

    Attributes:
        spec: The network.
        weights: float32 arrays by full name, ``layer/weight``.
        class_names: In the order of the logits; see `arrays.is_class_name`.
        preprocessing: The contract of `data.preprocess`, as plain values.
        calibration: Plain values; may be empty.
        provenance: Where it came from, as plain values. Only shown, never acted on.
        reliability: What its answers on held-out images were like, as plain values: see `evaluation.reliability`. Empty
            for a network without held-out images, and in files of older versions.
        subspace: Where the features of its training images lie; None if there are no such values.

    Raises:
        ModelFileError: Class names or subspace do not fit the network.
    """

    spec: Spec
    weights: Weights = field(repr=False)
    class_names: tuple[str, ...]
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    reliability: Mapping[str, Any] = field(default_factory=dict)
    subspace: Subspace | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        names = self.class_names
        if len(names) != self.spec.num_classes or len(names) > MAX_CLASSES:
            raise ModelFileError(
                f"Expected one class name for each of {self.spec.num_classes} classes, at most {MAX_CLASSES}. "
                f"Received: {len(names)}."
            )
        if not all(map(is_class_name, names)):
            raise ModelFileError(f"Class names must be texts of 1 to {MAX_CLASS_NAME} printable characters.")
        if self.subspace is not None:
            check_subspace(self.spec, self.subspace)


def weights_sha256(weights: Weights) -> str:
    """One string that identifies a set of weights: over names, shapes and bytes.

    Example:
        >>> weights_sha256({"dense/bias": np.zeros(2, np.float32)})[:12]
        '538470b843b2'
    """
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(f"{name} {list(weights[name].shape)}\n".encode())
        digest.update(np.ascontiguousarray(weights[name], "<f4").data)
    return digest.hexdigest()


def cost(spec: Spec) -> int:
    """What one image costs the NumPy engine, in multiply-adds of a matrix product (some 25 to 50 a nanosecond).

    Anything but a matrix product is about 30 times slower per number, and each NumPy call costs microseconds. It is a
    rough upper bound, for refusing a network made to keep a reader busy.

    Example:
        >>> from convscope.model.presets import load_spec
        >>> cost(load_spec("classic", input_shape=(28, 28, 1), num_classes=10)) < MAX_COST // 50
        True
    """
    merged = sum(math.prod(shape) for row in spec.table() for shape in row.input_shapes[1:])
    return sum(row.layer.cost(row.input_shape) for row in spec.table()) + 2 * SLOW * merged


def check_size(spec: Spec) -> None:
    """Refuse a network that is too big for any reader; training checks this before it starts.

    Raises:
        ModelFileError: One image costs more than `MAX_COST`, or a layer gives more than `MAX_OUTPUT` numbers.
    """
    image_cost, largest = cost(spec), max(math.prod(row.output_shape) for row in spec.table())
    if image_cost > MAX_COST or largest > MAX_OUTPUT:
        raise ModelFileError(
            f"The network is too big for a model file: one image may cost {MAX_COST:,} multiply-adds, and one layer "
            f"give {MAX_OUTPUT:,} numbers. Received: {image_cost:,} and {largest:,}.",
            hint="Use smaller pictures, strides, or fewer filters.",
        )


def save_model(model: Model, path: str | Path, *, self_test: Images | None = None) -> None:
    """Write a model file atomically: a reader sees the old file or the new one, never a part of it.

    Args:
        model: All weights finite.
        path: Replaced if it exists; its folder must exist.
        self_test: `SELF_TEST_IMAGES` images in [0, 1], stored with their logits for the reader to compare; None takes
            smooth waves.

    Raises:
        ModelFileError: A weight is missing, of another shape or not finite, the network is too big, or the file
            cannot be written (the disk is full, the folder read-only); an existing file is left as it is.
    """
    path = Path(path)
    check_size(model.spec)
    _check_weights(model)
    images = self_test_images(model.spec) if self_test is None else self_test
    expected = logits(model.spec, model.weights, images)
    if len(images) != SELF_TEST_IMAGES or not np.isfinite(expected).all():
        raise ModelFileError(
            f"Expected {SELF_TEST_IMAGES} self-test images with finite logits. Received: {len(images)}."
        )
    tensors = {name: model.weights[name] for name in model.spec.weight_shapes()}
    tensors |= {_IMAGES: images, _LOGITS: expected}
    if model.subspace is not None:
        tensors |= subspace_tensors(model.subspace)
    parts = encode(_text(model), tensors)
    try:
        replace_file(path, parts)
    except OSError as error:
        raise ModelFileError(
            f"The model file {path} could not be written ({error.strerror}).",
            hint="Free some disk space, or give another --out.",
        ) from None


def load_model(path: str | Path) -> Model:
    """Read a model file. Nothing in it is trusted.

    Returns:
        The model, after its self-test has passed. Its weights are read-only views into the file's bytes.

    Raises:
        ModelFileError: It is damaged, hostile, or written by a newer convscope; the message names the file.
    """
    if "\0" in str(path):  # Python refuses it with a ValueError before the system sees it
        raise ModelFileError(f"{str(path)!r} cannot be read (a path has no null byte).")
    try:
        return _read(Path(path))
    except (ModelFileError, SpecError) as error:
        raise ModelFileError(f"{path}: {error}") from None
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read ({error.strerror}).") from None


def _text(model: Model) -> str:
    record: dict[str, Any] = {
        "schema_version": _version(model.spec, model.reliability, is_rounded=whole_of(model.subspace) is not None),
        "network": model.spec.to_json(),
        "class_names": list(model.class_names),
        "weights_sha256": weights_sha256(model.weights),
    } | {key: plain(getattr(model, key), key) for key in _PLAIN}
    if model.reliability:
        record["reliability"] = plain(model.reliability, "reliability")
        record["directions"] = model.subspace.directions.shape[1] if model.subspace is not None else 0
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _version(spec: Spec, reliability: Any, *, is_rounded: bool) -> int:
    """The oldest schema that can hold the network, so that an older convscope opens every file it can run."""
    if reliability:
        rejection = reliability.get("rejection") if isinstance(reliability, Mapping) else None
        has_centered_score = isinstance(rejection, Mapping) and "centers_logits" in rejection
        return SCHEMA_VERSION if is_rounded or has_centered_score else 3
    return 2 if spec.nodes else 1


def _read(path: Path) -> Model:
    file = open_file(path)
    record = _record(parse_json(file.text, "its spec"))
    spec = from_json(record["network"])
    is_rounded = STEPS in file.header
    version = _version(spec, record.get("reliability"), is_rounded=is_rounded)
    if record["schema_version"] != version:
        raise ModelFileError(f"its schema version must be {version}. Received: {record['schema_version']}.")
    check_size(spec)
    shapes = spec.weight_shapes()
    tests = {_IMAGES: (SELF_TEST_IMAGES, *spec.input_shape), _LOGITS: (SELF_TEST_IMAGES, spec.num_classes)}
    subspace = subspace_shapes(spec, record.get("directions", 0), is_rounded=is_rounded)
    kinds: dict[str, Any] = {"int8" if is_rounded else "float16": [DIRECTIONS]}
    tensors = tensors_of(file, shapes | tests | subspace, **kinds)
    weights = {name: tensors[name] for name in shapes}
    if weights_sha256(weights) != record["weights_sha256"]:
        raise ModelFileError("checksum mismatch of its weights: the file is damaged.")
    plain_values = {key: record[key] for key in (*_PLAIN, "reliability") if key in record}
    if DIRECTIONS in tensors:
        plain_values["subspace"] = read_subspace(tensors)
    model = Model(spec=spec, weights=weights, class_names=tuple(record["class_names"]), **plain_values)
    _run_self_test(model, tensors[_IMAGES], tensors[_LOGITS])
    return model


def _record(record: object) -> dict[str, Any]:
    """Check the keys and the types of their values; the version first, since a newer one may have other keys."""
    version = record.get("schema_version") if isinstance(record, dict) else None
    if type(version) is int and version > SCHEMA_VERSION:
        raise ModelFileError(f"it was written by a newer convscope (schema {version}).", hint="Upgrade convscope.")
    keys = _KEYS | _RELIABILITY if version in (3, SCHEMA_VERSION) else _KEYS
    if not isinstance(record, dict) or type(version) is not int or version < 1 or set(record) != keys:
        raise ModelFileError(f"its spec must have exactly the keys {', '.join(sorted(keys))}.")
    names = record["class_names"]
    if not isinstance(names, list) or any(not isinstance(name, str) for name in names):
        raise ModelFileError("its class names must be a list of texts.")
    for key in (*_PLAIN, "reliability"):
        if not isinstance(record.get(key, {}), dict):
            raise ModelFileError(f"its {key} must be a JSON object.")
    if record.get("reliability", True) == {}:
        raise ModelFileError("its reliability must not be empty.")
    return record


def _check_weights(model: Model) -> None:
    try:
        check_weights(model.spec, model.weights)
    except SpecError as error:
        raise ModelFileError(str(error)) from None
    for name, value in model.weights.items():
        if not np.isfinite(value).all():
            raise ModelFileError(f"The weight {name} has a value that is not a finite number.")


def self_test_images(spec: Spec) -> Images:
    """The default images of the self-test: smooth waves, in which every pixel differs and nothing is random.

    Returns:
        `SELF_TEST_IMAGES` images in [0, 1].
    """
    shape = (SELF_TEST_IMAGES, *spec.input_shape)
    return (0.5 + 0.5 * np.sin(0.37 * np.arange(math.prod(shape)))).astype(np.float32).reshape(shape)


def _run_self_test(model: Model, images: np.ndarray, expected: np.ndarray) -> None:
    if images.min() < 0 or images.max() > 1:
        raise ModelFileError("its self-test images are not in [0, 1].")
    difference = float(np.abs(logits(model.spec, model.weights, images) - expected).max())
    if not difference <= SELF_TEST_TOLERANCE * max(1.0, float(np.abs(expected).max())):  # NaN fails too
        raise ModelFileError(f"its self-test fails: the logits differ by {difference:.3g}.")
