"""A folder that MLflow loads as a Python function: the ONNX file, a loader, and what has to be installed."""

from __future__ import annotations

import json
import platform
import shutil
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from importlib.metadata import version
from pathlib import Path

from convscope.exporting.companion import ExportedRun
from convscope.exporting.formats import EXPORTERS
from convscope.exporting.score import OUTPUT

FOLDER = "mlflow"
MLFLOW = "2.20"
"""The version whose description of a model is written; later ones read it."""


def write_mlflow(folder: Path, run: ExportedRun) -> Mapping[str, str]:
    """Write the folder ``mlflow``.

    Source:
        MLflow's documentation, "MLflow model": the file MLmodel and the flavor python_function.
    """
    target = folder / FOLDER
    (target / "code").mkdir(parents=True)
    shutil.copyfile(folder / EXPORTERS["onnx"].file_name, target / "model.onnx")
    loader = (resources.files("convscope.exporting") / "snippets" / "mlflow_loader.txt").read_text(encoding="utf-8")
    (target / "code" / "onnx_image_classifier.py").write_text(loader, encoding="utf-8")
    needed = [f"{name}=={version(name)}" for name in ("numpy", "onnxruntime")]
    (target / "requirements.txt").write_text("".join(f"{line}\n" for line in ["mlflow", *needed]), encoding="utf-8")
    python = platform.python_version()
    _write_yaml(
        target / "python_env.yaml",
        {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]},
    )
    _write_yaml(target / "MLmodel", _description(run, python))
    return {FOLDER: "a folder that MLflow loads as a Python function: mlflow.pyfunc.load_model('mlflow')"}


def _description(run: ExportedRun, python: str) -> dict[str, object]:
    h, w, c = run.model.spec.input_shape
    images = [{"type": "tensor", "name": "images", "tensor-spec": {"dtype": "uint8", "shape": [-1, h, w, c]}}]
    rows = {"dtype": "float32", "shape": [-1, run.model.spec.num_classes]}
    outputs = [{"type": "tensor", "name": name, "tensor-spec": rows} for name in ("probabilities", "logits")]
    each = ([(OUTPUT, "float32")] if OUTPUT in run.contract else []) + [("known", "bool")]
    for name, dtype in each:
        outputs.append({"type": "tensor", "name": name, "tensor-spec": {"dtype": dtype, "shape": [-1]}})
    return {
        "flavors": {
            "python_function": {
                "loader_module": "onnx_image_classifier",
                "code": "code",
                "data": "model.onnx",
                "python_version": python,
                "env": {"virtualenv": "python_env.yaml"},
            }
        },
        "mlflow_version": MLFLOW,
        "model_uuid": uuid.uuid5(uuid.NAMESPACE_OID, str(run.contract["weights_sha256"])).hex,
        "utc_time_created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
        "metadata": {"class_names": list(run.model.class_names), "weights_sha256": run.contract["weights_sha256"]},
        "signature": {"inputs": json.dumps(images), "outputs": json.dumps(outputs)},
    }


def _write_yaml(path: Path, value: object) -> None:
    """Write plain values as JSON, which YAML contains."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
