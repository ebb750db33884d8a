"""Checks of a layer's arguments: each refuses one field, with what was expected and what was received."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from convscope.arithmetic import PADDINGS
from convscope.errors import SpecError

ACTIVATIONS = (
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "hard_silu", "mish", "softplus", "softsign",
    "sigmoid", "hard_sigmoid", "tanh", "softmax",
)  # fmt: skip
INITIALIZERS = ("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal")

MAX_SIZE = 4096
"""The largest filter count, unit count, kernel side or stride a layer may ask for."""


MAX_NUMBER = 1e6
"""The largest scale, offset or slope a layer may ask for."""


def by(shape: Sequence[int]) -> str:
    """A shape as text: ``3×3``."""
    return "×".join(str(size) for size in shape)


def shown(value: object) -> str:
    """A value for a message, cut short: it may come from a hostile file."""
    return repr(value)[:60]


def check_image_shape(input_shape: Sequence[int]) -> None:
    """Rows, columns and channels."""
    if len(input_shape) != 3:
        raise SpecError(
            f"expected rows, columns and channels. Received: an input of shape {by(input_shape)}.",
            hint="It must come before Flatten and global pooling.",
        )


def check_integer(layer: Any, name: str) -> None:
    """A whole number from 1 to `MAX_SIZE`."""
    value = getattr(layer, name)
    if type(value) is not int or not 1 <= value <= MAX_SIZE:
        raise SpecError(f"{name} must be a whole number from 1 to {MAX_SIZE}. Received: {name}={shown(value)}.")


def check_pair(layer: Any, name: str) -> None:
    """One or two whole numbers; one becomes a pair."""
    value = getattr(layer, name)
    pair = (value, value) if type(value) is int else tuple(value) if isinstance(value, list | tuple) else ()
    if len(pair) != 2 or any(type(side) is not int or not 1 <= side <= MAX_SIZE for side in pair):
        raise SpecError(
            f"{name} must be one or two whole numbers from 1 to {MAX_SIZE}: rows, columns. "
            f"Received: {name}={shown(value)}."
        )
    object.__setattr__(layer, name, pair)


def check_choice(layer: Any, name: str, choices: Sequence[str]) -> None:
    """One of a list of words."""
    value = getattr(layer, name)
    if not isinstance(value, str) or value not in choices:
        raise SpecError(f"{name} must be one of {', '.join(choices)}. Received: {name}={shown(value)}.")


def check_flag(layer: Any, name: str) -> None:
    """True or False."""
    value = getattr(layer, name)
    if type(value) is not bool:
        raise SpecError(f"{name} must be True or False. Received: {name}={shown(value)}.")


def check_fraction(layer: Any, name: str) -> None:
    """A number in [0, 1); becomes a float."""
    value = getattr(layer, name)
    if type(value) not in (int, float) or not 0 <= value < 1:
        raise SpecError(f"{name} must be a number from 0 up to, but not including, 1. Received: {name}={shown(value)}.")
    object.__setattr__(layer, name, float(value))


def check_number(layer: Any, name: str, *, low: float = -MAX_NUMBER) -> None:
    """A number from ``low`` to `MAX_NUMBER`; becomes a float."""
    value = getattr(layer, name)
    if type(value) not in (int, float) or not low <= value <= MAX_NUMBER:
        raise SpecError(f"{name} must be a number from {low:g} to {MAX_NUMBER:g}. Received: {name}={shown(value)}.")
    object.__setattr__(layer, name, float(value))


def check_window(layer: Any) -> None:
    """Kernel, strides, dilation and padding of a convolution."""
    for name in ("kernel_size", "strides", "dilation_rate"):
        check_pair(layer, name)
    check_choice(layer, "padding", PADDINGS)
    window = layer.window
    if window and max(window.strides) > 1 and max(window.dilation_rate) > 1:
        raise SpecError(
            "strides and dilation_rate cannot both be over 1. "
            f"Received: strides={window.strides}, dilation_rate={window.dilation_rate}."
        )


def check_square_strides(strides: tuple[int, int]) -> None:
    """TensorFlow's depthwise convolution moves equally far both ways."""
    if strides[0] != strides[1]:
        raise SpecError(f"a depthwise convolution needs equal strides. Received: strides={strides}.")


def check_activation(layer: Any) -> None:
    """Activation, bias and initializer."""
    check_choice(layer, "activation", ACTIVATIONS)
    check_flag(layer, "use_bias")
    if any(field.name == "kernel_initializer" for field in fields(layer)):
        check_choice(layer, "kernel_initializer", INITIALIZERS)
