"""What a long call reports while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from convscope.data.dataset import LoadedData
from convscope.decisions import Decision
from convscope.training.history import Progress


@dataclass(frozen=True)
class SweepProgress:
    """How a sweep stands.

    Attributes:
        phase: ``trials`` or ``confirming``.
        done: Number of finished trials or trainings of this phase, with those of other processes.
        total: Number of all of them.
        running: What runs on this machine: name and fraction done, from 0 to 1.
        best_accuracy: The highest validation accuracy of a complete trial; None before the first.
    """

    phase: str
    done: int
    total: int
    running: tuple[tuple[str, float], ...] = ()
    best_accuracy: float | None = None


@dataclass(frozen=True)
class Callbacks:
    """Functions that a long call calls while it works.

    Attributes:
        begin: Called with a few words when a phase begins.
        progress: Called several times a second while a network trains.
        data: Called with the data, once they are read.
        decided: Called with each decision about a model, as it is made.
        images: Called with the number of images read so far, and the total, while a dataset is scanned.
        trials: Called when a trial of a sweep begins, goes on or ends.
        is_stopped: Asked several times a second; True ends the training and keeps what was learned.
    """

    begin: Callable[[str], None] = lambda phase: None
    progress: Callable[[Progress], None] = lambda progress: None
    data: Callable[[LoadedData], None] = lambda loaded: None
    decided: Callable[[Decision], None] = lambda decision: None
    images: Callable[[int, int], None] = lambda done, total: None
    trials: Callable[[SweepProgress], None] = lambda progress: None
    is_stopped: Callable[[], bool] = lambda: False
