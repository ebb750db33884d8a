"""The runs in a folder, and where a named run is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from convscope.api.run import Run
from convscope.data.dataset import Skipped
from convscope.errors import ConvscopeError, DataError, RunError
from convscope.evaluation.intervals import Proportion
from convscope.markup import table
from convscope.training.checkpoint import FOLDER as CHECKPOINTS
from convscope.training.checkpoint import files
from convscope.training.run import MEASURED, RunRecord
from convscope.training.run_folder import MODEL_FILE, RUN_FILE, load_record

RUNS = "runs"


@dataclass(frozen=True)
class RunEntry:
    """One line of the list of runs.

    Attributes:
        folder: The run folder.
        record: What happened in the training.
        size_bytes: Of all files in the folder.
    """

    folder: Path
    record: RunRecord = field(repr=False)
    size_bytes: int

    @property
    def accuracy(self) -> Proportion | None:
        """With its interval, as `RunRecord.measured`; None if not measured."""
        measured = self.record.measured
        return Proportion.from_json(measured[1]["accuracy"]) if measured else None

    @property
    def part(self) -> str | None:
        """What the accuracy was measured on: ``cross_validation``, ``test``, ``validation``, or None."""
        measured = self.record.measured
        return measured[0] if measured else None

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "name": self.folder.name,
            "folder": str(self.folder),
            "created": self.record.created,
            "outcome": self.record.outcome,
            "data": self.record.data["source"],
            "network": self.record.network["name"],
            "part": self.part,
            "accuracy": self.accuracy.to_json() if self.accuracy else None,
            "size_bytes": self.size_bytes,
        }


@dataclass(frozen=True)
class RunList:
    """The runs in a folder, newest first; the first one is what commands take by default.

    Attributes:
        runs: The readable ones.
        skipped: Damaged runs, and trainings that were interrupted before they wrote a record, each with the reason.
    """

    runs: tuple[RunEntry, ...]
    skipped: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[RunEntry]:
        return iter(self.runs)

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        skipped = [{"name": one.file, "reason": one.reason} for one in self.skipped]
        return {"runs": [one.to_json() for one in self.runs], "skipped": skipped}

    def _repr_html_(self) -> str:
        rows = [tuple(map(escape, row)) for row in map(run_row, self.runs)]
        return table(RUN_COLUMNS, rows, caption=f"{len(self)} runs")


RUN_COLUMNS = ("run", "data", "network", "accuracy", "date", "size")


def run_row(one: RunEntry) -> tuple[str, ...]:
    """A run as the cells of a table."""
    where = f" {MEASURED[one.part]}" if one.part and one.part != "test" else ""
    accuracy = f"{one.accuracy}{where}" if one.accuracy else one.record.outcome
    date = one.record.created[:16].replace("T", " ")
    source, network = str(one.record.data["source"]), str(one.record.network["name"])
    return (one.folder.name, source, network, accuracy, date, f"{one.size_bytes / 1e6:.1f} MB")


def list_runs(folder: str | Path = RUNS) -> RunList:
    """List the runs in a folder, newest first.

    Raises:
        RunError: The folder cannot be read.
    """
    found, skipped = [], []
    try:
        if Path(folder).exists() and not Path(folder).is_dir():
            raise RunError(
                f"Expected a folder of runs. Received: {folder}, which is a file.", hint="Pass runs/ instead."
            )
        places = [path for path in Path(folder).iterdir() if path.is_dir()] if Path(folder).is_dir() else []
    except OSError as error:
        raise RunError(f"{folder} cannot be read ({error.strerror}).") from None
    for place in places:
        if not (place / RUN_FILE).is_file():
            if checkpoint_files(place):
                reason = f"unfinished training; resume it with convscope train --resume {place}"
                skipped.append(Skipped(str(place), reason))
            continue
        try:
            found.append(read_entry(place))
        except ConvscopeError as error:
            skipped.append(Skipped(str(place), str(error)))
    found.sort(key=lambda one: (one.folder / RUN_FILE).stat().st_mtime, reverse=True)
    return RunList(tuple(found), tuple(sorted(skipped, key=lambda one: one.file)))


def run_folder(run: str | Path | Run, folder: str | Path) -> Path:
    """The folder of a run; a name that is no path from here is looked up in ``folder``.

    Raises:
        RunError: There is no such folder.
    """
    if isinstance(run, Run):
        return run.folder
    place = Path(run)
    if not place.is_dir() and len(place.parts) == 1:
        place = Path(folder) / place
    if not place.is_dir():
        raise RunError(f"Expected a run folder. Received: {run}.", hint="convscope runs lists them.")
    return place


def read_entry(place: Path) -> RunEntry:
    """One line of the list.

    Raises:
        RunError: The run is damaged.
    """
    record = load_record(place)
    if not (place / MODEL_FILE).is_file():
        raise RunError(f"{place} has no {MODEL_FILE}.")
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    try:
        entry = RunEntry(place, record, size)
        _ = entry.accuracy
    except (KeyError, TypeError, ValueError, DataError) as error:
        raise RunError(f"{place / RUN_FILE}: the record does not have the expected figures ({error!r}).") from None
    return entry


def checkpoint_files(place: Path) -> list[Path]:
    """The checkpoints of a training that was interrupted."""
    return files(place / CHECKPOINTS)
