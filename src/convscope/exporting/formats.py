"""The formats of an export; the keys are the command line's choices. A new format is a module and an entry here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from convscope.exporting.c_runtime import check_c, open_c
from convscope.exporting.c_source import c_bytes
from convscope.exporting.exporter import Exporter, Runtime
from convscope.exporting.keras_process import open_keras
from convscope.exporting.litert_int8 import litert_int8_bytes
from convscope.exporting.litert_model import litert_bytes
from convscope.exporting.litert_runtime import check_litert, open_litert
from convscope.exporting.onnx_int8 import onnx_int8_bytes
from convscope.exporting.onnx_model import onnx_bytes
from convscope.exporting.onnx_runtime import check_onnx, open_onnx
from convscope.model.model_file import Model


def check_keras() -> None:
    """Check that Keras and TensorFlow are installed.

    Raises:
        MissingExtraError: They are not.
    """
    from convscope.model.tensorflow import require_tensorflow

    require_tensorflow("An export to Keras or a SavedModel")


def _put_keras(model: Model, metadata: Mapping[str, str], path: Path) -> None:
    from convscope.exporting.keras_model import write_keras

    write_keras(model, metadata, path)


def _put_saved_model(model: Model, metadata: Mapping[str, str], path: Path) -> None:
    from convscope.exporting.keras_model import write_saved_model

    write_saved_model(model, metadata, path)


def _open_saved_model(path: Path, shape: tuple[int, int, int], classes: int) -> Runtime:
    from convscope.exporting.keras_model import open_saved_model

    return open_saved_model(path, shape, classes)


EXPORTERS = {
    "onnx": Exporter(
        "ONNX, for ONNX Runtime on servers, phones and in browsers",
        "model.onnx",
        check_onnx,
        onnx_bytes,
        open_onnx,
        onnx_int8_bytes,
    ),
    "litert": Exporter(
        "LiteRT, for phones and small devices",
        "model.tflite",
        check_litert,
        litert_bytes,
        open_litert,
        litert_int8_bytes,
    ),
    "c": Exporter("C99, one file without allocation", "model.c", check_c, c_bytes, open_c, budget=5e10),
    "keras": Exporter("Keras 3", "model.keras", check_keras, None, open_keras, put=_put_keras, budget=1e11),
    "saved_model": Exporter(
        "TensorFlow SavedModel, for TensorFlow Serving",
        "saved_model",
        check_keras,
        None,
        _open_saved_model,
        put=_put_saved_model,
        budget=1e11,
    ),
}
"""Name to format."""
