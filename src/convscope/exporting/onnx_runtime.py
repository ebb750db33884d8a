"""An ONNX file opened by ONNX Runtime."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from convscope.arrays import Pixels
from convscope.errors import MissingExtraError
from convscope.exporting.exporter import Runtime

ONLY_FATAL = 4
"""ONNX Runtime's log level: what goes wrong is an exception, and the rest is of no use to a person."""


def check_onnx() -> None:
    """Check that onnx and ONNX Runtime are installed, without importing them.

    Raises:
        MissingExtraError: One is not.
    """
    missing = [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"An export to ONNX needs the packages onnx and onnxruntime. Received: no {' and no '.join(missing)}.",
            hint="Run: pip install 'convscope[onnx]'.",
        )


def open_onnx(path: Path, shape: tuple[int, int, int], classes: int) -> Runtime:
    """Open an ONNX file on the CPU, with one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = ONLY_FATAL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(images: Pixels) -> tuple[np.ndarray, np.ndarray]:
        probabilities, logits = session.run(["probabilities", "logits"], {"images": np.ascontiguousarray(images)})
        return np.asarray(probabilities), np.asarray(logits)

    return Runtime(f"ONNX Runtime {onnxruntime.__version__}", run)
