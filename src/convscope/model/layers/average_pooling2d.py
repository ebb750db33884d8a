"""AveragePooling2D: the mean of each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convscope.model import ops
from convscope.model.gradient_ops import places
from convscope.model.layers.layer import Computed, LayerWeights, Tensor
from convscope.model.layers.pooling import Pooling2D


@dataclass(frozen=True)
class AveragePooling2D(Pooling2D):
    """The mean of each window, padding not counted; strides default to the pool size."""

    about: ClassVar[str] = "Takes the mean of each window; padding is not counted."

    @property
    def label(self) -> str:
        return "AvgPool"

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed(ops.average_pooling2d(tensor, window=self.window))

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        counts = np.zeros((1, *gradient.shape[1:3], 1), np.float32)
        for _, outputs, _ in places(tensor.shape, self.window):
            counts[outputs] += 1
        result, each = np.zeros(tensor.shape, np.float32), gradient / counts
        for _, outputs, pixels in places(tensor.shape, self.window):
            result[pixels] += each[outputs]
        return result
