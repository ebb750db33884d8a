"""What a layer kind says of itself, against what it computes: labels, places, factors and cost."""

from __future__ import annotations

import math

import numpy as np
import pytest

from convscope.errors import SpecError
from convscope.model.layers import LAYERS
from convscope.model.layers.layer import SLOW, Layer

FACTS = {
    "Activation": ("linear", "keeps places"), "Add": ("Add", "keeps places"), "AveragePooling2D": ("AvgPool",),
    "BatchNormalization": ("BatchNorm", "keeps places", "trains"), "Concatenate": ("Concatenate", "keeps places"),
    "Conv2D": ("Conv2D", "trains", "is a convolution"),
    "Dense": ("Dense", "trains"), "DepthwiseConv2D": ("DepthwiseConv", "trains", "is a convolution"),
    "Dropout": ("Dropout 0.5", "keeps places", "is not shown"), "Flatten": ("Flatten", "is not shown"),
    "GlobalAveragePooling2D": ("GlobalAvgPool",), "GlobalMaxPooling2D": ("GlobalMaxPool",),
    "LayerNormalization": ("LayerNorm", "keeps places", "trains"), "LeakyReLU": ("LeakyReLU 0.3", "keeps places"),
    "MaxPooling2D": ("MaxPool",), "Normalization": ("Normalization", "keeps places"),
    "Reshape": ("Reshape", "is not shown"), "ReLU": ("ReLU", "keeps places"),
    "Rescaling": ("Rescaling", "keeps places"),
    "SeparableConv2D": ("SeparableConv", "trains", "is a convolution"), "Softmax": ("Softmax", "keeps places"),
    "ZeroPadding2D": ("ZeroPadding",),
}  # fmt: skip
MAPS, NUMBERS = (9, 8, 4), (6,)
EXAMPLES = [pytest.param(layer, id=f"{name} {index}") for name, kind in LAYERS.items()
            for index, layer in enumerate(kind.examples())]  # fmt: skip


def shape_for(layer: Layer) -> tuple[int, ...]:
    try:
        layer.output_shape(MAPS)
        layer.weight_shapes(MAPS)
    except SpecError:
        return NUMBERS
    return MAPS


def merges(layer: Layer) -> bool:
    return type(layer).__name__ in ("Add", "Concatenate")


def weights_of(layer: Layer) -> dict[str, np.ndarray]:
    """Numbers of both signs, but for variances."""
    rng = np.random.default_rng(0)
    shapes = layer.weight_shapes(shape_for(layer))
    drawn = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return {name: np.abs(value) + 0.5 if name.endswith("variance") else value for name, value in drawn.items()}


def run(layer: Layer, x: np.ndarray) -> np.ndarray:
    return layer.forward(x, weights_of(layer)).output


def inputs(layer: Layer) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(2, *shape_for(layer))).astype(np.float32)


@pytest.mark.parametrize("name", LAYERS)
def test_a_kind_says_what_it_is(name: str) -> None:
    kind = LAYERS[name]
    flags = {
        "keeps places": kind.keeps_places, "trains": kind.trains, "is a convolution": kind.is_convolution,
        "is not shown": not kind.is_shown,
    }  # fmt: skip
    assert (kind.examples()[0].label, *sorted(flag for flag, value in flags.items() if value)) == (
        FACTS[name][0],
        *sorted(FACTS[name][1:]),
    )


@pytest.mark.parametrize("layer", EXAMPLES)
def test_a_homogeneous_layer_passes_a_factor_on(layer: Layer) -> None:
    x = inputs(layer)
    passes = np.allclose(run(layer, 3 * x), 3 * run(layer, x), rtol=1e-4, atol=1e-4)
    assert layer.is_homogeneous == (passes and not merges(layer)), "a merging layer passes on the factor of all inputs"


@pytest.mark.parametrize("layer", EXAMPLES)
def test_where_places_are_kept_a_pixel_changes_its_own_place_only(layer: Layer) -> None:
    if not layer.keeps_places or shape_for(layer) != MAPS:
        return
    x = inputs(layer)
    changed = x.copy()
    changed[0, 3, 2] += 1
    difference = (run(layer, changed) != run(layer, x)).any(axis=-1)
    difference[0, 3, 2] = False
    assert run(layer, x).shape == x.shape and not difference.any()


@pytest.mark.parametrize("layer", EXAMPLES)
def test_the_cost_is_at_least_that_of_reading_the_input_and_writing_the_output(layer: Layer) -> None:
    shape = shape_for(layer)
    before, after = math.prod(shape), math.prod(layer.output_shape(shape))
    assert layer.cost(shape) >= SLOW * (2 * before + 4 * after)
    assert layer.cost(shape) >= layer.multiply_adds(shape)
    assert layer.working_numbers(shape) >= before + 2 * after
    plain = LAYERS["ReLU"]()
    assert (plain.cost((5, 4, 3)), plain.working_numbers((5, 4, 3))) == (SLOW * 6 * 60, 180)


@pytest.mark.parametrize("layer", EXAMPLES)
def test_parameters_count_the_numbers_of_the_weights(layer: Layer) -> None:
    assert layer.parameters(shape_for(layer)) == sum(weight.size for weight in weights_of(layer).values())


@pytest.mark.parametrize("layer", EXAMPLES)
def test_one_input_is_taken_unless_the_layer_merges_several(layer: Layer) -> None:
    if merges(layer):
        channels = {"Add": 4, "Concatenate": 8}[type(layer).__name__]
        assert layer.merge_shapes([MAPS, MAPS]) == (*MAPS[:2], channels)
        return
    assert layer.merge_shapes([MAPS]) == MAPS
    for shapes in ([], [MAPS, MAPS]):
        with pytest.raises(SpecError, match=f"expected one input. Received: {len(shapes)}"):
            layer.merge_shapes(shapes)
