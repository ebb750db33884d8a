"""The config of a Keras model, written by hand: what is read, and what is refused in which words. No TensorFlow."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from convscope.errors import ModelFileError
from convscope.model.keras_config import read_config
from convscope.model.layers.conv2d import Conv2D


def layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    entry = {"module": "keras.layers", "class_name": kind, "registered_name": None, "name": name}
    return entry | {"config": {"name": name, **config}}


def sequential() -> dict[str, Any]:
    layers = [
        layer("InputLayer", "input", batch_shape=[None, 8, 7, 1]),
        layer("Conv2D", "conv2d", filters=3, kernel_size=[3, 2], activation="relu"),
        layer("Flatten", "flatten"),
        layer("Dense", "dense", units=4, activation="softmax"),
    ]
    return {"module": "keras", "class_name": "Sequential", "config": {"name": "mine", "layers": layers}}


def test_a_sequential_model_is_read() -> None:
    found = read_config(sequential())
    assert found.spec.input_shape == (8, 7, 1) and found.spec.name == "mine" and not found.is_logits
    assert found.spec.layers[0] == Conv2D(filters=3, kernel_size=(3, 2), activation="relu")
    assert [row.output_shape for row in found.spec.table()] == [(6, 6, 3), (108,), (4,)]
    assert [stored.entry and stored.entry.groups[0] for stored in found.stored] == [
        "layers/conv2d", "layers/flatten", "layers/dense"
    ]  # fmt: skip
    assert found.scale is None


def change(*path: Any, value: object) -> Callable[[dict[str, Any]], None]:
    def changed(config: dict[str, Any]) -> None:
        place = config
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return changed


LAYERS = ("config", "layers")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (change("config", value=None), "must have a list of 1 to"),
        (change(*LAYERS, value={"a": {}}), "must have a list of 1 to"),
        (change(*LAYERS, value="ab"), "must have a list of 1 to"),
        (change(*LAYERS, value=None), "must have a list of 1 to"),
        (change(*LAYERS, value=[]), "must have a list of 1 to"),
        (change(*LAYERS, 1, value=None), "layer 2 is not the description of a layer"),
        (change(*LAYERS, 1, value=["Conv2D"]), "layer 2 is not the description of a layer"),
        (change(*LAYERS, 1, "class_name", value=7), "layer 2 is not the description of a layer"),
        (change(*LAYERS, 1, "class_name", value=None), "layer 2 is not the description of a layer"),
        (change(*LAYERS, 1, "config", value=[]), "layer 2 is not the description of a layer"),
        (change(*LAYERS, 1, "registered_name", value="other"), "layer 2 is 'Conv2D'"),
        (change(*LAYERS, 1, "module", value="builtins"), "layer 2 is 'Conv2D' of 'builtins'"),
        (change(*LAYERS, 0, "config", "batch_shape", value=[None, 8]), "rows of 8 numbers"),
        (change(*LAYERS, 0, "config", "batch_shape", value=[None, 8, 7]), r"layer 2 \(Conv2D\) takes an image of 8×7"),
        (change(*LAYERS, 0, "config", "batch_shape", value=[None, 8, 7, 1, 1]), "fixed size"),
        (change(*LAYERS, 0, "config", "batch_shape", value=[None, 8, True, 1]), "fixed size"),
        (change("class_name", value="Model"), "Expected a Sequential or functional model"),
        (change("module", value="other"), "Expected a Sequential or functional model"),
    ],
)
def test_a_config_that_is_not_one_is_refused(edit: Callable[[dict[str, Any]], None], message: str) -> None:
    config = copy.deepcopy(sequential())
    edit(config)
    with pytest.raises(ModelFileError, match=message):
        read_config(config)


@pytest.mark.parametrize(
    ("axis", "is_read"), [(-1, True), (3, True), ([-1], True), ([3], True), (1, False), ([1], False)]
)
def test_layer_normalization_is_read_over_the_channels_only(axis: object, is_read: bool) -> None:
    config = sequential()
    normalization = layer("LayerNormalization", "norm", axis=axis, epsilon=0.001, center=True, scale=True)
    config["config"]["layers"].insert(2, normalization)
    if is_read:
        assert type(read_config(config).spec.layers[1]).__name__ == "LayerNormalization"
    else:
        with pytest.raises(ModelFileError, match="axis"):
            read_config(config)


@pytest.mark.parametrize(
    ("axis", "is_read"), [(-1, True), ([-1], True), (1, True), ([1], True), (0, False), ([0], False), ([2], False)]
)
def test_a_softmax_is_read_over_the_classes_only(axis: object, is_read: bool) -> None:
    config = sequential()
    config["config"]["layers"][-1]["config"]["activation"] = "linear"
    config["config"]["layers"].append(layer("Softmax", "softmax", axis=axis))
    if is_read:
        assert not read_config(config).is_logits
    else:
        with pytest.raises(ModelFileError, match="axis"):
            read_config(config)


@pytest.mark.parametrize("config", [None, [], "Sequential", 3])
def test_something_else_is_refused(config: object) -> None:
    with pytest.raises(ModelFileError, match="Expected a Sequential or functional model"):
        read_config(config)


def test_models_in_models_are_read_two_deep() -> None:
    config = sequential()
    for depth in range(1, 4):
        inner = config["config"]["layers"][1]
        nested = {"class_name": "Sequential", "config": {"name": f"model{depth}", "layers": [inner]}}
        config["config"]["layers"][1] = nested
        if depth <= 2:
            entry = read_config(config).stored[0].entry
            assert entry and entry.groups[0] == "layers/sequential/" * depth + "layers/conv2d"
        else:
            with pytest.raises(ModelFileError, match="models inside each other, more than 2 deep"):
                read_config(config)
