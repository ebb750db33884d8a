"""Dropout: some numbers are set to zero in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from convscope.model.checks import check_fraction
from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class Dropout(Layer):
    """In training each number becomes zero with probability ``rate`` and the rest are scaled up; else nothing."""

    rate: float

    about: ClassVar[str] = "Sets a random fraction of the values to zero in training; does nothing in inference."
    keeps_places: ClassVar[bool] = True
    is_shown: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_fraction(self, "rate")

    @classmethod
    def examples(cls) -> tuple[Dropout, ...]:
        return cls(0.5), cls(0)

    @property
    def label(self) -> str:
        return f"Dropout {self.rate:g}"

    @property
    def is_homogeneous(self) -> bool:
        return True

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed(tensor)

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        return gradient

    def training_forward(
        self, tf: Any, x: Any, keras_layer: Any, *, seed: tuple[int, Any], statistics: list[tuple[Any, float, Any]]
    ) -> Any:
        """A mask that depends on the seed only, so that a step is the same in whichever call it is taken."""
        return tf.nn.experimental.stateless_dropout(x, rate=self.rate, seed=tf.stack(seed))
