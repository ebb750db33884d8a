"""Conv2D: a convolution over rows and columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from convscope.errors import SpecError
from convscope.model import gradient_ops, ops
from convscope.model.checks import check_activation, check_image_shape, check_integer, check_window
from convscope.model.layers.convolution import Convolution
from convscope.model.layers.layer import CALL, SLOW, Computed, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class Conv2D(Convolution):
    """A convolution: ``filters`` windows, each summed over the input channels of its group."""

    filters: int
    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str = "valid"
    dilation_rate: tuple[int, int] = (1, 1)
    groups: int = 1
    activation: str = "linear"
    use_bias: bool = True
    kernel_initializer: str = "glorot_uniform"

    about: ClassVar[str] = "Slides windows of weights over the input; each output is a sum of products plus a bias."
    kernels: ClassVar[tuple[str, ...]] = ("kernel",)

    def __post_init__(self) -> None:
        check_integer(self, "filters")
        check_integer(self, "groups")
        check_window(self)
        check_activation(self)
        if self.filters % self.groups:
            raise SpecError(f"groups must divide filters. Received: groups={self.groups}, filters={self.filters}.")

    @classmethod
    def examples(cls) -> tuple[Conv2D, ...]:
        return (
            cls(3, (3, 3)),
            cls(4, (2, 3), strides=(3, 2), padding="same", groups=2, activation="elu"),
            cls(2, (3, 2), padding="same", dilation_rate=(2, 3), use_bias=False, kernel_initializer="he_normal"),
        )

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape(input_shape)
        if input_shape[2] % self.groups:
            raise SpecError(f"groups must divide the {input_shape[2]} input channels. Received: groups={self.groups}.")
        return (*self.window.output_size(input_shape), self.filters)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        kernel = (*self.kernel_size, input_shape[2] // self.groups, self.filters)
        return {"kernel": kernel} | ({"bias": (self.filters,)} if self.use_bias else {})

    def multiply_adds(self, input_shape: Shape) -> int:
        return math.prod(self.output_shape(input_shape)) * math.prod(self.kernel_size) * input_shape[2] // self.groups

    def cost(self, input_shape: Shape) -> int:
        taps = math.prod(self.kernel_size)
        unfolded = math.prod(self.window.output_size(input_shape)) * taps * input_shape[2]
        calls = taps * (self.groups + 4 * unfolded // ops.BLOCK_BYTES)
        return super().cost(input_shape) + self.multiply_adds(input_shape) + SLOW * unfolded + CALL * calls

    def working_numbers(self, input_shape: Shape) -> int:
        taps = math.prod(self.kernel_size) * input_shape[2] // self.groups
        return super().working_numbers(input_shape) + math.prod(self.window.output_size(input_shape)) * taps

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        result = ops.conv2d(tensor, weights["kernel"], weights.get("bias"), window=self.window, groups=self.groups)
        return self.activate(result)

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        return gradient_ops.conv2d_gradient(
            gradient, tensor.shape, weights["kernel"], window=self.window, groups=self.groups
        )

    def filters_of(self, weights: LayerWeights) -> Tensor:
        return weights["kernel"]
