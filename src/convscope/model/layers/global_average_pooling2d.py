"""GlobalAveragePooling2D: the mean of each channel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convscope.model import ops
from convscope.model.layers.layer import Computed, LayerWeights, Tensor
from convscope.model.layers.pooling import GlobalPooling2D


@dataclass(frozen=True)
class GlobalAveragePooling2D(GlobalPooling2D):
    """The mean of each channel over all rows and columns."""

    about: ClassVar[str] = "Takes the mean of each feature map."

    @property
    def label(self) -> str:
        return "GlobalAvgPool"

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed(ops.global_average_pooling2d(tensor))

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        even = gradient[:, None, None, :] / np.float32(math.prod(tensor.shape[1:3]))
        return np.broadcast_to(even, tensor.shape)
