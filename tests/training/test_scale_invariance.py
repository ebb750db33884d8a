"""Scale-invariant kernels against the definition: three times the kernel, the same outputs in training mode."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.model.build import build
from convscope.model.presets import PRESETS, load_spec
from convscope.model.spec import INPUT, Spec
from convscope.model.spec_parser import parse
from convscope.training.scale_invariance import is_scale_invariant

NORM, END = "BatchNormalization()\n", "Flatten()\nDense(num_classes, activation='softmax')"
FREE = "Conv2D(4, 3, use_bias=False)\n"

NETWORKS = {
    "at once": FREE + NORM,
    "after a ReLU": FREE + "ReLU()\n" + NORM,
    "with a ReLU of its own": "Conv2D(4, 3, use_bias=False, activation='relu')\n" + NORM,
    "with a leaky ReLU of its own": "Conv2D(4, 3, use_bias=False, activation='leaky_relu')\n" + NORM,
    "after pooling": FREE + "MaxPooling2D(2)\nAveragePooling2D(2)\n" + NORM,
    "after another convolution": FREE + "Conv2D(3, 3, use_bias=False)\n" + NORM,
    "after a convolution of each kind": FREE
    + "DepthwiseConv2D(3, use_bias=False)\nSeparableConv2D(3, 2, use_bias=False)\n" + NORM,
    "before a dense layer": FREE + "Flatten()\nDense(5, use_bias=False)\n" + NORM,
    "after a global average": FREE + "GlobalAveragePooling2D()\n" + NORM,
    "with a bias": "Conv2D(4, 3, activation='relu')\n" + NORM,
    "with a bias behind it": FREE + "Conv2D(3, 3, activation='relu')\n" + NORM,
    "with a sigmoid": "Conv2D(4, 3, use_bias=False, activation='sigmoid')\n" + NORM,
    "after a tanh": FREE + "Activation('tanh')\n" + NORM,
    "after an ELU": FREE + "Activation('elu')\n" + NORM,
    "after a SiLU": FREE + "Activation('silu')\n" + NORM,
    "without normalization": FREE + "ReLU()\n",
    "normalization first": NORM + FREE,
}  # fmt: skip


def network(text: str) -> Spec:
    return parse(text + END, input_shape=(10, 10, 3), num_classes=3)


def changes_nothing(spec: Spec, index: int) -> bool:
    """Whether the network's outputs in training mode stay when one layer's kernel is tripled."""
    model = build(spec, seed=0, output="logits")
    images = np.random.default_rng(0).random((16, *spec.input_shape), np.float32)
    for variable in model.weights:
        if variable.name == "bias":
            variable.assign(np.linspace(-50, 50, variable.shape[0], dtype=np.float32))
    outputs = []
    rows = spec.table()
    kernel = model.get_layer(rows[index].name).weights[0]
    for factor in (100.0, 3.0):  # large, so that batch normalization's epsilon is nothing beside the variance
        kernel.assign(np.asarray(kernel) * factor)
        values = {INPUT: images}
        for row in rows:
            given = [values[name] for name in row.inputs]
            layer = model.get_layer(row.name)
            values[row.name] = layer(given if len(given) > 1 else given[0], training=row.kind == "BatchNormalization")
        outputs.append(np.asarray(values[rows[-1].name]))
    return bool(np.allclose(*outputs, rtol=1e-2, atol=1e-2))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_kernel_is_scale_invariant_where_tripling_it_changes_nothing(name: str) -> None:
    spec = network(NETWORKS[name])
    for index, layer in enumerate(spec.layers):
        if type(layer).__name__ in ("Conv2D", "Dense"):
            assert is_scale_invariant(spec, index) == changes_nothing(spec, index), (name, index)


@pytest.mark.parametrize("preset", PRESETS)
def test_no_kernel_of_a_preset_is_called_scale_invariant_wrongly(preset: str) -> None:
    spec = load_spec(preset, input_shape=(28, 28, 1), num_classes=4)
    invariant = [index for index in range(len(spec.layers)) if is_scale_invariant(spec, index)]
    assert bool(invariant) == (preset != "classic")
    assert all(changes_nothing(spec, index) for index in invariant)


def test_other_layers_and_convolutions_in_groups_are_not() -> None:
    spec = network("Conv2D(6, 3, groups=3, use_bias=False)\n" + NORM)
    assert [is_scale_invariant(spec, index) for index in range(4)] == [False] * 4
    separable = network("SeparableConv2D(6, 3, use_bias=False)\n" + NORM)
    assert not is_scale_invariant(separable, 0)
