"""An ONNX file opened by ONNX Runtime."""

from __future__ import annotations

import importlib.util
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from convscope.arrays import Pixels
from convscope.errors import MissingExtraError
from convscope.exporting.exporter import OUTPUTS, Runtime

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
            "ONNX Runtime and exports to ONNX need the packages onnx and onnxruntime. "
            f"Received: no {' and no '.join(missing)}.",
            hint="Run: pip install 'convscope[onnx]'.",
        )


def open_session(model: bytes | str, *, threads: int = 1) -> Any:
    """An ONNX Runtime session on the CPU.

    Args:
        model: The bytes of a file, or its path.
        threads: How many threads compute a batch.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ONLY_FATAL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def runtime_name() -> str:
    """Name and version."""
    return f"ONNX Runtime {version('onnxruntime')}"


def open_onnx(path: Path, shape: tuple[int, int, int], classes: int) -> Runtime:
    """Open an ONNX file on the CPU, with one thread."""
    session = open_session(str(path))
    given = {one.name for one in session.get_outputs()}
    names = [name for name in OUTPUTS if name in given]

    def run(images: Pixels) -> tuple[np.ndarray, ...]:
        return tuple(map(np.asarray, session.run(names, {"images": np.ascontiguousarray(images)})))

    return Runtime(runtime_name(), run)
