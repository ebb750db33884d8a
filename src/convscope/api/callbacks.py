"""What a long call reports while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from convscope.data.dataset import LoadedData
from convscope.decisions import Decision
from convscope.training.history import Progress


@dataclass(frozen=True)
class Callbacks:
    """Functions that a long call calls while it works.

    Attributes:
        begin: Called with a few words when a phase begins.
        progress: Called several times a second while a network trains.
        data: Called with the data, once they are read.
        decided: Called with each decision about a model, as it is made.
        images: Called with the number of images read so far, and the total, while a dataset is scanned.
        is_stopped: Asked several times a second; True ends the training and keeps what was learned.
    """

    begin: Callable[[str], None] = lambda phase: None
    progress: Callable[[Progress], None] = lambda progress: None
    data: Callable[[LoadedData], None] = lambda loaded: None
    decided: Callable[[Decision], None] = lambda decision: None
    images: Callable[[int, int], None] = lambda done, total: None
    is_stopped: Callable[[], bool] = lambda: False
