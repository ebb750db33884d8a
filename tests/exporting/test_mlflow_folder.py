"""The folder for MLflow says of the same pictures as `predict` that they are known, with and without a threshold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from harness import random_weights

from convscope.api.predict import predict
from convscope.data.preprocess import Preprocessing
from convscope.evaluation.fit_reliability import fit_reliability
from convscope.evaluation.reliability import reliability_of
from convscope.exporting.companion import ExportedRun
from convscope.exporting.contract import contract, metadata
from convscope.exporting.formats import EXPORTERS
from convscope.exporting.mlflow_folder import write_mlflow
from convscope.model.model_file import Model, save_model
from convscope.model.spec_parser import parse
from convscope.training.run import RunRecord
from convscope.training.run_folder import MODEL_FILE

SHAPE = (28, 28, 1)


def network(*, fit: str, held_out: int) -> Model:
    """A network with random weights; of none held-out images, it has no score, as after an import."""
    layers = ['Conv2D(4, 5, strides=3, activation="relu")', "Flatten()", 'Dense(num_classes, activation="softmax")']
    spec = parse("\n".join(layers), input_shape=SHAPE, num_classes=3)
    preprocessing = Preprocessing(*SHAPE, fit=fit, polarity="as_is").to_json()
    model = Model(spec, random_weights(spec, seed=0), ("a", "b", "c"), preprocessing=preprocessing)
    if not held_out:
        return model
    rng = np.random.default_rng(1)
    pixels, labels = rng.integers(0, 256, (100 + held_out, *SHAPE), np.uint8), rng.integers(0, 3, held_out)
    return fit_reliability(model, pixels[:100], pixels[100:], labels)[0]


def loaded(model: Model, folder: Path):
    """What MLflow calls, and the outputs that the folder states."""
    content = contract(model, {})
    EXPORTERS["onnx"].save(model, metadata(content), folder / EXPORTERS["onnx"].file_name)
    write_mlflow(folder, ExportedRun(folder, RunRecord.__new__(RunRecord), model, content))
    stated = json.loads(json.loads((folder / "mlflow" / "MLmodel").read_text())["signature"]["outputs"])
    code: dict = {}
    exec((folder / "mlflow" / "code" / "onnx_image_classifier.py").read_text(), code)
    return code["_load_pyfunc"](str(folder / "mlflow" / "model.onnx")), {one["name"] for one in stated}


@pytest.mark.parametrize("fit", ["mnist", "pad"])
@pytest.mark.parametrize("held_out", [0, 20, 400])
def test_a_picture_of_nothing_is_known_only_where_predict_says_so(fit: str, held_out: int, tmp_path: Path) -> None:
    model = network(fit=fit, held_out=held_out)
    rejection = reliability_of(model).rejection
    assert (rejection is None) == (held_out == 0)
    assert held_out == 400 or rejection is None or rejection.default_level is None
    (tmp_path / "run").mkdir()
    save_model(model, tmp_path / "run" / MODEL_FILE)
    digit = np.zeros((28, 28), np.uint8)
    digit[6:22, 12:16] = 255
    found = predict([np.zeros((28, 28), np.uint8), digit], run=tmp_path / "run")
    classifier, stated = loaded(model, tmp_path)
    outputs = classifier.predict(np.stack([one.seen for one in found]))
    assert outputs.keys() == stated
    assert outputs["known"].dtype == bool
    assert outputs["known"].tolist() == [one.is_known for one in found]
    assert held_out == 400 or outputs["known"].tolist() == [held_out == 0 and fit == "pad", True]
