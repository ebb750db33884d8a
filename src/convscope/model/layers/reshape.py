"""Reshape: the same numbers in another shape."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from convscope.errors import SpecError
from convscope.model.checks import MAX_SIZE, by, shown
from convscope.model.layers.layer import Computed, Fields, Layer, LayerWeights, Tensor
from convscope.model.window import Shape


@dataclass(frozen=True)
class Reshape(Layer):
    """The numbers in the order of the input, channels fastest: as rows, columns and channels, or as one vector."""

    target_shape: tuple[int, ...]

    about: ClassVar[str] = "Arranges the same values in another shape."
    is_shown: ClassVar[bool] = False

    def __post_init__(self) -> None:
        sides = tuple(self.target_shape) if isinstance(self.target_shape, list | tuple) else ()
        is_valid = len(sides) in (1, 3) and all(
            type(side) is int and (side == -1 or 1 <= side <= MAX_SIZE ** (4 - len(sides))) for side in sides
        )
        if not is_valid or sides.count(-1) > 1:
            raise SpecError(
                "target_shape must be rows, columns and channels, or one number; one of them may be -1. "
                f"Received: target_shape={shown(self.target_shape)}."
            )
        object.__setattr__(self, "target_shape", sides)

    @classmethod
    def examples(cls) -> tuple[Reshape, ...]:
        return cls((-1,)), cls((-1, 2, 3)), cls((3, -1, 1)), cls((2, 3, -1))

    @property
    def is_homogeneous(self) -> bool:
        return True

    def output_shape(self, input_shape: Shape) -> Shape:
        count, given = math.prod(input_shape), math.prod(side for side in self.target_shape if side != -1)
        rest, left_over = divmod(count, given)
        if left_over or (-1 not in self.target_shape and rest != 1):
            raise SpecError(
                f"cannot arrange {by(input_shape)} = {count:,} numbers as {by(self.target_shape)}.",
                hint="The product of target_shape must be the number of values; -1 stands for whatever is left.",
            )
        return tuple(rest if side == -1 else side for side in self.target_shape)

    def receptive_field(self, input_shape: Shape, field: Fields) -> Fields | None:
        return field if self.output_shape(input_shape) == input_shape else None

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed(tensor.reshape(len(tensor), *self.output_shape(tensor.shape[1:])))

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        return gradient.reshape(tensor.shape)
