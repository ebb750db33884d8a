"""MaxPooling2D: the largest number of each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convscope.model import ops
from convscope.model.gradient_ops import places
from convscope.model.layers.layer import Computed, LayerWeights, Tensor
from convscope.model.layers.pooling import Pooling2D


@dataclass(frozen=True)
class MaxPooling2D(Pooling2D):
    """The largest number of each window; strides default to the pool size."""

    about: ClassVar[str] = "Takes the maximum of each window."

    @property
    def label(self) -> str:
        return "MaxPool"

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed(ops.max_pooling2d(tensor, window=self.window))

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        """Of equal pixels the first takes the whole gradient, as in TensorFlow."""
        result, untaken = np.zeros(tensor.shape, np.float32), np.ones(gradient.shape, bool)
        for _, outputs, pixels in places(tensor.shape, self.window):
            taken = untaken[outputs] & (tensor[pixels] == computed.output[outputs])
            result[pixels] += np.where(taken, gradient[outputs], np.float32(0))
            untaken[outputs] &= ~taken
        return result
