"""Spec to Keras. HOT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Literal

import numpy as np

from convscope.errors import SpecError
from convscope.model.spec import Spec
from convscope.model.tensorflow import keras

Weights = dict[str, np.ndarray]


def build(
    spec: Spec, *, seed: int = 0, output: Literal["probabilities", "logits"] = "probabilities"
) -> keras.Sequential:
    """The plain Keras model of a spec, with fresh weights.

    Args:
        spec: The network.
        seed: Decides the initial weights, layer by layer.
        output: ``logits`` leaves the last softmax out.

    Returns:
        A `keras.Sequential` whose layers bear the names of ``spec.table()``.
    """
    layers = [keras.Input(spec.input_shape)]
    for index, row in enumerate(spec.table()):
        arguments = asdict(row.layer)
        if index == len(spec.layers) - 1 and output == "logits":
            arguments["activation"] = "linear"
        kind = "Activation" if row.kind == "Softmax" and output == "logits" else row.kind
        for key in ("kernel_initializer", "depthwise_initializer", "pointwise_initializer"):
            if key in arguments:
                arguments[key] = _initializer(arguments[key], seed, index)
        if kind in ("DepthwiseConv2D", "SeparableConv2D"):
            arguments["depthwise_initializer"] = _initializer("glorot_uniform", seed, index)
        if kind == "SeparableConv2D":
            arguments["pointwise_initializer"] = _initializer("glorot_uniform", seed, index + 1000)
        layers.append(getattr(keras.layers, kind)(**arguments, name=row.name))
    return keras.Sequential(layers, name="network")


def get_weights(model: keras.Sequential) -> Weights:
    """The weights by their full names, ``layer/weight``, as float32 arrays."""
    return {
        f"{layer.name}/{variable.name}": np.array(variable.value.numpy(), np.float32)
        for layer in model.layers
        for variable in layer.weights
    }


def set_weights(model: keras.Sequential, weights: Mapping[str, np.ndarray]) -> None:
    """Put weights into a model of the same spec.

    Raises:
        SpecError: A weight is missing or has another shape.
    """
    for layer in model.layers:
        for variable in layer.weights:
            name = f"{layer.name}/{variable.name}"
            if name not in weights or weights[name].shape != tuple(variable.shape):
                given = weights[name].shape if name in weights else "none"
                raise SpecError(f"Expected the weight {name} of shape {tuple(variable.shape)}. Received: {given}.")
            variable.assign(weights[name])


def _initializer(name: str, seed: int, index: int) -> keras.initializers.Initializer:
    kind = "".join(part.title() for part in name.split("_"))
    return getattr(keras.initializers, kind)(seed=int(np.random.default_rng([seed, index, 0x1417]).integers(2**31)))
