"""Normalization: each channel with a fixed mean and variance, such as those of the training images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from convscope.errors import SpecError
from convscope.model.checks import MAX_NUMBER, MAX_SIZE, by, shown
from convscope.model.layers.layer import Computed, Layer, LayerWeights, Tensor
from convscope.model.window import Shape

EPSILON = 1e-7
"""The smallest standard deviation that Keras divides by."""


@dataclass(frozen=True)
class Normalization(Layer):
    """Each channel minus ``mean``, divided by the square root of ``variance``; neither is trained.

    It is Keras's layer with ``axis=-1`` and both arguments given: one number for each channel, or one for all.
    """

    mean: tuple[float, ...]
    variance: tuple[float, ...]

    about: ClassVar[str] = "Shifts and scales each channel by a fixed mean and variance."
    keeps_places: ClassVar[bool] = True
    keras_defaults: ClassVar[Mapping[str, tuple[object, ...]]] = {"axis": (-1, [-1]), "invert": (False, None)}

    def __post_init__(self) -> None:
        mean, variance = _numbers("mean", self.mean, -MAX_NUMBER), _numbers("variance", self.variance, 0.0)
        if len(mean) != len(variance):
            raise SpecError(
                f"mean and variance must be of one length. Received: {len(mean)} and {len(variance)} numbers."
            )
        if len(set(mean)) == len(set(variance)) == 1:  # one number for all channels
            mean, variance = mean[:1], variance[:1]
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "variance", variance)

    @classmethod
    def examples(cls) -> tuple[Normalization, ...]:
        return cls((0.25,), (4.0,)), cls((-0.5,), (0.0625,)), cls((0.5, -1.0, 0.0, 2.0), (0.25, 4.0, 1.0, 0.0625))

    @property
    def is_homogeneous(self) -> bool:
        return not any(self.mean)

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(self.mean) not in (1, input_shape[-1]):
            raise SpecError(
                f"mean and variance must have one number, or one for each of {input_shape[-1]} channels. "
                f"Received: an input of shape {by(input_shape)} and {len(self.mean)} numbers."
            )
        return input_shape

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed((tensor - np.array(self.mean, np.float32)) / self._deviation())

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        return gradient / self._deviation()

    def _deviation(self) -> np.ndarray:
        return np.maximum(np.sqrt(np.array(self.variance, np.float32)), np.float32(EPSILON))


def _numbers(name: str, value: object, low: float) -> tuple[float, ...]:
    """One number for all channels, or one for each."""
    given: tuple[Any, ...] = tuple(value) if isinstance(value, list | tuple) else (value,)
    is_valid = 1 <= len(given) <= MAX_SIZE and all(
        type(one) in (int, float) and low <= one <= MAX_NUMBER for one in given
    )
    if not is_valid:
        raise SpecError(
            f"{name} must be numbers from {low:g} to {MAX_NUMBER:g}, one for each channel. Received: {shown(value)}."
        )
    return tuple(float(one) for one in given)
