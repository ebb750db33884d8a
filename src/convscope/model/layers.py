"""The layer vocabulary: Keras's words, as frozen dataclasses that know their arithmetic.

A layer answers four questions about an input shape, without a tensor: what comes out, which weights it owns, how many
multiply-adds it costs, and which window it slides. Shapes leave the batch out: ``(h, w, c)`` or ``(units,)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

from convscope.arithmetic import PADDINGS, output_size
from convscope.errors import SpecError

Shape = tuple[int, ...]

ACTIVATIONS = ("linear", "relu", "leaky_relu", "elu", "silu", "sigmoid", "tanh", "softmax")
INITIALIZERS = ("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal")

MAX_SIZE = 4096
"""The largest filter count, unit count, kernel side or stride a layer may ask for."""


@dataclass(frozen=True)
class Window:
    """What slides over rows and columns: pairs are (rows, columns)."""

    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str = "valid"
    dilation_rate: tuple[int, int] = (1, 1)

    def output_size(self, input_shape: Shape) -> tuple[int, int]:
        """Rows and columns of the output.

        Raises:
            SpecError: The kernel does not fit its input.
        """
        sizes = [
            output_size(size, kernel, strides=stride, padding=self.padding, dilation_rate=rate)
            for size, kernel, stride, rate in zip(
                input_shape[:2], self.kernel_size, self.strides, self.dilation_rate, strict=True
            )
        ]
        if min(sizes) < 1:
            kernel, given = _by(self.kernel_size), _by(input_shape[:2])
            dilated = f" dilated by {_by(self.dilation_rate)}" if max(self.dilation_rate) > 1 else ""
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
        _integer(self, "filters")
        _integer(self, "groups")
        _check_window(self)
        _check_activation(self)
        if self.filters % self.groups:
            raise SpecError(f"groups must divide filters. Received: groups={self.groups}, filters={self.filters}.")

    @property
    def window(self) -> Window:
        return Window(self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def output_shape(self, input_shape: Shape) -> Shape:
        _image_shape(input_shape)
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
        _integer(self, "depth_multiplier")
        _check_window(self)
        _check_activation(self)
        _check_square_strides(self.strides)

    @property
    def window(self) -> Window:
        return Window(self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def output_shape(self, input_shape: Shape) -> Shape:
        _image_shape(input_shape)
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
        _integer(self, "filters")
        _integer(self, "depth_multiplier")
        _check_window(self)
        _check_activation(self)
        _check_square_strides(self.strides)

    @property
    def window(self) -> Window:
        return Window(self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def output_shape(self, input_shape: Shape) -> Shape:
        _image_shape(input_shape)
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
        _pair(self, "pool_size")
        if self.strides is None:
            object.__setattr__(self, "strides", self.pool_size)
        _pair(self, "strides")
        _choice(self, "padding", PADDINGS)

    @property
    def window(self) -> Window:
        return Window(self.pool_size, self.strides or self.pool_size, self.padding)

    def output_shape(self, input_shape: Shape) -> Shape:
        _image_shape(input_shape)
        return (*self.window.output_size(input_shape), input_shape[2])


@dataclass(frozen=True)
class AveragePooling2D(MaxPooling2D):
    """The mean of each window, padding not counted; strides default to the pool size."""


@dataclass(frozen=True)
class GlobalAveragePooling2D(Layer):
    """The mean of each channel over all rows and columns."""

    def output_shape(self, input_shape: Shape) -> Shape:
        _image_shape(input_shape)
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
        _fraction(self, "momentum")
        _fraction(self, "epsilon")
        _flag(self, "center")
        _flag(self, "scale")

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
        _choice(self, "activation", ACTIVATIONS)


@dataclass(frozen=True)
class Softmax(Layer):
    """Logits to probabilities: exponentials that sum to one."""


@dataclass(frozen=True)
class Dropout(Layer):
    """In training each value is zeroed with probability ``rate`` and the rest scaled up; afterwards nothing happens."""

    rate: float

    def __post_init__(self) -> None:
        _fraction(self, "rate")


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
        _integer(self, "units")
        _check_activation(self)

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise SpecError(
                f"Dense expects a row of numbers. Received: an input of shape {_by(input_shape)}.",
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


def _by(shape: Sequence[int]) -> str:
    return "×".join(str(size) for size in shape)


def _shown(value: object) -> str:
    """A value in a message: it may come from a hostile file, so that it is cut short."""
    return repr(value)[:60]


def _image_shape(input_shape: Shape) -> None:
    if len(input_shape) != 3:
        raise SpecError(
            f"expected rows, columns and channels. Received: an input of shape {_by(input_shape)}.",
            hint="It must come before Flatten and global pooling.",
        )


def _integer(layer: Layer, name: str) -> None:
    value = getattr(layer, name)
    if type(value) is not int or not 1 <= value <= MAX_SIZE:
        raise SpecError(f"{name} must be a whole number from 1 to {MAX_SIZE}. Received: {name}={_shown(value)}.")


def _pair(layer: Layer, name: str) -> None:
    value = getattr(layer, name)
    pair = (value, value) if type(value) is int else tuple(value) if isinstance(value, list | tuple) else ()
    if len(pair) != 2 or any(type(side) is not int or not 1 <= side <= MAX_SIZE for side in pair):
        raise SpecError(
            f"{name} must be one or two whole numbers from 1 to {MAX_SIZE}: rows, columns. "
            f"Received: {name}={_shown(value)}."
        )
    object.__setattr__(layer, name, pair)


def _choice(layer: Layer, name: str, choices: Sequence[str]) -> None:
    value = getattr(layer, name)
    if not isinstance(value, str) or value not in choices:
        raise SpecError(f"{name} must be one of {', '.join(choices)}. Received: {name}={_shown(value)}.")


def _flag(layer: Layer, name: str) -> None:
    value = getattr(layer, name)
    if type(value) is not bool:
        raise SpecError(f"{name} must be True or False. Received: {name}={_shown(value)}.")


def _fraction(layer: Layer, name: str) -> None:
    value = getattr(layer, name)
    if type(value) not in (int, float) or not 0 <= value < 1:
        raise SpecError(
            f"{name} must be a number from 0 up to, but not including, 1. Received: {name}={_shown(value)}."
        )
    object.__setattr__(layer, name, float(value))


def _check_window(layer: Layer) -> None:
    for name in ("kernel_size", "strides", "dilation_rate"):
        _pair(layer, name)
    _choice(layer, "padding", PADDINGS)
    window = layer.window
    if window and max(window.strides) > 1 and max(window.dilation_rate) > 1:
        raise SpecError(
            "strides and dilation_rate cannot both be over 1. "
            f"Received: strides={window.strides}, dilation_rate={window.dilation_rate}."
        )


def _check_square_strides(strides: tuple[int, int]) -> None:
    if strides[0] != strides[1]:
        raise SpecError(f"a depthwise convolution needs equal strides. Received: strides={strides}.")


def _check_activation(layer: Layer) -> None:
    _choice(layer, "activation", ACTIVATIONS)
    _flag(layer, "use_bias")
    if any(field.name == "kernel_initializer" for field in fields(layer)):
        _choice(layer, "kernel_initializer", INITIALIZERS)
