"""What the pooling layers have in common: those with a window, and those over whole maps."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from convscope.arithmetic import PADDINGS
from convscope.model.checks import check_choice, check_image_shape, check_pair
from convscope.model.layers.layer import CALL, SLOW, Layer
from convscope.model.window import Shape, Window


@dataclass(frozen=True)
class Pooling2D(Layer, ABC):
    """One number for each window of each channel; strides default to the pool size."""

    pool_size: tuple[int, int] = (2, 2)
    strides: tuple[int, int] | None = None
    padding: str = "valid"

    has_data_format: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_pair(self, "pool_size")
        if self.strides is None:
            object.__setattr__(self, "strides", self.pool_size)
        check_pair(self, "strides")
        check_choice(self, "padding", PADDINGS)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(), cls((3, 2), strides=(1, 2), padding="same"), cls((2, 4), strides=(3, 1))

    @property
    def window(self) -> Window:
        return Window(self.pool_size, self.strides or self.pool_size, self.padding)

    @property
    def is_homogeneous(self) -> bool:
        return True

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape(input_shape)
        return (*self.window.output_size(input_shape), input_shape[2])

    def cost(self, input_shape: Shape) -> int:
        sides = sum(self.pool_size)  # the NumPy engine goes over rows, then over columns
        return super().cost(input_shape) + SLOW * sides * math.prod(input_shape) + CALL * sides


class GlobalPooling2D(Layer, ABC):
    """One number for each channel. No layer kind of its own."""

    has_data_format: ClassVar[bool] = True
    keras_defaults: ClassVar[Mapping[str, tuple[object, ...]]] = {"keepdims": (False,)}

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(),)

    @property
    def is_homogeneous(self) -> bool:
        return True

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape(input_shape)
        return (input_shape[2],)
