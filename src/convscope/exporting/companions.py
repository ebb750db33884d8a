"""The companions of an export; with `formats.EXPORTERS`, the keys are the command line's choices."""

from __future__ import annotations

from convscope.exporting.companion import Companion
from convscope.exporting.container import write_container
from convscope.exporting.mlflow_folder import write_mlflow
from convscope.exporting.model_card import write_model_card

COMPANIONS = {
    "hub": Companion("model card for a model hub", ("onnx",), write_model_card),
    "mlflow": Companion("folder for MLflow", ("onnx",), write_mlflow),
    "container": Companion("Containerfile", (), write_container),
}
"""Name to companion."""
