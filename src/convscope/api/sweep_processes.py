"""Start the workers of a sweep on this machine, follow them, and end them."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import convscope
from convscope import errors
from convscope.api.callbacks import SweepProgress
from convscope.api.sweep_worker import WorkerCall, encode
from convscope.data.processes import VARIABLE
from convscope.errors import ConvscopeError, RunError
from convscope.sweeping.definition import Definition
from convscope.sweeping.journal import Journal
from convscope.sweeping.records import best

MODULE = "convscope.api.sweep_worker"
SECONDS_TO_END = 5.0
SECONDS_BETWEEN = 1.0
THREAD_VARIABLES = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
)


@dataclass
class _Process:
    """A worker and what it said last."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    running: dict[str, float] = field(default_factory=dict)
    is_over: bool = False


def run_workers(
    journal: Journal,
    definition: Definition,
    call: WorkerCall,
    *,
    processes: int,
    on_progress: Callable[[SweepProgress], None],
) -> list[dict[str, Any]]:
    """Run workers until nothing is left to train.

    Args:
        journal: Of the sweep, joined.
        definition: Of the sweep.
        call: What each worker is started with.
        processes: Number of workers.
        on_progress: Called with each report, and once a second.

    Returns:
        All events but fractions, in order.

    Raises:
        ConvscopeError: What a worker raised.
        RunError: All workers ended before the sweep did.
        KeyboardInterrupt: Ctrl-C; the workers have ended.
    """
    said: queue.Queue[tuple[_Process, dict[str, Any] | None]] = queue.Queue()
    workers: list[_Process] = []
    events: list[dict[str, Any]] = []
    shown = _Shown(journal, definition)
    try:
        for _ in range(processes):
            workers.append(_start(call, definition.threads, said))
        while not all(one.is_over for one in workers):
            with contextlib.suppress(queue.Empty):
                worker, event = said.get(timeout=SECONDS_BETWEEN)
                if event is None:
                    _ended(worker, workers)
                elif event["kind"] == "error":
                    raise _error(event)
                else:
                    _note(worker, event, events)
            on_progress(shown.progress(workers))
    finally:
        _end(workers)
    return events


class _Shown:
    """What is shown of a sweep; the journal is read once a second, because other machines write too."""

    def __init__(self, journal: Journal, definition: Definition) -> None:
        self._journal = journal
        self._definition = definition
        self._read_at = 0.0
        self._last = SweepProgress("trials", 0, definition.total)

    def progress(self, workers: list[_Process]) -> SweepProgress:
        if time.monotonic() - self._read_at >= SECONDS_BETWEEN:
            self._read_at = time.monotonic()
            self._last = self._read()
        running = tuple(item for one in workers for item in one.running.items())
        return replace(self._last, running=running)

    def _read(self) -> SweepProgress:
        trials, definition = self._journal.trials(), self._definition
        winner = best(trials.values())
        accuracy = winner.accuracy if winner else None
        is_over = len(trials) >= definition.total or self._journal.closed is not None
        if definition.is_seeds or not is_over:
            return SweepProgress("trials", len(trials), definition.total, best_accuracy=accuracy)
        done = len(self._journal.confirmations())
        return SweepProgress("confirming", done, definition.confirm + 1, best_accuracy=accuracy)


def _start(call: WorkerCall, threads: int, said: queue.Queue) -> _Process:
    source = str(Path(convscope.__file__).parents[1])
    paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    environment |= {"PYTHONPATH": os.pathsep.join(paths), "MPLBACKEND": "agg", "PYTHONIOENCODING": "utf-8"}
    environment[VARIABLE] = "1"  # each of them would read with all cores
    printed = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
    process = subprocess.Popen(
        [sys.executable, "-m", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=printed,
        env=environment,
        start_new_session=True,  # Ctrl-C is for this process, which ends the workers
    )
    worker = _Process(process, printed)
    if process.stdin:
        with contextlib.suppress(BrokenPipeError):  # it ended at once, which is reported below
            process.stdin.write(encode(call))
            process.stdin.flush()

    def read() -> None:
        for line in process.stdout or ():
            with contextlib.suppress(ValueError):
                said.put((worker, json.loads(line)))
        said.put((worker, None))

    threading.Thread(target=read, daemon=True).start()
    return worker


def _note(worker: _Process, event: dict[str, Any], events: list[dict[str, Any]]) -> None:
    if event["kind"] == "fraction":
        worker.running = {event["name"]: event["fraction"]}
        return
    worker.running = {event["name"]: 0.0} if event["kind"] == "begun" else {}
    events.append(event)


def _ended(worker: _Process, workers: list[_Process]) -> None:
    """A worker has closed its output.

    Raises:
        RunError: It did not end by itself, and no other worker goes on.
    """
    code = worker.process.wait()
    worker.is_over, worker.running = True, {}
    if code and all(one.is_over for one in workers):
        worker.errors.seek(0)
        lines = worker.errors.read().decode(errors="replace").strip().splitlines()
        last = lines[-1][:200] if lines else "it printed nothing"
        raise RunError(
            f"The processes of the sweep ended early. Received: exit {code}, {last}.",
            hint="Nothing finished is lost: the same command continues. Fewer --processes need less memory.",
        )


def _error(event: dict[str, Any]) -> ConvscopeError:
    kind = getattr(errors, str(event["type"]), RunError)
    return kind(str(event["message"]), hint=str(event["hint"]))


def _end(workers: list[_Process]) -> None:
    """End all workers: at the end of their input they end at once."""
    for one in workers:
        if one.process.stdin:
            with contextlib.suppress(OSError):
                one.process.stdin.close()
    for one in workers:
        try:
            one.process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            one.process.kill()
            one.process.wait()
        one.errors.close()
