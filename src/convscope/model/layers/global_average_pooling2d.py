"""GlobalAveragePooling2D: the mean of each channel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convscope.model import ops
from convscope.model.checks import check_image_shape
from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class GlobalAveragePooling2D(Layer):
    """The mean of each channel over all rows and columns."""

    about: ClassVar[str] = "Takes the mean of each feature map."
    has_data_format: ClassVar[bool] = True
    keras_defaults: ClassVar[Mapping[str, tuple[object, ...]]] = {"keepdims": (False,)}

    @classmethod
    def examples(cls) -> tuple[GlobalAveragePooling2D, ...]:
        return (cls(),)

    @property
    def label(self) -> str:
        return "GlobalAvgPool"

    @property
    def is_homogeneous(self) -> bool:
        return True

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape(input_shape)
        return (input_shape[2],)

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed(ops.global_average_pooling2d(tensor))

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        even = gradient[:, None, None, :] / np.float32(math.prod(tensor.shape[1:3]))
        return np.broadcast_to(even, tensor.shape)
