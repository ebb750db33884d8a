"""What a table says about an image, computed here or in several processes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from convscope.api.answer_rules import answer_rules
from convscope.api.prediction_stream import CHUNK, ClassifiedImage, Classifier
from convscope.api.prediction_table import Columns, Row, model_mark
from convscope.api.run import Run
from convscope.data.image_input import ImageInput
from convscope.data.parallel import in_processes
from convscope.errors import RunError
from convscope.exporting.engines import open_engine
from convscope.model.model_file import weights_sha256


@dataclass(frozen=True)
class TableEntry:
    """What a table says about an image.

    Attributes:
        rows: One row; with ``split``, one for each digit.
        prediction: The class, of the first digit if there are several; None if there is none.
        error: Why the image could not be read; empty if it was.
    """

    rows: tuple[Row, ...]
    prediction: str | None
    error: str


def entry_of(columns: Columns, one: ClassifiedImage) -> TableEntry:
    """The entry of an image."""
    if one.skipped:
        return TableEntry((columns.error_row(one.source.name, one.skipped.reason),), None, one.skipped.reason)
    rows = tuple(columns.row(one.source.name, prediction, one.note) for prediction in one.predictions)
    return TableEntry(rows, one.predictions[0].class_name, "")


def entries_by_processes(
    inputs: Sequence[ImageInput],
    run: Run,
    columns: Columns,
    *,
    reject: str | float | None,
    engine: str,
    processes: int,
) -> Generator[TableEntry, None, None]:
    """The entries of files in the order given, the same as from `prediction_stream.classify_stream` in `CHUNK`.

    Args:
        inputs: From `collect_images`; each has a ``path``.
        run: The network, which each process reads by itself.
        columns: Of the table.
        reject: As for `api.answer_rules.answer_rules`.
        engine: What computes, a key of `exporting.engines.ENGINES`.
        processes: Their number.

    Raises:
        RunError: A process ended by itself, or the run folder has another network by now.
        ModelFileError: As `prediction_stream.classify_stream`.
    """
    work = _Classify(run.folder.resolve(), columns, reject, engine)
    yield from in_processes(work, inputs, processes=processes, at_once=CHUNK)


@dataclass(frozen=True)
class _Classify:
    """Classifies chunks of files in another process, with a network that is read once."""

    folder: Path
    columns: Columns
    reject: str | float | None
    engine: str

    @cached_property
    def _classifier(self) -> Classifier:
        run = Run(self.folder)
        if model_mark(weights_sha256(run.model.weights)) != self.columns.model:
            raise RunError(
                f"Expected the network that the table is begun with in {self.folder}. Received: another one, saved there "
                "meanwhile.",
                hint="Write another table.",
            )
        rules = answer_rules(run.model, reject=self.reject)
        columns = self.columns
        made = Classifier(run.model, run.preprocessing, top=columns.top, split=columns.split, rules=rules)
        made.engine = open_engine(self.engine, run.model)
        return made

    def __call__(self, chunk: Sequence[ImageInput]) -> list[TableEntry]:
        return [entry_of(self.columns, one) for one in self._classifier.classify(chunk)]
