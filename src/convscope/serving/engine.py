"""What computes a batch of network inputs. Light.

A served answer has to be that of `predict` with the same engine, bit for bit, whatever the other images of its batch
are. `numpy_engine` measures in which batches that holds on this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from convscope.arrays import Pixels
from convscope.evaluation.predict import Predictions, predict
from convscope.exporting.engines import NUMPY, open_engine
from convscope.model.model_file import Model

Engine = Callable[[Sequence[Pixels]], list[Predictions]]
"""From the inputs of some images, each uint8 ``(d, h, w, c)``, to their logits and scores, one row for each input. d is
1, except for an image that is split into its digits."""

BATCHES = (16, 8, 4, 2)
"""Sizes of the batches that are computed together; others are divided into these."""


def engine_of(name: str, model: Model, *, batch: int = 16) -> Engine:
    """An engine by name, which gives the answers of `predict` with that engine for one image.

    A runtime computes one image at a time: its batches do not promise the bits of single images.

    Args:
        name: A key of `exporting.engines.ENGINES`, or ``auto``: a runtime that is installed, else NumPy.
        model: The network.
        batch: The largest batch.

    Raises:
        OptionError: There is no such engine.
        MissingExtraError: The runtime is not installed.
        RunError: The runtime's answers differ from NumPy's.
    """
    opened = open_engine(name, model)
    if opened.name == NUMPY:
        return numpy_engine(model, batch=batch)
    return lambda images: [opened.predict(inputs) for inputs in images]


def numpy_engine(model: Model, *, batch: int = 16) -> Engine:
    """The NumPy engine, in batches where those give the same bits as one image at a time.

    Which kernel a BLAS takes for a matrix product depends on the shapes alone, so a few images show it. Layers on
    vectors are always computed one image at a time.

    Args:
        model: The network.
        batch: The largest batch.
    """
    sizes = [size for size in BATCHES if size <= batch and has_same_bits(model, size)]

    def compute(images: Sequence[Pixels]) -> list[Predictions]:
        found: dict[int, Predictions] = {}
        waiting = []
        for index, inputs in enumerate(images):
            if len(inputs) == 1:
                waiting.append(index)
            else:
                found[index] = predict(model, inputs)
        while waiting:
            size = next((one for one in sizes if one <= len(waiting)), 1)
            some, waiting = waiting[:size], waiting[size:]
            rows = predict(model, np.concatenate([images[index] for index in some]), vectors_alone=True)
            found |= {index: rows.rows(at, at + 1) for at, index in enumerate(some)}
        return [found[index] for index in range(len(images))]

    return compute


def has_same_bits(model: Model, size: int) -> bool:
    """Whether a batch of this size gives the same bits as its images one at a time, by random images."""
    pixels = np.random.default_rng(size).integers(0, 256, (size, *model.spec.input_shape)).astype(np.uint8)
    together = predict(model, pixels, vectors_alone=True)
    for index in range(size):
        alone, row = predict(model, pixels[index : index + 1]), together.rows(index, index + 1)
        if alone.logits.tobytes() != row.logits.tobytes():
            return False
        if alone.scores is not None and (row.scores is None or alone.scores.tobytes() != row.scores.tobytes()):
            return False
    return True
