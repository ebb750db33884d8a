"""The history of a training while it runs: losses, validation results and progress callbacks."""

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
    """The progress of a training.

    Attributes:
        step: Number of steps taken.
        total_steps: Number of steps of the whole training.
        epoch: Number of epochs trained.
        loss: Mean training loss since the last report.
        validation_accuracy: Latest validation accuracy; None before the first validation.
    """

    step: int
    total_steps: int
    epoch: float
    loss: float
    validation_accuracy: float | None


def validation_interval(total_steps: int, steps_per_epoch: int) -> int:
    """Number of steps between two validations: an epoch, or half of a training of fewer than four epochs.

    Example:
        >>> validation_interval(1000, 100), validation_interval(300, 200)
        (100, 150)
    """
    return max(steps_per_epoch if total_steps >= 4 * steps_per_epoch else total_steps // 2, 1)


class Loop(Protocol):
    """What `HistoryRecorder` needs of the training loop."""

    total_steps: int
    steps_per_epoch: int
    rates: np.ndarray

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Logits of the current network: ``(n, h, w, c)`` to ``(n, k)``."""
        ...


class HistoryRecorder:
    """Records losses and validation results, and reports progress."""

    def __init__(self, loop: Loop, validation: Dataset, on_progress: Callable[[Progress], None]) -> None:
        self.losses: list[float] = []
        self._loop = loop
        self._validation = validation
        self._on_progress = on_progress
        self._latest_loss = float("nan")
        self.measured: dict[int, tuple[float, float]] = {}
        self._interval = validation_interval(loop.total_steps, loop.steps_per_epoch)

    def restore(self, losses: np.ndarray, measured: Mapping[int, tuple[float, float]]) -> None:
        """Restore the losses and validation results of a checkpoint."""
        self.losses, self.measured = losses.tolist(), dict(measured)
        self._latest_loss = self.losses[-1] if self.losses else self._latest_loss

    def next_validation(self, step: int) -> int:
        """The step after which the network is validated next."""
        return min((step // self._interval + 1) * self._interval, self._loop.total_steps)

    @property
    def best_step(self) -> int:
        """The step of the validation with the highest accuracy, of equal ones that with the lowest loss."""
        return max(self.measured, key=lambda step: (self.measured[step][1], -self.measured[step][0]), default=0)

    @property
    def validations_since_best(self) -> int:
        """Number of validations after the best one."""
        return sum(step > self.best_step for step in self.measured)

    def record(self, step: int, losses: np.ndarray) -> None:
        """Record the losses of the steps up to this one; validate and report progress when due."""
        self.losses += losses.tolist()
        if step % self._interval == 0 and step < self._loop.total_steps:
            self.validate(step)
        self._latest_loss = float(np.mean(losses))
        if step < self._loop.total_steps:  # the last report comes after the last validation
            self.report()

    def validate(self, step: int) -> None:
        """Compute loss and accuracy of the current network on the validation split, and record them if finite."""
        pixels, labels = self._validation.pixels, self._validation.labels
        correct, loss = 0, 0.0
        for begin in range(0, len(labels), VALIDATION_BATCH):
            batch = labels[begin : begin + VALIDATION_BATCH]
            logits = self._loop.logits(pixels[begin : begin + VALIDATION_BATCH].astype(np.float32) / 255)
            correct += int((logits.argmax(axis=1) == batch).sum())
            with np.errstate(invalid="ignore", over="ignore"):  # a diverging network's logits overflow
                shifted = logits - logits.max(axis=1, keepdims=True)
                log_sum = np.log(np.exp(shifted).sum(axis=1))
                loss += float((log_sum - shifted[np.arange(len(batch)), batch]).sum())
        if np.isfinite(loss):  # the record holds no NaN; the next step ends the training
            self.measured[step] = (loss / len(labels), correct / len(labels))

    def history(self) -> tuple[HistoryRow, ...]:
        """Rows at fixed steps, which do not depend on when losses were recorded."""
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

    def report(self) -> None:
        """Call ``on_progress``."""
        accuracy = list(self.measured.values())[-1][1] if self.measured else None
        step, loop = len(self.losses), self._loop
        self._on_progress(Progress(step, loop.total_steps, step / loop.steps_per_epoch, self._latest_loss, accuracy))
