"""The record of a training, its folder, and how to find it."""

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

import numpy as np

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
PATH_FROM_RUN = "path_from_run"
"""The key of the path of the data relative to the run folder, in a record's ``data``."""

HASHES_FILE = "training_images.bin"
"""The 64-bit hashes of the training images, ascending, little-endian: the images that a network was trained on."""

UNKNOWN_DATA = "unknown"
"""The data of an imported run that came without any."""

MAX_PER_SECOND = 100
"""Runs that can start in the same second."""

MAX_RECORD_BYTES = 64_000_000


@dataclass(frozen=True)
class HistoryRow:
    """One point of the learning curves.

    Attributes:
        epoch: Number of epochs trained.
        loss: Mean training loss since the previous row, with label smoothing and augmentation.
        learning_rate: The learning rate of the last step.
        validation_loss: Cross-entropy on the validation split, if it was computed here.
        validation_accuracy: Accuracy on the validation split, if it was computed here.
    """

    epoch: float
    loss: float
    learning_rate: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None


@dataclass(frozen=True)
class RunRecord:
    """The record of one training: the content of `run.json`, which figures and pages are made from.

    Attributes:
        name: Name of the folder.
        created: Start of the training, ISO 8601 with time zone.
        outcome: ``finished``, ``interrupted`` (by Ctrl-C), ``diverged``, or ``imported`` (trained elsewhere, only the
            weights are known).
        options: All options, resolved.
        data: Source, sizes, class names, fingerprint, and skipped files.
        network: Name, parameters, multiply-adds.
        environment: Versions and processor.
        history: The learning curves.
        seconds: Time for ``load``, ``train`` and ``evaluate``.
        weights_sha256: SHA-256 of the weights.
        validation: Evaluation of the final weights on the validation split.
        test: Evaluation on the test split; None if there is none or the training stopped early.
        stopped_early: With ``patience``: the ``epoch`` of the last step and the ``best_epoch`` of the weights.
        reliability: On the test split (the validation split if there is none): rejected images, prediction sets,
            selective prediction; and the interval of the temperature. None in records of older versions.
        cross_validation: With ``folds``: the evaluation of all images, each by a network that was trained without it.
        schema_version: Version of the format.
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
    stopped_early: dict[str, float] | None = None
    cross_validation: dict[str, object] | None = None
    reliability: dict[str, object] | None = None
    schema_version: int = field(default=SCHEMA_VERSION, repr=False)

    @property
    def measured(self) -> tuple[str, Mapping[str, Any]] | None:
        """The part to quote and its figures; None if nothing was measured.

        It is the first of ``cross_validation``, ``test`` and ``validation`` that was measured. A training that was cut
        short has none: the folds measured what a whole training gives.
        """
        by_folds = self.cross_validation if self.validation else None
        parts = (("cross_validation", by_folds), ("test", self.test), ("validation", self.validation))
        return next(((name, figures) for name, figures in parts if figures), None)

    def to_json(self) -> dict[str, object]:
        """Convert to plain values; `from_json` reads them back."""
        return asdict(self)

    def _repr_html_(self) -> str:
        rows = [("network", f"{escape(str(self.network['name']))}, {self.network['parameters']:,} parameters")]
        rows += [("data", escape(str(self.data["source"]))), ("outcome", self.outcome)]
        if self.options.epochs:
            rows += [("trained", f"{self.options.epochs:g} epochs in {self.seconds.get('train', 0.0):.1f} s")]
        for part, measured in (
            ("cross-validated", self.cross_validation),
            ("test", self.test),
            ("validation", self.validation),
        ):
            if measured:
                rows.append((f"{part} accuracy", escape(_accuracy_in_words(measured))))
        if self.history:
            points = [(row.epoch, row.loss) for row in self.history]
            rows.append(("loss", curve(points, title=_loss_in_words(self.history))))
        return table(("", ""), rows, caption=f"Run {self.name}")


MEASURED = {
    "cross_validation": "by cross-validation", "test": "on the test split", "validation": "on the validation split",
}  # fmt: skip
"""The parts of `RunRecord.measured` in words."""

_KINDS: dict[str, Any] = {
    **dict.fromkeys(("name", "created", "outcome", "weights_sha256"), str),
    **dict.fromkeys(("data", "network", "environment", "seconds"), dict),
    **dict.fromkeys(("validation", "test", "stopped_early", "cross_validation", "reliability"), dict | None),
}


def _accuracy_in_words(measured: Mapping[str, Any]) -> str:
    accuracy = measured["accuracy"]
    low, high = 100 * accuracy["low"], 100 * accuracy["high"]
    return f"{accuracy['rate']:.2%} ({low:.2f} to {high:.2f}, n={accuracy['n']:,})"


def _loss_in_words(history: tuple[HistoryRow, ...]) -> str:
    return f"training loss from {history[0].loss:.3f} to {history[-1].loss:.3f} in {history[-1].epoch:g} epochs"


def from_json(value: object) -> RunRecord:
    """Create a record from the values of a `run.json`, including those of older versions.

    Raises:
        RunError: It is not the record of a run, or was written by a newer version of convscope.
    """
    if not isinstance(value, dict) or type(value.get("schema_version")) is not int:
        raise RunError("Expected the record of a run: an object with a schema_version.")
    if value["schema_version"] > SCHEMA_VERSION:
        raise RunError(
            f"This run was written by a newer convscope. Expected schema_version of at most {SCHEMA_VERSION}. "
            f"Received: schema_version={value['schema_version']}.",
            hint="Upgrade convscope.",
        )
    try:
        rows = tuple(HistoryRow(**row) for row in value["history"])
        options = TrainOptions.from_record(value["options"])
        run = RunRecord(**(value | {"history": rows, "options": options}))
        for name, kind in _KINDS.items():
            if not isinstance(getattr(run, name), kind):
                raise TypeError(f"{name} has another type")
        if not all(map(is_number, run.seconds.values())):
            raise TypeError("seconds must be numbers")
        if not all(is_number(value) for row in rows for value in asdict(row).values() if value is not None):
            raise TypeError("history must consist of numbers")
        return run
    except (TypeError, KeyError, OptionError) as error:
        raise RunError(f"The record of the run does not have the expected fields ({error}).") from None


def new_folder(out: str | Path | None, *, name: str) -> Path:
    """Create the folder of a run.

    Args:
        out: Used as given; None creates ``runs/<name>``, or ``runs/<name>-2`` if that exists.
        name: ``<date>-<time>-<network>``.

    Returns:
        The folder, which is empty and writable.

    Raises:
        RunError: The folder is not empty, or cannot be written.
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
            f"The run folder {folder} cannot be written ({error.strerror}).", hint="Use another --out."
        ) from None
    return folder


def _make_free(folder: Path) -> Path:
    """Create the folder, or one with a number if it exists: two runs can start in the same second."""
    for number in range(2, MAX_PER_SECOND):
        name = folder if number == 2 else folder.with_name(f"{folder.name}-{number - 1}")
        with contextlib.suppress(FileExistsError):
            make_folder(name, exist_ok=False)
            return name
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def check_empty(folder: Path) -> None:
    """Refuse a folder that is not empty, except for what a training left that ended before its first checkpoint.

    Raises:
        RunError: It is not empty, or not a folder.
    """
    try:
        if folder.exists() and not all(map(checkpoint.is_leftover, folder.iterdir())):
            raise RunError(
                f"Expected a new or empty folder for the run. Received: {folder}, which is not empty.",
                hint="Use another --out, or delete the folder first.",
            )
    except OSError as error:
        raise RunError(
            f"The run folder {folder} cannot be written ({error.strerror}).", hint="Use another --out."
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
    """Write ``run.json`` and ``config.toml`` into a run's folder."""
    write_text(folder / CONFIG_FILE, to_toml(asdict(run.options)))
    write_text(folder / RUN_FILE, json.dumps(run.to_json(), indent=1, allow_nan=False) + "\n")


def load_record(folder: Path) -> RunRecord:
    """Read the record of a run.

    Raises:
        RunError: There is none, or it is damaged.
    """
    path = folder / RUN_FILE
    try:
        value = parse_json(read_small(path, MAX_RECORD_BYTES).decode("utf-8"), "it", any_text=True)
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}).", hint="Pass the folder of a run.") from None
    except UnicodeDecodeError:
        raise RunError(f"{path} is not the record of a run: it is not UTF-8.") from None
    except ModelFileError as error:
        raise RunError(f"{path} is not the record of a run: {error}") from None
    try:
        return from_json(value)
    except RunError as error:
        raise RunError(f"{path}: {error}") from None


def save_training_hashes(hashes: np.ndarray, folder: Path) -> None:
    """Write the hashes of the images that a network was trained on; see `data.dataset.image_hashes`."""
    try:
        replace_file(folder / HASHES_FILE, [np.unique(hashes).astype("<u8").tobytes()])
    except OSError as error:
        raise RunError(f"{folder / HASHES_FILE} could not be written ({error.strerror}).") from None


def training_hashes(folder: Path) -> np.ndarray | None:
    """The hashes of the images that a network was trained on, uint64; None if the run has none.

    Raises:
        RunError: The file is damaged.
    """
    path = folder / HASHES_FILE
    if not path.exists():
        return None
    try:
        content = read_small(path, MAX_RECORD_BYTES)
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}).") from None
    if len(content) % 8:
        raise RunError(f"{path} is damaged. Expected a multiple of 8 bytes. Received: {len(content)}.")
    return np.frombuffer(content, "<u8")


def find_run(run: str | Path | None) -> Path:
    """Find the folder of a run.

    Args:
        run: The folder, or a file in it; None takes the newest run below ``runs/``.

    Raises:
        RunError: There is no such folder, or no run in it.
    """
    if run is None:
        complete = [path for path in Path("runs").glob(f"*/{RUN_FILE}") if path.with_name(MODEL_FILE).is_file()]
        records = sorted(complete, key=lambda path: path.stat().st_mtime)
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
