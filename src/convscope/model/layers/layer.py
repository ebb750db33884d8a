"""The base class of every layer kind: what a kind must define, and what it inherits."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from convscope.arithmetic import ReceptiveField, padding_split
from convscope.errors import SpecError
from convscope.model import activations
from convscope.model.window import Shape, Window

Tensor = np.ndarray
"""float32, ``(n, h, w, c)`` or ``(n, units)``."""

LayerWeights = Mapping[str, np.ndarray]
"""The weights of one layer by Keras's names: ``kernel``, ``bias``."""

Fields = tuple[ReceptiveField, ReceptiveField]
"""The receptive field on rows and columns."""

SLOW = 30
"""How many multiply-adds of a matrix product take as long as one number of any other NumPy operation."""

CALL = 100_000
"""How many multiply-adds of a matrix product take as long as one call of NumPy."""


@dataclass(frozen=True)
class Computed:
    """What the NumPy engine computes for one layer.

    Attributes:
        output: The layer's output.
        pre_activation: The same before the activation, for a layer that ends with one.
        depthwise: The first half of a separable convolution.
    """

    output: Tensor
    pre_activation: Tensor | None = None
    depthwise: Tensor | None = None


@dataclass(frozen=True)
class Layer(ABC):
    """One layer. The fields of a subclass are the arguments of Keras's layer of the same name, with its defaults.

    A kind is one module of this package with one subclass, which defines `about`, `examples`, `output_shape`,
    `forward` and `backward`, and whatever differs from what is inherited. `convscope.model.layers.LAYERS` finds it.
    Shapes are without the batch.
    """

    about: ClassVar[str]
    """What the layer computes, in one sentence."""
    trains: ClassVar[bool] = False
    """Whether gradient descent changes a weight of it."""
    is_convolution: ClassVar[bool] = False
    """Whether it makes new feature maps out of windows."""
    keeps_places: ClassVar[bool] = False
    """Whether each output number stands where its input stood: activations, normalization, dropout."""
    is_shown: ClassVar[bool] = True
    """Whether its output is worth showing: Dropout and Flatten repeat their input."""
    kernels: ClassVar[tuple[str, ...]] = ()
    """The arguments of the Keras layer, without ``_initializer``, that draw random weights."""
    has_data_format: ClassVar[bool] = False
    """Whether the Keras layer has an argument ``data_format``."""
    keras_defaults: ClassVar[Mapping[str, tuple[object, ...]]] = {}
    """Arguments that only the Keras layer has, each with the values at which it changes nothing."""

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[Self, ...]:
        """Layers of this kind that use every option, for inputs of 9×8×4 or of 6 numbers; tests hold them to Keras."""

    @property
    def label(self) -> str:
        """A short name for drawings."""
        return type(self).__name__

    # Shapes and cost, by arithmetic alone

    @property
    def window(self) -> Window | None:
        """The sliding window, or None for a layer that has none."""
        return None

    @property
    def activation_name(self) -> str | None:
        """The activation that the layer ends with, or None for a layer that has none."""
        return getattr(self, "activation", None)

    @property
    def is_homogeneous(self) -> bool:
        """Whether a positive factor on the input is the same factor on the output."""
        return False

    def merge_shapes(self, input_shapes: Sequence[Shape]) -> Shape:
        """The shape of what the layer works on: that of its only input, unless the layer merges several.

        Raises:
            SpecError: The number of inputs or their shapes do not suit the layer.
        """
        if len(input_shapes) != 1:
            raise SpecError(f"expected one input. Received: {len(input_shapes)}.")
        return input_shapes[0]

    @abstractmethod
    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the output.

        Raises:
            SpecError: The input does not suit the layer.
        """

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """The weights by Keras's names, in Keras's order."""
        return {}

    def parameters(self, input_shape: Shape) -> int:
        """How many numbers the weights hold, moving statistics included."""
        return sum(math.prod(shape) for shape in self.weight_shapes(input_shape).values())

    def multiply_adds(self, input_shape: Shape) -> int:
        """Multiply-adds for one image; convolutions and dense layers count, the rest is small beside them."""
        return 0

    def receptive_field(self, input_shape: Shape, field: Fields) -> Fields | None:
        """The receptive field of the output, from that of the input; None if the layer mixes positions."""
        window = self.window
        if window is None:
            return field
        after = []
        for axis in (0, 1):
            slide = window.axis(axis)
            before, _ = padding_split(input_shape[axis], **slide)
            kernel, stride, rate = slide["kernel_size"], slide["strides"], slide["dilation_rate"]
            after.append(field[axis].after(kernel, strides=stride, padding_before=before, dilation_rate=rate))
        return after[0], after[1]

    def cost(self, input_shape: Shape) -> int:
        """An upper bound of what one image costs the NumPy engine (see `model_file.cost`).

        This one is for a few passes over input and output; a layer that does more adds to it.
        """
        return SLOW * (2 * math.prod(input_shape) + 4 * math.prod(self.output_shape(input_shape)))

    def working_numbers(self, input_shape: Shape) -> int:
        """Numbers held at once while the NumPy engine computes one image: the input, and the output twice."""
        return math.prod(input_shape) + 2 * math.prod(self.output_shape(input_shape))

    # NumPy

    def merge(self, tensors: Sequence[Tensor]) -> Tensor:
        """What the layer works on: its only input, unless the layer merges several."""
        (tensor,) = tensors
        return tensor

    def unmerge(self, gradient: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The gradient at each input, from the gradient at what `merge` returned."""
        return (gradient,)

    @abstractmethod
    def forward(self, tensor: Tensor, weights: LayerWeights) -> Computed:
        """What the layer computes outside training; nothing is changed in place."""

    @abstractmethod
    def backward(self, gradient: Tensor, tensor: Tensor, computed: Computed, weights: LayerWeights) -> Tensor:
        """The gradient at the input, from the gradient before the activation (at the output where there is none)."""

    def activate(self, result: Tensor, *, depthwise: Tensor | None = None) -> Computed:
        """End with the layer's activation, `activation_name`."""
        output = activations.ACTIVATION_FUNCTIONS[self.activation_name or "linear"](result)
        return Computed(output, pre_activation=result, depthwise=depthwise)

    def slope(self, before: Tensor, after: Tensor) -> Tensor:
        """The derivative of the activation, from its input and its output."""
        return activations.SLOPES[self.activation_name or "linear"](before, after)

    def without_softmax(self) -> Layer:
        """The layer that gives logits where this one gives probabilities."""
        return replace(self, activation="linear")

    def filters_of(self, weights: LayerWeights) -> Tensor | None:
        """The filters of a convolution, ``(rows, columns, channels, filters)``; None for other layers."""
        return None

    # Keras; heavy modules hand ``keras`` and ``tf`` over, so that this package stays light

    def to_keras(self, keras: Any, *, name: str, seeds: Sequence[int], dtype: str = "float32") -> Any:
        """The Keras layer; the package's defaults and Keras's settings of the moment change nothing of it.

        Args:
            keras: The module.
            name: The layer's name.
            seeds: One for each of `kernels`.
            dtype: Keras's name of a dtype policy.
        """
        arguments = asdict(self) | {"name": name, "dtype": dtype}
        if self.has_data_format:
            arguments["data_format"] = "channels_last"
        initializer = arguments.pop("kernel_initializer", "glorot_uniform")
        for kernel, seed in zip(self.kernels, seeds, strict=False):
            config = {"class_name": initializer, "config": {"seed": int(seed)}}
            arguments[f"{kernel}_initializer"] = keras.initializers.get(config)
        return getattr(keras.layers, type(self).__name__)(**arguments)

    def training_forward(
        self, tf: Any, x: Any, keras_layer: Any, *, seed: tuple[int, Any], statistics: list[tuple[Any, float, Any]]
    ) -> Any:
        """What the layer computes in a training step.

        Args:
            tf: TensorFlow.
            x: The input, or a list of inputs for a layer that merges several.
            keras_layer: From `to_keras`, built.
            seed: The layer's number and the step, an int32 tensor, for what is random.
            statistics: Gets each moving average that the step updates, with its momentum and the value of this batch.
        """
        return keras_layer(x)
