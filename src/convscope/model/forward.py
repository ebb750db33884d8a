"""The forward pass in plain NumPy: every activation kept, or only the logits of many images. Light.

It is the engine of `predict`, and the reference for every other implementation.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from convscope.arrays import Images, Logits, Probabilities
from convscope.errors import DataError, SpecError
from convscope.model.layers.layer import Computed
from convscope.model.spec import INPUT, Row, Spec

Weights = Mapping[str, np.ndarray]
"""Every weight by its full name (``"conv2d_1/kernel"``), float32: the keys of `Spec.weight_shapes`, in its order."""

CHUNK_BYTES = 1 << 25
"""About how much working memory one chunk of images may take."""

MAX_CHUNK = 256


@dataclass(frozen=True)
class LayerActivation:
    """What one layer computed.

    Attributes:
        name: The layer's name in the shape table.
        output: Its output, ``(n, h, w, c)`` or ``(n, units)``.
        pre_activation: The same before the activation, for a layer that has or is one; None for the others.
        depthwise: The result of a separable convolution's first half; None for other layers.
    """

    name: str
    output: Float32[np.ndarray, "n ..."]
    pre_activation: Float32[np.ndarray, "n ..."] | None = None
    depthwise: Float32[np.ndarray, "n h w c"] | None = None


@dataclass(frozen=True)
class Activations:
    """Everything a network computed on some images.

    Attributes:
        images: The input.
        layers: In order, one for each row of the shape table.
        logits: The input of the last softmax.
        probabilities: Its output.
    """

    images: Images
    layers: tuple[LayerActivation, ...]
    logits: Logits
    probabilities: Probabilities

    @property
    def by_name(self) -> dict[str, LayerActivation]:
        """The layers by the names of the shape table."""
        return {layer.name: layer for layer in self.layers}


def forward(spec: Spec, weights: Weights, images: Images) -> Activations:
    """Run the network and keep every activation.

    A value that leaves float32 becomes infinity or NaN, silently, as in TensorFlow.

    Args:
        spec: The network.
        weights: Every weight of it, float32.
        images: In [0, 1], of the network's input shape.

    Returns:
        One `LayerActivation` for each layer.

    Raises:
        SpecError: A weight is missing, unknown, or of another shape or dtype.
        DataError: The images have another shape.

    Example:
        >>> from convscope.model.spec_parser import parse
        >>> lines = ["Flatten()", "Dense(num_classes, activation='softmax')"]
        >>> spec = parse(chr(10).join(lines), input_shape=(1, 2, 1), num_classes=2)
        >>> weights = {"dense/kernel": np.eye(2, dtype=np.float32), "dense/bias": np.zeros(2, np.float32)}
        >>> seen = forward(spec, weights, np.array([[[[0.25], [0.75]]]], np.float32))
        >>> [layer.name for layer in seen.layers], seen.logits.tolist()
        (['flatten', 'dense'], [[0.25, 0.75]])
    """
    rows = _check(spec, weights, images)
    with _silently():
        kept = tuple(
            LayerActivation(row.name, computed.output, computed.pre_activation, computed.depthwise)
            for row, computed in _run(rows, weights, images)
        )
    return Activations(images, kept, _before_softmax(rows[-1], kept[-1].pre_activation), kept[-1].output)


def logits(
    spec: Spec, weights: Weights, images: Images, *, batch_size: int | None = None, vectors_alone: bool = False
) -> Logits:
    """Run the network on many images in bounded memory and keep only the logits.

    Args:
        spec: The network.
        weights: Every weight of it, float32.
        images: In [0, 1], of the network's input shape; any number of them.
        batch_size: Images at a time; None takes as many as keep the working memory near `CHUNK_BYTES`. The result
            depends on it only by rounding.
        vectors_alone: Whether layers that map vectors to vectors compute one image at a time. A BLAS rounds the product
            of a matrix and one vector in another way than that of two matrices.

    Returns:
        One row for each image.

    Raises:
        SpecError: A weight is missing, unknown, or of another shape or dtype.
        DataError: The images have another shape.
    """
    rows = _check(spec, weights, images)
    size = batch_size or chunk_size(spec)
    out = np.empty((len(images), spec.num_classes), np.float32)
    for start in range(0, len(images), size):
        chunk = images[start : start + size]
        with _silently():
            last, computed = deque(_run(rows, weights, chunk, vectors_alone), maxlen=1).pop()
        out[start : start + size] = _before_softmax(last, computed.pre_activation)
    return out


def logits_and_input(
    spec: Spec, weights: Weights, images: Images, name: str, *, vectors_alone: bool = False
) -> tuple[Logits, Float32[np.ndarray, "n ..."]]:
    """Run the network on some images and keep the logits and the input of one layer.

    Args:
        spec: The network.
        weights: Every weight of it, float32.
        images: In [0, 1], of the network's input shape.
        name: The layer.
        vectors_alone: As in `logits`.

    Raises:
        SpecError: A weight is missing, unknown, or of another shape or dtype.
        DataError: The images have another shape.
    """
    rows = _check(spec, weights, images)
    row = next(row for row in rows if row.name == name)
    kept = {INPUT: images}
    computed = None
    with _silently():
        for one, computed in _run(rows, weights, images, vectors_alone):
            if one.name in row.inputs:
                kept[one.name] = computed.output
    before = computed.pre_activation if computed else None
    return _before_softmax(rows[-1], before), row.layer.merge([kept[source] for source in row.inputs])


def chunk_size(spec: Spec) -> int:
    """How many images at a time keep the working memory near `CHUNK_BYTES`: 1 to `MAX_CHUNK`.

    Example:
        >>> from convscope.model.presets import load_spec
        >>> chunk_size(load_spec("classic", input_shape=(28, 28, 1), num_classes=10))
        16
    """
    return max(1, min(MAX_CHUNK, CHUNK_BYTES // (4 * _working_numbers(spec.table()))))


def _working_numbers(rows: tuple[Row, ...]) -> int:
    """The most numbers held at once for one image: by the layer at work, and as outputs that a later layer needs."""
    last_use = {name: index for index, row in enumerate(rows) for name in row.inputs}
    largest, waiting = 0, {INPUT: math.prod(rows[0].input_shapes[0])}
    for index, row in enumerate(rows):
        others = sum(size for name, size in waiting.items() if name not in row.inputs[:1])
        largest = max(largest, others + row.layer.working_numbers(row.input_shape))
        waiting = {name: size for name, size in waiting.items() if last_use[name] > index}
        waiting[row.name] = math.prod(row.output_shape)
    return largest


def check_weights(spec: Spec, weights: Weights) -> None:
    """Refuse weights that are not exactly the network's.

    Raises:
        SpecError: A weight is missing, unknown, or of another shape or dtype.
    """
    shapes = spec.weight_shapes()
    if weights.keys() != shapes.keys():
        missing, unknown = sorted(shapes.keys() - weights.keys()), sorted(weights.keys() - shapes.keys())
        raise SpecError(f"The weights must be exactly the network's. Missing: {missing[:5]}. Unknown: {unknown[:5]}.")
    for name, shape in shapes.items():
        value = weights[name]
        if value.shape != shape or value.dtype != np.float32:
            raise SpecError(f"{name} must be float32 of shape {shape}. Received: {value.dtype} of shape {value.shape}.")


def _check(spec: Spec, weights: Weights, images: Images) -> tuple[Row, ...]:
    check_weights(spec, weights)
    if images.shape[1:] != spec.input_shape:
        raise DataError(f"The network reads images of shape {spec.input_shape}. Received: {images.shape[1:]}.")
    return spec.table()


def _run(
    rows: tuple[Row, ...], weights: Weights, images: Images, vectors_alone: bool = False
) -> Iterator[tuple[Row, Computed]]:
    """Each layer with what it computed, in order; an output is freed once no later layer needs it."""
    last_use = {name: index for index, row in enumerate(rows) for name in row.inputs}
    outputs = {INPUT: images}
    for index, row in enumerate(rows):
        own = layer_weights(row, weights)
        values = row.layer.merge([outputs[name] for name in row.inputs])
        if vectors_alone and len(row.input_shape) == 1 and len(values) > 1:
            computed = _joined([row.layer.forward(values[one : one + 1], own) for one in range(len(values))])
        else:
            computed = row.layer.forward(values, own)
        for name in set(row.inputs):
            if last_use[name] == index:
                del outputs[name]
        outputs[row.name] = computed.output
        yield row, computed


def _silently() -> np.errstate:
    """Weights of any finite size are valid, so their sums may leave float32: as in TensorFlow, no warning."""
    return np.errstate(over="ignore", invalid="ignore")


def _joined(parts: list[Computed]) -> Computed:
    """The outputs of a layer for some images, each computed alone."""
    before = [part.pre_activation for part in parts if part.pre_activation is not None]
    output = np.concatenate([part.output for part in parts])
    return Computed(output, np.concatenate(before) if before else None)


def layer_weights(row: Row, weights: Weights) -> dict[str, np.ndarray]:
    """The weights of one layer by Keras's names."""
    return {name: weights[f"{row.name}/{name}"] for name in row.layer.weight_shapes(row.input_shape)}


def _before_softmax(last: Row, before: np.ndarray | None) -> Logits:
    if before is None:  # `Spec` ends every network with a softmax
        raise SpecError(f"The last layer must be a softmax. Received: {last.name}.")
    return before
