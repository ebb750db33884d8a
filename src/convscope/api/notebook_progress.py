"""Training progress in a notebook: one line of HTML that is updated in place."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any

from convscope.api.callbacks import Callbacks, SweepProgress
from convscope.api.progress import ProgressDisplay, sweep_accuracy
from convscope.markup import bar
from convscope.training.history import Progress

SECONDS_BETWEEN = 0.25


def default_display() -> NotebookProgress | ProgressDisplay:
    """The progress display of a call from Python: in a notebook or a terminal; elsewhere nothing is shown."""
    return NotebookProgress() if in_notebook() else ProgressDisplay(quiet=not sys.stderr.isatty())


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and "IPKernelApp" in getattr(shell, "config", {})


class NotebookProgress:
    """Shows the phase, then a bar with epoch, loss and validation accuracy, and nothing when the training is over."""

    def __init__(self) -> None:
        from IPython.display import HTML, display

        self._html = HTML
        self._shown: Any = display(HTML(""), display_id=True)
        self._updated = 0.0

    @property
    def callbacks(self) -> Callbacks:
        """What `train` calls."""
        return Callbacks(begin=self._begin, progress=self._progress, images=self._images, trials=self._trials)

    def __enter__(self) -> NotebookProgress:
        return self

    def __exit__(self, *error: object) -> None:
        self._shown.update(self._html(""))

    def _begin(self, phase: str) -> None:
        self._shown.update(self._html(f"{escape(phase)} …"))

    def _images(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._updated >= SECONDS_BETWEEN:
            self._updated = now
            self._shown.update(self._html(f"{bar(done / max(total, 1), width=240)} {done:,} of {total:,} images"))

    def _trials(self, progress: SweepProgress) -> None:
        best = sweep_accuracy(progress.best_accuracy)
        words = f"{progress.done:,} of {progress.total:,}, best validation accuracy {best}"
        shown = bar(progress.done / max(progress.total, 1), width=240)
        self._shown.update(self._html(f"{escape(progress.phase)} {shown} {words}"))

    def _progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._updated < SECONDS_BETWEEN:
            return
        self._updated = now
        accuracy = progress.validation_accuracy
        validation = "not yet measured" if accuracy is None else f"{accuracy:.2%}"
        words = f"epoch {progress.epoch:.2f}, loss {progress.loss:.4f}, validation accuracy {validation}"
        self._shown.update(self._html(f"{bar(progress.step / progress.total_steps, width=240)} {words}"))
