"""The Keras code that the page shows runs as printed and builds exactly the network."""

import numpy as np
import pytest
from harness import random_spec

from convscope.model.presets import PRESETS, load_spec
from convscope.report.keras_source import keras_source

SPECS = [load_spec(name, input_shape=(28, 28, 1), num_classes=10) for name in PRESETS]
SPECS += [random_spec(np.random.default_rng(seed)) for seed in range(6)]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_the_printed_code_builds_the_network(spec, capsys):
    made: dict = {}
    exec(keras_source(spec), made)
    model = made["model"]
    assert model.count_params() == spec.parameters
    assert [layer.name for layer in model.layers] == [row.name for row in spec.table()]
    assert [tuple(layer.output.shape[1:]) for layer in model.layers] == [row.output_shape for row in spec.table()]
    assert spec.table()[0].name in capsys.readouterr().out
