"""The journal of a sweep: an Optuna journal file that any number of processes and machines append to.

It holds finished trials only, each as one line that is written at once. A process that is killed leaves nothing but
locks that the operating system releases, and perhaps half a line, which the next writer removes. Imports Optuna.
"""

from __future__ import annotations

import contextlib
import json
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend, JournalStorage

from convscope.errors import RunError
from convscope.model.files import make_folder
from convscope.sweeping.definition import Definition, check_same
from convscope.sweeping.definition import from_json as definition_from_json
from convscope.sweeping.proposals import distributions, frozen
from convscope.sweeping.records import Trial
from convscope.sweeping.records import from_json as trial_from_json
from convscope.training.lock import lock_file, unlock_file

STUDY = "convscope"
DEFINITION, DATA, CLOSED, CONFIRM = "definition", "data", "closed", "confirm"
TAIL = 1 << 16


class _AppendLock:
    """The lock of Optuna's backend; unlike Optuna's own it ends with its process, however that ends."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._path = journal.with_name(f"{journal.name}.lock")
        self._descriptor = -1

    def acquire(self) -> bool:
        self._descriptor = _wait_for(self._path)
        _remove_half_line(self._journal)
        return True

    def release(self) -> None:
        unlock_file(self._descriptor, self._path)


def _wait_for(path: Path) -> int:
    wait = 0.001
    while True:
        try:
            return lock_file(path)
        except BlockingIOError:
            time.sleep(wait)
            wait = min(2 * wait, 0.1)


def _remove_half_line(path: Path) -> None:
    """Remove what a writer that was killed left after the last line; nobody else writes now."""
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        start = size
        while start > 0:
            start = max(start - TAIL, 0)
            file.seek(start)
            end = file.read(TAIL).rfind(b"\n")
            if end >= 0:
                start += end + 1
                break
        if start < size:
            file.truncate(start)


class Journal:
    """The trials of one sweep.

    Args:
        path: The file; its folder is made if there is none.

    Raises:
        RunError: It is another file, or cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._locks = path.with_name(f"{path.name}.locks")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            make_folder(path.parent)
            _check_kind(path)
            make_folder(self._locks)
            with self._readable(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._storage = JournalStorage(JournalFileBackend(str(path), _AppendLock(path)))  # type: ignore[arg-type]
                with self._exclusive("study"):
                    self._study = optuna.create_study(
                        storage=self._storage, study_name=STUDY, direction="maximize", load_if_exists=True
                    )
        except OSError as error:
            raise RunError(
                f"The journal {path} cannot be written ({error.strerror}).", hint="Use another --out or --journal."
            ) from None

    def join(self, definition: Definition) -> None:
        """Begin the sweep, or join it.

        Raises:
            RunError: It began with other options.
        """
        with self._exclusive("study"):
            if not self._set_once(DEFINITION, definition.to_json()):
                check_same(definition_from_json(self._attributes()[DEFINITION]), definition)

    @property
    def definition(self) -> Definition | None:
        """What the sweep began with; None for a new journal."""
        found = self._attributes().get(DEFINITION)
        return definition_from_json(found) if found else None

    def check_data(self, fingerprints: list[str | None]) -> None:
        """Record the fingerprints of the data, or compare them.

        Raises:
            RunError: They are other data than those of the other trials.
        """
        with self._exclusive("study"):
            if not self._set_once(DATA, fingerprints) and self._attributes()[DATA] != fingerprints:
                raise RunError(
                    "Expected the images of the other trials. Received: others, by their fingerprint.",
                    hint="Begin another sweep with another --out or --journal.",
                )

    def trials(self) -> dict[int, Trial]:
        """The finished trials, by number."""
        with self._readable():
            found = self._study.get_trials(deepcopy=False)
        trials = (trial_from_json(one.user_attrs.get("trial")) for one in found)
        return {one.number: one for one in sorted(trials, key=lambda one: one.number)}

    def add(self, trial: Trial) -> None:
        """Append a finished trial, as one line."""
        finished = frozen(trial, distributions(self._required().space), {"trial": trial.to_json()})
        with self._readable():
            self._study.add_trial(finished)

    def close(self, numbers: list[int]) -> None:
        """End the search with these trials; the first call counts."""
        with self._exclusive("study"):
            self._set_once(CLOSED, numbers)

    @property
    def closed(self) -> list[int] | None:
        """The trials that the search ended with; None before its end."""
        return self._attributes().get(CLOSED)

    def confirmations(self) -> dict[int, Trial]:
        """The trainings of the best recipe with other seeds."""
        found = self._attributes()
        rows = {name: value for name, value in found.items() if name.startswith(f"{CONFIRM}-")}
        trials = sorted(map(trial_from_json, rows.values()), key=lambda one: one.number)
        return {one.number: one for one in trials}

    def add_confirmation(self, trial: Trial) -> None:
        """Append one of them."""
        with self._readable():
            self._study.set_user_attr(f"{CONFIRM}-{trial.number}", trial.to_json())

    @contextlib.contextmanager
    def claim(self, name: str) -> Iterator[bool]:
        """Claim a task until the end of the block, or of the process.

        Yields:
            Whether no other process holds it.
        """
        path = self._locks / name
        try:
            descriptor = lock_file(path)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            unlock_file(descriptor, path)

    def remove(self) -> None:
        """Remove the journal and its locks."""
        with contextlib.suppress(OSError):
            for path in [*self._locks.iterdir(), self.path, self.path.with_name(f"{self.path.name}.lock")]:
                path.unlink(missing_ok=True)
            self._locks.rmdir()

    def _required(self) -> Definition:
        definition = self.definition
        if definition is None:
            raise RunError(f"The journal {self.path} holds no sweep.")
        return definition

    def _attributes(self) -> dict[str, Any]:
        with self._readable():
            return self._storage.get_study_user_attrs(self._study._study_id)

    def _set_once(self, name: str, value: Any) -> bool:
        if name in self._attributes():
            return False
        self._study.set_user_attr(name, value)
        return True

    @contextlib.contextmanager
    def _exclusive(self, name: str) -> Iterator[None]:
        path = self._locks / name
        descriptor = _wait_for(path)
        try:
            yield
        finally:
            unlock_file(descriptor, path)

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, KeyError) as error:
            raise RunError(
                f"The journal {self.path} is damaged ({type(error).__name__}).",
                hint="Begin another sweep with another --out or --journal.",
            ) from None


def _check_kind(path: Path) -> None:
    """Refuse a file that is not a journal, before anything is written into it."""
    if not path.exists():
        return
    if not path.is_file():
        raise RunError(f"Expected the journal of a sweep. Received: {path}, which is not a regular file.")
    with path.open("rb") as file:
        line = file.readline(TAIL)
    if line.endswith(b"\n"):
        with contextlib.suppress(ValueError):
            if "op_code" in json.loads(line):
                return
    elif not line or line.startswith(b'{"op_code'):  # new, or its first line was not finished
        return
    raise RunError(f"Expected a new file, or the journal of a sweep. Received: {path}, which is another file.")
