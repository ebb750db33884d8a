"""What a table says about an image, computed here or in several processes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property

from convscope.api.answer_rules import AnswerRules
from convscope.api.prediction_stream import ClassifiedImage, Classifier
from convscope.api.prediction_table import Columns, Row
from convscope.api.run import Run
from convscope.data.image_input import ImageInput
from convscope.data.parallel import CHUNK, in_processes
from convscope.data.preprocess import Preprocessing
from convscope.exporting.engines import open_engine
from convscope.model.model_file import Model


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
    rules: AnswerRules,
    engine: str,
    processes: int,
) -> Generator[TableEntry, None, None]:
    """The entries of files in the order given, the same as from `prediction_stream.classify_stream` in `CHUNK`.

    Args:
        inputs: From `collect_images`; each has a ``path``.
        run: The network; it is sent to each process, since its folder may have another one meanwhile.
        columns: Of the table.
        rules: When there is no class.
        engine: What computes, a key of `exporting.engines.ENGINES`.
        processes: Their number.

    Raises:
        ProcessEndedError: A process ended by itself.
        ModelFileError: As `prediction_stream.classify_stream`.
    """
    work = _Classify(run.model, run.preprocessing, columns, rules, engine)
    yield from in_processes(work, inputs, processes=processes, at_once=CHUNK)


@dataclass(frozen=True)
class _Classify:
    """Classifies chunks of files in another process."""

    model: Model
    preprocessing: Preprocessing
    columns: Columns
    rules: AnswerRules
    engine: str

    @cached_property
    def _classifier(self) -> Classifier:
        top, split = self.columns.top, self.columns.split
        made = Classifier(self.model, self.preprocessing, top=top, split=split, rules=self.rules)
        made.engine = open_engine(self.engine, self.model)
        return made

    def __call__(self, chunk: Sequence[ImageInput]) -> list[TableEntry]:
        return [entry_of(self.columns, one) for one in self._classifier.classify(chunk)]
