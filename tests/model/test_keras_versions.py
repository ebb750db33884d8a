"""Files that other versions of Keras wrote: the same predictions, or a refusal that names the layer.

tests/cases/keras-versions.zip was made by ``proofs/keras_versions.py --pack``, which compares many more.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_comparison import EQUAL, REFUSED, Comparison, compare_folder

from convscope.api.import_model import import_model
from convscope.api.run import load_run
from convscope.explanation.backward import backpropagate
from convscope.model.forward import forward
from convscope.model.keras_file import read_keras
from convscope.report.keras_source import keras_source

PACKED = Path(__file__).parents[1] / "cases" / "keras-versions.zip"
VERSIONS = {
    "Keras-2.12": "2.12.0",
    "Keras-2.14": "2.14.0",
    "Keras-2.15": "2.15.0",
    "Keras-3.0": "3.0.5",
    "Keras-3.5": "3.5.0",
    "Keras-3.15": "3.15.1",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("versions")
    with zipfile.ZipFile(PACKED) as archive:
        archive.extractall(where)
    return where


def outcomes(found: list[Comparison]) -> dict[str, str]:
    return {one.file: one.outcome for one in found}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_of_any_version_gives_the_predictions_of_that_version(version: str, folder: Path) -> None:
    keras, found, _ = compare_folder(folder / version)
    assert keras == VERSIONS[version]
    for one in found:
        assert one.outcome in (EQUAL, REFUSED), one
    read = {file for file, outcome in outcomes(found).items() if outcome == EQUAL}
    assert {f"{number}.{ending}" for number in ("015", "018", "035") for ending in ("keras", "h5")} <= read
    assert "006.keras" in read, "a model inside the model"


@pytest.mark.parametrize("version", VERSIONS)
def test_hard_sigmoid_is_another_function_in_keras_2_and_is_refused_there(version: str, folder: Path) -> None:
    _, found, _ = compare_folder(folder / version)
    reasons = {one.file: one.reason for one in found}
    for ending in ("keras", "h5"):
        if version.startswith("Keras-2"):
            assert "(Activation): hard_sigmoid of Keras 2 is not read" in reasons[f"034.{ending}"]
        else:
            assert outcomes(found)[f"034.{ending}"] == EQUAL


def test_what_keras_2_12_calls_keras_is_hdf5_and_is_read_as_such(folder: Path) -> None:
    file = folder / "Keras-2.12" / "018.keras"
    assert file.read_bytes().startswith(b"\x89HDF")
    archive = read_keras(folder / "Keras-2.12" / "018.v3.keras")
    found = read_keras(file)
    assert found.spec == archive.spec and found.keras_version == archive.keras_version == "2.12.0"
    assert all(np.array_equal(found.weights[name], archive.weights[name]) for name in archive.weights)


@pytest.mark.parametrize("name", ["006.keras", "035.h5", "018.v3.keras"])
def test_what_is_imported_can_be_rebuilt_in_keras(name: str, folder: Path, tmp_path: Path) -> None:
    run = import_model(folder / "Keras-2.12" / name, out=tmp_path / "run").run
    images = np.random.default_rng(0).random((4, *run.model.spec.input_shape), np.float32)
    ours = forward(run.model.spec, run.model.weights, images).probabilities
    theirs = run.to_keras()(images, training=False)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_one_sigmoid_has_two_classes_and_the_second_is_the_positive_one(
    folder: Path, convscope: Callable[..., Any], tmp_path: Path
) -> None:
    path = folder / "Keras-3.15" / "006.keras"
    done = convscope("import", str(path), "--class-names", "cat,dog", "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "one sigmoid" in done.stdout and "its value is the probability of dog" in done.stdout
    run = load_run(tmp_path / "run")
    stored = np.load(folder / "Keras-3.15" / "006.npz")
    models = json.loads((folder / "Keras-3.15" / "index.json").read_text())["models"]
    (input_range,) = (model["input_range"] for model in models if model["name"] == "006")
    assert run.model.class_names == ("cat", "dog")
    again = import_model(path, input_range=input_range, class_names=["cat", "dog"], out=tmp_path / "again").run
    found = forward(again.model.spec, again.model.weights, stored["images"]).probabilities
    np.testing.assert_allclose(found[:, 1], stored["expected"][:, 0], atol=1e-6)
    gradients = [backpropagate(again.model.spec, again.model.weights, stored["images"], k).gradient for k in (0, 1)]
    assert np.abs(gradients[0]).max() > 0, "both classes can be explained"
    np.testing.assert_allclose(gradients[0], -gradients[1], atol=1e-7)


@pytest.mark.parametrize(("name", "input_range"), [("018.h5", "0..255"), ("035.keras", "0..255"), ("006.h5", "0..1")])
def test_the_range_is_taken_from_the_first_layer(name: str, input_range: str, folder: Path) -> None:
    """A rescaling, or a normalization whose mean no image from 0 to 1 has."""
    assert read_keras(folder / "Keras-2.15" / name).input_range == input_range


@pytest.mark.parametrize("name", ["015.h5", "018.h5", "035.h5"])
def test_what_is_imported_is_opened_explained_and_written_as_keras_code(
    name: str, folder: Path, convscope: Callable[..., Any], tmp_path: Path
) -> None:
    from PIL import Image

    done = convscope("import", str(folder / "Keras-2.15" / name), "--out", "run", cwd=tmp_path)
    assert done.returncode == 0 and "saved by Keras 2.15.0" in done.stdout, done.stderr
    spec = load_run(tmp_path / "run").model.spec
    pixels = np.random.default_rng(0).integers(0, 256, spec.input_shape, np.uint8)
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(tmp_path / "p.png")
    for words in (("open", "run"), ("explain", "p.png", "--run", "run"), ("predict", "p.png", "--run", "run")):
        done = convscope(*words, cwd=tmp_path)
        assert done.returncode == 0, (words, done.stderr)
    space: dict[str, Any] = {}
    exec(keras_source(spec), space)
    assert space["model"].count_params() == spec.parameters
