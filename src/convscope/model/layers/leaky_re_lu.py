"""LeakyReLU: negative numbers are scaled down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convscope.model.checks import check_number
from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class LeakyReLU(Layer):
    """Negative numbers are multiplied by ``negative_slope``."""

    negative_slope: float = 0.3

    about: ClassVar[str] = "Multiplies negative values by a small slope."
    keeps_places: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number(self, "negative_slope", low=0)

    @classmethod
    def examples(cls) -> tuple[LeakyReLU, ...]:
        return cls(), cls(0.01), cls(0), cls(1.5)

    @property
    def label(self) -> str:
        return f"LeakyReLU {self.negative_slope:g}"

    @property
    def is_homogeneous(self) -> bool:
        return True

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        output = np.where(tensor > 0, tensor, np.float32(self.negative_slope) * tensor)
        return Computed(output, pre_activation=tensor)

    def slope(self, before: Tensor, after: Tensor) -> Tensor:
        return np.where(before > 0, np.float32(1), np.float32(self.negative_slope))

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        return gradient
