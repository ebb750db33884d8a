"""BatchNormalization: each channel normalized by statistics over the batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from convscope.model import ops
from convscope.model.checks import check_flag, check_fraction
from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Each channel normalized by the batch's mean and variance in training, by moving averages of them afterwards."""

    momentum: float = 0.99
    epsilon: float = 0.001
    center: bool = True
    scale: bool = True

    about: ClassVar[str] = "Normalizes each channel by the statistics seen in training, then scales and shifts it."
    trains: ClassVar[bool] = True
    keeps_places: ClassVar[bool] = True
    keras_defaults: ClassVar[Mapping[str, tuple[object, ...]]] = {"axis": (-1, 3, [-1], [3]), "renorm": (False,)}

    def __post_init__(self) -> None:
        check_fraction(self, "momentum")
        check_fraction(self, "epsilon")
        check_flag(self, "center")
        check_flag(self, "scale")

    @classmethod
    def examples(cls) -> tuple[BatchNormalization, ...]:
        return cls(), cls(0.9, epsilon=0.1, center=False), cls(scale=False), cls(center=False, scale=False)

    @property
    def label(self) -> str:
        return "BatchNorm"

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        names = (["gamma"] if self.scale else []) + (["beta"] if self.center else [])
        return dict.fromkeys([*names, "moving_mean", "moving_variance"], input_shape[-1:])

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed(ops.batch_normalization(tensor, **weights, epsilon=self.epsilon))

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        factor = 1 / np.sqrt(weights["moving_variance"] + np.float32(self.epsilon))
        return gradient * (factor * weights.get("gamma", np.float32(1)))

    def training_forward(
        self, tf: Any, x: Any, keras_layer: Any, *, seed: tuple[int, Any], statistics: list[tuple[Any, float, Any]]
    ) -> Any:
        """TensorFlow's fused kernel, which Keras's layer does not use."""
        channels = x.shape[-1]
        flat = len(x.shape) == 2
        y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=tf.reshape(x, [-1, 1, 1, channels]) if flat else x,
            scale=keras_layer.gamma.value if keras_layer.scale else tf.ones([channels]),
            offset=keras_layer.beta.value if keras_layer.center else tf.zeros([channels]),
            mean=tf.zeros([channels]),
            variance=tf.ones([channels]),
            epsilon=keras_layer.epsilon,
            is_training=True,
        )
        for moving, now in ((keras_layer.moving_mean.value, mean), (keras_layer.moving_variance.value, variance)):
            statistics.append((moving, keras_layer.momentum, now))
        return tf.reshape(y, [-1, channels]) if flat else y
