"""Every engine gives NumPy's answers and scores, and `auto` takes none that is missing, slower or wrong."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from harness import random_spec, random_weights

from convscope.api.run import load_run
from convscope.errors import MissingExtraError, OptionError, RunError
from convscope.evaluation.predict import predict
from convscope.exporting import engines
from convscope.exporting.engines import ENGINES, open_engine
from convscope.model.model_file import Model
from convscope.model.presets import load_spec

MANY = 10**7


def random_model(spec, seed: int = 0) -> Model:
    names = tuple(f"class {index}" for index in range(spec.num_classes))
    return Model(spec, random_weights(spec, seed=seed), names, calibration={"temperature": 1.7})


def images_of(model: Model, n: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, *model.spec.input_shape), np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ENGINES))
def test_an_engine_gives_the_probabilities_and_scores_of_numpy_in_several_threads(name: str, short_run) -> None:
    model = load_run(short_run).model
    assert model.subspace is not None
    pixels = images_of(model, 150)
    expected = predict(model, pixels)
    engine = open_engine(name, model, images=len(pixels))
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(engine.predict, [pixels] * 4):
            np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)
            np.testing.assert_allclose(found.scores, expected.scores, atol=1e-3)
    assert engine.predict(pixels[:0]).probabilities.shape == (0, 10)


@pytest.mark.parametrize("name", sorted(ENGINES))
@pytest.mark.parametrize("seed", range(5))
def test_engines_agree_on_random_networks_without_scores(name: str, seed: int) -> None:
    model = random_model(random_spec(np.random.default_rng(100 + seed)), seed)
    engine = open_engine(name, model, images=5, threads=2)
    pixels = images_of(model, 5)
    np.testing.assert_allclose(engine.predict(pixels).logits, predict(model, pixels).logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("images", [MANY, None])
def test_auto_is_numpy_for_few_images_and_a_runtime_for_many_and_for_any_number(images: int | None) -> None:
    model = random_model(load_spec("quick", input_shape=(28, 28, 1), num_classes=10))
    assert open_engine("auto", model, images=1).name == "numpy"
    found = open_engine("auto", model, images=images)
    assert found.name == "litert" and str(found.decision).startswith("engine: LiteRT")


def test_auto_does_without_a_runtime_that_is_missing_and_a_named_one_states_the_install_line(monkeypatch) -> None:
    model = random_model(load_spec("quick", input_shape=(28, 28, 1), num_classes=10))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert open_engine("auto", model, images=MANY).name == "numpy"
    for name in ("onnx", "litert"):
        with pytest.raises(MissingExtraError) as caught:
            open_engine(name, model, images=1)
        assert caught.value.hint == f"Run: pip install 'convscope[{name}]'."
    with pytest.raises(OptionError, match=r"engine must be one of auto, numpy, onnx, litert\. Received: engine='tpu'"):
        open_engine("tpu", model, images=1)


def test_a_runtime_that_answers_otherwise_is_an_error_and_auto_does_not_take_it(monkeypatch) -> None:
    model = random_model(load_spec("quick", input_shape=(28, 28, 1), num_classes=10))
    right = engines.litert_graph

    def wrong(given: Model, parts):
        weights = {name: value[..., ::-1].copy() for name, value in given.weights.items()}
        return right(replace(given, weights=weights), parts)

    monkeypatch.setattr(engines, "litert_graph", wrong)
    with pytest.raises(RunError, match=r"LiteRT .* must give the probabilities of NumPy, to 1e-05\. Received:"):
        open_engine("litert", model, images=1)
    assert open_engine("auto", model, images=MANY).name == "onnx"


@pytest.mark.slow
def test_commands_take_an_engine_and_state_it(short_run, convscope, tmp_path) -> None:
    lines = {}
    for name in ("numpy", "litert"):
        done = convscope(
            "predict",
            "mnist:7",
            "mnist:8",
            "--run",
            str(short_run),
            "--engine",
            name,
            "--reject",
            "off",
            "--json",
            cwd=tmp_path,
        )
        assert done.returncode == 0
        lines[name] = json.loads(done.stdout)
    assert lines["numpy"]["engine"].startswith("NumPy") and lines["litert"]["engine"].startswith("LiteRT")
    for one, other in zip(lines["numpy"]["images"], lines["litert"]["images"], strict=True):
        assert one["choices"][0]["name"] == other["choices"][0]["name"]
        assert one["choices"][0]["probability"] == pytest.approx(other["choices"][0]["probability"], abs=1e-5)
    done = convscope("evaluate", str(short_run), "--engine", "onnx", cwd=tmp_path)
    assert "decided     engine: ONNX Runtime" in done.stdout
