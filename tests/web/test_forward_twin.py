"""The page's engine and the NumPy engine compute the same activations for any network."""

from __future__ import annotations

import base64
import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import TOLERANCE, assert_close, random_images, random_spec, random_weights

from convscope.model.forward import Activations, forward, logits
from convscope.model.layers import LAYERS
from convscope.model.presets import PRESETS, load_spec
from convscope.model.spec import Spec
from convscope.model.spec_parser import parse
from convscope.report.array_json import array_json
from convscope.report.bundle import network_json

ROOT = Path(__file__).parents[2]
RANDOM = 40

SMOOTH = """
Conv2D(6, 3, strides=(2, 1), padding="same", activation="tanh")
BatchNormalization()
Conv2D(4, (2, 3), dilation_rate=(1, 2), groups=2, padding="same", activation="silu")
AveragePooling2D(2, padding="same")
DepthwiseConv2D(2, depth_multiplier=2, activation="sigmoid")
SeparableConv2D(5, 2, padding="same", activation="tanh")
GlobalAveragePooling2D()
Dense(6, activation="tanh")
Dense(num_classes, activation="softmax")
"""


def node(cases: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """What the page's modules answer to some cases."""
    asked, answered = folder / "cases.json", folder / "results.json"
    asked.write_text(json.dumps(cases))
    subprocess.run(["node", "tests/web/run_forward.js", asked, answered], cwd=ROOT, check=True, timeout=120)
    return json.loads(answered.read_text())


def array(value: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(value["base64"]), np.float32).reshape(value["shape"])


@cache
def networks() -> tuple[tuple[Spec, dict[str, np.ndarray], np.ndarray], ...]:
    """Random networks and the presets, each with random weights and one picture."""
    specs = [random_spec(np.random.default_rng(seed)) for seed in range(RANDOM)]
    specs += [load_spec(name, input_shape=(28, 28, 1), num_classes=10) for name in PRESETS]
    return tuple(
        (spec, random_weights(spec, seed=seed), random_images(spec, 1, seed=seed)) for seed, spec in enumerate(specs)
    )


def case(spec: Spec, weights: dict[str, np.ndarray], image: np.ndarray, **more: object) -> dict[str, Any]:
    packed = {name: array_json(value) for name, value in weights.items()}
    return {"network": network_json(spec), "weights": packed, "image": array_json(image), **more}


def places(spec: Spec) -> list[tuple[int, int, int, int]]:
    """Layer, row, column, channel of some numbers of each layer: two corners, where padding is, and two anywhere."""
    rng, found = np.random.default_rng(0), []
    for index, row in enumerate(spec.table()):
        h, w, c = row.output_shape if len(row.output_shape) == 3 else (1, 1, row.output_shape[0])
        found += [(index, 0, 0, 0), (index, h - 1, w - 1, c - 1)]
        found += [(index, *(int(rng.integers(side)) for side in (h, w, c))) for _ in range(2)]
    return found


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    cases = [
        case(spec, weights, images[0], places=places(spec), classes=[0, 1]) for spec, weights, images in networks()
    ]
    return node(cases, tmp_path_factory.mktemp("twin"))


def test_the_random_networks_cover_every_layer_and_option() -> None:
    rows = [row for spec, _, _ in networks() for row in spec.table()]
    assert {row.kind for row in rows} == set(LAYERS)
    windows = [row.layer.window for row in rows if row.layer.window is not None]
    assert {window.padding for window in windows} == {"valid", "same"}
    assert any(max(window.strides) > 1 for window in windows)
    assert any(max(window.dilation_rate) > 1 for window in windows)
    assert any(getattr(row.layer, "groups", 1) > 1 for row in rows)
    assert {spec.input_shape[2] for spec, _, _ in networks()} == {1, 3}


def test_the_page_computes_what_numpy_computes_at_every_layer(answers: list[dict[str, Any]]) -> None:
    """Relative to an activation's largest number, as `harness.TOLERANCE` says why; the page sums in float64."""
    for (spec, weights, images), answer in zip(networks(), answers, strict=True):
        seen: Activations = forward(spec, weights, images)
        assert len(seen.layers) == len(answer["layers"])
        for ours, theirs in zip(seen.layers, answer["layers"], strict=True):
            where = f"{spec.name}, {ours.name}"
            assert ours.name == theirs["name"]
            for part in ("output", "pre_activation", "depthwise"):
                expected = getattr(ours, part)
                assert (expected is None) == (theirs[part] is None), f"{where}: {part}"
                if expected is not None:
                    assert_close(array(theirs[part]), expected[0], f"{where}: {part}")
        assert_close(np.array(answer["logits"]), seen.logits[0], f"{spec.name}: logits")
        assert np.abs(np.array(answer["probabilities"]) - seen.probabilities[0]).max() < 1e-5


def test_the_terms_of_every_value_add_up_to_it(answers: list[dict[str, Any]]) -> None:
    checked = set()
    for (spec, weights, images), answer in zip(networks(), answers, strict=True):
        rows, seen = spec.table(), forward(spec, weights, images)
        for (index, *place), terms in zip(places(spec), answer["terms"], strict=True):
            layer, checked = seen.layers[index], checked | {rows[index].kind}
            at = tuple(place) if layer.output.ndim == 4 else (place[2],)
            inputs = inputs_of(spec, index, images, seen)
            result = layer.output if layer.pre_activation is None else layer.pre_activation
            added = add_up(terms, inputs, at)
            allowed = TOLERANCE * max(1.0, float(np.abs(result).max()))
            assert abs(added - result[0][at]) <= allowed, f"{spec.name}, {layer.name}, {at}: {added}, {result[0][at]}"
            assert abs(terms["value"] - layer.output[0][at]) <= TOLERANCE * max(1.0, float(np.abs(layer.output).max()))
            if "sum" in terms:
                assert abs(terms["sum"] - added) <= allowed
            if terms.get("softmax"):
                powers = np.array(terms["softmax"]["exponentials"]) / terms["softmax"]["sum"]
                assert np.abs(powers - layer.output[0]).max() < 1e-5
    assert checked == set(LAYERS)


def inputs_of(spec: Spec, index: int, images: np.ndarray, seen: Activations) -> list[np.ndarray]:
    """What a layer received: the outputs that it names, or that of the layer before."""
    rows: list[dict[str, Any]] = [dict(row) for row in network_json(spec)["layers"]]
    names = rows[index].get("inputs", [rows[index - 1]["name"] if index else "input"])
    outputs = {layer.name: layer.output[0] for layer in seen.layers} | {"input": images[0]}
    return [outputs[name] for name in names]


def add_up(terms: dict[str, Any], inputs: list[np.ndarray], at: tuple[int, ...]) -> float:
    """The value before the activation, from the parts alone; every pixel shown is checked against its place."""
    sources = inputs[terms.get("source", 0)]
    match terms["kind"]:
        case "convolution":
            return sum(window(channel, sources) for channel in terms["channels"]) + terms["bias"]
        case "separable":
            halves = [window(channel, sources) for channel in terms["depthwise"]]
            pairs = zip(halves, terms["pointwise"], strict=True)
            return sum(half * product["weight"] for half, product in pairs) + terms["bias"]
        case "dense":
            shown = terms["contributions"]
            assert all(abs(sources[one["index"]] - one["input"]) < 1e-3 for one in shown)
            sizes = [abs(one["product"]) for one in shown]
            assert sizes == sorted(sizes, reverse=True)
            assert len(shown) == min(5, len(sources))
            assert len(shown) + terms["rest_count"] == len(sources)
            return sum(one["input"] * one["weight"] for one in shown) + terms["rest"] + terms["bias"]
        case "pooling":
            values = [float(sources[pixel["row"], pixel["column"], at[-1]]) for pixel in terms["pixels"]]
            if terms["winner"] is None:
                return sum(values) / len(values)
            assert terms["winner"] == int(np.argmax([pixel["value"] for pixel in terms["pixels"]])), "first of equals"
            return values[terms["winner"]]
        case "normalization":
            root = np.sqrt(terms["variance"] + terms["epsilon"])
            return (terms["input"] - terms["mean"]) / root * terms["gamma"] + terms["beta"]
        case "affine":
            return terms["input"] * terms["scale"] + terms["offset"]
        case "sum":
            assert np.allclose(terms["inputs"], [source[at] for source in inputs], atol=1e-3)
            return sum(terms["inputs"])
        case "copy":
            spot = (terms["row"], terms["column"], terms["channel"])
            expected = (sources[spot] if sources.ndim == 3 else sources[terms["channel"]]) if terms["inside"] else 0
            assert abs(terms["input"] - expected) < 1e-3
            return terms["input"]
        case _:
            return terms["input"]


def window(channel: dict[str, Any], sources: np.ndarray) -> float:
    total = 0.0
    for tap in (tap for row in channel["taps"] for tap in row):
        inside = 0 <= tap["row"] < sources.shape[0] and 0 <= tap["column"] < sources.shape[1]
        assert tap["inside"] == inside
        pixel = float(sources[tap["row"], tap["column"], channel["channel"]]) if inside else 0.0
        total += pixel * tap["weight"]
    return total


def test_the_gradient_is_what_small_changes_of_the_picture_do(tmp_path: Path) -> None:
    """Central differences of the NumPy engine; a step of 0.02 leaves 1e-4 of rounding and of curvature each."""
    spec = parse(SMOOTH, input_shape=(9, 8, 3), num_classes=3)
    weights, images = random_weights(spec, seed=2), random_images(spec, 1, seed=2)
    steps = 0.02 * np.eye(images.size, dtype=np.float32).reshape(-1, *spec.input_shape)
    slopes = (logits(spec, weights, images + steps) - logits(spec, weights, images - steps)) / 0.04
    (answer,) = node([case(spec, weights, images[0], classes=[0, 1, 2])], tmp_path)
    for class_index, gradient in enumerate(answer["gradients"]):
        expected = slopes[:, class_index].reshape(spec.input_shape)
        assert np.abs(array(gradient) - expected).max() < 5e-3 * np.abs(expected).max()


@pytest.mark.long
@pytest.mark.slow
def test_the_gradient_is_what_tensorflow_computes_for_any_network(answers: list[dict[str, Any]]) -> None:
    """Twice the tolerance of a forward pass: the same sums, forwards and then backwards."""
    from convscope.model.build import build, set_weights
    from convscope.model.tensorflow import tf

    for (spec, weights, images), answer in zip(networks(), answers, strict=True):
        model = build(spec, output="logits")
        set_weights(model, weights)
        picture = tf.constant(images)
        for class_index, ours in enumerate(answer["gradients"]):
            with tf.GradientTape() as tape:
                tape.watch(picture)
                logit = model(picture, training=False)[0, class_index]
            theirs = tape.gradient(logit, picture).numpy()[0]
            allowed = 2 * TOLERANCE * max(1.0, float(np.abs(theirs).max()))
            assert np.abs(array(ours) - theirs).max() <= allowed, f"{spec.name}, class {class_index}"


def test_a_disabled_filter_passes_zeros_to_the_next_layer(tmp_path: Path) -> None:
    """Off in the page is the same as filters of zeros with bias 0 in NumPy, where ReLU keeps 0 at 0."""
    spec = load_spec("classic", input_shape=(28, 28, 1), num_classes=10)
    weights, images = random_weights(spec, seed=5), random_images(spec, 1, seed=5)
    (answer,) = node([case(spec, weights, images[0], off={"conv2d": [0, 7]})], tmp_path)
    without = {key: value.copy() for key, value in weights.items()}
    for key in ("conv2d/kernel", "conv2d/bias"):
        without[key][..., [0, 7]] = 0
    assert_close(np.array(answer["logits"]), forward(spec, without, images).logits[0], "logits")
