"""Layer kinds against Keras's own arguments: the same defaults, whatever Keras's settings of the moment are."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from convscope.model.layers import LAYERS
from convscope.model.tensorflow import keras

PAIRS = ("kernel_size", "strides", "pool_size", "dilation_rate", "padding")


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize("name", LAYERS)
def test_defaults_are_those_of_keras(name: str) -> None:
    theirs = inspect.signature(getattr(keras.layers, name)).parameters
    for field in dataclasses.fields(LAYERS[name]):
        default = theirs[field.name].default if field.name in theirs else inspect.Parameter.empty
        if field.default is dataclasses.MISSING or default is inspect.Parameter.empty:
            continue
        if name.endswith("Pooling2D") and field.name == "strides":
            assert default is None  # of the pool size, which the layer resolves
            continue
        if field.name in PAIRS and isinstance(default, int):
            default = (default, default)
        if name == "ZeroPadding2D" and field.name == "padding":
            default = tuple((side, side) for side in default)
        if field.name == "activation":
            default = default or "linear"
        assert field.default == default, f"{name}.{field.name}"


@pytest.mark.parametrize("name", LAYERS)
def test_images_have_their_channels_last_whatever_keras_is_set_to(name: str, channels_first: None) -> None:
    kind = LAYERS[name]
    layer = kind.examples()[0].to_keras(keras, name="a", seeds=range(2))
    assert getattr(layer, "data_format", "channels_last") == "channels_last"
    assert kind.has_data_format == hasattr(layer, "data_format")
