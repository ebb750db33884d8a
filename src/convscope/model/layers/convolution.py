"""What the kinds of convolution have in common."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

from convscope.model import activations
from convscope.model.layers.layer import Layer
from convscope.model.window import Window


class Convolution(Layer, ABC):
    """A window of weights that slides over rows and columns. No layer kind of its own."""

    kernel_size: tuple[int, int]
    strides: tuple[int, int]
    padding: str
    dilation_rate: tuple[int, int]
    activation: str
    use_bias: bool

    trains: ClassVar[bool] = True
    is_convolution: ClassVar[bool] = True
    has_data_format: ClassVar[bool] = True

    @property
    def window(self) -> Window:
        return Window(self.kernel_size, self.strides, self.padding, self.dilation_rate)

    @property
    def is_homogeneous(self) -> bool:
        return not self.use_bias and self.activation in activations.HOMOGENEOUS
