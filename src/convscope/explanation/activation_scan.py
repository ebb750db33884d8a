"""One pass over many images that keeps little of each: the features before the classifier, and each map's maximum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from convscope.arrays import to_images
from convscope.data.mapped_pixels import StoredPixels
from convscope.model.forward import Weights, chunk_size, forward
from convscope.model.spec import INPUT, Row, Spec

CONVOLUTIONS = frozenset({"Conv2D", "DepthwiseConv2D", "SeparableConv2D"})
FOLLOWERS = frozenset({"BatchNormalization", "ReLU", "LeakyReLU", "Activation", "Dropout"})
"""Layers that change each map by itself: a convolution's maps are those after them."""


@dataclass(frozen=True, eq=False)
class Peaks:
    """Where each feature map of one layer is largest.

    Attributes:
        output: The layer whose output is meant: the convolution, or the last normalization or activation after it.
        values: The largest output of each map, one row for each image.
        positions: Its row and column as ``row * width + column``; of several equal values the first.
    """

    output: str
    values: Float32[np.ndarray, "n c"]
    positions: Int64[np.ndarray, "n c"]


@dataclass(frozen=True, eq=False)
class ActivationScan:
    """What a network computed for some images.

    Attributes:
        feature_layer: The layer whose output the classifier reads, or ``input``; see `feature_layer`.
        features: Its flattened output, one row for each image.
        logits: One row for each image, before the temperature.
        peaks: By the name of each convolution.
    """

    feature_layer: str
    features: Float32[np.ndarray, "n d"]
    logits: Float32[np.ndarray, "n k"]
    peaks: Mapping[str, Peaks]


def feature_layer(spec: Spec) -> str:
    """The layer that the last Dense layer reads; ``input`` for the image itself.

    A network that ends without a Dense layer has its logits instead: the layer before its softmax.

    Example:
        >>> from convscope.model.presets import load_spec
        >>> feature_layer(load_spec("quick", input_shape=(28, 28, 1), num_classes=10))
        'flatten'
    """
    rows = spec.table()
    last_dense = next((row for row in reversed(rows) if row.kind == "Dense"), None)
    return (last_dense or rows[-1]).inputs[0]


def scan_activations(spec: Spec, weights: Weights, pixels: StoredPixels) -> ActivationScan:
    """Run a network on images in bounded memory.

    Args:
        spec: The network.
        weights: Every weight of it.
        pixels: uint8 ``(n, h, w, c)``, preprocessed, at least one.

    Raises:
        SpecError, DataError: As `forward`.
    """
    rows, source = spec.table(), feature_layer(spec)
    found = [row for row in rows if row.kind in CONVOLUTIONS and len(row.output_shape) == 3]
    shown = {row.name: shown_output(spec, row) for row in found}
    features, logits = [], []
    peaks: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {row.name: [] for row in found}
    size = chunk_size(spec)
    for start in range(0, len(pixels), size):
        seen = forward(spec, weights, to_images(pixels[start : start + size]))
        outputs = {name: layer.output for name, layer in seen.by_name.items()} | {INPUT: seen.images}
        features.append(outputs[source].reshape(len(seen.images), -1).copy())
        logits.append(seen.logits)
        for row in found:
            peaks[row.name].append(_peaks(outputs[shown[row.name]]))
    return ActivationScan(
        source,
        np.concatenate(features),
        np.concatenate(logits),
        {name: Peaks(shown[name], *map(np.concatenate, zip(*parts, strict=True))) for name, parts in peaks.items()},
    )


def shown_output(spec: Spec, row: Row) -> str:
    """The last of the normalizations and activations that alone read a convolution; itself if there are none.

    Example:
        >>> from convscope.model.presets import load_spec
        >>> spec = load_spec("quick", input_shape=(28, 28, 1), num_classes=10)
        >>> [shown_output(spec, row) for row in spec.table()[:3]]
        ['conv2d', 'average_pooling2d', 're_lu']
    """
    name = row.name
    while True:
        readers = [other for other in spec.table() if name in other.inputs]
        if len(readers) != 1 or readers[0].kind not in FOLLOWERS:
            return name
        name = readers[0].name


def _peaks(output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flat = output.reshape(len(output), -1, output.shape[-1])
    return flat.max(axis=1), flat.argmax(axis=1)
