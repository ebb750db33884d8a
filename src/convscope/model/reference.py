"""What TensorFlow computes for a few images, stored so that every other engine can be compared with it. Light."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from convscope.arrays import Images, Logits, Pixels, to_images
from convscope.errors import ModelFileError
from convscope.model.files import replace_file
from convscope.model.forward import Weights, forward
from convscope.model.safetensors_io import encode, open_file, parse_json, tensors_of
from convscope.model.spec import Row, Spec

REFERENCE_FILE = "proof.safetensors"
IMAGES = 4
MAX_SAMPLES = 1000
"""Values stored of each layer and image, evenly spaced: a wrong layer is wrong nearly everywhere."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A few images with the results of an engine.

    Attributes:
        engine: Name and version of what computed it.
        images: `IMAGES` of them, or fewer, whole multiples of 1/255.
        logits: One row for each image.
        samples: For each layer but the last, its flattened output at `sample_positions`, one row for each image.
    """

    engine: str
    images: Images
    logits: Logits
    samples: Mapping[str, Float32[np.ndarray, "n m"]]


def sample_positions(size: int) -> np.ndarray:
    """Which values of a flattened output are stored: ``floor(i × size / m)`` for i below ``m = min(size, 1000)``.

    Example:
        >>> sample_positions(3).tolist(), len(sample_positions(5408))
        ([0, 1, 2], 1000)
    """
    count = min(size, MAX_SAMPLES)
    return np.arange(count) * size // count


def sample(outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The values to store of each layer's output ``(n, ...)``."""
    flat = {name: np.asarray(value, np.float32).reshape(len(value), -1) for name, value in outputs.items()}
    return {name: rows[:, sample_positions(rows.shape[1])] for name, rows in flat.items()}


def numpy_reference(spec: Spec, weights: Weights, pixels: Pixels) -> Reference:
    """The same from the NumPy engine, for a network without a reference from TensorFlow."""
    seen = forward(spec, weights, to_images(pixels[:IMAGES]))
    outputs = {layer.name: layer.output for layer in seen.layers[:-1]}
    return Reference(f"NumPy {np.__version__}", seen.images, seen.logits, sample(outputs))


def write_reference(reference: Reference, path: Path) -> None:
    """Write it beside the model file, atomically.

    Raises:
        ModelFileError: It cannot be written.
    """
    tensors = {"images": reference.images, "logits": reference.logits}
    tensors |= {f"layer/{name}": value for name, value in reference.samples.items()}
    text = json.dumps({"schema_version": 1, "engine": reference.engine, "images": len(reference.images)})
    try:
        replace_file(path, encode(text, {name: np.ascontiguousarray(value) for name, value in tensors.items()}))
    except OSError as error:
        raise ModelFileError(f"{path} could not be written ({error.strerror}).", hint="Free some disk space.") from None


def read_reference(path: Path, spec: Spec) -> Reference:
    """Read a reference. It is not trusted: its shapes must be those of the network.

    Raises:
        ModelFileError: It is missing, damaged, or belongs to another network.
    """
    try:
        file = open_file(path)
        record = parse_json(file.text, "its description")
        count = record.get("images") if isinstance(record, dict) else None
        if type(count) is not int or not 1 <= count <= IMAGES or not isinstance(record.get("engine"), str):
            raise ModelFileError("its description must name the engine and the number of images.")
        tensors = tensors_of(file, _shapes(spec, count))
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read ({error.strerror}).") from None
    samples = {name.partition("/")[2]: value for name, value in tensors.items() if name.startswith("layer/")}
    return Reference(record["engine"][:100], tensors["images"], tensors["logits"], samples)


def _shapes(spec: Spec, count: int) -> dict[str, tuple[int, ...]]:
    rows: tuple[Row, ...] = spec.table()
    kept = {f"layer/{row.name}": (count, min(math.prod(row.output_shape), MAX_SAMPLES)) for row in rows[:-1]}
    return {"images": (count, *spec.input_shape), "logits": (count, spec.num_classes)} | kept
