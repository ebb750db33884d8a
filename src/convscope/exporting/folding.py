"""The layers of a network in order, as every format writes them.

Batch normalization and activations may be folded into the layer before them, as runtimes that infer want it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from convscope.errors import SpecError
from convscope.model.layers.batch_normalization import BatchNormalization
from convscope.model.model_file import Model
from convscope.model.spec import Row

Weights = Mapping[str, np.ndarray]
"""The weights of one layer by Keras's names."""

T = TypeVar("T")

KERNELS = {"Conv2D": "kernel", "DepthwiseConv2D": "kernel", "SeparableConv2D": "pointwise_kernel", "Dense": "kernel"}
"""Layers that end with a linear map, and the weight that it is."""


@dataclass(frozen=True)
class Step:
    """A layer with what follows it folded in.

    Attributes:
        row: The layer's place in the network.
        layer: With the activation that it now ends with; without the last softmax.
        weights: Its weights, with ``bias`` if a batch normalization was folded in.
        output: The name of the last layer that was folded in, whose output this is.
    """

    row: Row
    layer: Any
    weights: Weights
    output: str


def writer_of(writers: Mapping[str, Callable[..., T]], row: Row, layer: object, *, title: str) -> Callable[..., T]:
    """What writes a layer.

    Args:
        writers: By class of the layer.
        row: The layer's place in the network.
        layer: The layer.
        title: Of the format.

    Raises:
        SpecError: The format has no counterpart of the layer.
    """
    write = writers.get(type(layer).__name__)
    if write is None:
        raise SpecError(
            f"{row.name}: {row.kind} cannot be exported to {title}. Supported: {', '.join(sorted(writers))}.",
            hint="Export to another format.",
        )
    return write


def unfolded(model: Model) -> tuple[Step, ...]:
    """The layers of a network in order, as they are."""
    rows = model.spec.table()
    return tuple(_step(model, row, is_last=row is rows[-1]) for row in rows)


def folded(model: Model, *, kept: Collection[str] = ()) -> tuple[Step, ...]:
    """The layers of a network in order, fewer where some could be folded.

    Args:
        model: The network.
        kept: Names of layers that stay as they are.
    """
    rows = model.spec.table()
    following: dict[str, list[Row]] = {}
    for row in rows:
        for name in row.inputs:
            following.setdefault(name, []).append(row)
    steps, gone = [], set()
    for row in rows:
        if row.name in gone:
            continue
        step = _step(model, row, is_last=row is rows[-1])
        while (after := following.get(step.output, [])) and len(after) == 1:
            following_row = after[0]
            if following_row is rows[-1] or following_row.name in kept:
                break
            longer = _with(step, following_row, model)
            if longer is None:
                break
            step = longer
            gone.add(following_row.name)
        steps.append(step)
    return tuple(steps)


def _step(model: Model, row: Row, *, is_last: bool) -> Step:
    weights = {name: model.weights[f"{row.name}/{name}"] for name in row.layer.weight_shapes(row.input_shape)}
    return Step(row, row.layer.without_softmax() if is_last else row.layer, weights, row.name)


def _with(step: Step, row: Row, model: Model) -> Step | None:
    """A step and the layer after it as one; None if they cannot be one."""
    if row.kind == "Dropout":
        return replace(step, output=row.name)
    if step.row.kind not in KERNELS or step.layer.activation != "linear":
        return None
    if isinstance(row.layer, BatchNormalization):
        found = _normalized(step, row.layer, _step(model, row, is_last=False).weights)
        return replace(step, weights=found, output=row.name)
    if row.kind in ("Activation", "ReLU"):
        return replace(step, layer=replace(step.layer, activation=row.layer.activation_name), output=row.name)
    return None


def affine(layer: BatchNormalization, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """A batch normalization as factor and shift of each channel, in float64."""
    exact = {name: value.astype(np.float64) for name, value in weights.items()}
    factor = exact.get("gamma", 1.0) / np.sqrt(exact["moving_variance"] + layer.epsilon)
    return factor, exact.get("beta", 0.0) - exact["moving_mean"] * factor


def _normalized(step: Step, layer: BatchNormalization, weights: Weights) -> Weights:
    factor, shift = affine(layer, weights)
    name = KERNELS[step.row.kind]
    kernel = step.weights[name].astype(np.float64)
    # the last axes of every kernel are the outputs, two of them in a depthwise one
    scaled = kernel * factor.reshape(kernel.shape[2:] if step.row.kind == "DepthwiseConv2D" else (-1,))
    bias = step.weights.get("bias", np.zeros(1)).astype(np.float64) * factor + shift
    return dict(step.weights) | {name: scaled.astype(np.float32), "bias": bias.astype(np.float32)}
