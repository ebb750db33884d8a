"""Progress on stderr: a bar in a terminal, plain lines elsewhere; and signals that end a training cleanly."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from convscope.api.callbacks import Callbacks
from convscope.cli.drawing import start_drawing
from convscope.cli.output import tell
from convscope.training import history

if TYPE_CHECKING:
    pass

SECONDS_BETWEEN_LINES = 5.0


class ProgressDisplay:
    """Shows how a training stands, and takes Ctrl-C and SIGTERM as a wish to stop.

    The first signal ends the training after the call of the graph that is running, and what was learned is kept; the
    second ends the process at once.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.signal = 0
        self._quiet = quiet
        self._live = sys.stderr.isatty() and not quiet
        self._training = False
        self._phase = ""
        self._line_at = 0.0
        self._bar: Progress | None = None
        # TensorFlow's start holds descriptor 2 back; the last words of a stopped program go past it.
        self._last_words = os.dup(2)
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    @property
    def callbacks(self) -> Callbacks:
        """What the verb calls."""
        return Callbacks(begin=self._begin, progress=self._progress, is_stopped=lambda: self.signal != 0)

    def __enter__(self) -> ProgressDisplay:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._stop_bar()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._last_words)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.signal or not self._training:
            # Nothing was learned yet, or somebody asks twice: go now. A run folder holds whole files only.
            words = f"convscope: stopped while {self._phase or 'starting'}.\n"
            show_cursor = "\x1b[?25h\n" if self._live else ""
            os.write(self._last_words, (show_cursor + words).encode())
            os._exit(128 + number)
        self.signal = number

    def _begin(self, phase: str) -> None:
        self._stop_bar()
        self._phase = phase
        self._training = phase == "training"
        if phase == "starting TensorFlow":
            start_drawing()  # now, as Keras imports matplotlib as well
        if self._quiet:
            return
        if self._training and self._live:
            self._bar = Progress(
                TextColumn("training"),
                BarColumn(bar_width=30),
                TextColumn("{task.percentage:>3.0f} %  epoch {task.fields[epoch]:.2f}"),
                TextColumn("loss {task.fields[loss]}  validation {task.fields[accuracy]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(file=sys.stderr),
                transient=True,
            )
            self._bar.add_task("training", total=1.0, epoch=0.0, loss="…", accuracy="…")
            self._bar.start()
        else:
            tell(f"{phase} …")

    def _progress(self, progress: history.Progress) -> None:
        if self._quiet:
            return
        accuracy = progress.validation_accuracy
        percent = f"{accuracy * 100:.2f} %" if accuracy is not None else "not yet measured"
        if self._bar:
            done = progress.step / progress.total_steps
            task = self._bar.task_ids[0]
            self._bar.update(task, completed=done, epoch=progress.epoch, loss=f"{progress.loss:.4f}", accuracy=percent)
        elif time.monotonic() - self._line_at > SECONDS_BETWEEN_LINES or (
            progress.step == progress.total_steps and accuracy is not None
        ):
            self._line_at = time.monotonic()
            tell(
                f"step {progress.step:,} of {progress.total_steps:,}  epoch {progress.epoch:.2f}  "
                f"loss {progress.loss:.4f}  validation {percent}"
            )

    def _stop_bar(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None
