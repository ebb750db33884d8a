"""The layer vocabulary: Keras's words, as frozen dataclasses that know their arithmetic.

A layer answers four questions about an input shape, without a tensor: what comes out, which weights it owns, how many
multiply-adds it costs, and which window it slides. Shapes leave the batch out: ``(h, w, c)`` or ``(units,)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, TypedDict

from convscope.arithmetic import PADDINGS, Padding, output_size
from convscope.errors import SpecError
from convscope.model.checks import (
    ACTIVATIONS,
    by,
    check_activation,
    check_choice,
    check_flag,
    check_fraction,
    check_image_shape,
    check_integer,
    check_pair,
    check_square_strides,
    check_window,
)

Shape = tuple[int, ...]


class Axis(TypedDict):
    """What slides along one axis, in the words of `arithmetic`."""

    kernel_size: int
    strides: int
    padding: Padding
    dilation_rate: int


@dataclass(frozen=True)
class Window:
    """What slides over rows and columns: pairs are (rows, columns).

    A layer pads by a word; the window that `convscope conv` shows may also have a number of zeros for each side.
    """

    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str | tuple[int, int] = "valid"
    dilation_rate: tuple[int, int] = (1, 1)

    def axis(self, index: int) -> Axis:
        """The arguments of `arithmetic` for rows (0) or columns (1)."""
        padding = self.padding if isinstance(self.padding, str) else self.padding[index]
        return {
            "kernel_size": self.kernel_size[index],
            "strides": self.strides[index],
            "padding": padding,
            "dilation_rate": self.dilation_rate[index],
        }

    def output_size(self, input_shape: Shape) -> tuple[int, int]:
        """Rows and columns of the output.

        Raises:
            SpecError: The kernel does not fit its input.
        """
        sizes = [output_size(size, **self.axis(index)) for index, size in enumerate(input_shape[:2])]
        if min(sizes) < 1:
            kernel, given = by(self.kernel_size), by(input_shape[:2])
            dilated = f" dilated by {by(self.dilation_rate)}" if max(self.dilation_rate) > 1 else ""
            raise SpecError(
                f"kernel {kernel}{dilated} does not fit its {given} input.",
                hint="Use a smaller kernel, padding='same', or less pooling before it.",
            )
        return sizes[0], sizes[1]


@dataclass(frozen=True)
class Layer:
    """One layer; the subclasses' fields are Keras's arguments with Keras's defaults."""

    trains: ClassVar[bool] = False
    """Whether gradient descent changes a weight of it."""

    @property
    def window(self) -> Window | None:
        """The sliding window, or None for a layer that has none."""
        return None

    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape that comes out, or SpecError."""
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """The weights by Keras's names, in Keras's order."""
        return {}

    def multiply_adds(self, input_shape: Shape) -> int:
        """Multiply-adds for one image; convolutions and dense layers count, the rest is small beside them."""
        return 0

    def parameters(self, input_shape: Shape) -> int:
        """How many numbers the weights hold, moving statistics included."""
        return sum(math.prod(shape) for shape in self.weight_shapes(input_shape).values())


@dataclass(frozen=True)
class Conv2D(Layer):
    """A convolution: ``filters`` windows, each summed over the input channels of its group."""

    filters: int
    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str = "valid"
    dilation_rate: tuple[int, int] = (1, 1)
    groups: int = 1
    activation: str = "linear"
    use_bias: bool = True
    kernel_initializer: str = "glorot_uniform"
    trains: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_integer(self, "filters")
        check_integer(self, "groups")
        check_window(self)
        check_activation(self)
        if self.filters % self.groups:
            raise SpecError(f"groups must divide filters. Received: groups={self.groups}, filters={self.filters}.")

    @property
    def window(self) -> Window:
        return Window(self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape(input_shape)
        if input_shape[2] % self.groups:
            raise SpecError(f"groups must divide the {input_shape[2]} input channels. Received: groups={self.groups}.")
        return (*self.window.output_size(input_shape), self.filters)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        kernel = (*self.kernel_size, input_shape[2] // self.groups, self.filters)
        return {"kernel": kernel} | ({"bias": (self.filters,)} if self.use_bias else {})

    def multiply_adds(self, input_shape: Shape) -> int:
        return math.prod(self.output_shape(input_shape)) * math.prod(self.kernel_size) * input_shape[2] // self.groups


@dataclass(frozen=True)
class DepthwiseConv2D(Layer):
    """A convolution that looks at one channel at a time: ``depth_multiplier`` windows for each."""

    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str = "valid"
    depth_multiplier: int = 1
    dilation_rate: tuple[int, int] = (1, 1)
    activation: str = "linear"
    use_bias: bool = True
    trains: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_integer(self, "depth_multiplier")
        check_window(self)
        check_activation(self)
        check_square_strides(self.strides)

    @property
    def window(self) -> Window:
        return Window(self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape(input_shape)
        return (*self.window.output_size(input_shape), input_shape[2] * self.depth_multiplier)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        kernel = (*self.kernel_size, input_shape[2], self.depth_multiplier)
        bias = {"bias": (input_shape[2] * self.depth_multiplier,)}
        return {"kernel": kernel} | (bias if self.use_bias else {})

    def multiply_adds(self, input_shape: Shape) -> int:
        return math.prod(self.output_shape(input_shape)) * math.prod(self.kernel_size)


@dataclass(frozen=True)
class SeparableConv2D(Layer):
    """A depthwise convolution, then a 1×1 convolution that mixes the channels; the activation comes last."""

    filters: int
    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str = "valid"
    dilation_rate: tuple[int, int] = (1, 1)
    depth_multiplier: int = 1
    activation: str = "linear"
    use_bias: bool = True
    trains: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_integer(self, "filters")
        check_integer(self, "depth_multiplier")
        check_window(self)
        check_activation(self)
        check_square_strides(self.strides)

    @property
    def window(self) -> Window:
        return Window(self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape(input_shape)
        return (*self.window.output_size(input_shape), self.filters)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        deep = input_shape[2] * self.depth_multiplier
        weights: dict[str, Shape] = {
            "depthwise_kernel": (*self.kernel_size, input_shape[2], self.depth_multiplier),
            "pointwise_kernel": (1, 1, deep, self.filters),
        }
        return weights | ({"bias": (self.filters,)} if self.use_bias else {})

    def multiply_adds(self, input_shape: Shape) -> int:
        rows, columns = self.window.output_size(input_shape)
        deep = input_shape[2] * self.depth_multiplier
        return rows * columns * deep * (math.prod(self.kernel_size) + self.filters)


@dataclass(frozen=True)
class MaxPooling2D(Layer):
    """The largest value of each window; strides default to the pool size."""

    pool_size: tuple[int, int] = (2, 2)
    strides: tuple[int, int] | None = None
    padding: str = "valid"

    def __post_init__(self) -> None:
        check_pair(self, "pool_size")
        if self.strides is None:
            object.__setattr__(self, "strides", self.pool_size)
        check_pair(self, "strides")
        check_choice(self, "padding", PADDINGS)

    @property
    def window(self) -> Window:
        return Window(self.pool_size, self.strides or self.pool_size, self.padding)

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape(input_shape)
        return (*self.window.output_size(input_shape), input_shape[2])


@dataclass(frozen=True)
class AveragePooling2D(MaxPooling2D):
    """The mean of each window, padding not counted; strides default to the pool size."""


@dataclass(frozen=True)
class GlobalAveragePooling2D(Layer):
    """The mean of each channel over all rows and columns."""

    def output_shape(self, input_shape: Shape) -> Shape:
        check_image_shape(input_shape)
        return (input_shape[2],)


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Each channel shifted and scaled to the statistics of the batch in training, to moving statistics afterwards."""

    momentum: float = 0.99
    epsilon: float = 0.001
    center: bool = True
    scale: bool = True
    trains: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_fraction(self, "momentum")
        check_fraction(self, "epsilon")
        check_flag(self, "center")
        check_flag(self, "scale")

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        names = (["gamma"] if self.scale else []) + (["beta"] if self.center else [])
        return dict.fromkeys([*names, "moving_mean", "moving_variance"], input_shape[-1:])


@dataclass(frozen=True)
class ReLU(Layer):
    """Negative values become zero."""


@dataclass(frozen=True)
class Activation(Layer):
    """An activation as a layer of its own."""

    activation: str

    def __post_init__(self) -> None:
        check_choice(self, "activation", ACTIVATIONS)


@dataclass(frozen=True)
class Softmax(Layer):
    """Logits to probabilities: exponentials that sum to one."""


@dataclass(frozen=True)
class Dropout(Layer):
    """In training each value is zeroed with probability ``rate`` and the rest scaled up; afterwards nothing happens."""

    rate: float

    def __post_init__(self) -> None:
        check_fraction(self, "rate")


@dataclass(frozen=True)
class Flatten(Layer):
    """Rows, columns and channels become one row of numbers, channels fastest."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)


@dataclass(frozen=True)
class Dense(Layer):
    """Each unit is a weighted sum of all inputs."""

    units: int
    activation: str = "linear"
    use_bias: bool = True
    kernel_initializer: str = "glorot_uniform"
    trains: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_integer(self, "units")
        check_activation(self)

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise SpecError(
                f"Dense expects a row of numbers. Received: an input of shape {by(input_shape)}.",
                hint="Put Flatten() or GlobalAveragePooling2D() before it.",
            )
        return (self.units,)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        kernel: dict[str, Shape] = {"kernel": (input_shape[0], self.units)}
        return kernel | ({"bias": (self.units,)} if self.use_bias else {})

    def multiply_adds(self, input_shape: Shape) -> int:
        return input_shape[0] * self.units


LAYERS: dict[str, type[Layer]] = {
    layer.__name__: layer
    for layer in (
        Conv2D,
        DepthwiseConv2D,
        SeparableConv2D,
        MaxPooling2D,
        AveragePooling2D,
        GlobalAveragePooling2D,
        BatchNormalization,
        ReLU,
        Activation,
        Softmax,
        Dropout,
        Flatten,
        Dense,
    )
}
"""Every layer there is, by Keras's name: the words of a spec file and of a model file."""
