"""What quantization costs: the accuracy of a quantized file beside that of the float file, on the same images."""

from __future__ import annotations

import numpy as np

from convscope.arrays import Labels
from convscope.data.dataset import Dataset
from convscope.errors import RunError
from convscope.evaluation.paired import PairedDifference, compare_predictions
from convscope.exporting.exporter import Runtime

CALIBRATION_IMAGES = 512
"""Training images that ranges of values are taken from, evenly spaced."""

MAX_LOSS = 0.1
"""Percentage points of accuracy that a quantized file may lose."""

CHUNK = 512


def classes(runtime: Runtime, dataset: Dataset) -> Labels:
    """The most likely class of each image of a dataset."""
    found = [
        runtime.run(np.asarray(dataset.pixels[np.arange(start, min(start + CHUNK, len(dataset)))]))[0].argmax(axis=1)
        for start in range(0, len(dataset), CHUNK)
    ]
    return np.concatenate(found).astype(np.int64)


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
