"""Files that other versions of Keras wrote: the same predictions, or a refusal that names the layer.

tests/cases/keras-versions.zip was made by ``proofs/keras_versions.py --pack``, which compares many more.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from keras_comparison import EQUAL, REFUSED, Comparison, compare_folder

from convscope.api.import_model import import_model
from convscope.model.keras_file import read_keras

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
    from convscope.model.forward import forward

    ours = forward(run.model.spec, run.model.weights, images).probabilities
    theirs = run.to_keras()(images, training=False)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
