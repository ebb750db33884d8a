"""One layer of a Keras config as a `Layer`: the words of Keras 2 and 3 in, those of convscope out. Light.

The list of what is read is `keras_vocabulary`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from convscope.errors import ModelFileError, SpecError
from convscope.model.keras_graph import Entry
from convscope.model.keras_vocabulary import ACTIVATION_NAMES, CHANGED_ACTIVATIONS
from convscope.model.layers import LAYERS
from convscope.model.layers.layer import Layer
from convscope.model.layers.reshape import Reshape
from convscope.model.spec_parser import make_layer
from convscope.model.window import Shape

_INERT = {"name", "trainable", "dtype", "seed", "noise_shape", "build_config", "synchronized", "batch_input_shape"}
_INERT |= {"kernel_initializer", "renorm_clipping", "renorm_momentum"}
_INERT_ENDS = ("_initializer", "_regularizer", "_constraint")
_DEFAULTS: dict[str, tuple[object, ...]] = {
    "data_format": ("channels_last", None),
    "quantization_config": (None,),
    "lora_rank": (None,),
    "lora_alpha": (None,),
    "groups": (1,),
}
"""Arguments of many Keras layers that ours lack, each with the values at which it changes nothing."""

_WITHOUT_CHANNELS = ("Activation", "ELU", "Dropout", "Flatten", "Identity", "LeakyReLU", "ReLU", "Rescaling", "Reshape")
"""The layers that compute the same for an image of rows and columns as for one with a channel besides."""


@dataclass(frozen=True)
class Place:
    """Where a layer stands.

    Attributes:
        major: The major version of Keras that wrote the file.
        shape: Of its input.
        is_bare: Whether for Keras that is an image without a channel axis; ``shape`` has one channel.
    """

    major: int
    shape: Shape
    is_bare: bool


Arguments = dict[str, Any]
Rule = Callable[[Arguments, Place], tuple[str, Arguments] | None]


def convert(entry: Entry, place: Place) -> Layer | None:
    """The layer; None for one that changes nothing.

    Raises:
        ModelFileError: An argument or its value is not supported; the message names the layer.
    """
    if place.is_bare and entry.kind not in _WITHOUT_CHANNELS:
        raise ModelFileError(
            f"{entry.where} ({entry.kind}) takes an image of {place.shape[0]}×{place.shape[1]} without a channel axis.",
            hint=f"Put keras.layers.Reshape({(*place.shape[:2], 1)}) before it.",
        )
    try:
        values = {key: _plain_number(value) for key, value in entry.values.items()}
        values = _with_our_activation(values, place.major)
        rule = _RULES.get(entry.kind)
        found = rule(values, place) if rule else (entry.kind, values)
        return None if found is None else _make(*found)
    except (ModelFileError, SpecError) as error:
        raise ModelFileError(f"{entry.where} ({entry.kind}){error.args[0]}", hint=error.hint) from None


def is_adapted_normalization(entry: Entry) -> bool:
    """Whether mean and variance are among the weights."""
    return entry.kind == "Normalization" and entry.values.get("mean") is None


def _with_our_activation(values: Arguments, major: int) -> Arguments:
    name = values.get("activation")
    if major < 3 and isinstance(name, str) and name in CHANGED_ACTIVATIONS:
        raise ModelFileError(
            f": {name} of Keras 2 is not read: {CHANGED_ACTIVATIONS[name]}.",
            hint="Train with another activation, such as sigmoid.",
        )
    if "activation" in values:
        values["activation"] = (
            "linear" if name is None else ACTIVATION_NAMES.get(name, name) if _is_text(name) else name
        )
    return values


def _plain_number(value: object) -> object:
    """The number that Keras 2.12 writes as an array of NumPy."""
    inner = value.get("config") if isinstance(value, dict) and value.get("class_name") == "__numpy__" else None
    number = inner.get("value") if isinstance(inner, dict) else None
    return number if _is_number(number) else value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def _over_channels(kind: str) -> Rule:
    """A layer whose axis is the last one; Keras 2 writes its number."""

    def rule(values: Arguments, place: Place) -> tuple[str, Arguments]:
        given = values.get("axis", -1)
        axis = given[0] if isinstance(given, list) and len(given) == 1 else given
        return kind, values | {"axis": -1 if type(axis) is int and axis == len(place.shape) else given}

    return rule


def _re_lu(values: Arguments, place: Place) -> tuple[str, Arguments]:
    top, slope = values.get("max_value"), values.get("negative_slope")
    others = {key: value for key, value in values.items() if key not in ("max_value", "negative_slope", "threshold")}
    if values.get("threshold") in (None, 0) and type(values.get("threshold")) is not bool:
        if top is None and _is_number(slope) and slope != 0:
            return "LeakyReLU", others | {"negative_slope": slope}
        if _is_number(top) and top == 6 and (slope is None or (_is_number(slope) and slope == 0)):
            return "Activation", others | {"activation": "relu6"}
    return "ReLU", values


def _leaky_re_lu(values: Arguments, place: Place) -> tuple[str, Arguments]:
    if "alpha" in values:  # Keras 2's word
        values["negative_slope"] = values.pop("alpha")
    return "LeakyReLU", values


def _elu(values: Arguments, place: Place) -> tuple[str, Arguments]:
    alpha = values.pop("alpha", 1)  # Keras 3.0 to 3.10 write it only if it was given
    if not _is_number(alpha) or alpha != 1:
        raise ModelFileError(f": alpha={ascii(alpha)[:40]} is not supported; 1 is.")
    return "Activation", values | {"activation": "elu"}


def _normalization(values: Arguments, place: Place) -> tuple[str, Arguments] | None:
    """Statistics that are among the weights stand in later: see `keras_weights`."""
    if values.get("mean") is None and values.get("variance") is None:
        values |= {"mean": 0.0, "variance": 1.0}
    if values.get("axis") in (None, []):  # one number for all channels
        values["axis"] = -1
    return _over_channels("Normalization")(values, place)


def _reshape(values: Arguments, place: Place) -> tuple[str, Arguments] | None:
    if place.is_bare:
        target = make_layer(Reshape, {"target_shape": values.get("target_shape")})
        if target.output_shape(place.shape) == place.shape:
            return None
    return "Reshape", values


_RULES: dict[str, Rule] = {
    "BatchNormalization": _over_channels("BatchNormalization"),
    "Concatenate": _over_channels("Concatenate"),
    "ELU": _elu,
    "Identity": lambda values, place: None,
    "LayerNormalization": _over_channels("LayerNormalization"),
    "LeakyReLU": _leaky_re_lu,
    "Normalization": _normalization,
    "ReLU": _re_lu,
    "Reshape": _reshape,
    "Softmax": _over_channels("Softmax"),
}
"""What is different from a layer of the same name with the same arguments."""


def _make(kind: str, values: Mapping[str, Any]) -> Layer:
    layer = LAYERS[kind]
    names = {field.name: field.default for field in fields(layer)}
    defaults = _DEFAULTS | dict(layer.keras_defaults)
    given: dict[str, object] = {}
    for key, value in values.items():
        if key in names and key != "kernel_initializer":
            given[key] = value
        elif key in defaults:
            if not any(type(value) is not bool or type(only) is bool for only in defaults[key] if value == only):
                raise ModelFileError(f": {key}={ascii(value)[:40]} is not supported.")
        elif key not in _INERT and not key.endswith(_INERT_ENDS):
            raise ModelFileError(f": convscope does not know the argument {ascii(key)[:60]}.")
    missing = [name for name, default in names.items() if default is MISSING and name not in given]
    if missing:
        raise ModelFileError(f" lacks {', '.join(missing)}.")
    try:
        return make_layer(layer, given)
    except SpecError as error:
        raise ModelFileError(f": {error.args[0]}", hint=error.hint) from None
