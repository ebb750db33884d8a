"""Softmax: logits become probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from convscope.model.layers.activation import Activation
from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class Softmax(Layer):
    """Logits become probabilities: exponentials, divided by their sum."""

    about: ClassVar[str] = "Turns logits into probabilities that sum to one."
    keeps_places: ClassVar[bool] = True
    keras_defaults: ClassVar[Mapping[str, tuple[object, ...]]] = {"axis": (-1, [-1])}

    @classmethod
    def examples(cls) -> tuple[Softmax, ...]:
        return (cls(),)

    @property
    def activation_name(self) -> str:
        return "softmax"

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return self.activate(tensor)

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        return gradient

    def without_softmax(self) -> Layer:
        return Activation("linear")
