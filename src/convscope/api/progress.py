"""Progress on stderr: in a terminal a line that changes and goes away, elsewhere a line of text now and then."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from convscope.api.callbacks import Callbacks, SweepProgress
from convscope.api.data_summary import summary_lines
from convscope.api.notes import note
from convscope.data.dataset import LoadedData
from convscope.decisions import Decision
from convscope.training import history

SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_COUNTS = 0.1


class ProgressDisplay:
    """The one display of progress; use it as a context manager.

    Args:
        quiet: Show nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.phase = ""
        self._quiet = quiet
        self.is_live = sys.stderr.isatty() and not quiet
        self._line_at = time.monotonic()
        self._counted_from: tuple[int, float] | None = None
        self._counted_at, self._counted = -math.inf, 0
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def __enter__(self) -> ProgressDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.clear()

    @property
    def callbacks(self) -> Callbacks:
        """What a long call reports to."""
        about = {"data": self.data, "decided": self.decided}
        return Callbacks(begin=self.begin, progress=self.train, images=self.count, trials=self.trials, **about)

    def begin(self, phase: str) -> None:
        """A phase begins: one line that stays."""
        self.clear()
        self.phase = phase
        self._counted_from = None
        self._line_at = -math.inf if phase == "training" else time.monotonic()
        if not self._quiet and not (self.is_live and phase == "training"):
            note(f"{phase} …")

    def data(self, loaded: LoadedData) -> None:
        """The data were read: a few lines that stay."""
        self.clear()
        if not self._quiet:
            for line in summary_lines(loaded):
                note(line)

    def decided(self, decision: Decision) -> None:
        """A decision was made: one line that stays."""
        self.clear()
        if not self._quiet:
            note(str(decision))

    def train(self, progress: history.Progress) -> None:
        """How a training stands."""
        accuracy = progress.validation_accuracy
        percent = f"{accuracy * 100:.2f} %" if accuracy is not None else "not yet measured"
        figures = f"epoch {progress.epoch:.2f}  loss {progress.loss:.4f}  validation {percent}"
        line = f"step {progress.step:,} of {progress.total_steps:,}  {figures}"
        is_last = progress.step == progress.total_steps and accuracy is not None
        self._show("training", figures, progress.step, progress.total_steps, line, now=is_last)

    def count(self, done: int, total: int) -> None:
        """How many images of the current phase are done; those of the first call were done before it began."""
        if done < self._counted:  # the headers of all images are read first, then their pixels
            self._counted_from = None
        self._counted = done
        first, began = self._counted_from = self._counted_from or (done, time.monotonic())
        if time.monotonic() - self._counted_at > SECONDS_BETWEEN_COUNTS or done == total:
            self._counted_at = time.monotonic()
            seconds = time.monotonic() - began
            rate = f", {(done - first) / seconds:,.0f} a second" if seconds > 1 else ""
            self._show(self.phase, f"{done:,} of {total:,}{rate}", done, total, f"{done:,} of {total:,} images{rate}")

    def trials(self, progress: SweepProgress) -> None:
        """How a sweep stands."""
        best = progress.best_accuracy
        figures = f"{progress.done:,} of {progress.total:,}  best validation {sweep_accuracy(best)}"
        running = ", ".join(f"{name} {fraction:.0%}" for name, fraction in progress.running)
        line = f"{progress.phase}: {figures}{f'  ({running})' if running else ''}"
        done = progress.done + sum(fraction for _, fraction in progress.running)
        self._show(progress.phase, figures, min(done, progress.total), progress.total, line)

    def step(self, name: str, words: str) -> None:
        """What is being done with one image."""
        self._show(name, f"{words} …", 0, None, f"{name}: {words} …")

    def clear(self) -> None:
        """Take the changing line away, before a result is printed."""
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _show(self, what: str, figures: str, done: float, total: int | None, line: str, *, now: bool = False) -> None:
        if self._quiet:
            return
        if self.is_live:
            if self._bar is None:
                self._bar = _bar(timed=total is not None)
                self._task = self._bar.add_task("", what=what, figures=figures)
                self._bar.start()
            self._bar.update(self._task, completed=done, total=total, what=what, figures=figures)
        elif now or time.monotonic() - self._line_at > SECONDS_BETWEEN_LINES:
            self._line_at = time.monotonic()
            note(line)


def sweep_accuracy(accuracy: float | None) -> str:
    """The best validation accuracy in words."""
    return "not yet measured" if accuracy is None else f"{100 * accuracy:.2f} %"


def _bar(*, timed: bool) -> Progress:
    what, figures = (TextColumn(f"{{task.fields[{name}]}}", markup=False) for name in ("what", "figures"))
    timing = [TextColumn("{task.percentage:>3.0f} %"), figures, TimeElapsedColumn(), TextColumn("left")]
    columns = [*timing, TimeRemainingColumn()] if timed else [figures]
    return Progress(what, BarColumn(bar_width=30), *columns, console=Console(file=sys.stderr), transient=True)
