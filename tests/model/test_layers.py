import contextlib
import math
import shutil
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convscope
from convscope.arithmetic import PADDINGS, ReceptiveField
from convscope.errors import SpecError
from convscope.model import layers
from convscope.model.checks import ACTIVATIONS, INITIALIZERS, MAX_SIZE
from convscope.model.layers import LAYERS, kinds_of
from convscope.model.layers.activation import Activation
from convscope.model.layers.average_pooling2d import AveragePooling2D
from convscope.model.layers.batch_normalization import BatchNormalization
from convscope.model.layers.concatenate import Concatenate
from convscope.model.layers.conv2d import Conv2D
from convscope.model.layers.dense import Dense
from convscope.model.layers.depthwise_conv2d import DepthwiseConv2D
from convscope.model.layers.dropout import Dropout
from convscope.model.layers.flatten import Flatten
from convscope.model.layers.global_average_pooling2d import GlobalAveragePooling2D
from convscope.model.layers.layer import Layer
from convscope.model.layers.max_pooling2d import MaxPooling2D
from convscope.model.layers.normalization import Normalization
from convscope.model.layers.re_lu import ReLU
from convscope.model.layers.reshape import Reshape
from convscope.model.layers.separable_conv2d import SeparableConv2D
from convscope.model.layers.softmax import Softmax
from convscope.model.spec_parser import keras_call, parse

SHAPE = (12, 10, 6)
SLIDING = (Conv2D, DepthwiseConv2D, SeparableConv2D)


@pytest.mark.parametrize(
    "layer, output, weights, multiply_adds",
    [
        (Conv2D(8, 3), (10, 8, 8), {"kernel": (3, 3, 6, 8), "bias": (8,)}, 10 * 8 * 8 * 9 * 6),
        (Conv2D(8, (3, 5), padding="same", use_bias=False), (12, 10, 8), {"kernel": (3, 5, 6, 8)}, 120 * 8 * 15 * 6),
        (Conv2D(4, 3, strides=(2, 3)), (5, 3, 4), {"kernel": (3, 3, 6, 4), "bias": (4,)}, 15 * 4 * 9 * 6),
        (Conv2D(4, 3, dilation_rate=(2, 4)), (8, 2, 4), {"kernel": (3, 3, 6, 4), "bias": (4,)}, 16 * 4 * 9 * 6),
        (Conv2D(6, 3, groups=3), (10, 8, 6), {"kernel": (3, 3, 2, 6), "bias": (6,)}, 80 * 6 * 9 * 2),
        (DepthwiseConv2D(3), (10, 8, 6), {"kernel": (3, 3, 6, 1), "bias": (6,)}, 80 * 6 * 9),
        (DepthwiseConv2D(3, depth_multiplier=2), (10, 8, 12), {"kernel": (3, 3, 6, 2), "bias": (12,)}, 80 * 12 * 9),
        (
            SeparableConv2D(5, 3, depth_multiplier=2),
            (10, 8, 5),
            {"depthwise_kernel": (3, 3, 6, 2), "pointwise_kernel": (1, 1, 12, 5), "bias": (5,)},
            80 * 12 * 9 + 80 * 12 * 5,
        ),
        (MaxPooling2D(), (6, 5, 6), {}, 0),
        (MaxPooling2D((3, 2), strides=1), (10, 9, 6), {}, 0),
        (AveragePooling2D(3, padding="same"), (4, 4, 6), {}, 0),
        (GlobalAveragePooling2D(), (6,), {}, 0),
        (
            BatchNormalization(),
            SHAPE,
            {"gamma": (6,), "beta": (6,), "moving_mean": (6,), "moving_variance": (6,)},
            0,
        ),
        (BatchNormalization(center=False, scale=False), SHAPE, {"moving_mean": (6,), "moving_variance": (6,)}, 0),
        (ReLU(), SHAPE, {}, 0),
        (Activation("tanh"), SHAPE, {}, 0),
        (Softmax(), SHAPE, {}, 0),
        (Dropout(0.5), SHAPE, {}, 0),
        (Flatten(), (720,), {}, 0),
    ],
    ids=str,
)
def test_a_layer_knows_what_comes_out_what_it_owns_and_what_it_costs(layer, output, weights, multiply_adds) -> None:
    assert layer.output_shape(SHAPE) == output
    assert list(layer.weight_shapes(SHAPE).items()) == list(weights.items())
    assert layer.parameters(SHAPE) == sum(math.prod(shape) for shape in weights.values())
    assert layer.multiply_adds(SHAPE) == multiply_adds


def test_a_dense_layer_knows_the_same_about_a_row() -> None:
    layer = Dense(10)
    assert layer.output_shape((720,)) == (10,)
    assert layer.weight_shapes((720,)) == {"kernel": (720, 10), "bias": (10,)}
    assert layer.parameters((720,)) == 7210
    assert layer.multiply_adds((720,)) == 7200
    assert Dense(10, use_bias=False).parameters((720,)) == 7200


def test_every_layer_of_the_vocabulary_is_keyed_by_its_own_name() -> None:
    assert {name: layer.__name__ for name, layer in LAYERS.items()} == {name: name for name in LAYERS}


def test_every_module_of_the_package_adds_its_kind() -> None:
    folder = Path(layers.__file__).parent
    modules = {path.stem.replace("_", "") for path in folder.glob("*.py")} - {"init", "layer", "convolution", "pooling"}
    assert {name.lower() for name in LAYERS} == modules


@pytest.mark.parametrize("name", LAYERS)
def test_every_kind_has_a_nested_loop_and_a_sentence(name: str) -> None:
    assert name in oracles.LAYERS
    assert LAYERS[name].about.endswith(".") and LAYERS[name].about[0].isupper() and len(LAYERS[name].about) > 20
    assert LAYERS[name].examples() and all(type(example) is LAYERS[name] for example in LAYERS[name].examples())


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_homogeneous_only_if_a_factor_passes_through(name: str) -> None:
    rng = np.random.default_rng(0)
    for example in LAYERS[name].examples():
        for shape in ((9, 8, 4), (6,)):
            with contextlib.suppress(SpecError):
                example.output_shape(shape)
                tensor = rng.normal(size=(2, *shape)).astype(np.float32)
                weights = {
                    weight: (np.abs(rng.normal(size=size)) + 0.1).astype(np.float32)
                    for weight, size in example.weight_shapes(shape).items()
                }
                once, thrice = (example.forward(x, weights).output for x in (tensor, 3 * tensor))
                passes = np.allclose(thrice, 3 * once, rtol=1e-4, atol=1e-4)
                assert passes or not example.is_homogeneous, example
                if name not in ("Add", "Concatenate", "Activation"):  # which are not asked, or were checked by name
                    assert passes == example.is_homogeneous, example


@pytest.mark.parametrize("missing", ["forward", "backward", "output_shape", "examples"])
def test_a_kind_that_lacks_a_method_can_be_neither_registered_nor_used(missing: str) -> None:
    methods = {name: vars(ReLU)[name] for name in ("forward", "backward", "output_shape", "examples")}
    del methods[missing]
    kind = type("Mirror", (Layer,), {"about": "Turns the image around.", **methods})
    with pytest.raises(TypeError, match=f"^The layer kind Mirror must define {missing}\\.$"):
        kinds_of([kind])
    with pytest.raises(TypeError, match="abstract"):
        kind()


def test_a_kind_without_a_sentence_or_with_a_name_that_is_taken_is_not_registered() -> None:
    methods = {name: vars(ReLU)[name] for name in ("forward", "backward", "output_shape", "examples")}
    with pytest.raises(TypeError, match="must define about"):
        kinds_of([type("Mirror", (Layer,), methods)])
    with pytest.raises(TypeError, match="ReLU is defined twice"):
        kinds_of([ReLU, type("ReLU", (Layer,), {"about": "The same again.", **methods})])


def test_a_new_kind_is_one_new_file(tmp_path: Path) -> None:
    """A copy of the package with one more module: the kind is read, computed, explained and written like the others."""
    shutil.copytree(Path(convscope.__file__).parent, tmp_path / "convscope", ignore=shutil.ignore_patterns("*.xz"))
    text = (tmp_path / "convscope/model/layers/re_lu.py").read_text()
    new = text.replace("class ReLU", "class Cube").replace("-> tuple[ReLU", "-> tuple[Cube")
    new = new.replace("return self.activate(tensor)", "return Computed(tensor**3)")
    new = new.replace("        return gradient\n", "        return gradient * 3 * tensor**2\n")
    (tmp_path / "convscope/model/layers/cube.py").write_text(new)
    done = subprocess.run(
        [sys.executable, "-c", CUBE], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "[[8.0, 0.0]] [12.0] Cube()\n"), done.stderr


CUBE = """
import numpy as np
from convscope.explanation.backward import backpropagate
from convscope.model.forward import logits
from convscope.model.spec_parser import parse, spec_lines
spec = parse("Cube()\\nFlatten()\\nDense(2, 'softmax', use_bias=False)", input_shape=(1, 1, 1), num_classes=2)
weights = {"dense/kernel": np.array([[1, 0]], np.float32)}
image = np.full((1, 1, 1, 1), 2, np.float32)
gradient = backpropagate(spec, weights, image, 0).gradient
print(logits(spec, weights, image).tolist(), gradient.ravel().tolist(), spec_lines(spec)[0])
"""


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_trains_if_and_only_if_it_owns_a_weight_that_training_changes(name: str) -> None:
    owned: set[str] = set()
    for example in LAYERS[name].examples():
        for shape in ((9, 8, 4), (6,)):
            with contextlib.suppress(SpecError):
                example.output_shape(shape)
                owned |= {weight for weight in example.weight_shapes(shape) if not weight.startswith("moving_")}
    assert LAYERS[name].trains == bool(owned)


def test_a_layer_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Conv2D(8, 3).filters = 9


def test_one_number_stands_for_both_sides() -> None:
    assert Conv2D(8, 3, strides=2) == Conv2D(8, (3, 3), strides=(2, 2))
    assert MaxPooling2D([3, 2]) == MaxPooling2D((3, 2), strides=(3, 2))
    assert hash(Conv2D(8, [3, 3])) == hash(Conv2D(8, 3))


def test_pooling_strides_default_to_the_pool_size() -> None:
    assert MaxPooling2D(3).strides == (3, 3)
    assert AveragePooling2D((2, 4)).strides == (2, 4)


NOT_A_SIZE = [0, -1, MAX_SIZE + 1, 2.0, "2", None, True, [2], 10**30, float("nan")]


@pytest.mark.parametrize("value", NOT_A_SIZE, ids=repr)
@pytest.mark.parametrize(
    "kind, name",
    [
        (Conv2D, "filters"),
        (Conv2D, "groups"),
        (SeparableConv2D, "filters"),
        (SeparableConv2D, "depth_multiplier"),
        (DepthwiseConv2D, "depth_multiplier"),
        (Dense, "units"),
    ],
)
def test_a_count_that_is_not_a_whole_number_in_range_is_refused_by_name(kind: type[Layer], name: str, value) -> None:
    with pytest.raises(SpecError, match=rf"^{name} must be a whole number from 1 to 4096\. Received: {name}="):
        make(kind, **{name: value})


NOT_A_PAIR = [0, (0, 1), (1, MAX_SIZE + 1), (1, 2, 3), (1,), (), 2.0, (2.0, 2), "22", True, (True, 1), {1, 2}]


PAIRS = [
    *((kind, name) for kind in SLIDING for name in ("kernel_size", "strides", "dilation_rate")),
    *((kind, name) for kind in (MaxPooling2D, AveragePooling2D) for name in ("pool_size", "strides")),
]


@pytest.mark.parametrize("value", NOT_A_PAIR, ids=repr)
@pytest.mark.parametrize("kind, name", PAIRS)
def test_a_pair_that_is_not_two_whole_numbers_in_range_is_refused_by_name(kind: type[Layer], name: str, value) -> None:
    with pytest.raises(SpecError, match=rf"^{name} must be one or two whole numbers .*: rows, columns\. Received"):
        make(kind, **{name: value})


def make(kind: type[Layer], **changes: object) -> Layer:
    required = {"filters": 4, "kernel_size": 3, "units": 4}
    names = {field.name for field in fields(kind)}
    return kind(**({name: value for name, value in required.items() if name in names} | changes))


@pytest.mark.parametrize(
    "kind, name, choices",
    [
        (Conv2D, "padding", PADDINGS),
        (MaxPooling2D, "padding", PADDINGS),
        (Conv2D, "activation", ACTIVATIONS),
        (DepthwiseConv2D, "activation", ACTIVATIONS),
        (SeparableConv2D, "activation", ACTIVATIONS),
        (Activation, "activation", ACTIVATIONS),
        (Dense, "activation", ACTIVATIONS),
        (Conv2D, "kernel_initializer", INITIALIZERS),
        (Dense, "kernel_initializer", INITIALIZERS),
    ],
)
def test_a_choice_takes_its_words_and_no_others(kind: type[Layer], name: str, choices: tuple[str, ...]) -> None:
    for choice in choices:
        assert getattr(make(kind, **{name: choice}), name) == choice
    for other in ("SAME", "", None, 1, ["relu"], "os.system"):
        with pytest.raises(SpecError, match=rf"^{name} must be one of {', '.join(choices)}\. Received: {name}="):
            make(kind, **{name: other})


@pytest.mark.parametrize("kind", [Conv2D, DepthwiseConv2D, SeparableConv2D, Dense])
@pytest.mark.parametrize("value", [1, 0, None, "True"])
def test_a_flag_that_is_not_true_or_false_is_refused(kind: type[Layer], value) -> None:
    with pytest.raises(SpecError, match=r"^use_bias must be True or False\. Received: use_bias="):
        make(kind, use_bias=value)


@pytest.mark.parametrize("name", ["center", "scale"])
def test_the_flags_of_batch_normalization_are_checked_too(name: str) -> None:
    with pytest.raises(SpecError, match=f"^{name} must be True or False"):
        BatchNormalization(**{name: 1})


@pytest.mark.parametrize("value", [1, 1.0, -0.1, float("nan"), float("inf"), "0.5", None, True])
@pytest.mark.parametrize("kind, name", [(Dropout, "rate"), (BatchNormalization, "momentum")])
def test_a_fraction_out_of_range_is_refused_by_name(kind: type[Layer], name: str, value) -> None:
    with pytest.raises(SpecError, match=f"^{name} must be a number from 0 up to, but not including, 1"):
        kind(**{name: value})


def test_a_rate_of_a_whole_zero_becomes_a_float() -> None:
    assert isinstance(Dropout(0).rate, float)


def test_strides_and_dilation_cannot_both_be_over_one() -> None:
    for kind in (Conv2D, DepthwiseConv2D, SeparableConv2D):
        with pytest.raises(
            SpecError, match=r"cannot both be over 1\. Received: strides=\(2, 2\), dilation_rate=\(1, 2"
        ):
            make(kind, strides=2, dilation_rate=(1, 2))


@pytest.mark.parametrize("kind", [DepthwiseConv2D, SeparableConv2D])
def test_a_depthwise_convolution_refuses_unequal_strides_as_tensorflow_does(kind: type[Layer]) -> None:
    with pytest.raises(SpecError, match=r"needs equal strides\. Received: strides=\(1, 2\)"):
        make(kind, strides=(1, 2))


def test_groups_must_divide_filters_and_channels() -> None:
    with pytest.raises(SpecError, match=r"^groups must divide filters\. Received: groups=3, filters=4"):
        Conv2D(4, 3, groups=3)
    with pytest.raises(SpecError, match=r"^groups must divide the 6 input channels\. Received: groups=4"):
        Conv2D(4, 3, groups=4).output_shape(SHAPE)


@pytest.mark.parametrize(
    "layer, message",
    [
        (Conv2D(1, 11), "kernel 11×11 does not fit its 12×10 input."),
        (Conv2D(1, (2, 3), dilation_rate=(1, 5)), "kernel 2×3 dilated by 1×5 does not fit its 12×10 input."),
        (MaxPooling2D((13, 1)), "kernel 13×1 does not fit its 12×10 input."),
    ],
)
def test_a_kernel_that_does_not_fit_says_its_size_and_what_to_do(layer: Layer, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        layer.output_shape(SHAPE)
    assert str(caught.value).startswith(message)
    assert "padding='same'" in caught.value.hint


@pytest.mark.parametrize("name", ["Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D"])
def test_a_sliding_layer_refuses_a_row_of_numbers(name: str) -> None:
    with pytest.raises(SpecError, match=r"expected rows, columns and channels\. Received: an input of shape 720"):
        make(LAYERS[name]).output_shape((720,))


def test_global_pooling_refuses_a_row_of_numbers() -> None:
    with pytest.raises(SpecError, match="It must come before Flatten"):
        GlobalAveragePooling2D().output_shape((720,))


def test_a_dense_layer_refuses_a_picture_and_says_what_to_put_before_it() -> None:
    with pytest.raises(SpecError, match=r"Received: an input of shape 12×10×6\. Put Flatten\(\)"):
        Dense(3).output_shape(SHAPE)


@given(
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    strides=st.integers(1, 3),
    padding=st.sampled_from(PADDINGS),
    multiplier=st.integers(1, 3),
)
def test_a_separable_convolution_costs_as_much_as_its_two_halves(kernel, strides, padding, multiplier) -> None:
    sliding = {"strides": strides, "padding": padding, "depth_multiplier": multiplier}
    whole = SeparableConv2D(7, kernel, **sliding)
    first, second = DepthwiseConv2D(kernel, use_bias=False, **sliding), Conv2D(7, 1)
    between = first.output_shape(SHAPE)
    assert whole.output_shape(SHAPE) == second.output_shape(between)
    assert whole.multiply_adds(SHAPE) == first.multiply_adds(SHAPE) + second.multiply_adds(between)
    assert whole.parameters(SHAPE) == first.parameters(SHAPE) + second.parameters(between)


def test_a_convolution_in_as_many_groups_as_channels_costs_as_much_as_a_depthwise_one() -> None:
    grouped, depthwise = Conv2D(12, 3, groups=6), DepthwiseConv2D(3, depth_multiplier=2)
    assert grouped.multiply_adds(SHAPE) == depthwise.multiply_adds(SHAPE)
    assert grouped.parameters(SHAPE) == depthwise.parameters(SHAPE)


def test_a_long_value_is_cut_short_in_the_message() -> None:
    with pytest.raises(SpecError) as caught:
        Conv2D("9" * 100_000, 3)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "value", [(2, 3), (), (0, 2, 3), (-1, -1, 3), (1.0, 2, 3), (True, 2, 3), 24, "24", None, (10**9, 1, 1)]
)
def test_a_shape_that_is_neither_maps_nor_a_vector_is_refused(value) -> None:
    with pytest.raises(SpecError, match=r"^target_shape must be rows, columns and channels, or one number"):
        Reshape(value)


def test_a_reshape_keeps_the_number_of_values_and_only_then_the_receptive_field() -> None:
    assert Reshape([-1, 5, 2]).output_shape((3, 10, 1)) == (3, 5, 2)
    with pytest.raises(SpecError, match=r"cannot arrange 3×10×1 = 30 numbers as 4×2×4"):
        Reshape((4, 2, 4)).output_shape((3, 10, 1))
    with pytest.raises(SpecError, match="cannot arrange"):
        Reshape((-1, 7, 1)).output_shape((3, 10, 1))
    field = (ReceptiveField(3, 1, 0), ReceptiveField(3, 1, 0))
    assert Reshape((3, 10, 1)).receptive_field((3, 10, 1), field) == field
    assert Reshape((10, 3, 1)).receptive_field((3, 10, 1), field) is None


@pytest.mark.parametrize(
    "mean, variance, message",
    [
        ((0.5, 0.5), (1.0, 1.0, 1.0), "of one length. Received: 2 and 3"),
        (0.5, -1.0, "variance must be numbers from 0"),
        ((), (), "mean must be numbers from -1e"),
        (float("nan"), 1.0, "mean must be numbers"),
        (("a",), (1.0,), "mean must be numbers"),
        ((True,), (1.0,), "mean must be numbers"),
        (1e7, 1.0, "mean must be numbers"),
    ],
)
def test_statistics_that_are_none_are_refused(mean, variance, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Normalization(mean, variance)


def test_equal_statistics_of_all_channels_are_one_number() -> None:
    assert Normalization([0.5, 0.5], [2, 2]) == Normalization(0.5, 2.0) == Normalization((0.5,), (2.0,))
    assert Normalization((0.5, 0.5), (2.0, 1.0)).mean == (0.5, 0.5)
    with pytest.raises(
        SpecError, match=r"one for each of 3 channels\. Received: an input of shape 4×4×3 and 2 numbers"
    ):
        Normalization((0.5, 0.5), (2.0, 1.0)).output_shape((4, 4, 3))


def test_concatenation_adds_channels_and_refuses_other_rows() -> None:
    assert Concatenate().merge_shapes([(4, 5, 2), (4, 5, 3), (4, 5, 1)]) == (4, 5, 6)
    assert Concatenate().merge_shapes([(4,), (5,)]) == (9,)
    for shapes in ([(4, 5, 2)], [(4, 5, 2), (5, 4, 2)], [(4, 5, 2), (40,)]):
        with pytest.raises(SpecError, match="differ in their channels only"):
            Concatenate().merge_shapes(shapes)


@pytest.mark.parametrize(
    "layer", [Reshape((-1,)), Reshape((2, 2, -1)), Normalization((0.5, 0.5), (2.0, 1.0)), Normalization(0.1, 2.0)]
)
def test_a_line_of_a_spec_file_is_read_back(layer: Layer) -> None:
    lines = [keras_call(layer), "Flatten()", "Dense(2, activation='softmax')"]
    text = "\n".join(["Conv2D(2, 1)", *lines])
    assert parse(text, input_shape=(4, 4, 1), num_classes=2).layers[1] == layer
