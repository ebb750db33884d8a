"""Networks that are not a line: named layers whose outputs are used more than once."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import oracles
import pytest
from harness import check_engine, check_gradient, check_spec, random_images, random_spec, random_weights

from convscope.errors import ModelFileError, SpecError
from convscope.explanation.backward import backpropagate
from convscope.model.build import build, compute_reference, set_weights
from convscope.model.forward import chunk_size, forward, logits
from convscope.model.layers.add import Add
from convscope.model.layers.conv2d import Conv2D
from convscope.model.layers.dense import Dense
from convscope.model.layers.flatten import Flatten
from convscope.model.layers.layer import Layer
from convscope.model.model_file import Model, cost, load_model, save_model
from convscope.model.reference import numpy_reference, read_reference, write_reference
from convscope.model.rescale import with_input_layer
from convscope.model.safetensors_io import encode, open_file
from convscope.model.spec import MAX_LAYERS, Node, Spec
from convscope.model.spec_parser import from_json, parse, spec_lines

RESIDUAL = """
stem = Conv2D(4, 3, padding="same", activation="tanh")
Conv2D(4, 3, padding="same")
BatchNormalization()
Add()(batch_normalization, stem)
ReLU()
shortcut = Conv2D(6, 1, strides=2)(re_lu)
Conv2D(6, 3, strides=2, padding="same")(re_lu)
Add()([shortcut, conv2d_1])
Flatten()
Dense(num_classes, activation="softmax")
"""


def residual(text: str = RESIDUAL, shape: tuple[int, int, int] = (8, 6, 3)) -> Spec:
    return parse(text, input_shape=shape, num_classes=3, name="residual")


# --- how a graph is written -------------------------------------------------------------------------------------


def test_names_and_inputs_are_those_written_or_keras_s_and_the_line_before() -> None:
    assert [(row.name, row.inputs) for row in residual().table()] == [
        ("stem", ("input",)),
        ("conv2d", ("stem",)),
        ("batch_normalization", ("conv2d",)),
        ("add", ("batch_normalization", "stem")),
        ("re_lu", ("add",)),
        ("shortcut", ("re_lu",)),
        ("conv2d_1", ("re_lu",)),
        ("add_1", ("shortcut", "conv2d_1")),
        ("flatten", ("add_1",)),
        ("dense", ("flatten",)),
    ]
    row = residual().table()[3]
    assert row.input_shapes == ((8, 6, 4), (8, 6, 4)) and row.input_shape == row.output_shape == (8, 6, 4)


def test_a_line_with_keras_s_names_is_a_line_however_it_is_written() -> None:
    plain = parse("ReLU()\nFlatten()\nSoftmax()", input_shape=(1, 2, 1), num_classes=2)
    named = "re_lu = ReLU()(input)\nflatten = Flatten()(re_lu)\nSoftmax()"
    assert parse(named, input_shape=(1, 2, 1), num_classes=2) == plain
    assert plain.nodes == () and plain.is_line
    assert json.dumps(plain.to_json()) == (
        '{"name": "network", "input_shape": [1, 2, 1], "layers": [{"layer": "ReLU"}, {"layer": "Flatten"}, '
        '{"layer": "Softmax"}]}'
    )


def test_a_line_with_a_name_of_its_own_keeps_it() -> None:
    spec = parse("Flatten()\nhead = Dense(2, 'softmax')", input_shape=(1, 2, 1), num_classes=2)
    assert spec.is_line and list(spec.weight_shapes()) == ["head/kernel", "head/bias"]
    assert type(build(spec)).__name__ == "Sequential"
    assert spec_lines(spec) == ["Flatten()", "head = Dense(2, activation='softmax')"]


def test_the_json_of_a_graph_has_a_name_and_inputs_for_every_layer() -> None:
    written = residual().to_json()
    assert written["layers"][3] == {"layer": "Add", "name": "add", "inputs": ["batch_normalization", "stem"]}
    assert all({"name", "inputs"} <= set(entry) for entry in written["layers"])
    assert from_json(json.loads(json.dumps(written))) == residual()


def test_the_random_networks_have_graphs_and_lines() -> None:
    specs = [random_spec(np.random.default_rng(seed)) for seed in range(48)]
    assert 5 < sum(bool(spec.nodes) for spec in specs) < 43
    assert any(len(row.inputs) == 3 for spec in specs for row in spec.table())


HEAD: tuple[Layer, ...] = (Flatten(), Dense(2, activation="softmax"))


def graph(*nodes: tuple[str, tuple[str, ...]], layers: tuple[Layer, ...] | None = None) -> Spec:
    layers = layers or (Conv2D(2, 1), Conv2D(2, 1), Add(), *HEAD)
    return Spec((5, 4, 3), layers, nodes=tuple(Node(*node) for node in nodes))


TAIL = (("flatten", ("add",)), ("dense", ("flatten",)))


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([("a", ("input",)), ("a", ("input",)), ("add", ("a", "a")), *TAIL], "layer 2: another layer is named a"),
        ([("a", ("input",)), ("b", ("c",)), ("add", ("a", "b")), *TAIL], "layer 2: its input 'c' is not defined"),
        ([("a", ("b",)), ("b", ("a",)), ("add", ("a", "b")), *TAIL], "layer 1: its input 'b' is not defined before"),
        ([("a", ("a",)), ("b", ("a",)), ("add", ("a", "b")), *TAIL], "layer 1: its input 'a' is not defined before"),
        ([("a", ("input",)), ("b", ("input",)), ("add", ("a", "a")), *TAIL], "must be used. Received: b without a"),
        ([("a", ("input",)), ("b", ("a",)), ("add", ("b",)), *TAIL], r"layer 3 \(Add\): expected two or more inputs"),
        ([("a", ("input",)), ("b", ("a",)), ("add", ("b", "input")), *TAIL], r"of one shape. Received: 5×4×2, 5×4×3"),
        ([("a", ("input",)), ("b", ("a", "a")), ("add", ("a", "b")), *TAIL], r"layer 2 \(Conv2D\): expected one input"),
        ([("a", ("input",)), ("b", ()), ("add", ("a", "b")), *TAIL], "layer 2: a layer has 1 to 200 inputs"),
        ([("a", ("input",)), ("b", ("a",)), ("add", ("a", "b") * 101), *TAIL], "1 to 200 inputs. Received: 202"),
        ([("a", ("input",))], "one node for each of its 5 layers"),
        ([("a/b", ("input",)), ("b", ("input",)), ("add", ("a/b", "b")), *TAIL], "must be an identifier"),
        ([("", ("input",)), ("b", ("input",)), ("add", ("", "b")), *TAIL], "must be an identifier"),
        ([("class", ("input",)), ("b", ("input",)), ("add", ("class", "b")), *TAIL], "must be an identifier"),
        ([("input", ("input",)), ("b", ("input",)), ("add", ("input", "b")), *TAIL], "and not 'input'"),
    ],
)
def test_a_graph_that_does_not_hold_together_is_refused(nodes: list[Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        graph(*nodes)


def test_an_output_in_the_middle_is_a_second_output_and_refused() -> None:
    text = "a = Flatten()(input)\nDense(3, 'softmax')(a)\nDense(3, 'softmax')(a)"
    with pytest.raises(SpecError, match=r"must be used\. Received: dense without a use"):
        residual(text)


# --- what a graph computes --------------------------------------------------------------------------------------


def by_hand(spec: Spec, weights: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """The logits of `RESIDUAL`, written out with nested loops."""
    of = lambda name: (weights[f"{name}/kernel"], weights[f"{name}/bias"])  # noqa: E731
    stem = np.tanh(oracles.convolution(images, *of("stem"), padding="same"))
    inner = {name.split("/")[1]: value for name, value in weights.items() if name.startswith("batch_")}
    branch = oracles.batch_normalization(oracles.convolution(stem, *of("conv2d"), padding="same"), inner, epsilon=0.001)
    first = np.maximum(branch + stem, 0)
    short = oracles.convolution(first, *of("shortcut"), strides=(2, 2))
    second = short + oracles.convolution(first, *of("conv2d_1"), strides=(2, 2), padding="same")
    return oracles.dense(second.reshape(len(images), -1), *of("dense"))


def test_the_numbers_are_those_of_nested_loops() -> None:
    spec = residual()
    weights, images = random_weights(spec, seed=0), random_images(spec, 2, seed=0)
    expected = by_hand(spec, weights, images)
    np.testing.assert_allclose(forward(spec, weights, images).logits, expected, atol=1e-5)
    np.testing.assert_allclose(logits(spec, weights, images, batch_size=1), expected, atol=1e-5)


def test_the_gradient_is_the_slope_between_two_passes_where_a_value_is_used_twice() -> None:
    spec = residual()
    weights, image = random_weights(spec, seed=1), random_images(spec, 1, seed=1).astype(np.float64)
    found = backpropagate(spec, weights, image.astype(np.float32), 2).gradient[0]
    for place in [(0, 0, 0), (3, 2, 1), (7, 5, 2), (4, 0, 1)]:
        up, down = image.copy(), image.copy()
        up[(0, *place)] += 1e-5
        down[(0, *place)] -= 1e-5
        slope = (by_hand(spec, weights, up) - by_hand(spec, weights, down))[0, 2] / 2e-5
        assert found[place] == pytest.approx(slope, abs=1e-4)


def test_keras_builds_the_same_graph() -> None:
    for spec in (residual(), graph(("a", ("input",)), ("b", ("a",)), ("add", ("b", "b", "a")), *TAIL)):
        check_spec(spec)
        check_engine(spec, seed=4)
        check_gradient(spec, seed=4)


def test_the_gradient_at_a_layer_that_is_used_twice_is_the_sum_over_its_uses() -> None:
    spec = graph(("a", ("input",)), ("b", ("a",)), ("add", ("a", "b", "a")), *TAIL)
    weights, images = random_weights(spec, seed=2), random_images(spec, 2, seed=2)
    found = backpropagate(spec, weights, images, 0, at="a")
    outer = weights["dense/kernel"][:, 0].reshape(5, 4, 2)
    expected = 2 * outer + outer @ weights["b/kernel"][0, 0].T
    np.testing.assert_allclose(found.gradient, np.broadcast_to(expected, found.gradient.shape), atol=1e-5)
    assert np.array_equal(found.values, forward(spec, weights, images).by_name["a"].output)


@pytest.mark.parametrize(
    "text",
    [
        "a = Conv2D(2, 3, padding='same')\nb = Conv2D(2, (5, 1), padding='same')\nAdd()(a, b)",
        "a = Conv2D(2, 3)\nb = Conv2D(2, 1)(input)\nConv2D(2, 3)(b)\nAdd()(a, conv2d)",
        "a = Conv2D(2, 3, padding='same')\nb = Conv2D(3, (1, 5), padding='same')\nConcatenate()(a, b)\n"
        "add = Conv2D(1, 1)",
        "ZeroPadding2D(((2, 0), (1, 3)))\na = Conv2D(2, 3, strides=2)\nZeroPadding2D(1)\nConv2D(2, 3)\n"
        "Add()(a, conv2d)",
    ],
)
def test_a_receptive_field_covers_what_any_branch_sees(text: str) -> None:
    spec = residual(text + "\nFlatten()\nDense(num_classes, activation='softmax')", shape=(11, 9, 1))
    weights = {name: np.abs(value) + np.float32(0.1) for name, value in random_weights(spec, seed=0).items()}
    row = next(row for row in spec.table() if row.name == "add")
    rows, columns = row.receptive_field

    def maps(images: np.ndarray) -> np.ndarray:
        return forward(spec, weights, images.astype(np.float32)).by_name["add"].output[..., :1].astype(float)

    for place in [(1, 1), (row.output_shape[0] - 1, 0), (2, row.output_shape[1] - 1)]:
        seen = oracles.seen_by(maps, (11, 9), place)
        for field, at, pixels, side in (
            (rows, place[0], {y for y, _ in seen}, 11),
            (columns, place[1], {x for _, x in seen}, 9),
        ):
            start = field.start + field.jump * at
            assert {max(start, 0), min(start + field.size, side) - 1} == {min(pixels), max(pixels)}


def test_branches_of_other_steps_are_covered_at_every_place() -> None:
    """Five windows of step 2 and five of step 1: one field cannot be exact, but no pixel may be missing."""
    text = "a = Conv2D(1, 3, strides=2)\nb = Conv2D(1, 7)(input)\nAdd()(a, b)\nFlatten()\nDense(3, 'softmax')"
    row = residual(text, shape=(11, 11, 1)).table()[2]
    assert row.output_shape == (5, 5, 1)
    field = row.receptive_field[0]
    for at in range(5):
        low, high = min(2 * at, at), max(2 * at + 3, at + 7)
        assert field.start + field.jump * at <= low and field.start + field.jump * at + field.size >= high


def test_outputs_that_nobody_needs_are_freed_and_those_that_wait_are_counted() -> None:
    line = "\n".join(["Conv2D(8, 1)"] * 12)
    fan = "\n".join(f"c{i} = Conv2D(8, 1)(input)" for i in range(12))
    fan += f"\nAdd()({', '.join(f'c{i}' for i in range(12))})"
    head = "\nGlobalAveragePooling2D()\nDense(num_classes, activation='softmax')"
    shape = (64, 64, 3)
    peaks = {}
    for name, text in (("line", line + head), ("fan", fan + head)):
        spec = residual(text, shape=shape)
        weights, images = random_weights(spec, seed=0), random_images(spec, 4, seed=0)
        logits(spec, weights, images)
        tracemalloc.start()
        logits(spec, weights, images, batch_size=4)
        peaks[name] = tracemalloc.get_traced_memory()[1] / (4 * 64 * 64 * 8 * 4)
        tracemalloc.stop()
    assert peaks["line"] < 5, "maps of eight channels at once"
    assert 12 < peaks["fan"] < 17
    assert 3 * chunk_size(residual(fan + head, shape=shape)) < chunk_size(residual(line + head, shape=shape))


# --- files ------------------------------------------------------------------------------------------------------


def model() -> Model:
    spec = residual()
    return Model(spec, random_weights(spec, seed=0), ("a", "b", "c"))


def test_a_graph_goes_through_a_model_file_of_schema_2(tmp_path: Path) -> None:
    save_model(model(), tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.spec == residual()
    assert all(np.array_equal(again.weights[name], value) for name, value in model().weights.items())
    assert json.loads(open_file(tmp_path / "m").text)["schema_version"] == 2


def test_a_line_is_written_as_schema_1_so_that_older_versions_open_it(tmp_path: Path) -> None:
    spec = residual("Flatten()\nDense(num_classes, activation='softmax')")
    save_model(Model(spec, random_weights(spec, seed=0), ("a", "b", "c")), tmp_path / "m")
    record = json.loads(open_file(tmp_path / "m").text)
    assert record["schema_version"] == 1
    assert record["network"]["layers"][0] == {"layer": "Flatten"}


def entry(index: int, **changes: object) -> Callable[[dict[str, Any]], None]:
    return lambda record: record["network"]["layers"][index].update(changes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda record: record.update(schema_version=1), "schema version must be 2. Received: 1"),
        (entry(3, inputs=["dense", "stem"]), "'dense' is not defined before"),
        (entry(3, inputs="stem"), "expected a name and a list"),
        (entry(3, inputs=[]), "expected a name and a list"),
        (entry(3, inputs=["stem"] * 10_000), "list of 1 to 200"),
        (entry(3, inputs=[["stem"], "conv2d"]), "expected a name and a list"),
        (entry(3, inputs={"stem": 1}), "expected a name and a list"),
        (entry(3, name=7), "expected a name and a list"),
        (entry(3, name="stem"), "another layer is named stem"),
        (entry(3, name="x" * 100_000), "at most 60"),
        (entry(3, name="__import__('os')"), "must be an identifier"),
        (entry(3, name="self_test/images"), "must be an identifier"),
        (entry(4, inputs=["stem"]), "must be used. Received: add without a use"),
        (lambda record: record["network"]["layers"][3].pop("inputs"), "must have exactly the keys"),
        (lambda record: record["network"]["layers"][0].pop("name"), "must have exactly the keys"),
        (entry(3, layer="Dot"), "Unknown layer"),
    ],
)
def test_a_hostile_graph_is_refused_in_one_line(change: Callable, said: str, tmp_path: Path) -> None:
    save_model(model(), tmp_path / "m")
    file = open_file(tmp_path / "m")
    record = json.loads(file.text)
    change(record)
    weights = model().weights
    images = np.zeros((2, 8, 6, 3), np.float32)
    tests = {"self_test/images": images, "self_test/logits": logits(residual(), weights, images)}
    (tmp_path / "m").write_bytes(b"".join(encode(json.dumps(record), weights | tests)))
    with pytest.raises(ModelFileError, match=said) as caught:
        load_model(tmp_path / "m")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_a_line_that_names_its_layers_as_keras_does_is_not_what_to_json_writes() -> None:
    written = residual("Flatten()\nDense(num_classes, activation='softmax')").to_json()
    written["layers"][0] |= {"name": "flatten", "inputs": ["input"]}
    written["layers"][1] |= {"name": "dense", "inputs": ["flatten"]}
    with pytest.raises(SpecError, match="that is a line must not name"):
        from_json(written)


def test_what_a_sum_of_many_inputs_costs_is_counted() -> None:
    one = parse("a = ReLU()\nAdd()(a, a)\nFlatten()\nDense(2, 'softmax')", input_shape=(9, 9, 1), num_classes=2)
    many = parse(
        f"a = ReLU()\nAdd()({', '.join(['a'] * MAX_LAYERS)})\nFlatten()\nDense(2, 'softmax')",
        input_shape=(9, 9, 1),
        num_classes=2,
    )
    assert cost(many) - cost(one) == 198 * 60 * 81


def test_the_reference_of_a_graph_is_written_read_and_the_same_in_numpy(tmp_path: Path) -> None:
    spec = residual()
    weights = random_weights(spec, seed=0)
    keras_model = build(spec, output="logits")
    set_weights(keras_model, weights)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 6, 3), np.uint8)
    theirs = compute_reference(keras_model, pixels.astype(np.float32) / np.float32(255))
    write_reference(theirs, tmp_path / "proof.safetensors")
    read, ours = read_reference(tmp_path / "proof.safetensors", spec), numpy_reference(spec, weights, pixels)
    assert set(read.samples) == set(ours.samples) == {row.name for row in spec.table()[:-1]}
    np.testing.assert_allclose(read.logits, ours.logits, atol=1e-5)
    for name, value in ours.samples.items():
        np.testing.assert_allclose(read.samples[name], value, atol=1e-5, err_msg=name)


def test_a_layer_in_front_of_a_graph_changes_every_use_of_the_image() -> None:
    text = "a = Conv2D(3, 3, padding='same')\nAdd()(a, input)\nFlatten()\nDense(num_classes, activation='softmax')"
    spec = residual(text)
    weights, images = random_weights(spec, seed=0), random_images(spec, 2, seed=0)
    longer, more = with_input_layer(spec, weights, slope=2.0, offset=-1.0)
    np.testing.assert_allclose(logits(longer, more, images), logits(spec, weights, images * 2 - 1), atol=1e-5)
    assert [row.inputs for row in longer.table()[:3]] == [("input",), ("input_scaling",), ("a", "input_scaling")]
