"""Features of networks of every form, and the model file that holds their subspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_model_file import File, assert_same, small_model

from convscope.errors import ModelFileError
from convscope.model.features import (
    MAX_BYTES,
    MAX_FEATURES,
    Subspace,
    averaged,
    feature_count,
    feature_grid,
    logits_and_features,
    most_directions,
    power_of_two_steps,
)
from convscope.model.forward import forward
from convscope.model.model_file import Model, load_model, save_model
from convscope.model.presets import PRESETS, load_spec
from convscope.model.spec import Spec
from convscope.model.spec_parser import parse


def random_weights(spec: Spec) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        name: np.abs(rng.normal(size=shape) * 0.1 + 0.1 * ("variance" in name)).astype(np.float32)
        for name, shape in spec.weight_shapes().items()
    }


@pytest.mark.parametrize("name", PRESETS)
def test_the_last_layer_computes_the_logits_from_the_features(name: str) -> None:
    """Except where they are averaged over places: then by a loop over the cells of a grid."""
    spec = load_spec(name, input_shape=(28, 28, 1), num_classes=10)
    weights = random_weights(spec)
    images = np.random.default_rng(1).random((3, 28, 28, 1), np.float32)
    activations = forward(spec, weights, images)
    logits, features = logits_and_features(spec, weights, images)
    np.testing.assert_array_equal(logits, activations.logits)
    assert features.shape == (3, feature_count(spec)) and features.shape[1] <= MAX_FEATURES
    before = activations.layers[-2].output.reshape(3, -1)
    if before.shape[1] <= MAX_FEATURES:
        np.testing.assert_allclose(features @ weights["dense/kernel"] + weights["dense/bias"], logits, rtol=1e-4)
    else:
        np.testing.assert_allclose(features.mean(axis=1), before.mean(axis=1), rtol=0.05)


def test_large_maps_are_averaged_over_the_cells_of_a_grid() -> None:
    maps = np.random.default_rng(2).random((2, 11, 7, 20), np.float32)
    found = averaged(maps.reshape(2, -1), (11, 7, 20))
    rows, columns = 5, 6  # 5 × 6 × 20 = 600
    ys, xs = [i * 11 // rows for i in range(rows + 1)], [i * 7 // columns for i in range(columns + 1)]
    expected = [
        maps[:, ys[i] : ys[i + 1], xs[j] : xs[j + 1]].mean(axis=(1, 2)) for i in range(rows) for j in range(columns)
    ]
    np.testing.assert_allclose(found, np.concatenate(expected, axis=1), rtol=1e-6)


def test_a_dense_layer_between_hides_the_places() -> None:
    lines = ["Flatten()", 'Dense(40, activation="relu")', "Dropout(0.2)", 'Dense(num_classes, activation="softmax")']
    assert feature_grid(parse("\n".join(lines), input_shape=(8, 8, 1), num_classes=3)) == (1, 1, 40)
    flat = parse("\n".join([lines[0], lines[3]]), input_shape=(8, 6, 3), num_classes=3)
    assert feature_grid(flat) == (8, 6, 3)


@pytest.mark.parametrize("features", [2, 100, 576, 600, 1_000, 5_000, 38_400, 50_000])
def test_a_subspace_takes_at_most_77_kilobytes(features: int) -> None:
    assert features * most_directions(features) <= MAX_BYTES
    assert 2 * features * most_directions(features, rounded=False) <= MAX_BYTES


def with_subspace(*, rounded: bool = False, **changes: Any) -> Model:
    model = small_model()
    count = feature_count(model.spec)
    directions = np.linalg.qr(np.random.default_rng(3).normal(size=(count, count)))[0][:, : most_directions(count)]
    if rounded:
        steps = power_of_two_steps(directions)
        directions = np.rint(directions / steps) * steps
    subspace = Subspace(np.arange(count, dtype=np.float32), directions.astype(np.float16))
    return small_model(**({"subspace": subspace, "reliability": {"rejection": {"n": 5}}} | changes))


@pytest.mark.parametrize(("rounded", "version"), [(False, 3), (True, 4)])
def test_subspace_and_reliability_are_read_back_as_they_were_written(
    rounded: bool, version: int, tmp_path: Path
) -> None:
    model = with_subspace(rounded=rounded)
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert_same(model, again)
    file = File((tmp_path / "m").read_bytes())
    assert file.spec["schema_version"] == version
    assert file.header["subspace/directions"]["dtype"] == ("I8" if rounded else "F16")
    assert again.reliability == model.reliability and again.subspace is not None and model.subspace is not None
    assert again.subspace.directions.dtype == np.float16
    np.testing.assert_array_equal(again.subspace.directions, model.subspace.directions)
    np.testing.assert_array_equal(again.subspace.center, model.subspace.center)


def test_a_model_without_them_is_written_as_before_so_that_older_versions_open_it(tmp_path: Path) -> None:
    save_model(small_model(), tmp_path / "m")
    spec = File((tmp_path / "m").read_bytes()).spec
    assert spec["schema_version"] == 1 and "reliability" not in spec
    assert load_model(tmp_path / "m").subspace is None


def test_the_safetensors_library_reads_the_file(tmp_path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    model = with_subspace()
    save_model(model, tmp_path / "m.safetensors")
    assert model.subspace is not None
    tensors = numpy.load_file(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(tensors["subspace/directions"], model.subspace.directions)
    save_model(with_subspace(rounded=True), tmp_path / "m.safetensors")
    assert numpy.load_file(tmp_path / "m.safetensors")["subspace/directions"].dtype == np.int8


def attacks() -> dict[str, Any]:
    def spec(**values: object) -> Any:
        return lambda file: file.spec.update(values)

    def header(name: str, **values: object) -> Any:
        return lambda file: file.header[name].update(values)

    def numbers(name: str, value: bytes) -> Any:
        def attack(file: File) -> None:
            start = file.place(name).start
            file.payload[start : start + len(value)] = value

        return attack

    return {
        "empty reliability": (spec(reliability={}), "must not be empty"),
        "a list": (spec(reliability=[1]), "must be a JSON object"),
        "one direction more": (spec(directions=7), "directions must be a number from 0 to"),
        "negative directions": (spec(directions=-1), "directions must be a number from 0 to"),
        "a million directions": (spec(directions=10**6), "directions must be a number from 0 to"),
        "directions as a text": (spec(directions="3"), "directions must be a number from 0 to"),
        "true directions": (spec(directions=True), "directions must be a number from 0 to"),
        "one direction less": (spec(directions=1), "must be"),
        "no directions": (spec(directions=0), "tensors are not those"),
        "float32 directions": (header("subspace/directions", dtype="F32"), "must be"),
        "another offset": (header("subspace/directions", data_offsets=[0, 16]), "must be"),
        "infinite directions": (numbers("subspace/directions", b"\x00\x7c"), "not a finite number"),
        "large directions": (numbers("subspace/directions", b"\x00\x41"), "numbers from -1 to 1"),
        "infinite center": (numbers("subspace/center", b"\x00\x00\x80\x7f"), "not a finite number"),
    }


@pytest.mark.parametrize("name", attacks())
def test_hostile_subspaces_are_refused(name: str, tmp_path: Path) -> None:
    attack, said = attacks()[name]
    save_model(with_subspace(), tmp_path / "m")
    file = File((tmp_path / "m").read_bytes())
    attack(file)
    (tmp_path / "m").write_bytes(file.content())
    with pytest.raises(ModelFileError, match=said) as caught:
        load_model(tmp_path / "m")
    assert len(str(caught.value).splitlines()) == 1


HOSTILE_STEPS = {
    "no power of two": (np.float32(0.007), "multiples of their steps"),
    "zero": (np.float32(0), "multiples of their steps"),
    "negative": (np.float32(-(2**-7)), "multiples of their steps"),
    "huge": (np.float32(3e38), "multiples of their steps"),
    "tiny": (np.float32(1e-45), "multiples of their steps"),
    "infinite": (np.float32(np.inf), "not a finite number"),
}


@pytest.mark.parametrize("name", HOSTILE_STEPS)
def test_hostile_steps_are_refused(name: str, tmp_path: Path) -> None:
    value, said = HOSTILE_STEPS[name]
    save_model(with_subspace(rounded=True), tmp_path / "m")
    file = File((tmp_path / "m").read_bytes())
    start = file.place("subspace/steps").start
    assert np.frombuffer(bytes(file.payload[start : start + 4]), "<f4")[0] == 2**-7
    file.payload[start : start + 4] = value.tobytes()
    (tmp_path / "m").write_bytes(file.content())
    with pytest.raises(ModelFileError, match=said) as caught:
        load_model(tmp_path / "m")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("version", [1, 3])
def test_directions_in_8_bits_need_the_version_that_has_them(version: int, tmp_path: Path) -> None:
    save_model(with_subspace(rounded=True), tmp_path / "m")
    file = File((tmp_path / "m").read_bytes())
    file.spec["schema_version"] = version
    (tmp_path / "m").write_bytes(file.content())
    with pytest.raises(ModelFileError, match=r"schema version must be 4|must have exactly the keys"):
        load_model(tmp_path / "m")


def test_a_subspace_of_another_network_is_refused() -> None:
    with pytest.raises(ModelFileError, match="subspace"):
        with_subspace(subspace=Subspace(np.zeros(3, np.float32), np.eye(3, 1).astype(np.float16)))
