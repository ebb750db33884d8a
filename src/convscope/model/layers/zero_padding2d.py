"""ZeroPadding2D: rows and columns of zeros around the maps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from convscope.errors import SpecError
from convscope.model.checks import MAX_SIZE, check_image_shape, shown
from convscope.model.layers.layer import Computed, Fields, Layer, LayerWeights, Tensor
from convscope.model.window import Shape

Sides = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class ZeroPadding2D(Layer):
    """Zeros around the maps: ``padding`` is ((top, bottom), (left, right)), (rows, columns) or one number for all."""

    padding: Sides = ((1, 1), (1, 1))

    about: ClassVar[str] = "Adds rows and columns of zeros around each feature map."
    has_data_format: ClassVar[bool] = True

    def __post_init__(self) -> None:
        given: object = self.padding
        rows, columns = given if isinstance(given, list | tuple) and len(given) == 2 else (given, given)
        pairs = tuple(
            tuple(side) if isinstance(side, list | tuple) and len(side) == 2 else (side, side)
            for side in (rows, columns)
        )
        if any(type(side) is not int or not 0 <= side <= MAX_SIZE for pair in pairs for side in pair):
            raise SpecError(
                f"padding must be one or two whole numbers from 0 to {MAX_SIZE}, or ((top, bottom), (left, right)). "
                f"Received: padding={shown(given)}."
            )
        object.__setattr__(self, "padding", pairs)

    @classmethod
    def examples(cls) -> tuple[ZeroPadding2D, ...]:
        return cls(), cls(((0, 2), (3, 1))), cls(((2, 2), (0, 0)))

    @property
    def label(self) -> str:
        return "ZeroPadding"

    @property
    def is_homogeneous(self) -> bool:
        return True

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape(input_shape)
        rows, columns, channels = input_shape
        return (rows + sum(self.padding[0]), columns + sum(self.padding[1]), channels)

    def receptive_field(self, input_shape: Shape, field: Fields) -> Fields:
        """The first output is a zero, as many steps before the first input as there are zeros."""
        (top, _), (left, _) = self.padding
        rows, columns = field
        return (
            replace(rows, start=rows.start - top * rows.jump),
            replace(columns, start=columns.start - left * columns.jump),
        )

    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        return Computed(np.pad(tensor, ((0, 0), *self.padding, (0, 0))))

    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        (top, _), (left, _) = self.padding
        return gradient[:, top : top + tensor.shape[1], left : left + tensor.shape[2]]
