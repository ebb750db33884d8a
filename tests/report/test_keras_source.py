"""The Keras code that the page shows runs as printed and builds exactly the network."""

import numpy as np
import pytest
from harness import random_spec

from convscope.model.presets import PRESETS, load_spec
from convscope.model.spec_parser import parse
from convscope.report.keras_source import keras_source

SPECS = [load_spec(name, input_shape=(28, 28, 1), num_classes=10) for name in PRESETS]
SPECS += [random_spec(np.random.default_rng(seed)) for seed in range(6)]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_the_printed_code_builds_the_network(spec, capsys):
    made: dict = {}
    exec(keras_source(spec), made)
    model = made["model"]
    assert model.count_params() == spec.parameters
    for row in spec.table():
        layer = model.get_layer(row.name)
        given = layer.input if isinstance(layer.input, list) else [layer.input]
        assert tuple(tuple(one.shape[1:]) for one in given) == row.input_shapes
        assert (type(layer).__name__, tuple(layer.output.shape[1:])) == (row.kind, row.output_shape)
    assert (type(model).__name__ == "Sequential") == spec.is_line
    assert spec.table()[0].name in capsys.readouterr().out


def test_layers_may_be_called_like_what_the_program_needs(capsys):
    text = "layers = ReLU()\nkeras = ReLU()\nmodel = ReLU()(keras)\ninputs = Add()(layers, model)\nFlatten()\nSoftmax()"
    spec = parse(text, input_shape=(1, 2, 1), num_classes=2)
    made: dict = {}
    exec(keras_source(spec), made)
    assert {layer.name for layer in made["model"].layers} >= {"layers", "keras", "model", "inputs"}
