"""List, compare and remove runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Literal, overload

import numpy as np

from convscope.api.run import PAGE_FILE, PICTURES_FOLDER, Run
from convscope.api.run_data import part_of_run
from convscope.data.class_order import match_classes
from convscope.data.dataset import Dataset, Skipped
from convscope.errors import ConvscopeError, DataError, ModelFileError, OptionError, RunError
from convscope.evaluation.intervals import Proportion
from convscope.evaluation.paired import PairedDifference, compare_predictions
from convscope.evaluation.predict import predict
from convscope.markup import table
from convscope.model.reference import REFERENCE_FILE
from convscope.training.checkpoint import FOLDER as CHECKPOINTS
from convscope.training.checkpoint import delete_checkpoints, files, lock_run
from convscope.training.run import CONFIG_FILE, MODEL_FILE, RUN_FILE, RunRecord, load_record

RUNS = "runs"
WRITTEN = {MODEL_FILE, CONFIG_FILE, REFERENCE_FILE, PAGE_FILE, RUN_FILE}
"""The files of a run folder; beside them there are figures and checkpoints."""


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
        """With its interval, on the test split, or on the validation split if there is none; None if not measured."""
        measured = self.record.test or self.record.validation
        return Proportion.from_json(measured["accuracy"]) if measured else None  # type: ignore[arg-type]

    @property
    def part(self) -> str | None:
        """The split of the accuracy: ``test``, ``validation``, or None."""
        return "test" if self.record.test else "validation" if self.record.validation else None

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
    accuracy = f"{one.accuracy}{'' if one.part == 'test' else ' on validation'}" if one.accuracy else one.record.outcome
    date = one.record.created[:16].replace("T", " ")
    source, network = str(one.record.data["source"]), str(one.record.network["name"])
    return (one.folder.name, source, network, accuracy, date, f"{one.size_bytes / 1e6:.1f} MB")


@dataclass(frozen=True)
class RunComparison:
    """Two runs side by side.

    Attributes:
        first: One run.
        second: The other.
        options: The training options that differ: name to both values.
        network: The facts about data, network and versions that differ: name to both values.
        paired: The difference of the accuracies on the same test images; None if there are none.
        reason: Why there is no paired difference, or an empty text.
    """

    first: RunEntry
    second: RunEntry
    options: dict[str, tuple[object, object]]
    network: dict[str, tuple[object, object]]
    paired: PairedDifference | None
    reason: str = ""

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "runs": [self.first.to_json(), self.second.to_json()],
            "options": {name: list(pair) for name, pair in self.options.items()},
            "network": {name: list(pair) for name, pair in self.network.items()},
            "paired": self.paired.to_json() if self.paired else None,
            "reason": self.reason,
        }

    def rows(self) -> list[tuple[str, str, str]]:
        """What differs, and the accuracies, as the cells of a table."""
        rows = [(name, str(one), str(other)) for name, (one, other) in {**self.network, **self.options}.items()]
        accuracies = tuple(
            f"{one.accuracy} ({one.part})" if one.accuracy else "not measured" for one in (self.first, self.second)
        )
        return [*rows, ("accuracy", *accuracies)]  # type: ignore[list-item]

    def verdict(self) -> str:
        """The paired difference in words."""
        if self.paired is None:
            return f"No paired comparison: {self.reason}"
        return (
            f"Paired difference of the test accuracies, {self.second.folder.name} minus {self.first.folder.name}: "
            f"{self.paired} (Newcombe's method 10; exact McNemar test)."
        )

    def _repr_html_(self) -> str:
        heads = ("", self.first.folder.name, self.second.folder.name)
        rows = [tuple(map(escape, row)) for row in self.rows()]
        return table(heads, rows, caption="What differs between two runs") + f"<p>{escape(self.verdict())}</p>"


@overload
def runs(*, folder: str | Path = RUNS) -> RunList: ...
@overload
def runs(first: str | Path | Run, second: str | Path | Run, /, *, folder: str | Path = RUNS) -> RunComparison: ...
@overload
def runs(*names: str | Path, remove: Literal[True], folder: str | Path = RUNS) -> tuple[Path, ...]: ...


def runs(
    *names: str | Path | Run, remove: bool = False, folder: str | Path = RUNS
) -> RunList | RunComparison | tuple[Path, ...]:
    """List the runs in a folder, compare two of them, or remove some.

    Args:
        names: None to list the runs, newest first; two to compare them: runs, run folders, or names in ``folder``.
        remove: Remove the named runs instead; all or none, if one is refused.
        folder: Where the run folders are.

    Returns:
        A `RunList`, a `RunComparison`, or the folders that were removed.

    Raises:
        OptionError: Another number of names.
        RunError: A name is not a run, or its files are damaged. To remove: it holds files that convscope did not write,
            it is being trained, or it cannot be removed.

    Example:
        >>> runs(folder="nowhere")
        RunList(runs=(), skipped=())
    """
    if remove:
        return remove_runs(*names, folder=folder)
    if not names:
        return list_runs(folder)
    if len(names) != 2:
        raise OptionError(
            f"Expected two runs to compare, or none to list them all. Received: {len(names)}.",
            hint="To remove one: convscope runs --remove NAME",
        )
    return compare_runs(*names, folder=folder)


def list_runs(folder: str | Path = RUNS) -> RunList:
    """List the runs in a folder, newest first.

    Raises:
        RunError: The folder cannot be read.
    """
    found, skipped = [], []
    try:
        places = [path for path in Path(folder).iterdir() if path.is_dir()] if Path(folder).is_dir() else []
    except OSError as error:
        raise RunError(f"{folder} cannot be read ({error.strerror}).") from None
    for place in places:
        if not (place / RUN_FILE).is_file():
            if _checkpoints(place):
                reason = f"unfinished training; resume it with convscope train --resume {place}"
                skipped.append(Skipped(str(place), reason))
            continue
        try:
            found.append(_entry(place))
        except ConvscopeError as error:
            skipped.append(Skipped(str(place), str(error)))
    found.sort(key=lambda one: (one.folder / RUN_FILE).stat().st_mtime, reverse=True)
    return RunList(tuple(found), tuple(sorted(skipped, key=lambda one: one.file)))


def compare_runs(first: str | Path | Run, second: str | Path | Run, *, folder: str | Path = RUNS) -> RunComparison:
    """Compare two runs: what differs between them, and the difference of their accuracies on the same test images.

    Args:
        first: A run, its folder, or the name of one in ``folder``.
        second: The other.
        folder: Where names are looked up.

    Raises:
        RunError: There is no such run, or its files are damaged.
    """
    one, other = (_entry(_place(run, folder)) for run in (first, second))
    paired, reason = None, ""
    try:
        paired = _paired(Run(one.folder, record=one.record), Run(other.folder, record=other.record))
    except (DataError, ModelFileError, RunError) as error:
        reason = str(error)
    options = _differences(asdict(one.record.options), asdict(other.record.options))
    return RunComparison(one, other, options, _differences(_facts(one.record), _facts(other.record)), paired, reason)


def remove_runs(*names: str | Path | Run, folder: str | Path = RUNS) -> tuple[Path, ...]:
    """Remove run folders, all or none if one is refused.

    Args:
        names: Run folders, or names in ``folder``.
        folder: Where names are looked up.

    Returns:
        The folders that were removed.

    Raises:
        OptionError: No run is named.
        RunError: One is not a run, holds files that convscope did not write, is being trained, or cannot be removed.
    """
    places = check_removable(*names, folder=folder)
    for place in places:
        with lock_run(place):
            try:
                for path in _content(place):
                    path.unlink()
                delete_checkpoints(place)
            except OSError as error:
                raise RunError(f"{place} could not be removed ({error.strerror}).") from None
        try:
            if (place / PICTURES_FOLDER).is_dir():
                (place / PICTURES_FOLDER).rmdir()
            place.rmdir()
        except OSError as error:
            raise RunError(f"{place} could not be removed ({error.strerror}).") from None
    return places


def check_removable(*names: str | Path | Run, folder: str | Path = RUNS) -> tuple[Path, ...]:
    """The folders that `remove_runs` would remove.

    Raises:
        OptionError, RunError: As `remove_runs`.
    """
    if not names:
        raise OptionError("Expected the runs to remove. Received: none.", hint="convscope runs lists them.")
    places = tuple(dict.fromkeys(_place(name, folder) for name in names))
    for place in places:
        if place.is_symlink():
            raise RunError(f"Expected a run folder. Received: {place}, which is a link.")
        whole = (place / RUN_FILE).is_file() and (place / MODEL_FILE).is_file()
        if not whole and not _checkpoints(place):
            raise RunError(f"Expected a run folder, with {RUN_FILE} and {MODEL_FILE}. Received: {place}.")
        own = {*_content(place)}
        foreign = [path for path in sorted(place.rglob("*")) if not _is_known(path, place, own)]
        if foreign:
            raise RunError(
                f"Expected only files that convscope wrote in {place}. Received: {foreign[0].relative_to(place)}"
                f"{f' and {len(foreign) - 1} more' if len(foreign) > 1 else ''}.",
                hint="Move them elsewhere, or remove the folder yourself.",
            )
        _check_not_training(place)
    return places


def _check_not_training(place: Path) -> None:
    try:
        with lock_run(place):
            pass
    except RunError as error:  # without its hint, which is for a training
        raise RunError(Exception.__str__(error)) from None


def _content(place: Path) -> list[Path]:
    """The files of a run without its checkpoints; the record last, so that an interrupted removal can be repeated."""
    figures = sorted((place / PICTURES_FOLDER).glob("*.png"))
    found = [path for path in [*figures, *(place / name for name in sorted(WRITTEN))] if path.is_file()]
    return sorted(found, key=lambda path: path.name == RUN_FILE)


def _is_known(path: Path, place: Path, own: set[Path]) -> bool:
    if path.is_symlink():
        return False
    if path.is_dir():
        return path in (place / PICTURES_FOLDER, place / CHECKPOINTS)
    return path in own or path.parent == place / CHECKPOINTS


def _checkpoints(place: Path) -> list[Path]:
    return files(place / CHECKPOINTS)


def _place(run: str | Path | Run, folder: str | Path) -> Path:
    """The folder of a run; a name that is no path from here is looked up in ``folder``."""
    if isinstance(run, Run):
        return run.folder
    place = Path(run)
    if not place.is_dir() and len(place.parts) == 1:
        place = Path(folder) / place
    if not place.is_dir():
        raise RunError(f"Expected a run folder. Received: {run}.", hint="convscope runs lists them.")
    return place


def _entry(place: Path) -> RunEntry:
    record = load_record(place)
    if not (place / MODEL_FILE).is_file():
        raise RunError(f"{place} has no {MODEL_FILE}.")
    for key in ("source", "name"):
        if key not in (record.data if key == "source" else record.network):
            raise RunError(f"{place / RUN_FILE}: the record does not have the expected fields ({key}).")
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    try:
        entry = RunEntry(place, record, size)
        _ = entry.accuracy
    except (KeyError, TypeError, ValueError, DataError) as error:
        raise RunError(f"{place / RUN_FILE}: the record does not have the expected figures ({error!r}).") from None
    return entry


def _facts(record: RunRecord) -> dict[str, object]:
    epochs = record.history[-1].epoch if record.history else None
    return {
        "data source": record.data["source"],
        "training images": record.data.get("train"),
        "test images": record.data.get("test"),
        "network": record.network["name"],
        "parameters": record.network.get("parameters"),
        "epochs trained": epochs,
        "outcome": record.outcome,
        "seconds of training": round(record.seconds["train"], 1) if "train" in record.seconds else None,
        "convscope": record.environment.get("convscope"),
    }


def _differences(one: dict[str, object], other: dict[str, object]) -> dict[str, tuple[object, object]]:
    return {name: (one.get(name), other.get(name)) for name in one if one.get(name) != other.get(name)}


def _paired(first: Run, second: Run) -> PairedDifference:
    one, other = (part_of_run(run, "test") for run in (first, second))
    predicted = [predict(run.model, data.pixels).logits.argmax(axis=1) for run, data in ((first, one), (second, other))]
    if set(one.class_names) == set(other.class_names):  # an imported network may have its classes in another order
        numbers = np.array([one.class_names.index(name) for name in other.class_names])
        other, predicted[1] = match_classes(one.class_names, other).dataset, numbers[predicted[1]]
    _check_same_images(first, second, one, other)
    return compare_predictions(one.labels, *predicted)


def _check_same_images(first: Run, second: Run, one: Dataset, other: Dataset) -> None:
    """Refuse to pair predictions of different images.

    Images of one size have a fingerprint. If the networks take different sizes, names tell, and without names the same
    source, split in the same way.

    Raises:
        DataError: The test images are not the same.
    """
    same = one.class_names == other.class_names and one.labels.tolist() == other.labels.tolist()
    if one.image_shape == other.image_shape:
        same = same and one.fingerprint() == other.fingerprint()
    elif one.names or other.names:
        same = same and one.names == other.names and one.source == other.source
    else:
        split = [
            (run.record.options.data, run.record.options.test_fraction, run.record.options.seed)
            for run in (first, second)
        ]
        same = same and split[0] == split[1]
    if not same:
        raise DataError("the runs were tested on different images.")
