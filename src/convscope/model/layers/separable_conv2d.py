"""SeparableConv2D: a depthwise convolution, then a 1×1 convolution."""

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
from convscope.model.window import Shape, Window


@dataclass(frozen=True)
class SeparableConv2D(Convolution):
    """A depthwise convolution, then a 1×1 convolution that mixes the channels; the activation comes last."""

    filters: int
    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str = "valid"
    dilation_rate: tuple[int, int] = (1, 1)
    depth_multiplier: int = 1
    activation: str = "linear"
    use_bias: bool = True

    about: ClassVar[str] = "Convolves each channel on its own, then mixes the channels by a 1 × 1 convolution."
    kernels: ClassVar[tuple[str, ...]] = ("depthwise", "pointwise")

    def __post_init__(self) -> None:
        check_integer(self, "filters")
        check_integer(self, "depth_multiplier")
        check_window(self)
        check_activation(self)
        check_square_strides(self.strides)

    @classmethod
    def examples(cls) -> tuple[SeparableConv2D, ...]:
        return (
            cls(3, (3, 3)),
            cls(5, (2, 3), strides=(2, 2), padding="same", depth_multiplier=2, activation="silu"),
            cls(2, (2, 2), dilation_rate=(2, 1), use_bias=False),
        )

    @property
    def label(self) -> str:
        return "SeparableConv"

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape(input_shape)
        return (*self.window.output_size(input_shape), self.filters)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        deep = input_shape[2] * self.depth_multiplier
        weights: dict[str, Shape] = {
            "depthwise_kernel": (*self.kernel_size, input_shape[2], self.depth_multiplier),
            "pointwise_kernel": (1, 1, deep, self.filters),
        }
        return weights | ({"bias": (self.filters,)} if self.use_bias else {})

    def multiply_adds(self, input_shape: Shape) -> int:
        rows, columns = self.window.output_size(input_shape)
        deep = input_shape[2] * self.depth_multiplier
        return rows * columns * deep * (math.prod(self.kernel_size) + self.filters)

    def cost(self, input_shape: Shape) -> int:
        calls = CALL * math.prod(self.kernel_size)
        return super().cost(input_shape) + SLOW * self.multiply_adds(input_shape) + calls

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        depthwise = ops.depthwise_conv2d(tensor, weights["depthwise_kernel"], None, window=self.window)
        kernel, bias = weights["pointwise_kernel"], weights.get("bias")
        return self.activate(ops.conv2d(depthwise, kernel, bias, window=Window((1, 1))), depthwise=depthwise)

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        between = gradient @ weights["pointwise_kernel"][0, 0].T
        kernel = weights["depthwise_kernel"]
        return gradient_ops.depthwise_conv2d_gradient(between, tensor.shape, kernel, window=self.window)

    def filters_of(self, weights: LayerWeights) -> Tensor:
        depthwise = weights["depthwise_kernel"]
        return depthwise.reshape(*depthwise.shape[:2], -1, 1) * weights["pointwise_kernel"]
