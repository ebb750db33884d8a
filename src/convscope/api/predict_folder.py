"""Classify the images of folders into a table, and sort them by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from html import escape
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeVar

from convscope.api.answer_rules import AUTO, answer_rules
from convscope.api.callbacks import Callbacks
from convscope.api.folder_parts import Part, parse_part
from convscope.api.parquet_table import parquet_table, require_pyarrow
from convscope.api.prediction_stream import classify_stream
from convscope.api.prediction_table import Columns, CsvRows, CsvTable, JsonLinesTable, PredictionTable, model_mark
from convscope.api.run import Run, load_run
from convscope.api.run_engine import engine_of
from convscope.api.sort_images import ImageSorter
from convscope.api.table_entry import entries_by_processes, entry_of
from convscope.data.dataset import Skipped
from convscope.data.image_input import ImageInput, collect_images, images_below
from convscope.data.parallel import CHUNK
from convscope.data.processes import process_count
from convscope.decisions import Decision
from convscope.errors import OptionError, printable
from convscope.exporting.engines import AUTO as AUTO_ENGINE
from convscope.markup import table
from convscope.model.model_file import weights_sha256

MAX_FILES = 10_000_000
T = TypeVar("T")
FORMATS = (".csv", ".jsonl", ".parquet")


@dataclass(frozen=True)
class FolderPredictions:
    """What `predict_folder` did.

    Attributes:
        out: The table; None if none was written.
        total: Number of images.
        resumed: How many of them were in the table before.
        counts: Number of images of each predicted class, the most frequent first; with ``split``, of the first digit.
        without_prediction: Number of images without a class: no ink, or unlike anything the network was trained on.
        skipped: The images that could not be read, each with the reason.
        notes: One line for each folder whose subfolders were not read.
        sorted: How many images were linked or copied into class folders.
        engine: What computed, and why.
    """

    out: Path | None
    total: int
    resumed: int
    counts: dict[str, int]
    without_prediction: int
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    sorted: int = 0
    engine: Decision | None = None

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "out": str(self.out) if self.out else None,
            "images": self.total,
            "resumed": self.resumed,
            "counts": self.counts,
            "without_prediction": self.without_prediction,
            "skipped": [{"name": one.file, "reason": one.reason} for one in self.skipped],
            "notes": list(self.notes),
            "sorted": self.sorted,
            "engine": self.engine and self.engine.chosen,
        }

    def __str__(self) -> str:
        return "\n".join(f"{head:<11} {words}" for head, words in self._rows())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return table(("", ""), [(head, escape(words)) for head, words in self._rows()], caption="Predictions")

    def _rows(self) -> list[tuple[str, str]]:
        resumed = f", {self.resumed:,} of them in an earlier call" if self.resumed else ""
        rows = [("images", f"{self.total:,}{resumed}")]
        shown = [f"{name} {count:,}" for name, count in list(self.counts.items())[:10]]
        more = f", and {len(self.counts) - 10:,} more" if len(self.counts) > 10 else ""
        rows += [("classes", ", ".join(shown) + more)] if shown else []
        rows += [("no class", f"{self.without_prediction:,}")] if self.without_prediction else []
        rows += [("skipped", f"{len(self.skipped):,} could not be read")] if self.skipped else []
        rows += [("table", str(self.out))] if self.out else []
        return rows + ([("sorted", f"{self.sorted:,}")] if self.sorted else [])


def predict_folder(
    images: Any,
    *,
    run: Run | str | Path | None = None,
    out: str | Path | None = None,
    top: int = 3,
    split: bool = False,
    recursive: bool = False,
    copy_to: str | Path | None = None,
    reject: str | float | None = AUTO,
    engine: str = AUTO_ENGINE,
    shard: str | None = None,
    processes: int | None = None,
    callbacks: Callbacks = Callbacks(),  # noqa: B008
) -> FolderPredictions:
    """Classify any number of image files into a table, in bounded memory.

    The table has a row for each image: ``file``, ``prediction``, ``probability``, the next classes, ``note``, ``error``
    (why it could not be read) and ``model``. Images that the table has already are not classified again, so that the
    same call continues after an interruption.

    Args:
        images: A path of an image or folder, or a sequence of these.
        run: A run or its folder; None takes the newest below ``runs/``.
        out: The table, by its extension: ``.csv``, ``.jsonl`` (one JSON object a line), or ``.parquet``, which needs
            pyarrow; None writes none.
        top: Number of classes for each image.
        split: Whether each digit of an image gets a row of its own.
        recursive: Whether to read the images in subfolders too.
        reject: As for `api.predict.predict`; a rejected image has no prediction, and ``note`` says so.
        engine: As for `api.predict.predict`, but ``"auto"`` is NumPy if it takes a few seconds.
        copy_to: A folder in which each image is hard-linked or copied into a folder of its predicted class.
        shard: Classify one part of the images only: ``2/8`` is the second of eight, for eight processes or machines.
            The tables of all parts, one after another, are the table of the whole, byte for byte: of CSV files, only
            the first part has the line of column names. None classifies all.
        processes: How many processes classify; 1 works with threads. None is one on each core, at most 16, if there are
            more than three cores and 2,000 images; else 1. Images that are not files are classified with threads.
        callbacks: Told how many images are done.

    Raises:
        RunError, ModelFileError: There is no such run, its model file is damaged, or a file cannot be written.
        DataError: There are no images.
        OptionError: ``out`` is another file, or the table of another network or of other options.
        MissingExtraError: ``.parquet`` without pyarrow.
    """
    sources = _paths(images)
    out = Path(out) if out is not None else None
    _check_options(out, top, split, copy_to)
    process_count(processes, 0)
    part = parse_part(shard)
    run = load_run(run)
    rules = answer_rules(run.model, reject=reject)
    names = run.model.class_names
    sorter = ImageSorter(Path(copy_to), names, sources) if copy_to is not None else None
    notes = () if recursive else images_below(sources)
    every = collect_images(sources, most=MAX_FILES, recursive=recursive)
    listed = part.take(every)
    found = {printable(one.name): one for one in listed}
    columns = Columns(min(top, len(names)), split, model_mark(weights_sha256(run.model.weights)))
    tally = _Tally(sorter, {printable(name): name for name in names})
    with _open(out, columns, part, next(iter(found), "")) as rows:
        _take_done(rows, found, tally, shard=shard, out=out)
        # by all images, so that a part, or a call that continues, takes the engine of the whole
        opened = engine_of(run, engine, images=len(every))
        resumed = tally.total
        total = resumed + len(found)
        callbacks.images(resumed, total)
        left = list(found.values())
        count = process_count(processes, len(left)) if all(one.path for one in left) else 1
        if count > 1:
            entries = entries_by_processes(left, run, columns, rules=rules, engine=opened.name, processes=count)
        else:
            how: dict[str, Any] = {"top": top, "split": split, "rules": rules, "chunk": CHUNK, "engine": opened}
            entries = (entry_of(columns, one) for one in classify_stream(left, run, **how))
        with closing(entries):
            for batch in _batches(zip(left, entries, strict=True)):
                for source, entry in batch:
                    tally.add(source, entry.prediction, entry.error)
                    callbacks.images(tally.total, total)
                if rows:
                    rows.append(row for _, entry in batch for row in entry.rows)
    counts = dict(tally.counts.most_common())
    skipped = tuple(tally.skipped)
    sorted_ = sorter.sorted if sorter else 0
    return FolderPredictions(
        out, total, resumed, counts, tally.without_prediction, skipped, notes, sorted_, opened.decision
    )


def _take_done(
    rows: PredictionTable | None, found: dict[str, ImageInput], tally: _Tally, *, shard: str | None, out: Path | None
) -> None:
    """Count the images that the table has already, and take them from those to classify."""
    for name, done in rows.done.items() if rows else ():
        if name in found:
            tally.add(found.pop(name), done.prediction, done.error)
        elif shard is not None:
            raise OptionError(
                f"Expected a new file, or the table of part {shard}. Received: {out}, with an image of another "
                f"part, {name}.",
                hint="Give each part a file of its own.",
            )


class _Tally:
    """Counts the images, and sorts them."""

    def __init__(self, sorter: ImageSorter | None, class_names: dict[str, str]) -> None:
        self.total = 0
        self.counts: Counter[str] = Counter()
        self.without_prediction = 0
        self.skipped: list[Skipped] = []
        self._sorter = sorter
        self._class_names = class_names

    def add(self, source: ImageInput, prediction: str | None, error: str) -> None:
        """Count one image; ``prediction`` may be as the table shows it."""
        self.total += 1
        if error:
            self.skipped.append(Skipped(source.name, error))
        elif prediction is None:
            self.without_prediction += 1
        else:
            name = self._class_names.get(prediction, prediction)
            self.counts[name] += 1
            if self._sorter and source.path:
                self._sorter.put(source.path, name)


def _batches(stream: Iterator[T]) -> Iterator[list[T]]:
    """A few images at a time, as they come: each is one write."""
    batch: list[T] = []
    for one in stream:
        batch.append(one)
        if len(batch) == CHUNK:
            yield batch
            batch = []
    if batch:
        yield batch


def _open(out: Path | None, columns: Columns, part: Part, first: str) -> AbstractContextManager[PredictionTable | None]:
    if out is None:
        return nullcontext()
    if out.suffix.lower() == ".parquet":
        return parquet_table(out, columns)
    if out.suffix.lower() != ".csv":
        return JsonLinesTable(out, columns)
    return CsvTable(out, columns) if part.number == 1 else CsvRows(out, columns, first)


def is_table(out: str | Path) -> bool:
    """Whether a file name is that of a table.

    Example:
        >>> is_table("predictions.CSV"), is_table("seen.png")
        (True, False)
    """
    return Path(out).suffix.lower() in FORMATS


def _check_options(out: Path | None, top: int, split: bool, copy_to: object) -> None:
    if type(top) is not int or top < 1:
        raise OptionError(f"top must be a whole number of 1 or more. Received: top={top!r}.")
    if out is None and copy_to is None:
        raise OptionError("Expected a table or a folder to write to. Received: neither out nor copy_to.")
    if out is not None and not is_table(out):
        raise OptionError(f"Expected a table that ends in {', '.join(FORMATS)}. Received: out={out}.")
    if split and copy_to is not None:
        raise OptionError("Expected split or copy_to, not both: an image with several digits has no one class.")
    if out is not None and out.suffix.lower() == ".parquet":
        require_pyarrow()


def _paths(images: Any) -> Sequence[str]:
    items = [images] if isinstance(images, str | PathLike) else images
    if not isinstance(items, Sequence) or not all(isinstance(item, str | PathLike) for item in items):
        raise OptionError(
            f"Expected paths of images or folders. Received: {type(images).__name__}.",
            hint="Arrays and Pillow images: run.predict(…).",
        )
    return [fspath(item) for item in items]
