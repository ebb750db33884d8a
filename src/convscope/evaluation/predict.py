"""Predictions for images, by the NumPy engine, without TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape

import numpy as np
from jaxtyping import Float32

from convscope.arrays import Images, Logits, Pixels, Probabilities, to_images
from convscope.data.mapped_pixels import StoredPixels
from convscope.data.parallel import in_threads
from convscope.errors import ModelFileError
from convscope.evaluation.metrics import log_softmax
from convscope.evaluation.out_of_distribution import Scores, ood_scores
from convscope.evaluation.reliability import reliability_of
from convscope.evaluation.temperature import temperature_of
from convscope.markup import bar, table
from convscope.model.blas_threads import one_blas_thread
from convscope.model.features import logits_and_features
from convscope.model.forward import chunk_size, logits
from convscope.model.model_file import Model

SHOWN = 10
"""Number of images shown in a notebook."""


@dataclass(frozen=True)
class Choice:
    """A class and its probability."""

    name: str
    probability: float


@dataclass(frozen=True)
class Predictions:
    """Predictions for some images.

    Attributes:
        logits: float32 ``(n, k)``, divided by the model's temperature.
        class_names: In label order.
        scores: float32 ``(n,)``, the out-of-distribution scores; None if the network has none.
    """

    logits: Logits
    class_names: tuple[str, ...]
    scores: Scores | None = None

    def __len__(self) -> int:
        return len(self.logits)

    def _repr_html_(self) -> str:
        rows = [
            (
                str(index),
                *(
                    f"{escape(choice.name)} {choice.probability:.1%} {bar(choice.probability)}"
                    for choice in self.top(index)
                ),
            )
            for index in range(min(len(self), SHOWN))
        ]
        runners_up = range(1, min(3, len(self.class_names)))
        heads = ("image", "prediction", *(f"rank {place + 1}" for place in runners_up))
        return table(heads, rows, caption=f"Predictions of {len(self):,} images; the first {len(rows)}")

    @cached_property  # `top` asks once per image
    def probabilities(self) -> Probabilities:
        """Softmax of the logits, rows sum to 1."""
        return np.exp(log_softmax(self.logits)).astype(np.float32)

    def rows(self, start: int, stop: int) -> Predictions:
        """The predictions of some of the images, in order."""
        scores = None if self.scores is None else self.scores[start:stop]
        return Predictions(self.logits[start:stop], self.class_names, scores)

    def top(self, index: int, count: int = 3) -> tuple[Choice, ...]:
        """The most likely classes of one image, most likely first."""
        row = self.probabilities[index]
        order = np.argsort(-row, kind="stable")[:count]
        return tuple(Choice(self.class_names[k], float(row[k])) for k in order)


def predict(model: Model, pixels: StoredPixels, *, vectors_alone: bool = False) -> Predictions:
    """Classify images that already have the network's input shape.

    Args:
        model: From a model file.
        pixels: uint8 ``(n, h, w, c)``, 0..255, preprocessed; see `data.preprocess` for other images.
        vectors_alone: As in `model.forward.logits`: an image in a batch is rounded as it is alone.

    Returns:
        One row for each image.

    Raises:
        ModelFileError: The weights are so large that the logits overflow float32.
    """
    raw, residuals = raw_outputs(model, pixels, vectors_alone=vectors_alone)
    found = reliability_of(model).rejection if residuals is not None else None
    scores = None
    if found and residuals is not None:
        scores = ood_scores(raw, residuals, scale=found.scale, centers_logits=found.centers_logits)
    return at_temperature(Predictions(raw, model.class_names, scores), model)


def raw_outputs(
    model: Model, pixels: StoredPixels, *, vectors_alone: bool = False
) -> tuple[Logits, Float32[np.ndarray, " n"] | None]:
    """The logits of images, before the temperature, and the distances of their features to the model's subspace.

    Args:
        model: As `predict`.
        pixels: As `predict`.
        vectors_alone: As `predict`.

    Returns:
        Logits; and distances, or None if the model has no subspace. An image whose total variation is above the
        model's limit has a larger distance.

    Raises:
        ModelFileError: As `predict`.
    """
    # As `logits` itself divides them, so that the results are the same bits. One image needs no division.
    size = chunk_size(model.spec) if len(pixels) > 1 else 1
    raw = np.empty((len(pixels), model.spec.num_classes), np.float32)
    residuals = np.zeros(len(pixels), np.float32) if model.subspace is not None else None

    def compute(chunk: Pixels) -> tuple[np.ndarray, np.ndarray | None]:
        with np.errstate(over="ignore", invalid="ignore"):
            found, distances = _outputs(model, to_images(chunk), vectors_alone)
        return found, distances if distances is None else with_excess(model, distances, chunk)

    chunks = (pixels[start : start + size] for start in range(0, len(pixels), size))
    with one_blas_thread():
        computed = map(compute, chunks) if len(pixels) <= size else in_threads(compute, chunks, at_once=1)
        for start, (found, distances) in zip(range(0, len(pixels), size), computed, strict=True):
            raw[start : start + size] = found
            if residuals is not None and distances is not None:
                residuals[start : start + size] = distances
    if not np.isfinite(raw).all() or (residuals is not None and not np.isfinite(residuals).all()):
        raise ModelFileError("Expected finite logits. Received: NaN or infinity, because the weights are too large.")
    return raw, residuals


def with_excess(model: Model, residuals: Float32[np.ndarray, " n"], pixels: Pixels) -> Float32[np.ndarray, " n"]:
    """The distances of images to a model's subspace, larger where the total variation is above the model's limit."""
    rejection = reliability_of(model).rejection if model.reliability else None
    return residuals + rejection.variation.excess(pixels) if rejection and rejection.variation else residuals


def _outputs(model: Model, images: Images, vectors_alone: bool) -> tuple[np.ndarray, np.ndarray | None]:
    if model.subspace is None:
        return logits(model.spec, model.weights, images, batch_size=len(images), vectors_alone=vectors_alone), None
    raw, features = logits_and_features(model.spec, model.weights, images, vectors_alone=vectors_alone)
    rows = np.split(features, len(features)) if vectors_alone and len(features) > 1 else [features]
    return raw, np.concatenate([model.subspace.residual(row) for row in rows])


def at_temperature(raw: Predictions, model: Model) -> Predictions:
    """Apply the model's temperature to uncalibrated predictions."""
    return Predictions(raw.logits / np.float32(temperature_of(model.calibration)), raw.class_names, raw.scores)
