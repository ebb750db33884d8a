"""Dense: each unit is a weighted sum of all inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convscope.errors import SpecError
from convscope.model import activations, ops
from convscope.model.checks import by, check_activation, check_integer
from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class Dense(Layer):
    """Each unit is a weighted sum of all inputs."""

    units: int
    activation: str = "linear"
    use_bias: bool = True
    kernel_initializer: str = "glorot_uniform"

    about: ClassVar[str] = "Computes weighted sums of all inputs, each plus a bias."
    trains: ClassVar[bool] = True
    kernels: ClassVar[tuple[str, ...]] = ("kernel",)

    def __post_init__(self) -> None:
        check_integer(self, "units")
        check_activation(self)

    @classmethod
    def examples(cls) -> tuple[Dense, ...]:
        return cls(4), cls(3, activation="sigmoid", use_bias=False, kernel_initializer="lecun_uniform")

    @property
    def is_homogeneous(self) -> bool:
        return not self.use_bias and self.activation in activations.HOMOGENEOUS

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise SpecError(
                f"Dense expects a row of numbers. Received: an input of shape {by(input_shape)}.",
                hint="Put Flatten() or GlobalAveragePooling2D() before it.",
            )
        return (self.units,)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        kernel: dict[str, Shape] = {"kernel": (input_shape[0], self.units)}
        return kernel | ({"bias": (self.units,)} if self.use_bias else {})

    def multiply_adds(self, input_shape: Shape) -> int:
        return input_shape[0] * self.units

    def cost(self, input_shape: Shape) -> int:
        return super().cost(input_shape) + self.multiply_adds(input_shape)

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return self.activate(ops.dense(tensor, weights["kernel"], weights.get("bias")))

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        return gradient @ weights["kernel"].T
