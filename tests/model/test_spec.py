import json
import sys

import numpy as np
import pytest
from harness import random_spec
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.arithmetic import ReceptiveField
from convscope.errors import SpecError
from convscope.model import spec as spec_module
from convscope.model.layers.activation import Activation
from convscope.model.layers.average_pooling2d import AveragePooling2D
from convscope.model.layers.conv2d import Conv2D
from convscope.model.layers.dense import Dense
from convscope.model.layers.dropout import Dropout
from convscope.model.layers.flatten import Flatten
from convscope.model.layers.softmax import Softmax
from convscope.model.spec import MAX_LAYERS, Spec
from convscope.model.spec_parser import from_json, keras_call, parse, spec_lines

ENDING = 'Flatten()\nDense(num_classes, activation="softmax")'


def small(text: str = "", *, input_shape: tuple[int, int, int] = (12, 10, 3), num_classes: int = 4) -> Spec:
    return parse(f"{text}\n{ENDING}", input_shape=input_shape, num_classes=num_classes, name="a.txt")


# --- the shape table --------------------------------------------------------------------------------------------


def test_names_are_those_that_keras_gives() -> None:
    text = "Conv2D(1,3)\nReLU()\nConv2D(1,3)\nBatchNormalization()\nReLU()\nMaxPooling2D()\nDepthwiseConv2D(1)"
    assert [row.name for row in small(text).table()] == [
        "conv2d",
        "re_lu",
        "conv2d_1",
        "batch_normalization",
        "re_lu_1",
        "max_pooling2d",
        "depthwise_conv2d",
        "flatten",
        "dense",
    ]


def test_each_row_begins_where_its_inputs_ended() -> None:
    for seed in range(30):
        spec = random_spec(np.random.default_rng(seed))
        shapes: dict[str, tuple[int, ...]] = {"input": spec.input_shape}
        for row in spec.table():
            assert row.input_shapes == tuple(shapes[name] for name in row.inputs)
            assert row.input_shape == row.layer.merge_shapes(row.input_shapes)
            shapes[row.name] = row.output_shape
        assert shapes[spec.table()[-1].name] == (spec.num_classes,)
        assert spec.parameters == sum(np.prod(shape, dtype=int) for shape in spec.weight_shapes().values())


def test_the_receptive_field_grows_with_each_window_and_ends_with_the_picture() -> None:
    rows = small("Conv2D(2, 3, padding='same')\nReLU()\nMaxPooling2D(2)\nConv2D(2, (3, 1))").table()
    seen = [tuple((axis.size, axis.jump, axis.start) for axis in row.receptive_field) for row in rows[:4]]
    assert seen == [
        ((3, 1, -1), (3, 1, -1)),
        ((3, 1, -1), (3, 1, -1)),
        ((4, 2, -1), (4, 2, -1)),
        ((8, 2, -1), (4, 2, -1)),
    ]
    assert rows[4].receptive_field is None
    assert isinstance(rows[0].receptive_field[0], ReceptiveField)


def test_the_names_of_the_weights_are_layer_slash_weight_in_keras_order() -> None:
    assert small("SeparableConv2D(2, 3)\nBatchNormalization(scale=False)").weight_shapes() == {
        "separable_conv2d/depthwise_kernel": (3, 3, 3, 1),
        "separable_conv2d/pointwise_kernel": (1, 1, 3, 2),
        "separable_conv2d/bias": (2,),
        "batch_normalization/beta": (2,),
        "batch_normalization/moving_mean": (2,),
        "batch_normalization/moving_variance": (2,),
        "dense/kernel": (160, 4),
        "dense/bias": (4,),
    }


# --- what does not fit together ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layers, said",
    [
        ((), "1 to 200 layers. Received: 0"),
        ((Softmax(),) * 201, "1 to 200 layers. Received: 201"),
        ((Flatten(), Dense(3)), r"one probability for each.*Received: Dense with output 3. End with Dense\(num"),
        ((Flatten(), Dense(1, activation="softmax")), "two or more classes. Received: Dense with output 1"),
        ((Softmax(),), "Received: Softmax with output 12×10×3"),
        ((Conv2D(2, 3, activation="softmax"), Flatten(), Softmax()), "Only the last layer may be a softmax"),
        ((Flatten(), Dense(3, activation="softmax"), Softmax()), "Only the last layer may be a softmax"),
        ((Flatten(), Activation("softmax"), Dense(3), Softmax()), "Only the last layer may be a softmax"),
        ((Flatten(), Dense(3, activation="softmax"), Dropout(0.5)), "Received: Dropout with output 3"),
        ((Dense(3, activation="softmax"),), r"layer 1 \(Dense\): Dense expects a row of numbers"),
        ((Flatten(), Flatten(), Conv2D(1, 1)), r"layer 3 \(Conv2D\): expected rows, columns and channels"),
    ],
)
def test_layers_that_do_not_make_a_network_are_refused(layers: tuple, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        Spec(input_shape=(12, 10, 3), layers=layers)


@pytest.mark.parametrize(
    "shape, said",
    [
        ((0, 5, 1), "1 to 1024 pixels per side"),
        ((5, 1025, 1), "1 to 1024 pixels per side"),
        ((5, 5, 2), r"1 \(gray\) or 3 \(RGB\) channels. Received: 2"),
        ((5, 5, 0), "channels"),
    ],
)
def test_pictures_out_of_bounds_are_refused(shape: tuple[int, int, int], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        small(input_shape=shape)


def test_too_many_parameters_are_refused_before_anything_is_allocated() -> None:
    with pytest.raises(SpecError, match=r"at most 50,000,000 parameters\. Received: 51,617,526"):
        small("Flatten()\nDense(4096)\nDense(4096)\nDense(4096)\nDense(4042)")


def test_an_activation_over_the_limit_is_refused_by_layer() -> None:
    with pytest.raises(SpecError, match=r"layer 2 \(Conv2D\): its output has more than 100,000,000 numbers"):
        small("ReLU()\nConv2D(4096, 1)", input_shape=(1024, 1024, 1))


@pytest.mark.parametrize("name", ["x" * 201, "a\nb", "\x1b[2J", "\ud800"])
def test_a_name_that_no_line_of_text_can_hold_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match="at most 200 printable characters"):
        Spec(input_shape=(4, 4, 1), layers=(Flatten(), Dense(2, activation="softmax")), name=name)


# --- the text of a spec file ------------------------------------------------------------------------------------


def test_comments_blank_lines_trailing_commas_and_prefixes_are_read() -> None:
    text = "# a comment\n\n  Conv2D(4, 3),  # and another\n\tkeras.layers.ReLU()\nlayers.Dropout(rate=0.5),\r\n"
    assert [type(layer).__name__ for layer in small(text).layers[:3]] == ["Conv2D", "ReLU", "Dropout"]


def test_num_classes_stands_for_the_number_of_classes() -> None:
    assert small(num_classes=7).num_classes == 7


@pytest.mark.parametrize(
    "line, said",
    [
        ("Conv3D(4, 3)", r"a\.txt, line 3: Unknown layer\. Received: 'Conv3D'\. Did you mean Conv2D\?"),
        ("MaxPool2D()", "Did you mean MaxPooling2D"),
        ("Lambda()", r"Unknown layer\. Received: 'Lambda'\. (Did you mean|The layers are Activation,)"),
        ("Zzz()", "The layers are Activation, A"),
        ("Conv2D", r"a\.txt, line 3: Expected a layer as in Keras.*Received: 'Conv2D'"),
        ("Conv2D(4, 3", r"line 3: Expected a layer.*Received: 'Conv2D\(4, 3'"),
        ("Conv2D(4, 3) Conv2D(4, 3)", "line 3: Expected a layer"),
        ("[Conv2D(4, 3)]", "line 3: Expected a layer"),
        ("x = y = Conv2D(4, 3)", "line 3: Expected a layer"),
        ("x.y = Conv2D(4, 3)", "line 3: Expected a layer"),
        ("x: int = Conv2D(4, 3)", "line 3: Expected a layer"),
        ("x = 3", "line 3: Expected a layer"),
        ("input = Conv2D(4, 3)", "A layer's name must be an identifier .* Received: 'input'"),
        ("größe = Conv2D(4, 3)", "A layer's name must be an identifier"),
        ("x" * 61 + " = Conv2D(4, 3)", "at most 60 letters"),
        ("Conv2D(4, 3); ReLU()", "line 3: Expected a layer"),
        ("Conv2D(4, 3)()", "Inputs must be names of earlier layers"),
        ("Conv2D(4, 3)('input')", "Inputs must be names of earlier layers"),
        ("Conv2D(4, 3)(input, training=False)", "Inputs must be names of earlier layers"),
        ("Conv2D(4, 3)(input)(input)", "line 3: "),
        ("import os", "line 3: Expected a layer"),
        ("lambda: 1", "line 3: Expected a layer"),
        ("Conv2D(4, kernel=3)", r"Conv2D has no argument 'kernel'\. Did you mean kernel_size"),
        ("Conv2D(4, 3, colour=3)", r"has no argument 'colour'\. It takes filters, kernel_size"),
        ("ReLU(max_value=6)", r"ReLU has no argument 'max_value'\. It takes none"),
        ("Conv2D(4, 3, filters=4)", "Conv2D: filters is given twice"),
        ("Conv2D(4, 3, padding='same', padding='same')", "line 3: "),
        ("Conv2D(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)", r"Conv2D takes at most 9 values\. Received: 10"),
        ("Flatten(1)", r"Flatten takes at most 0 values\. Received: 1"),
        ("Conv2D(4, (3,))", "kernel_size must be one or two whole numbers"),
        ("Conv2D(4, 3, activation='glu')", "activation must be one of linear, relu"),
        ("Conv2D(0, 3)", "filters must be a whole number from 1 to 4096"),
        ("Conv2D(4, 99)", r"a\.txt: layer 1 \(Conv2D\): kernel 99×99 does not fit its 12×10 input"),
        ("Conv2D(*[4, 3])", "line 3: Values must be"),
        ("Conv2D(**{'filters': 4})", "line 3: "),
        ("Conv2D(4, n)", r"Values must be numbers, texts, pairs or num_classes\. Received: n\."),
        ("Conv2D(2 + 2, 3)", r"Received: 2 \+ 2\."),
        ("Conv2D(num_classes * 2, 3)", r"Received: num_classes \* 2\."),
        ("Conv2D(4, 3, activation=tf.nn.relu)", r"Received: tf\.nn\.relu\."),
        ("Conv2D(" + "(" * 5000, "line 3: Expected a layer"),
        ("Conv2D(4, " + "-" * 20000 + "3)", "line 3: "),
        ("Conv2D(" + "9" * 5000 + ", 3)", "line 3: "),
        ("\0", "line 3: Expected a layer"),
        ("Conv2D(4, 3, activation='\ud800')", "line 3: "),
    ],
)
def test_a_line_that_cannot_be_read_is_named_with_its_number(line: str, said: str) -> None:
    with pytest.raises(SpecError, match=said) as caught:
        parse(f"# first\n\n{line}\n{ENDING}", input_shape=(12, 10, 3), num_classes=4, name="a.txt")
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "line, missing",
    [
        ("Conv2D()", "Conv2D needs filters, kernel_size."),
        ("Conv2D(activation='relu')", "Conv2D needs filters, kernel_size."),
        ("Conv2D(4)", "Conv2D needs kernel_size."),
        ("Conv2D(kernel_size=3)", "Conv2D needs filters."),
        ("SeparableConv2D(4)", "SeparableConv2D needs kernel_size."),
        ("DepthwiseConv2D()", "DepthwiseConv2D needs kernel_size."),
        ("Dense(use_bias=False)", "Dense needs units."),
        ("Dropout()", "Dropout needs rate."),
        ("Activation()", "Activation needs activation."),
    ],
)
def test_only_the_required_arguments_that_are_missing_are_named(line: str, missing: str) -> None:
    with pytest.raises(SpecError) as caught:
        small(line)
    assert f"line 1: {missing} Received: " in str(caught.value)


@pytest.mark.parametrize(
    "code",
    [
        "__import__('convscope_was_here')",
        "Conv2D(__import__('convscope_was_here'), 3)",
        "Conv2D(4, 3, activation=__import__('convscope_was_here').x)",
        "Conv2D((lambda: 4)(), 3)",
        "(lambda: Conv2D(4, 3))()",
        "Conv2D.__init__.__globals__['sys'].exit(1)",
        "().__class__.__bases__[0].__subclasses__()",
        "Conv2D([__import__('convscope_was_here') for _ in (1,)], 3)",
        "Conv2D(f\"{__import__('convscope_was_here')}\", 3)",
        "Conv2D(4, 3) if __import__('convscope_was_here') else 0",
        "Conv2D(exec('raise SystemExit'), 3)",
        "Conv2D((x := 4), 3)",
        "getattr(Conv2D, 'x')(4, 3)",
        "eval('1')",
    ],
)
def test_nothing_in_a_spec_file_is_executed(code: str, tmp_path, monkeypatch) -> None:
    (tmp_path / "convscope_was_here.py").write_text("raise SystemExit('executed')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SpecError, match="line 1: "):
        small(code)
    assert "convscope_was_here" not in sys.modules


def test_an_attribute_is_only_its_last_name() -> None:
    assert small("tf.keras.layers.Conv2D(4, 3)").layers[0] == Conv2D(4, 3)


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=60) | st.text("Conv2D()[]{}'\",=*-. 0123456789\n#", max_size=60))
def test_any_text_at_all_is_a_spec_or_a_spec_error(text: str) -> None:
    try:
        parse(text, input_shape=(12, 10, 3), num_classes=4)
    except SpecError as error:
        assert len(str(error)) < 600


def test_a_last_layer_with_another_number_of_classes_is_refused() -> None:
    with pytest.raises(SpecError, match=r"a\.txt: .*one unit a class, 4\. Received: 5\. Write num_classes"):
        parse(ENDING.replace("num_classes", "5"), input_shape=(4, 4, 1), num_classes=4, name="a.txt")


def test_a_text_of_too_many_layers_is_refused_without_reading_on() -> None:
    with pytest.raises(SpecError, match=f"more than {MAX_LAYERS} layers"):
        small("ReLU()\n" * 100_000)


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(SpecError, match=r"a\.txt: A network has 1 to 200 layers\. Received: 0"):
        parse("# nothing\n", input_shape=(4, 4, 1), num_classes=2, name="a.txt")


# --- round trips ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_a_network_written_as_keras_lines_is_the_same_network(seed: int) -> None:
    spec = random_spec(np.random.default_rng(seed))
    text = "\n".join(spec_lines(spec))
    assert parse(text, input_shape=spec.input_shape, num_classes=spec.num_classes, name=spec.name) == spec


@pytest.mark.parametrize("seed", range(60))
def test_a_network_written_as_json_is_the_same_network(seed: int) -> None:
    spec = random_spec(np.random.default_rng(seed))
    assert from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize(
    "layer, line",
    [
        (Conv2D(64, 3, activation="relu"), "Conv2D(64, 3, activation='relu')"),
        (Conv2D(4, (3, 1), strides=(1, 2)), "Conv2D(4, (3, 1), strides=(1, 2))"),
        (AveragePooling2D(), "AveragePooling2D(2)"),
        (AveragePooling2D(2, strides=1, padding="same"), "AveragePooling2D(2, strides=1, padding='same')"),
        (AveragePooling2D(3), "AveragePooling2D(3)"),
        (Dropout(0.25), "Dropout(0.25)"),
        (Activation("tanh"), "Activation('tanh')"),
        (Flatten(), "Flatten()"),
    ],
)
def test_defaults_are_left_out_of_a_keras_line(layer, line: str) -> None:
    assert keras_call(layer) == line


# --- JSON that somebody else wrote ------------------------------------------------------------------------------


def changed(*path: object, value: object = None, drop: bool = False) -> object:
    record = json.loads(json.dumps(small("Conv2D(4, 3)").to_json()))
    target = record
    for key in path[:-1]:
        target = target[key]
    if drop:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return record


@pytest.mark.parametrize(
    "value, said",
    [
        (None, "a network must have exactly the keys .*Received: NoneType"),
        ([], "a network must have exactly the keys .*Received: list"),
        (changed("name", drop=True), "a network must have exactly the keys"),
        (changed("optimizer", value="sgd"), "a network must have exactly the keys .*optimizer"),
        (changed("name", value=1), "name must be a text"),
        (changed("layers", value={}), "list of at most 200"),
        (changed("layers", value=[{"layer": "ReLU"}] * 201), "list of at most 200"),
        (changed("layers", 0, value="Conv2D"), "layer 1: expected an object with the key 'layer'"),
        (changed("layers", 0, value={}), "layer 1: expected an object with the key 'layer'"),
        (changed("layers", 0, "layer", value="Conv1D"), r"Received: 'Conv1D'\. Did you mean Conv2D"),
        (changed("layers", 0, "layer", value=["Conv2D"]), "Unknown layer"),
        (changed("layers", 0, "layer", value={"a": 1}), "Unknown layer"),
        (changed("layers", 0, "hook", value=1), r"layer 1 \(Conv2D\) must have exactly the keys .*hook"),
        (changed("layers", 0, "groups", drop=True), r"layer 1 \(Conv2D\) must have exactly the keys"),
        (changed("layers", 0, "groups", value=None), r"layer 1 \(Conv2D\): groups must be a whole number"),
        (changed("layers", 0, "kernel_size", value={"a": 1}), r"layer 1 \(Conv2D\): kernel_size must be"),
        (changed("layers", 0, "kernel_size", value="33"), r"layer 1 \(Conv2D\): kernel_size must be"),
        (changed("layers", 0, "use_bias", value=1), r"layer 1 \(Conv2D\): use_bias must be True or False"),
        (changed("input_shape", value=[12, 10]), "input_shape must be three whole numbers"),
        (changed("input_shape", value="abc"), "input_shape must be three whole numbers"),
        (changed("input_shape", value=[12, 10, "3"]), "Images must be|whole number"),
        (changed("input_shape", value=[12, 10, 3.0]), "Images must be|whole number"),
        (changed("input_shape", value=[12, 10, True]), "Images must be|whole number"),
        (changed("input_shape", value=[None, 10, 3]), "Images must be|whole number"),
        (changed("input_shape", value=[[12], 10, 3]), "Images must be|whole number"),
    ],
)
def test_json_that_to_json_would_not_have_written_is_refused(value: object, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        from_json(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), value=JSON)
def test_any_value_in_any_place_is_the_same_kind_of_spec_or_a_spec_error(data: st.DataObject, value: object) -> None:
    record = json.loads(json.dumps(small("Conv2D(4, 3)").to_json()))
    target = data.draw(st.sampled_from([record, record["layers"][0], record["layers"][2]]))
    target[data.draw(st.sampled_from(sorted(target)))] = value
    try:
        spec = from_json(record)
    except SpecError as error:
        assert len(str(error)) < 700
    else:
        assert from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_the_limits_are_those_that_the_documents_state() -> None:
    limits = (spec_module.MAX_LAYERS, spec_module.MAX_PARAMETERS, spec_module.MAX_IMAGE_SIDE)
    assert limits == (200, 50_000_000, 1024)
