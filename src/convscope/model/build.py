"""HOT: a ``Spec`` becomes a Keras model with the same names, and weights go in and out by name."""

from __future__ import annotations

import re
from dataclasses import asdict, replace

import numpy as np

from convscope.arrays import Images
from convscope.errors import OptionError
from convscope.model import layers
from convscope.model.forward import Weights
from convscope.model.layers import Layer
from convscope.model.reference import Reference, sample
from convscope.model.spec import Row, Spec
from convscope.model.tensorflow import keras, tf

OUTPUTS = ("probabilities", "logits")

_KERNELS = {
    "Conv2D": ("kernel",),
    "Dense": ("kernel",),
    "DepthwiseConv2D": ("depthwise",),
    "SeparableConv2D": ("depthwise", "pointwise"),
}
"""The Keras arguments, without ``_initializer``, that draw random weights."""


def build(spec: Spec, *, seed: int = 0, output: str = "probabilities") -> keras.Sequential:
    """Make a Keras model; layer names are those of the shape table.

    Args:
        spec: The network.
        seed: Decides the initial weights, each layer's by itself: a layer keeps its weights when a later one changes.
            0 to 2**63 - 1. The global random state is neither read nor changed.
        output: ``"probabilities"``, or ``"logits"`` to leave the last softmax out, for a loss that takes logits.

    Returns:
        A built model for float32 images in [0, 1], channels last, not compiled.

    Raises:
        OptionError: ``seed`` or ``output`` is out of range.

    Example:
        >>> from convscope.model.presets import load_spec
        >>> model = build(load_spec("classic", input_shape=(28, 28, 1), num_classes=10))
        >>> model.count_params(), [layer.name for layer in model.layers][:2]
        (258826, ['conv2d', 'conv2d_1'])
    """
    if output not in OUTPUTS:
        raise OptionError(f"output must be one of {', '.join(OUTPUTS)}. Received: output={output!r}.")
    if not 0 <= seed < 2**63:
        raise OptionError(f"seed must be a whole number from 0 to 2**63 - 1. Received: seed={seed}.")
    rows = list(spec.table())
    if output == "logits":
        rows[-1] = replace(rows[-1], layer=_without_softmax(rows[-1].layer))
    stack = [_keras_layer(row, seed, index) for index, row in enumerate(rows)]
    # Keras refuses some characters in a name, and a person's spec file may be called anything
    name = re.sub(r"\W", "_", spec.name, flags=re.ASCII) or "network"
    return keras.Sequential([keras.Input(spec.input_shape, dtype="float32"), *stack], name=name)


def set_weights(model: keras.Sequential, weights: Weights) -> None:
    """Put weights into a model that `build` made.

    Args:
        model: From `build`.
        weights: By full name, float32: exactly the model's.

    Raises:
        OptionError: A weight is missing, unknown or of another shape.
    """
    variables = _variables(model)
    wrong = sorted(variables.keys() ^ weights.keys()) or [
        name for name, variable in variables.items() if weights[name].shape != tuple(variable.shape)
    ]
    if wrong:
        raise OptionError(f"The weights must be exactly the model's. Received: a difference in {', '.join(wrong[:5])}.")
    for name, variable in variables.items():
        variable.assign(weights[name])


def get_weights(model: keras.Sequential) -> dict[str, np.ndarray]:
    """Copy the weights out of a model that `build` made, by full name, float32, in Keras's order."""
    return {name: np.array(variable.value.numpy(), dtype=np.float32) for name, variable in _variables(model).items()}


def compute_reference(model: keras.Sequential, images: Images) -> Reference:
    """What TensorFlow computes for a few images, layer by layer.

    Args:
        model: From `build` with ``output="logits"``.
        images: At most `proof.IMAGES`.
    """
    tensor, outputs = images, {}
    for layer in model.layers:
        tensor = layer(tensor, training=False)
        outputs[layer.name] = tensor.numpy()
    logits = outputs.pop(model.layers[-1].name)
    return Reference(f"TensorFlow {tf.__version__}", images, logits, sample(outputs))


def _variables(model: keras.Sequential) -> dict[str, keras.Variable]:
    """Keras's variables by the names of `Spec.weight_shapes`, which are Keras's own."""
    return {f"{layer.name}/{variable.name}": variable for layer in model.layers for variable in layer.weights}


def _without_softmax(layer: Layer) -> Layer:
    if isinstance(layer, layers.Softmax):
        return layers.Activation("linear")
    return replace(layer, activation="linear")


def _keras_layer(row: Row, seed: int, index: int) -> keras.Layer:
    """The fields of a layer are Keras's arguments; what the vocabulary leaves to Keras's defaults is set explicitly."""
    arguments = asdict(row.layer) | {"name": row.name, "dtype": "float32"}
    if row.layer.window or isinstance(row.layer, layers.Flatten | layers.GlobalAveragePooling2D):
        arguments["data_format"] = "channels_last"
    initializer = arguments.pop("kernel_initializer", "glorot_uniform")
    kernels = _KERNELS.get(row.kind, ())
    for kernel, state in zip(kernels, np.random.SeedSequence([seed, index]).generate_state(2), strict=False):
        config = {"class_name": initializer, "config": {"seed": int(state)}}
        arguments[f"{kernel}_initializer"] = keras.initializers.get(config)
    return getattr(keras.layers, row.kind)(**arguments)
