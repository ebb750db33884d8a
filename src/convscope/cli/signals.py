"""Ctrl-C and SIGTERM as a request to stop a training and keep what was learned."""

from __future__ import annotations

import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from types import FrameType, TracebackType
from typing import Self

from convscope.api.callbacks import Callbacks
from convscope.api.progress import ProgressDisplay
from convscope.cli.drawing import start_drawing


class _Signals(ABC):
    """A context in which Ctrl-C and SIGTERM are handled by `_on_signal`.

    Attributes:
        signal: The number of the first; 0 before.
    """

    def __init__(self) -> None:
        self.signal = 0
        # While TensorFlow or Ray start, descriptor 2 is redirected; the last words of a stopped program go past that.
        self._last_words = os.dup(2)
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._last_words)

    @abstractmethod
    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""


class StopRequest(_Signals):
    """Ctrl-C and SIGTERM while other processes train: the first asks them to stop, the second ends this one."""

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.signal:
            sys.exit(128 + number)
        self.signal = number
        words = b"convscope: stopping all workers after the same step. Once more ends them at once.\n"
        os.write(self._last_words, words)


class StoppableTraining(_Signals):
    """The callbacks of a training that a signal ends.

    The first signal ends the training after the call of the graph that is running, and what was learned is kept; the
    second ends the process at once. So does the first before the training has begun.

    Args:
        display: Shows the progress.
    """

    def __init__(self, display: ProgressDisplay) -> None:
        super().__init__()
        self._display = display
        self._is_training = False

    @property
    def callbacks(self) -> Callbacks:
        """For `train` and `check_data`."""
        return replace(self._display.callbacks, begin=self._begin, is_stopped=lambda: self.signal != 0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._display.clear()
        super().__exit__(kind, error, where)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.signal or not self._is_training:
            # Nothing was learned yet, or this is the second signal. A run folder holds whole files only.
            words = f"convscope: stopped while {self._display.phase or 'starting'}.\n"
            show_cursor = "\x1b[?25h\n" if self._display.is_live else ""
            os.write(self._last_words, (show_cursor + words).encode())
            os._exit(128 + number)
        self.signal = number

    def _begin(self, phase: str) -> None:
        self._is_training = phase == "training"
        if phase == "starting TensorFlow":
            start_drawing()  # before Keras, which imports matplotlib as well
        self._display.begin(phase)
