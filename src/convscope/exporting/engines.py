"""What computes the predictions: NumPy, or a runtime that is installed and agrees with NumPy.

The network is handed to a runtime as an export that stays in memory. NumPy is the reference: each other engine is
compared with it on a few images when it is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from convscope.arrays import Pixels
from convscope.data.mapped_pixels import StoredPixels
from convscope.decisions import Decision
from convscope.errors import MissingExtraError, ModelFileError, OptionError, RunError, SpecError
from convscope.evaluation.predict import Predictions, at_temperature, predict
from convscope.exporting.compare import SCORE_TOLERANCE, TOLERANCE, relative_differences
from convscope.exporting.litert_model import litert_graph
from convscope.exporting.litert_runtime import Interpreter, check_litert
from convscope.exporting.litert_runtime import runtime_name as litert_name
from convscope.exporting.onnx_model import onnx_proto
from convscope.exporting.onnx_runtime import check_onnx, open_session
from convscope.exporting.onnx_runtime import runtime_name as onnx_name
from convscope.exporting.score import OUTPUT as SCORE
from convscope.exporting.score import engine_parts
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
"""Images that a runtime is compared on."""

FAST_SECONDS = 0.1


@dataclass(frozen=True, eq=False)
class Engine:
    """What classifies any number of images with a network; several threads may use it at once.

    Attributes:
        name: A key of `ENGINES`.
        runtime: Name and version, for people.
        model: The network.
        predict: From images that already have the network's input shape, uint8 ``(n, h, w, c)``, to their predictions,
            as `evaluation.predict.predict` does. It raises `ModelFileError` if the logits are not finite.
        because: Why it was chosen.
    """

    name: str
    runtime: str
    model: Model
    predict: Callable[[StoredPixels], Predictions]
    because: str

    @property
    def decision(self) -> Decision:
        """The choice, for the record."""
        return Decision("engine", self.runtime, self.because, "--engine")


def open_engine(name: str, model: Model, *, images: int | None = None, threads: int = 1) -> Engine:
    """Open an engine for a network.

    Args:
        name: A key of `ENGINES`, or ``auto``: the first runtime that is installed, or NumPy if none is, and for little
            work on a known number of images.
        model: The network.
        images: How many images it will be used for; None if more may follow at any time.
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


def opens_fast(model: Model) -> bool:
    """Whether a runtime is opened, and compared with NumPy, in little more than a tenth of a second."""
    return COMPARED * cost(model.spec) / COST_PER_SECOND <= FAST_SECONDS


def _automatic(model: Model, images: int | None, threads: int) -> Engine:
    if images is not None and images * cost(model.spec) / COST_PER_SECOND <= SHORT_SECONDS:
        return _numpy(model, threads, "it takes a few seconds at most")
    for name in ("litert", "onnx"):
        try:
            return ENGINES[name](model, threads, "it is installed, and faster than NumPy")
        except (MissingExtraError, SpecError, RunError):
            continue
    return _numpy(model, threads, "no other engine is installed")


def _numpy(model: Model, threads: int, because: str) -> Engine:
    return Engine(NUMPY, f"NumPy {np.__version__}", model, partial(predict, model), because)


def _onnx(model: Model, threads: int, because: str) -> Engine:
    check_onnx()
    parts = engine_parts(model)
    session = open_session(onnx_proto(model, {}, parts).SerializeToString(), threads=threads)
    names = ["logits", SCORE] if parts else ["logits"]

    def run(chunk: Pixels) -> dict[str, Any]:
        return dict(zip(names, session.run(names, {"images": np.ascontiguousarray(chunk)}), strict=True))

    return _compared(Engine("onnx", onnx_name(), model, partial(_predict, model, run), because))


def _litert(model: Model, threads: int, because: str) -> Engine:
    check_litert()
    content = litert_graph(model, engine_parts(model)).to_bytes(name="network", metadata={})
    free: list[Interpreter] = []  # an interpreter holds the values of one batch, so each thread takes one

    def run(chunk: Pixels) -> dict[str, Any]:
        try:
            interpreter = free.pop()
        except IndexError:
            interpreter = Interpreter(content, threads=threads)
        found = interpreter.run(chunk)
        free.append(interpreter)
        return found

    return _compared(Engine("litert", litert_name(), model, partial(_predict, model, run), because))


def _predict(model: Model, run: Callable[[Pixels], dict[str, Any]], pixels: StoredPixels) -> Predictions:
    """Classify images by a runtime, which takes one chunk at a time."""
    if not len(pixels):  # a runtime takes at least one image
        return predict(model, pixels)
    parts = [run(np.asarray(pixels[start : start + CHUNK])) for start in range(0, len(pixels), CHUNK)]
    found = parts[0] if len(parts) == 1 else {name: np.concatenate([one[name] for one in parts]) for name in parts[0]}
    if not all(np.isfinite(one).all() for name, one in found.items() if name in ("logits", SCORE)):
        raise ModelFileError("Expected finite logits. Received: NaN or infinity, because the weights are too large.")
    return at_temperature(Predictions(found["logits"], model.class_names, found.get(SCORE)), model)


def _compared(engine: Engine) -> Engine:
    """The engine, after it has given the same answers as NumPy for a few images."""
    shape = engine.model.spec.input_shape
    waves = np.rint(self_test_images(engine.model.spec) * 255).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (COMPARED - len(waves), *shape), np.uint8)
    pixels = np.concatenate([waves, noise])
    expected = predict(engine.model, pixels)
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
