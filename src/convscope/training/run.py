"""What happened in a training: the record, its folder, and how to find it again."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from convscope.arrays import is_number
from convscope.errors import ModelFileError, OptionError, RunError
from convscope.markup import curve, table
from convscope.model.files import make_folder, read_small, replace_file
from convscope.model.safetensors_io import parse_json
from convscope.training import checkpoint
from convscope.training.config import to_toml
from convscope.training.options import TrainOptions

SCHEMA_VERSION = 1
MODEL_FILE = "model.safetensors"
RUN_FILE = "run.json"
CONFIG_FILE = "config.toml"
IMPORTED = "imported"
UNKNOWN_DATA = "unknown"
"""What an imported run that came without data says instead of a path."""

MOST_AT_ONCE = 100
"""Runs that may begin in one second."""

MAX_RECORD_BYTES = 64_000_000


@dataclass(frozen=True)
class HistoryRow:
    """One point of the learning curves.

    Attributes:
        epoch: Number of epochs so far; may be a fraction.
        loss: Mean training loss since the row before, label smoothing and augmentation included.
        learning_rate: At this point.
        validation_loss: Cross-entropy on the validation split, if measured.
        validation_accuracy: Accuracy on the validation split, if measured.
    """

    epoch: float
    loss: float
    learning_rate: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None


@dataclass(frozen=True)
class RunRecord:
    """The record of one training; `run.json` is this, and every figure and page is a view of it.

    Attributes:
        name: The folder's name.
        created: When it began, ISO 8601 with zone.
        outcome: ``finished``, ``interrupted`` (Ctrl-C: what was learned until then), ``diverged``, or ``imported``:
            trained elsewhere, and nothing is known of it but the weights.
        command: The options, fully resolved: data, network and every number.
        data: Source, sizes, class names, fingerprint, and the skipped files.
        network: Name, parameters, multiply-adds.
        environment: Versions and processor.
        history: The learning curves.
        seconds: Where the time went: ``load``, ``train``, ``evaluate``.
        weights_sha256: Identifies the weights: equal strings, equal weights.
        validation: Figures on the validation split, of the final weights.
        test: Figures on the test split, read once; None where there is none or the run stopped early.
    """

    name: str
    created: str
    outcome: str
    options: TrainOptions
    data: dict[str, object]
    network: dict[str, object]
    environment: dict[str, object]
    history: tuple[HistoryRow, ...]
    seconds: dict[str, float]
    weights_sha256: str
    validation: dict[str, object] | None = None
    test: dict[str, object] | None = None
    schema_version: int = field(default=SCHEMA_VERSION, repr=False)

    def to_json(self) -> dict[str, object]:
        """Plain values; `from_json` reads them back."""
        return asdict(self)

    def _repr_html_(self) -> str:
        rows = [("network", f"{escape(str(self.network['name']))}, {self.network['parameters']:,} parameters")]
        rows += [("data", escape(str(self.data["source"]))), ("outcome", self.outcome)]
        if self.options.epochs:
            rows += [("trained", f"{self.options.epochs:g} epochs in {self.seconds.get('train', 0.0):.1f} s")]
        for part, measured in (("test", self.test), ("validation", self.validation)):
            if measured:
                rows.append((f"{part} accuracy", escape(_accuracy_in_words(measured))))
        if self.history:
            points = [(row.epoch, row.loss) for row in self.history]
            rows.append(("loss", curve(points, title=_loss_in_words(self.history))))
        return table(("", ""), rows, caption=f"Run {self.name}")


_KINDS: dict[str, Any] = {
    **dict.fromkeys(("name", "created", "outcome", "weights_sha256"), str),
    **dict.fromkeys(("data", "network", "environment", "seconds"), dict),
    **dict.fromkeys(("validation", "test"), dict | None),
}


def _accuracy_in_words(measured: Mapping[str, Any]) -> str:
    share = measured["accuracy"]
    return f"{share['rate']:.2%} ({100 * share['low']:.2f} to {100 * share['high']:.2f}, n={share['n']:,})"


def _loss_in_words(history: tuple[HistoryRow, ...]) -> str:
    return f"training loss from {history[0].loss:.3f} to {history[-1].loss:.3f} in {history[-1].epoch:g} epochs"


def from_json(value: object) -> RunRecord:
    """Rebuild a run from the values of its `run.json`, old schema versions included.

    Raises:
        RunError: It is not the record of a run, or a newer convscope wrote it.
    """
    if not isinstance(value, dict) or type(value.get("schema_version")) is not int:
        raise RunError("Expected the record of a run: an object with a schema_version.")
    if value["schema_version"] > SCHEMA_VERSION:
        raise RunError(
            f"This run was written by a newer convscope. Received: schema_version={value['schema_version']}, "
            f"this one reads up to {SCHEMA_VERSION}.",
            hint="Upgrade convscope.",
        )
    try:
        rows = tuple(HistoryRow(**row) for row in value["history"])
        options = TrainOptions(**value["options"])
        run = RunRecord(**(value | {"history": rows, "options": options}))
        for name, kind in _KINDS.items():
            if not isinstance(getattr(run, name), kind):
                raise TypeError(f"{name} of another kind")
        if not all(map(is_number, run.seconds.values())):
            raise TypeError("seconds that are not numbers")
        if not all(is_number(value) for row in rows for value in asdict(row).values() if value is not None):
            raise TypeError("a point of the history that is not a number")
        return run
    except (TypeError, KeyError, OptionError) as error:
        raise RunError(f"The record of the run does not have the expected fields ({error}).") from None


def new_folder(out: str | Path | None, *, name: str) -> Path:
    """Make the folder of a run, before any work is done.

    Args:
        out: Used exactly as given; None makes ``runs/<name>``, or ``runs/<name>-2`` where that is taken.
        name: ``<date>-<time>-<network>``.

    Returns:
        The folder; it exists, is empty and can be written to.

    Raises:
        RunError: It is not empty, or cannot be written.
    """
    folder = Path(out) if out is not None else Path("runs") / name
    try:
        if out is None:
            folder = _make_free(folder)
        else:
            make_folder(folder)
        check_empty(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RunError(
            f"The run folder {folder} cannot be written ({error.strerror}).", hint="Give another --out."
        ) from None
    return folder


def _make_free(folder: Path) -> Path:
    """Make the folder, or one with a number where somebody else has made it: two may begin in one second."""
    for number in range(2, MOST_AT_ONCE):
        name = folder if number == 2 else folder.with_name(f"{folder.name}-{number - 1}")
        with contextlib.suppress(FileExistsError):
            make_folder(name, exist_ok=False)
            return name
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def check_empty(folder: Path) -> None:
    """Refuse a folder that holds something; one that does not exist yet is fine.

    The folder of a training that ended before its first checkpoint counts as empty, because it cannot be resumed.

    Raises:
        RunError: It is not empty, or no folder.
    """
    try:
        if folder.exists() and not all(map(checkpoint.is_leftover, folder.iterdir())):
            raise RunError(
                f"Expected a new or empty folder for the run. Received: {folder}, which is not empty.",
                hint="Give another --out, or remove it first.",
            )
    except OSError as error:
        raise RunError(
            f"The run folder {folder} cannot be written ({error.strerror}).", hint="Give another --out."
        ) from None


def write_text(path: Path, text: str) -> None:
    """Write a small file so that a reader sees the old one or the new one, never half of it.

    Raises:
        RunError: The disk is full or the folder is read-only; the old file is untouched.
    """
    try:
        replace_file(path, [text.encode()])
    except OSError as error:
        raise RunError(f"{path} could not be written ({error.strerror}).") from None


def save_run(run: RunRecord, folder: Path) -> None:
    """Write ``run.json`` and ``config.toml`` into the run's folder."""
    write_text(folder / CONFIG_FILE, to_toml(asdict(run.options)))
    write_text(folder / RUN_FILE, json.dumps(run.to_json(), indent=1, allow_nan=False) + "\n")


def load_run(folder: Path) -> RunRecord:
    """Read a run's record.

    Raises:
        RunError: There is none, or it is damaged.
    """
    path = folder / RUN_FILE
    try:
        value = parse_json(read_small(path, MAX_RECORD_BYTES).decode("utf-8"), "it", any_text=True)
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}).", hint="Give the folder of a run.") from None
    except UnicodeDecodeError:
        raise RunError(f"{path} is not the record of a run: it is not UTF-8.") from None
    except ModelFileError as error:
        raise RunError(f"{path} is not the record of a run: {error}") from None
    try:
        return from_json(value)
    except RunError as error:
        raise RunError(f"{path}: {error}") from None


def find_run(run: str | Path | None) -> Path:
    """The folder of a run; without a name, the newest below ``runs/``.

    Raises:
        RunError: There is no such folder, or no run in it.
    """
    if run is None:
        whole = [path for path in Path("runs").glob(f"*/{RUN_FILE}") if path.with_name(MODEL_FILE).is_file()]
        records = sorted(whole, key=lambda path: path.stat().st_mtime)
        if not records:
            raise RunError("Expected a run below runs/. Received: none.", hint="Train one first: convscope train")
        return records[-1].parent
    folder = Path(run)
    folder = folder.parent if folder.name in (RUN_FILE, MODEL_FILE) and folder.is_file() else folder
    if not (folder / MODEL_FILE).is_file():
        raise RunError(
            f"Expected the folder of a run, with {MODEL_FILE} in it. Received: {folder}.",
            hint="See what there is in runs/, or train one: convscope train",
        )
    return folder
