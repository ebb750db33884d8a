"""A process that trains trials of a sweep until there are none left: ``python -m convscope.api.sweep_worker``.

It reads a `WorkerCall` as the first line of its input, and writes events as lines of JSON. It ends at once when its
input is closed: when the process that started it ends, however that ends. Heavy: imports TensorFlow once.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from convscope.api.load_data import load_with
from convscope.api.prepare import LOADED_OPTIONS
from convscope.api.sweep_trial import TrialTask, prepare_process, train_trial, without_loading
from convscope.data.dataset import LoadedData
from convscope.data.load_options import Caching
from convscope.errors import ConvscopeError, RunError
from convscope.sweeping.definition import Definition
from convscope.sweeping.journal import Journal
from convscope.sweeping.proposals import Proposals
from convscope.sweeping.records import Trial, best
from convscope.training.options import TrainOptions
from convscope.training.run_folder import RUN_FILE, load_record

SECONDS_BETWEEN = 0.3
WINNER = "winner"


@dataclass(frozen=True)
class WorkerCall:
    """What a worker is started with.

    Attributes:
        data: Dataset name or path on this machine.
        journal: Path of the journal.
        folder: Where the winner's run folder is made.
        seconds: After so many seconds the search ends with what is finished; None for no limit.
    """

    data: str
    journal: str
    folder: str
    seconds: float | None = None


class Worker:
    """Takes tasks from a journal, one after another.

    Args:
        call: What it was started with.
        events: Where it reports, as lines of JSON.
    """

    def __init__(self, call: WorkerCall, events: TextIO) -> None:
        self._call = call
        self._events = events
        self._end = time.monotonic() + call.seconds if call.seconds is not None else None
        self._journal = Journal(Path(call.journal))
        self._told = 0.0

    def run(self) -> None:
        """Train until nothing is left.

        Raises:
            ConvscopeError: The data or the journal cannot be used.
        """
        definition = self._journal.definition
        if definition is None:
            raise RunError(f"The journal {self._call.journal} holds no sweep.")
        loaded = self._load(definition)
        proposals = Proposals(definition)
        prepare_process()
        self._tell(kind="ready")
        while not self._take_trial(definition, proposals, loaded):
            pass
        if not definition.is_seeds:
            self._conclude(definition, loaded)

    def _load(self, definition: Definition) -> LoadedData:
        options = TrainOptions.from_mapping(definition.space.fixed)
        how = {name: getattr(options, name) for name in LOADED_OPTIONS}
        caching = Caching(Path(options.cache) if options.cache else None)
        loaded = load_with(self._call.data, size=options.size, caching=caching, seed=definition.seed, **how)
        self._journal.check_data([part.fingerprint() if part else None for part in (loaded.train, loaded.test)])
        return loaded

    def _is_ended(self) -> bool:
        return self._end is not None and time.monotonic() > self._end

    def _take_trial(self, definition: Definition, proposals: Proposals, loaded: LoadedData) -> bool:
        """Train one trial, or wait a little; returns whether the search is over."""
        finished = self._journal.trials()
        if self._journal.closed is not None or len(finished) >= definition.total:
            return True
        if self._is_ended():
            self._close(finished)
            return True
        for number in range(definition.total):
            if number in finished:
                continue
            if any(one not in finished for one in range(number - definition.concurrency + 1)):
                break
            with self._journal.claim(f"trial-{number}") as is_mine:
                if is_mine and number not in (finished := self._journal.trials()):
                    self._train(definition, proposals, loaded, number, finished)
                    return False
        time.sleep(SECONDS_BETWEEN)
        return False

    def _close(self, finished: dict[int, Trial]) -> None:
        if not finished:
            raise RunError(
                f"Expected time for at least one trial. Received: {self._call.seconds:.0f} s.",
                hint="Give the sweep more --time; the same command continues it.",
            )
        self._journal.close(sorted(finished))

    def _train(
        self, definition: Definition, proposals: Proposals, loaded: LoadedData, number: int, finished: dict[int, Trial]
    ) -> None:
        is_seeds = definition.is_seeds
        task = TrialTask(
            number,
            seed=definition.seed + number if is_seeds else definition.seed,
            params=proposals.params(number, finished),
            fixed=definition.space.fixed,
            earlier=() if is_seeds else tuple(proposals.earlier(number, finished)),
            pruner="none" if is_seeds else definition.pruner,
            on_test=is_seeds,  # of one recipe, nothing is chosen
        )
        name = f"seed {task.seed}" if is_seeds else f"trial {number}"
        if trial := self._follow(task, loaded, name, is_limited=True):
            self._journal.add(trial)
            self._tell(kind="finished", name=name, trial=trial.to_json())

    def _follow(self, task: TrialTask, loaded: LoadedData, name: str, *, is_limited: bool) -> Trial | None:
        self._tell(kind="begun", name=name)

        def on_fraction(fraction: float) -> None:
            if time.monotonic() - self._told > SECONDS_BETWEEN:
                self._told = time.monotonic()
                self._tell(kind="fraction", name=name, fraction=fraction)

        is_ended = self._is_ended if is_limited else lambda: False
        return train_trial(task, loaded, on_fraction=on_fraction, is_ended=is_ended)

    def _conclude(self, definition: Definition, loaded: LoadedData) -> None:
        """Train the best recipe again: with other seeds, and once more into a run folder."""
        trials, closed = self._journal.trials(), self._journal.closed
        winner = best(one for one in trials.values() if closed is None or one.number in closed)
        if winner is None:
            return
        waiting: list[int | None] = [*range(1, definition.confirm + 1), None]
        while waiting:
            known = self._journal.confirmations()
            waiting = [one for one in waiting if (one not in known if one else not has_winner(Path(self._call.folder)))]
            for number in waiting:
                with self._journal.claim(f"confirm-{number}" if number else WINNER) as is_mine:
                    if is_mine and number and number not in self._journal.confirmations():
                        self._confirm(definition, loaded, winner, number)
                        break
                    if is_mine and not number and not has_winner(Path(self._call.folder)):
                        self._train_winner(definition, loaded, winner)
                        break
            else:
                if waiting:
                    time.sleep(SECONDS_BETWEEN)

    def _confirm(self, definition: Definition, loaded: LoadedData, winner: Trial, number: int) -> None:
        seed = definition.seed + number
        task = TrialTask(number, seed, winner.params, definition.space.fixed, on_test=True)
        name = f"seed {seed}"
        if trial := self._follow(task, loaded, name, is_limited=False):
            self._journal.add_confirmation(trial)
            self._tell(kind="confirmed", name=name, trial=trial.to_json())

    def _train_winner(self, definition: Definition, loaded: LoadedData, winner: Trial) -> None:
        from convscope.api.callbacks import Callbacks
        from convscope.api.train import train

        folder = Path(self._call.folder) / WINNER
        self._tell(kind="begun", name=WINNER)
        shutil.rmtree(folder, ignore_errors=True)  # what a killed process left
        task = TrialTask(winner.number, definition.seed, winner.params, definition.space.fixed)
        options = {name: value for name, value in without_loading(task.options).items() if value is not None}
        run = train(loaded, out=folder, callbacks=Callbacks(), **options)
        self._tell(kind="winner", name=WINNER, is_same=run.record.weights_sha256 == winner.weights_sha256)

    def _tell(self, **event: Any) -> None:
        self._events.write(json.dumps(event) + "\n")
        self._events.flush()


def has_winner(folder: Path) -> bool:
    """Whether the best recipe was trained into its run folder, to the end."""
    if not (folder / WINNER / RUN_FILE).is_file():
        return False
    record = load_record(folder / WINNER)
    return record.outcome == "finished" and record.validation is not None


def is_over(journal: Journal, definition: Definition, folder: Path) -> bool:
    """Whether nothing is left to train."""
    trials, closed = journal.trials(), journal.closed
    if len(trials) < definition.total and closed is None:
        return False
    chosen = best(one for one in trials.values() if closed is None or one.number in closed)
    if definition.is_seeds or chosen is None:
        return True
    return len(journal.confirmations()) >= definition.confirm and has_winner(folder)


def _end_with_parent() -> None:
    """End this process when its input is closed."""

    def wait() -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stdin.buffer.read()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main() -> int:
    """Run one worker; returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no event
    try:
        call = WorkerCall(**json.loads(sys.stdin.buffer.readline()))
        _end_with_parent()
        Worker(call, events).run()
    except ConvscopeError as error:
        event = {"kind": "error", "type": type(error).__name__, "message": error.message, "hint": error.hint}
        events.write(json.dumps(event) + "\n")
        events.flush()
        return 1
    return 0


def encode(call: WorkerCall) -> bytes:
    """The first line of a worker's input."""
    return (json.dumps(asdict(call)) + "\n").encode()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # TensorFlow takes most of a second to shut down
