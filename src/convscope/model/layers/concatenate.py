"""Concatenate: the channels of several inputs, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convscope.errors import SpecError
from convscope.model.checks import by
from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class Concatenate(Layer):
    """The channels of two or more inputs that have the same rows and columns; of vectors, their numbers.

    It is Keras's layer with ``axis=-1``.
    """

    about: ClassVar[str] = "Joins the channels of its inputs, one after the other."
    keeps_places: ClassVar[bool] = True
    keras_defaults: ClassVar[Mapping[str, tuple[object, ...]]] = {"axis": (-1,)}

    @classmethod
    def examples(cls) -> tuple[Concatenate, ...]:
        return (cls(),)

    def merge_shapes(self, input_shapes: Sequence[Shape]) -> Shape:
        if len(input_shapes) < 2 or len({shape[:-1] for shape in input_shapes}) > 1:
            given = ", ".join(by(shape) for shape in input_shapes[:4])
            raise SpecError(
                f"expected two or more inputs that differ in their channels only. Received: {given}.",
                hint="Name the inputs: Concatenate()(conv2d, conv2d_1).",
            )
        return (*input_shapes[0][:-1], sum(shape[-1] for shape in input_shapes))

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def merge(self, tensors: Sequence[Tensor]) -> Tensor:
        return np.concatenate(tensors, axis=-1)

    def unmerge(self, gradient: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        ends = np.cumsum([tensor.shape[-1] for tensor in tensors])
        return tuple(np.split(gradient, ends[:-1], axis=-1))

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed(tensor)

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        return gradient
