"""GlobalMaxPooling2D: the largest number of each channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convscope.model.checks import check_image_shape
from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class GlobalMaxPooling2D(Layer):
    """The largest number of each channel over all rows and columns."""

    about: ClassVar[str] = "Takes the maximum of each feature map."
    has_data_format: ClassVar[bool] = True
    keras_defaults: ClassVar[Mapping[str, tuple[object, ...]]] = {"keepdims": (False,)}

    @classmethod
    def examples(cls) -> tuple[GlobalMaxPooling2D, ...]:
        return (cls(),)

    @property
    def label(self) -> str:
        return "GlobalMaxPool"

    @property
    def is_homogeneous(self) -> bool:
        return True

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape(input_shape)
        return (input_shape[2],)

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed(tensor.max(axis=(1, 2)))

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        """Of several largest numbers each takes an equal part, as in TensorFlow."""
        largest = tensor == computed.output[:, None, None, :]
        counts = largest.sum(axis=(1, 2), keepdims=True, dtype=np.float32)
        return largest * (gradient[:, None, None, :] / counts)
