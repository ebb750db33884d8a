"""GlobalMaxPooling2D: the largest number of each channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convscope.model.layers.layer import Computed, LayerWeights, Tensor
from convscope.model.layers.pooling import GlobalPooling2D


@dataclass(frozen=True)
class GlobalMaxPooling2D(GlobalPooling2D):
    """The largest number of each channel over all rows and columns."""

    about: ClassVar[str] = "Takes the maximum of each feature map."

    @property
    def label(self) -> str:
        return "GlobalMaxPool"

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed(tensor.max(axis=(1, 2)))

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        """Of several largest numbers each takes an equal part, as in TensorFlow."""
        largest = tensor == computed.output[:, None, None, :]
        counts = largest.sum(axis=(1, 2), keepdims=True, dtype=np.float32)
        return largest * (gradient[:, None, None, :] / counts)
