"""Add: the sum of several inputs, for shortcuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from convscope.errors import SpecError
from convscope.model.checks import by
from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class Add(Layer):
    """The sum of two or more inputs of one shape, number by number."""

    about: ClassVar[str] = "Adds its inputs element by element, as in a residual block."
    keeps_places: ClassVar[bool] = True

    @classmethod
    def examples(cls) -> tuple[Add, ...]:
        return (cls(),)

    def merge_shapes(self, input_shapes: Sequence[Shape]) -> Shape:
        if len(input_shapes) < 2 or len(set(input_shapes)) > 1:
            given = ", ".join(by(shape) for shape in input_shapes[:4])
            raise SpecError(
                f"expected two or more inputs of one shape. Received: {given}.",
                hint="Name the inputs: Add()(shortcut, conv2d_2).",
            )
        return input_shapes[0]

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def merge(self, tensors: Sequence[Tensor]) -> Tensor:
        total = tensors[0] + tensors[1]
        for tensor in tensors[2:]:
            total += tensor
        return total

    def unmerge(self, gradient: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return (gradient,) * len(tensors)

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed(tensor)

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        return gradient
