"""The record of a training: what was asked, decided and measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from convscope.arrays import is_number
from convscope.errors import OptionError, RunError
from convscope.markup import curve, table
from convscope.training.options import TrainOptions

SCHEMA_VERSION = 1
IMPORTED = "imported"
PATH_FROM_RUN = "path_from_run"
"""The key of the path of the data relative to the run folder, in a record's ``data``."""

UNKNOWN_DATA = "unknown"
"""The data of an imported run that came without any."""


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
        measured = (
            ("cross-validated", self.cross_validation),
            ("test", self.test),
            ("validation", self.validation),
        )
        return as_table(self, {part: _accuracy_in_words(figures) for part, figures in measured if figures})


def as_table(record: RunRecord, accuracies: Mapping[str, str]) -> str:
    """A record as an HTML table for notebooks.

    Args:
        record: Of the run.
        accuracies: The accuracy of each part in words.
    """
    rows = [("network", f"{escape(str(record.network['name']))}, {record.network['parameters']:,} parameters")]
    rows += [("data", escape(str(record.data["source"]))), ("outcome", record.outcome)]
    if record.options.epochs:
        rows += [("trained", f"{record.options.epochs:g} epochs in {record.seconds.get('train', 0.0):.1f} s")]
    rows += [(f"{part} accuracy", escape(words)) for part, words in accuracies.items()]
    if record.history:
        points = [(row.epoch, row.loss) for row in record.history]
        rows.append(("loss", curve(points, title=_loss_in_words(record.history))))
    return table(("", ""), rows, caption=f"Run {record.name}")


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
    return f"{100 * accuracy['rate']:.2f} % ({low:.2f} to {high:.2f}, n={accuracy['n']:,})"


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
        for name, facts, key in (("data", run.data, "source"), ("network", run.network, "name")):
            if not isinstance(facts.get(key), str):
                raise TypeError(f"{name} has no {key}")
        if not all(map(is_number, run.seconds.values())):
            raise TypeError("seconds must be numbers")
        if not all(is_number(value) for row in rows for value in asdict(row).values() if value is not None):
            raise TypeError("history must consist of numbers")
        return run
    except (TypeError, KeyError, OptionError) as error:
        raise RunError(f"The record of the run does not have the expected fields ({error}).") from None
