"""DepthwiseConv2D: a convolution of each channel by itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from convscope.model import gradient_ops, ops
from convscope.model.checks import (
    check_activation,
    check_image_shape,
    check_integer,
    check_square_strides,
    check_window,
)
from convscope.model.layers.convolution import Convolution
from convscope.model.layers.layer import CALL, SLOW, Computed, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class DepthwiseConv2D(Convolution):
    """A convolution of each channel by itself: ``depth_multiplier`` windows for each."""

    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str = "valid"
    depth_multiplier: int = 1
    dilation_rate: tuple[int, int] = (1, 1)
    activation: str = "linear"
    use_bias: bool = True

    about: ClassVar[str] = "Convolves each channel on its own."
    kernels: ClassVar[tuple[str, ...]] = ("depthwise",)

    def __post_init__(self) -> None:
        check_integer(self, "depth_multiplier")
        check_window(self)
        check_activation(self)
        check_square_strides(self.strides)

    @classmethod
    def examples(cls) -> tuple[DepthwiseConv2D, ...]:
        return (
            cls((3, 3)),
            cls((2, 3), strides=(2, 2), padding="same", depth_multiplier=2, activation="tanh"),
            cls((2, 2), dilation_rate=(1, 2), use_bias=False),
        )

    @property
    def label(self) -> str:
        return "DepthwiseConv"

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape(input_shape)
        return (*self.window.output_size(input_shape), input_shape[2] * self.depth_multiplier)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        kernel = (*self.kernel_size, input_shape[2], self.depth_multiplier)
        bias = {"bias": (input_shape[2] * self.depth_multiplier,)}
        return {"kernel": kernel} | (bias if self.use_bias else {})

    def multiply_adds(self, input_shape: Shape) -> int:
        return math.prod(self.output_shape(input_shape)) * math.prod(self.kernel_size)

    def cost(self, input_shape: Shape) -> int:
        calls = CALL * math.prod(self.kernel_size)
        return super().cost(input_shape) + SLOW * self.multiply_adds(input_shape) + calls

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return self.activate(ops.depthwise_conv2d(tensor, weights["kernel"], weights.get("bias"), window=self.window))

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        return gradient_ops.depthwise_conv2d_gradient(gradient, tensor.shape, weights["kernel"], window=self.window)

    def filters_of(self, weights: LayerWeights) -> Tensor:
        kernel = weights["kernel"]
        return kernel.reshape(*kernel.shape[:2], 1, -1)
