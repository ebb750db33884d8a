"""LayerNormalization: each place normalized over its channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convscope.model.checks import check_flag, check_fraction
from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class LayerNormalization(Layer):
    """At each place the channels are normalized by their own mean and variance, in training and afterwards.

    It is Keras's layer with ``axis=-1``.
    """

    epsilon: float = 0.001
    center: bool = True
    scale: bool = True

    about: ClassVar[str] = "Normalizes the channels at each position, then scales and shifts them."
    trains: ClassVar[bool] = True
    keeps_places: ClassVar[bool] = True
    keras_defaults: ClassVar[Mapping[str, tuple[object, ...]]] = {"axis": (-1, 3, [-1], [3]), "rms_scaling": (False,)}

    def __post_init__(self) -> None:
        check_fraction(self, "epsilon")
        check_flag(self, "center")
        check_flag(self, "scale")

    @classmethod
    def examples(cls) -> tuple[LayerNormalization, ...]:
        return cls(), cls(0.1, center=False), cls(scale=False), cls(center=False, scale=False)

    @property
    def label(self) -> str:
        return "LayerNorm"

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        names = (["gamma"] if self.scale else []) + (["beta"] if self.center else [])
        return dict.fromkeys(names, input_shape[-1:])

    def working_numbers(self, input_shape: Shape) -> int:
        return 2 * super().working_numbers(input_shape)

    def cost(self, input_shape: Shape) -> int:
        return 2 * super().cost(input_shape)

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        """Source: Ba, Kiros and Hinton, "Layer normalization", 2016."""
        output, _ = self._normalized(tensor)
        output = output * weights["gamma"] if self.scale else output
        return Computed(output + weights["beta"] if self.center else output)

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        """Mean and variance depend on the input too, which takes two means off the gradient."""
        normalized, factor = self._normalized(tensor)
        gradient = gradient * weights["gamma"] if self.scale else gradient
        along = (gradient * normalized).mean(axis=-1, keepdims=True)
        return factor * (gradient - gradient.mean(axis=-1, keepdims=True) - normalized * along)

    def _normalized(self, tensor: Tensor) -> tuple[Tensor, Tensor]:
        """The normalized input, and the factor from its distance to the mean."""
        centered = tensor - tensor.mean(axis=-1, keepdims=True)
        variance = (centered * centered).mean(axis=-1, keepdims=True)
        factor = 1 / np.sqrt(variance + np.float32(self.epsilon))
        return centered * factor, factor
