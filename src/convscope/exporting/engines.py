"""What computes the predictions: NumPy, or a runtime that is installed and agrees with NumPy.

The network is handed to a runtime as an export that stays in memory. NumPy is the reference: each other engine is
compared with it on a few images when it is opened.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convscope.arrays import Logits, Pixels
from convscope.data.mapped_pixels import StoredPixels
from convscope.decisions import Decision
from convscope.errors import MissingExtraError, ModelFileError, OptionError, RunError, SpecError
from convscope.evaluation.predict import Predictions, predictions_from, raw_outputs, with_excess
from convscope.exporting.compare import SCORE_TOLERANCE, TOLERANCE, relative_differences
from convscope.exporting.litert_model import litert_graph
from convscope.exporting.litert_runtime import Interpreter, check_litert
from convscope.exporting.litert_runtime import runtime_name as litert_name
from convscope.exporting.onnx_model import onnx_proto
from convscope.exporting.onnx_runtime import check_onnx, open_session
from convscope.exporting.onnx_runtime import runtime_name as onnx_name
from convscope.model.features import averaged, feature_grid
from convscope.model.model_file import Model, cost, self_test_images

AUTO = "auto"
NUMPY = "numpy"

CHUNK = 64
"""Images at a time."""

COST_PER_SECOND = 3e10
"""What the NumPy engine computes in a second, in the units of `model_file.cost`."""

SHORT_SECONDS = 5.0
"""Up to here, a runtime saves little, and NumPy gives the same bits as the record of the training."""

COMPARED = 8

Outputs = tuple[Logits, np.ndarray | None]
"""The logits before the temperature; and the distances of the features to the model's subspace, if it has one."""


@dataclass(frozen=True, eq=False)
class Engine:
    """What computes the logits of a network, for any number of images; several threads may use it at once.

    Attributes:
        name: A key of `ENGINES`.
        runtime: Name and version, for people.
        model: The network.
        compute: From uint8 ``(n, h, w, c)`` to `Outputs`.
        because: Why it was chosen.
    """

    name: str
    runtime: str
    model: Model
    compute: Callable[[StoredPixels], Outputs]
    because: str

    @property
    def decision(self) -> Decision:
        """The choice, for the record."""
        return Decision("engine", self.runtime, self.because, "--engine")

    def predict(self, pixels: StoredPixels) -> Predictions:
        """Classify images that already have the network's input shape, as `evaluation.predict.predict` does.

        Args:
            pixels: uint8 ``(n, h, w, c)``.

        Raises:
            ModelFileError: The logits are not finite.
        """
        logits, residuals = self.compute(pixels)
        if not np.isfinite(logits).all():
            raise ModelFileError(
                "Expected finite logits. Received: NaN or infinity, because the weights are too large."
            )
        return predictions_from(self.model, logits, residuals)


def open_engine(name: str, model: Model, *, images: int, threads: int = 1) -> Engine:
    """Open an engine for a network.

    Args:
        name: A key of `ENGINES`, or ``auto``: NumPy for little work, else the first runtime that is installed.
        model: The network.
        images: How many images it will be used for.
        threads: How many threads a runtime uses for one batch.

    Raises:
        OptionError: There is no such engine.
        MissingExtraError: The runtime is not installed.
        RunError: The runtime's answers differ from NumPy's.
    """
    if name == AUTO:
        return _automatic(model, images, threads)
    if name not in ENGINES:
        raise OptionError(f"engine must be one of {AUTO}, {', '.join(ENGINES)}. Received: engine={name!r}.")
    return ENGINES[name](model, threads, "it was asked for")


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _automatic(model: Model, images: int, threads: int) -> Engine:
    seconds = images * cost(model.spec) / COST_PER_SECOND
    if seconds <= SHORT_SECONDS:
        return _numpy(model, threads, "it takes a few seconds at most")
    for name in ("litert", "onnx"):
        try:
            return ENGINES[name](model, threads, f"it is installed, and faster than NumPy for {images:,} images")
        except (MissingExtraError, SpecError, RunError):
            continue
    return _numpy(model, threads, "no other engine is installed")


def _numpy(model: Model, threads: int, because: str) -> Engine:
    return Engine(NUMPY, f"NumPy {np.__version__}", model, lambda pixels: raw_outputs(model, pixels), because)


def _onnx(model: Model, threads: int, because: str) -> Engine:
    check_onnx()
    has_scores = model.subspace is not None
    session = open_session(onnx_proto(model, {}, features=has_scores).SerializeToString(), threads=threads)
    names = ["logits", "features"] if has_scores else ["logits"]

    def run(chunk: Pixels) -> list[Any]:
        return session.run(names, {"images": np.ascontiguousarray(chunk)})

    return _compared(Engine("onnx", onnx_name(), model, _in_chunks(model, run), because))


def _litert(model: Model, threads: int, because: str) -> Engine:
    check_litert()
    content = litert_graph(model, features=model.subspace is not None).to_bytes(name="network", metadata={})
    local = threading.local()

    def run(chunk: Pixels) -> list[Any]:
        if not hasattr(local, "interpreter"):  # an interpreter holds the values of one batch
            local.interpreter = Interpreter(content, threads=threads)
        found = local.interpreter.run(chunk)
        return [found["logits"], found.get("features")]

    return _compared(Engine("litert", litert_name(), model, _in_chunks(model, run), because))


def _in_chunks(model: Model, run: Callable[[Pixels], list[Any]]) -> Callable[[StoredPixels], Outputs]:
    """From what a runtime gives for one chunk to the outputs for any number of images."""
    spec, subspace = model.spec, model.subspace
    grid = feature_grid(spec)

    def compute(pixels: StoredPixels) -> Outputs:
        logits = np.empty((len(pixels), spec.num_classes), np.float32)
        residuals = None if subspace is None else np.empty(len(pixels), np.float32)
        for start in range(0, len(pixels), CHUNK):
            part = slice(start, start + CHUNK)
            found = run(np.asarray(pixels[part]))
            logits[part] = found[0]
            if subspace is not None and residuals is not None:
                distances = subspace.residual(averaged(np.asarray(found[1]), grid))
                residuals[part] = with_excess(model, distances, np.asarray(pixels[part]))
        return logits, residuals

    return compute


def _compared(engine: Engine) -> Engine:
    """The engine, after it has given the same answers as NumPy for a few images."""
    shape = engine.model.spec.input_shape
    waves = np.rint(self_test_images(engine.model.spec) * 255).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (COMPARED - len(waves), *shape), np.uint8)
    pixels = np.concatenate([waves, noise])
    expected = predictions_from(engine.model, *raw_outputs(engine.model, pixels))
    given = engine.predict(pixels)
    difference = float(np.abs(given.probabilities - expected.probabilities).max())
    if not difference <= TOLERANCE:
        raise RunError(
            f"{engine.runtime} must give the probabilities of NumPy, to {TOLERANCE:g}. Received: a difference of "
            f"{difference:.2g}.",
            hint="Use --engine numpy, and please report this with the network's summary.",
        )
    if expected.scores is not None and given.scores is not None:
        furthest = float(relative_differences(engine.model, given.scores, expected.scores).max())
        if not furthest <= SCORE_TOLERANCE:
            raise RunError(
                f"{engine.runtime} must give the scores of NumPy, to {SCORE_TOLERANCE:g} of their range. Received: a "
                f"difference of {furthest:.2g}.",
                hint="Use --engine numpy, and please report this with the network's summary.",
            )
    return engine


ENGINES: dict[str, Callable[[Model, int, str], Engine]] = {NUMPY: _numpy, "onnx": _onnx, "litert": _litert}
"""Name to what opens an engine for a network."""
