"""A ``Spec`` becomes a Keras model with the same names, and weights go in and out by name. Heavy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from convscope.arrays import Images
from convscope.errors import OptionError
from convscope.model.forward import Weights
from convscope.model.layers.normalization import Normalization
from convscope.model.layers.rescaling import Rescaling
from convscope.model.reference import Reference, sample
from convscope.model.spec import INPUT, Row, Spec
from convscope.model.tensorflow import keras, start_devices, tf

OUTPUTS = ("probabilities", "logits")
PRECISIONS = ("float32", "bfloat16")


def build(spec: Spec, *, seed: int = 0, output: str = "probabilities", precision: str = "float32") -> keras.Model:
    """Make a Keras model; layer names are those of the shape table.

    Args:
        spec: The network.
        seed: Random seed of the initial weights, 0 to 2**63 - 1. Each layer has a seed of its own, so that its weights
            do not depend on later layers. The global random state is neither read nor changed.
        output: ``"probabilities"``, or ``"logits"`` for a model without the last softmax.
        precision: ``"bfloat16"`` multiplies in bfloat16, except in the last layer and in layers that prepare the input;
            weights, batch statistics and outputs stay float32.

    Returns:
        A built model for float32 images in [0, 1], channels last, not compiled: a ``keras.Sequential`` for a line, a
        functional ``keras.Model`` for a graph.

    Raises:
        OptionError: ``seed``, ``output`` or ``precision`` is out of range.

    Example:
        >>> from convscope.model.presets import load_spec
        >>> model = build(load_spec("classic", input_shape=(28, 28, 1), num_classes=10))
        >>> model.count_params(), [layer.name for layer in model.layers][:2]
        (258826, ['conv2d', 'conv2d_1'])
    """
    if output not in OUTPUTS:
        raise OptionError(f"output must be one of {', '.join(OUTPUTS)}. Received: output={output!r}.")
    if precision not in PRECISIONS:
        raise OptionError(f"precision must be one of {', '.join(PRECISIONS)}. Received: precision={precision!r}.")
    if not 0 <= seed < 2**63:
        raise OptionError(f"seed must be a whole number from 0 to 2**63 - 1. Received: seed={seed}.")
    start_devices()
    rows = list(spec.table())
    if output == "logits":
        rows[-1] = replace(rows[-1], layer=rows[-1].layer.without_softmax())
    policies = [_policy(row, precision) for row in rows[:-1]] + ["float32"]
    layers = [
        _keras_layer(row, seed, index, policy) for index, (row, policy) in enumerate(zip(rows, policies, strict=True))
    ]
    # Keras refuses some characters in a name, and a spec file may be called anything
    name = re.sub(r"\W", "_", spec.name, flags=re.ASCII) or "network"
    if spec.is_line:
        return keras.Sequential([keras.Input(spec.input_shape, dtype="float32"), *layers], name=name)
    tensors = {INPUT: keras.Input(spec.input_shape, dtype="float32", name=INPUT)}
    for row, layer in zip(rows, layers, strict=True):
        tensors[row.name] = layer(arguments_of(row, tensors))
    return keras.Model(tensors[INPUT], tensors[rows[-1].name], name=name)


def arguments_of(row: Row, tensors: Mapping[str, Any]) -> Any:
    """What a Keras layer is called with: a tensor, or a list of them for a layer that merges several."""
    given = [tensors[name] for name in row.inputs]
    return given if len(given) > 1 else given[0]


def set_weights(model: keras.Model, weights: Weights) -> None:
    """Put weights into a model that `build` made.

    Args:
        model: From `build`.
        weights: By full name, float32: all of the model's and no others.

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


def get_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Copy the weights of a model that `build` made: float32, by full name, in Keras's order."""
    return {name: np.array(variable.value.numpy(), dtype=np.float32) for name, variable in _variables(model).items()}


def compute_reference(model: keras.Model, images: Images) -> Reference:
    """What TensorFlow computes for a few images, layer by layer.

    Args:
        model: From `build` with ``output="logits"``.
        images: At most `reference.IMAGES`.
    """
    layers = _layers(model)
    every = keras.Model(model.inputs[0], [layer.output for layer in layers])
    computed = every(images, training=False)
    outputs = {layer.name: np.asarray(value) for layer, value in zip(layers, computed, strict=True)}
    logits = outputs.pop(layers[-1].name)
    return Reference(f"TensorFlow {tf.__version__}", images, logits, sample(outputs))


def _layers(model: keras.Model) -> list[keras.Layer]:
    """The layers of the spec: without the input of a functional model."""
    return [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Keras's variables by the names of `Spec.weight_shapes`, which are Keras's."""
    return {f"{layer.name}/{variable.name}": variable for layer in model.layers for variable in layer.weights}


def _keras_layer(row: Row, seed: int, index: int, policy: str) -> keras.Layer:
    seeds = np.random.SeedSequence([seed, index]).generate_state(2)
    return row.layer.to_keras(keras, name=row.name, seeds=seeds, dtype=policy)


def _policy(row: Row, precision: str) -> str:
    """Keras's dtype policy of a layer: pixels lose nothing by being prepared in float32."""
    prepares_input = isinstance(row.layer, Rescaling | Normalization)
    return "mixed_bfloat16" if precision == "bfloat16" and not prepares_input else "float32"
