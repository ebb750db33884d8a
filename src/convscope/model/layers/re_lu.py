"""ReLU: negative numbers become zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class ReLU(Layer):
    """Negative numbers become zero."""

    about: ClassVar[str] = "Sets negative values to zero."
    keeps_places: ClassVar[bool] = True
    keras_defaults: ClassVar[Mapping[str, tuple[object, ...]]] = {
        "max_value": (None,),
        "negative_slope": (None, 0),
        "threshold": (None, 0),
    }

    @classmethod
    def examples(cls) -> tuple[ReLU, ...]:
        return (cls(),)

    @property
    def activation_name(self) -> str:
        return "relu"

    @property
    def is_homogeneous(self) -> bool:
        return True

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return self.activate(tensor)

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        return gradient
