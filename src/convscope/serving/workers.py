"""Several processes that share one socket, and count together. Light."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from convscope.errors import OptionError

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the folder in which several processes count together."""

ENDING = (signal.SIGTERM, signal.SIGINT)

RESTART_SECONDS = 1.0
"""A process that ends by itself is started again, at most so often."""


@contextlib.contextmanager
def shared_counters(workers: int) -> Iterator[None]:
    """Let the processes count together; prometheus_client looks for the folder when it is imported."""
    if workers == 1:
        os.environ.pop(SHARED, None)
        yield
        return
    with tempfile.TemporaryDirectory(prefix="convscope-metrics-") as folder:
        os.environ[SHARED] = folder
        yield


def run_workers(work: Callable[[], None], workers: int) -> None:
    """Do the same work in several processes; those that end by themselves are started again.

    What was read before is shared by the processes. Returns after SIGTERM or Ctrl-C, which end all of them.

    Args:
        work: Called in each process.
        workers: Number of processes.

    Raises:
        OptionError: The system cannot fork.
    """
    if not hasattr(os, "fork"):
        raise OptionError("Expected a system that can fork for several workers.", hint="Leave --workers out.")
    _Workers(work, workers).supervise()


@dataclass
class _Started:
    number: int
    began: float


class _Workers:
    def __init__(self, work: Callable[[], None], count: int) -> None:
        self._work = work
        self._count = count
        self._running: dict[int, _Started] = {}
        self._stopping = False

    def supervise(self) -> None:
        for number in ENDING:
            signal.signal(number, self._on_signal)
        for number in range(self._count):
            self._start(number)
        while self._running:
            try:
                process, _ = os.waitpid(-1, 0)
            except InterruptedError:
                continue
            except ChildProcessError:
                return
            ended = self._running.pop(process, None)
            if ended is not None and not self._stopping:
                time.sleep(max(0.0, ended.began + RESTART_SECONDS - time.monotonic()))
                self._start(ended.number)

    def _start(self, number: int) -> None:
        # A signal waits until the process is known here, and until the new one no longer has the handler of this one.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            if self._stopping:
                return
            process = os.fork()
            if process == 0:
                self._run()
            self._running[process] = _Started(number, time.monotonic())
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    def _run(self) -> NoReturn:
        code = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            self._work()
            code = 0
        finally:
            with contextlib.suppress(Exception):
                sys.stderr.flush()
            os._exit(code)

    def _on_signal(self, number: int, frame: object) -> None:
        self._stopping = True
        for process in list(self._running):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
