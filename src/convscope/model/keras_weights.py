"""The weights of a Keras model, from each place where a version keeps them, as those of a ``Spec``. Light."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from convscope.errors import ModelFileError
from convscope.model.hdf5 import Hdf5
from convscope.model.keras_config import ADAPTED, TWO_CLASSES, KerasNetwork, Stored
from convscope.model.keras_graph import LAYOUTS, Entry
from convscope.model.layers.normalization import Normalization
from convscope.model.spec import INPUT, Spec
from convscope.model.window import Shape

MODEL_WEIGHTS = "model_weights"
_ALIASES = {"depthwise_kernel": "kernel"}
"""Keras 2's name of the kernel of DepthwiseConv2D."""

Paths = Callable[[Entry, Mapping[str, Shape]], list[str]]
"""The paths of a layer's arrays, in the order of ``shapes``."""


def read_archive_weights(file: Hdf5, network: KerasNetwork) -> tuple[Spec, dict[str, np.ndarray]]:
    """Read model.weights.h5 of a ``.keras`` archive.

    Keras numbers the weights of each layer, in the order in which our layers name them.

    Returns:
        The network, with what is stored among its weights and is an argument here; and its weights.

    Raises:
        ModelFileError: An array is missing, too many, of another shape, or has a value that is not finite.
    """
    layout = _layout(file, network)

    def paths(entry: Entry, shapes: Mapping[str, Shape]) -> list[str]:
        group = f"{entry.groups[layout]}/vars"
        found = file.names(group)
        count = len(shapes) + (entry.kind == "Normalization")  # the number of images that it saw, at the end
        if set(found) != {str(index) for index in range(count)}:
            raise ModelFileError(f"Expected {count} weight arrays in {group}. Received: {len(found)}.")
        return [f"{group}/{index}" for index in range(len(shapes))]

    return _read(file, network, paths)


def _layout(file: Hdf5, network: KerasNetwork) -> int:
    """Which of `LAYOUTS` the file has: that with a group for each layer with weights, else the first."""
    entries = [stored.entry for stored in network.stored if stored.entry and stored.shapes]
    for index in range(len(LAYOUTS)):
        if all(file.has(entry.groups[index]) for entry in entries):
            return index
    return 0


def read_h5_weights(file: Hdf5, network: KerasNetwork) -> tuple[Spec, dict[str, np.ndarray]]:
    """Read the weights of an ``.h5`` model: each layer's group lists the names of its arrays.

    Returns:
        See `read_archive_weights`.

    Raises:
        ModelFileError: See `read_archive_weights`.
    """

    def paths(entry: Entry, shapes: Mapping[str, Shape]) -> list[str]:
        group = f"{MODEL_WEIGHTS}/{entry.owners[0]}"
        listed = [name.split("/") for name in file.texts(group, "weight_names") or ()]
        if len(entry.owners) > 1:  # of a layer of a model inside the model
            listed = [parts for parts in listed if parts[-2:-1] == [entry.owners[-1]]]
        found = {_plain(parts[-1], shapes): "/".join((group, *parts)) for parts in listed}
        expected = {*shapes, *(["count"] if entry.kind == "Normalization" else [])}
        if found.keys() != expected or len(found) != len(listed):
            raise ModelFileError(
                f"Expected the weight arrays {', '.join(shapes)} in {group}. "
                f"Received: {', '.join('/'.join(parts) for parts in listed)[:200] or 'none'}."
            )
        return [found[name] for name in shapes]

    return _read(file, network, paths)


def _plain(name: str, shapes: Mapping[str, Shape]) -> str:
    """``kernel`` of ``kernel:0``, in our words."""
    plain = name.split(":")[0]
    return plain if plain in shapes else _ALIASES.get(plain, plain)


def _read(file: Hdf5, network: KerasNetwork, paths: Paths) -> tuple[Spec, dict[str, np.ndarray]]:
    layers, weights = list(network.spec.layers), {}
    for index, (row, stored) in enumerate(zip(network.spec.table(), network.stored, strict=True)):
        arrays = _arrays(file, row.name, stored, paths)
        if stored.form == ADAPTED:
            mean, variance = (tuple(float(value) for value in array.ravel()) for array in arrays.values())
            layers[index] = Normalization(mean, variance)
            continue
        if stored.form == TWO_CLASSES:
            arrays = {name: _for_two_classes(array) for name, array in arrays.items()}
        weights |= {f"{row.name}/{name}": array for name, array in arrays.items()}
    return replace(network.spec, layers=tuple(layers)), weights


def _arrays(file: Hdf5, layer: str, stored: Stored, paths: Paths) -> dict[str, np.ndarray]:
    if stored.entry is None or not stored.shapes:
        return {}
    arrays = {}
    for (name, shape), path in zip(stored.shapes.items(), paths(stored.entry, stored.shapes), strict=True):
        arrays[name] = value = file.read(path, shape)
        if not np.isfinite(value).all():
            raise ModelFileError(f"its weight {layer}/{name} has a value that is not a finite number.")
    return arrays


def _for_two_classes(array: np.ndarray) -> np.ndarray:
    """The weights of one unit, for two: half with the sign turned, and half.

    The softmax depends on the difference of the two logits only, which is the logit of the sigmoid, to the bit. With 0
    and the whole weight it would be the same, but the first class would have no gradient, and so no explanation.
    """
    return np.concatenate([-array / 2, array / 2], axis=-1)


def is_normalization_of_bytes(spec: Spec) -> bool:
    """Whether the image goes into a Normalization with a mean or variance that values from 0 to 1 cannot have."""
    first = [row.layer for row in spec.table() if row.inputs == (INPUT,)]
    return any(
        isinstance(layer, Normalization) and (max(layer.mean) > 1 or max(layer.variance) > 0.25) for layer in first
    )
