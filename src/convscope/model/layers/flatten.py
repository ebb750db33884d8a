"""Flatten: rows, columns and channels become one row of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class Flatten(Layer):
    """Rows, columns and channels become one row of numbers, channels fastest."""

    about: ClassVar[str] = "Reshapes rows, columns and channels into one vector."
    is_shown: ClassVar[bool] = False
    has_data_format: ClassVar[bool] = True

    @classmethod
    def examples(cls) -> tuple[Flatten, ...]:
        return (cls(),)

    @property
    def is_homogeneous(self) -> bool:
        return True

    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed(tensor.reshape(len(tensor), *self.output_shape(tensor.shape[1:])))

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        return gradient.reshape(tensor.shape)
