"""Backpropagation in plain NumPy: the gradient of one logit at the image or at a layer. Light."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from convscope.arrays import Images, Logits
from convscope.model.forward import Activations, Weights, forward, layer_weights
from convscope.model.layers.layer import Computed
from convscope.model.spec import INPUT, Row, Spec

Tensor = Float32[np.ndarray, "n ..."]

MEMORY_BYTES = 1 << 26
"""About how much memory the activations of one chunk of images may take."""


@dataclass(frozen=True)
class Gradients:
    """The gradient of one logit at the images or at a layer.

    Attributes:
        logits: Of all classes.
        values: The images, or the layer's output.
        gradient: Of the same shape as ``values``: logits per unit of the value.
    """

    logits: Logits
    values: Tensor
    gradient: Tensor


def backpropagate(spec: Spec, weights: Weights, images: Images, target: int, *, at: str | None = None) -> Gradients:
    """The gradient of one class's logit. Batch normalization uses its moving statistics.

    At the corner of a ReLU the slope is 0, and of equal pixels in a max pooling window the first takes the whole
    gradient: both as in TensorFlow, and as in the page.

    Args:
        spec: The network.
        weights: Every weight of it, float32.
        images: In [0, 1] or beyond, of the network's input shape; any number of them, in bounded memory.
        target: The class, 0..k-1.
        at: A layer's name: the gradient at its output instead of at the images.

    Returns:
        float32, for all images.

    Raises:
        SpecError: A weight is missing, unknown, or of another shape or dtype.
        DataError: The images have another shape.

    Source:
        Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", 1986. Ours goes back
        to the pixels, not to the weights.

    Example:
        >>> from convscope.model.spec_parser import parse
        >>> lines = ["Flatten()", "Dense(num_classes, activation='softmax', use_bias=False)"]
        >>> spec = parse(chr(10).join(lines), input_shape=(1, 2, 1), num_classes=2)
        >>> weights = {"dense/kernel": np.array([[3, 0], [-2, 0]], np.float32)}
        >>> backpropagate(spec, weights, np.ones((1, 1, 2, 1), np.float32), 0).gradient.ravel().tolist()
        [3.0, -2.0]
    """
    rows = spec.table()
    size = max(1, min(256, MEMORY_BYTES // (8 * sum(math.prod(row.output_shape) for row in rows))))
    parts = []
    for start in range(0, len(images), size):
        seen = forward(spec, weights, images[start : start + size])
        values = seen.images if at is None else seen.by_name[at].output
        parts.append(Gradients(seen.logits, values, _gradient(rows, weights, seen, target, at)))
    return Gradients(
        *(np.concatenate([getattr(part, key) for part in parts]) for key in Gradients.__dataclass_fields__)
    )


def _gradient(rows: tuple[Row, ...], weights: Weights, seen: Activations, target: int, at: str | None) -> Tensor:
    """From the last layer to the first; where an output is used more than once, its gradients add up."""
    start: Tensor = np.zeros_like(seen.logits)
    start[:, target] = 1
    outputs = {INPUT: seen.images} | {layer.name: layer.output for layer in seen.layers}
    gradients = {rows[-1].name: start}
    for row, activation in zip(reversed(rows), reversed(seen.layers), strict=True):
        if row.name == at:
            break
        gradient = gradients.pop(row.name)
        tensors = [outputs[name] for name in row.inputs]
        computed = Computed(activation.output, activation.pre_activation, activation.depthwise)
        # a network that leaves float32 has infinite or no gradients: as in `forward`, no warning
        with np.errstate(over="ignore", invalid="ignore"):
            if computed.pre_activation is not None and row is not rows[-1]:  # the logit is before the softmax
                gradient = gradient * row.layer.slope(computed.pre_activation, computed.output)
            own = layer_weights(row, weights)
            gradient = row.layer.backward(gradient, row.layer.merge(tensors), computed, own)
            for name, part in zip(row.inputs, row.layer.unmerge(gradient, tensors), strict=True):
                gradients[name] = gradients[name] + part if name in gradients else part
    return gradients[at or INPUT]
