"""A quantized file's accuracy beside that of the float file, on the same images, and its thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from convscope.arrays import Labels
from convscope.data.dataset import Dataset
from convscope.errors import RunError
from convscope.evaluation.out_of_distribution import set_thresholds
from convscope.evaluation.paired import PairedDifference, compare_predictions
from convscope.evaluation.reliability import reliability_of
from convscope.exporting.exporter import Runtime
from convscope.exporting.score import score_table
from convscope.model.model_file import Model

CALIBRATION_IMAGES = 512
"""Training images that ranges of values are taken from, evenly spaced."""

MAX_LOSS = 0.1
"""Percentage points of accuracy that a quantized file may lose."""

CHUNK = 512


def classes(runtime: Runtime, dataset: Dataset) -> Labels:
    """The most likely class of each image of a dataset."""
    return np.concatenate([found[0].argmax(axis=1) for found in _outputs(runtime, dataset)]).astype(np.int64)


def quantized_table(runtime: Runtime, model: Model, validation: Dataset) -> dict[str, Any] | None:
    """The thresholds of a quantized file's own scores; None if the network has no score.

    Rounding changes the scores, so that the network's thresholds promise nothing for them.

    Args:
        runtime: The opened file.
        model: The network that it is made from.
        validation: Images that neither the network nor the ranges of values were fitted on.
    """
    rejection = reliability_of(model).rejection
    if rejection is None or not len(validation):
        return None
    scores = np.concatenate([found[2] for found in _outputs(runtime, validation)])
    found = set_thresholds(scores, scale=rejection.scale, rejects_blank=rejection.rejects_blank)
    return score_table(found)


def _outputs(runtime: Runtime, dataset: Dataset) -> Iterator[tuple[np.ndarray, ...]]:
    for start in range(0, len(dataset), CHUNK):
        yield runtime.run(np.asarray(dataset.pixels[np.arange(start, min(start + CHUNK, len(dataset)))]))


def loss(labels: Labels, exact: Labels, quantized: Labels, *, file: str, max_loss: float) -> PairedDifference:
    """The difference of the accuracies, quantized minus float.

    Args:
        labels: int64 ``(n,)``, the true classes.
        exact: What the float file predicts.
        quantized: What the quantized file predicts.
        file: Its name, for the error.
        max_loss: Percentage points of accuracy that may be lost.

    Raises:
        RunError: More is lost.
    """
    found = compare_predictions(labels, exact, quantized)
    if -100 * found.difference > max_loss:
        raise RunError(
            f"{file} may lose at most {max_loss:g} points of accuracy. Received: {found}.",
            hint="Nothing was published. Export without --int8, or allow more with --max-loss.",
        )
    return found
