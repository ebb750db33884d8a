"""What is kept of a training while it runs: losses, looks at the validation split, and word to the person who waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from convscope.data.dataset import Dataset
from convscope.training.run import HistoryRow

HISTORY_ROWS = 60
VALIDATION_BATCH = 500


@dataclass(frozen=True)
class Progress:
    """Where the training stands, for a person who waits.

    Attributes:
        step: Steps taken.
        total_steps: Steps to take.
        epoch: The same in epochs.
        loss: Mean over the last call of the graph.
        validation_accuracy: As last measured, or None before the first time.
    """

    step: int
    total_steps: int
    epoch: float
    loss: float
    validation_accuracy: float | None


class Loop(Protocol):
    """What the recorder asks of the training loop."""

    total_steps: int
    steps_per_epoch: int
    rates: np.ndarray

    def logits(self, images: np.ndarray) -> np.ndarray:
        """The network as it stands now: ``(n, h, w, c)`` to ``(n, k)``."""
        ...


class HistoryRecorder:
    """Keeps the losses and the validation figures, and tells the person."""

    def __init__(self, loop: Loop, validation: Dataset, on_progress: Callable[[Progress], None]) -> None:
        self.losses: list[float] = []
        self._loop = loop
        self._validation = validation
        self._on_progress = on_progress
        self._last = float("nan")
        self.measured: dict[int, tuple[float, float]] = {}
        epochs = loop.total_steps / loop.steps_per_epoch
        self._interval = max(loop.steps_per_epoch if epochs >= 4 else loop.total_steps // 2, 1)

    def restore(self, losses: np.ndarray, measured: Mapping[int, tuple[float, float]]) -> None:
        """Go on from the losses and the looks at the validation split of a checkpoint."""
        self.losses, self.measured = losses.tolist(), dict(measured)
        self._last = self.losses[-1] if self.losses else self._last

    def next_validation(self, step: int) -> int:
        """The step after which the validation split is measured next."""
        return min((step // self._interval + 1) * self._interval, self._loop.total_steps)

    def record(self, step: int, losses: np.ndarray) -> None:
        """Take note of the steps up to this one."""
        self.losses += losses.tolist()
        if step % self._interval == 0 and step < self._loop.total_steps:
            self.validate(step)
        self._last = float(np.mean(losses))
        if step < self._loop.total_steps:  # the last word comes with the last validation
            self.tell()

    def validate(self, step: int) -> None:
        """Measure the validation split with the network as it stands now."""
        pixels, labels = self._validation.pixels, self._validation.labels
        right, loss = 0, 0.0
        for begin in range(0, len(labels), VALIDATION_BATCH):
            chosen = labels[begin : begin + VALIDATION_BATCH]
            logits = self._loop.logits(pixels[begin : begin + VALIDATION_BATCH].astype(np.float32) / 255)
            right += int((logits.argmax(axis=1) == chosen).sum())
            shifted = logits - logits.max(axis=1, keepdims=True)
            log_sum = np.log(np.exp(shifted).sum(axis=1))
            loss += float((log_sum - shifted[np.arange(len(chosen)), chosen]).sum())
        self.measured[step] = (loss / len(labels), right / len(labels))

    def history(self) -> tuple[HistoryRow, ...]:
        """Rows at fixed steps, whatever the calls were."""
        taken = len(self.losses)
        width = max(self._loop.total_steps // HISTORY_ROWS, 1)
        ends = sorted({*range(width, taken + 1, width), *self.measured, taken} - {0})
        rows, begin = [], 0
        for end in ends:
            loss, accuracy = self.measured.get(end, (None, None))
            rows.append(
                HistoryRow(
                    epoch=end / self._loop.steps_per_epoch,
                    loss=float(np.mean(self.losses[begin:end])),
                    learning_rate=float(self._loop.rates[end - 1]),
                    validation_loss=loss,
                    validation_accuracy=accuracy,
                )
            )
            begin = end
        return tuple(rows)

    def tell(self) -> None:
        """Say how the training stands."""
        accuracy = list(self.measured.values())[-1][1] if self.measured else None
        step, loop = len(self.losses), self._loop
        self._on_progress(Progress(step, loop.total_steps, step / loop.steps_per_epoch, self._last, accuracy))
