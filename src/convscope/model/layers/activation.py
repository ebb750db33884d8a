"""Activation: an activation function as a layer of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convscope.model import activations
from convscope.model.checks import ACTIVATIONS, check_choice
from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class Activation(Layer):
    """An activation function as a layer of its own."""

    activation: str

    about: ClassVar[str] = "Applies an activation function."
    keeps_places: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_choice(self, "activation", ACTIVATIONS)

    @classmethod
    def examples(cls) -> tuple[Activation, ...]:
        return tuple(cls(name) for name in ACTIVATIONS)

    @property
    def label(self) -> str:
        return self.activation

    @property
    def is_homogeneous(self) -> bool:
        return self.activation in activations.HOMOGENEOUS

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return self.activate(tensor)

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        return gradient
