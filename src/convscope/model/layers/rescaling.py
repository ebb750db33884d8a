"""Rescaling: a fixed factor and offset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convscope.model.checks import check_number
from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class Rescaling(Layer):
    """Each number times ``scale`` plus ``offset``; neither is trained."""

    scale: float
    offset: float = 0.0

    about: ClassVar[str] = "Multiplies the input by a factor and adds an offset."
    keeps_places: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number(self, "scale")
        check_number(self, "offset")

    @classmethod
    def examples(cls) -> tuple[Rescaling, ...]:
        return cls(0.5), cls(-2.0, offset=1.5)

    @property
    def is_homogeneous(self) -> bool:
        return self.offset == 0 and self.scale > 0

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed(tensor * np.float32(self.scale) + np.float32(self.offset))

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        return gradient * np.float32(self.scale)
