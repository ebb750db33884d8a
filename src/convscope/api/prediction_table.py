"""The table of predictions: one row for each image, written as they come, and continued after an interruption.

A row is one line in UTF-8. Its last column is ``model``, the first 12 digits of the weights' SHA-256, so that
predictions of two networks are never mixed. Whatever ends the program, the next call removes a half-written last line
and goes on.
"""

from __future__ import annotations

import csv
import io
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from convscope.api.image_prediction import ImagePrediction
from convscope.errors import OptionError, RunError, printable
from convscope.training.lock import lock_file

MODEL_DIGITS = 12
MAX_LINE = 1 << 20
Cell = str | float | None
Row = Mapping[str, Cell]


@dataclass(frozen=True)
class DoneImage:
    """What the table says about an image.

    Attributes:
        prediction: The class; None if there is none.
        error: Why it could not be read; empty if it was.
    """

    prediction: str | None
    error: str


@dataclass(frozen=True)
class Columns:
    """The columns of a table.

    Attributes:
        top: Number of classes for each image.
        split: Whether each digit of an image has a row of its own.
        model: What `model_mark` returns.
    """

    top: int
    split: bool
    model: str

    @property
    def names(self) -> tuple[str, ...]:
        """In order."""
        ranks = [name for rank in range(2, self.top + 1) for name in (f"class_{rank}", f"probability_{rank}")]
        digit = ["digit"] if self.split else []
        return ("file", *digit, "prediction", "probability", *ranks, "note", "error", "model")

    def row(self, name: str, one: ImagePrediction, note: str) -> Row:
        """The row of an image that was read."""
        cells: dict[str, Cell] = {"file": printable(name), "digit": one.digit, "model": self.model}
        for rank, choice in enumerate(one.choices, start=1):
            first = rank == 1
            cells["prediction" if first else f"class_{rank}"] = printable(choice.name)
            cells["probability" if first else f"probability_{rank}"] = round(choice.probability, 6)
        cells["note"] = printable("; ".join([*one.warnings, *([note] if note else [])]))
        return {column: cells.get(column) for column in self.names}

    def error_row(self, name: str, reason: str) -> Row:
        """The row of an image that could not be read."""
        cells = {"file": printable(name), "error": printable(reason), "model": self.model}
        return {column: cells.get(column) for column in self.names}


def model_mark(weights_sha256: str) -> str:
    """What a row says about the network: the first digits of its weights' checksum."""
    return weights_sha256[:MODEL_DIGITS]


class PredictionTable(ABC):
    """A table that grows line by line; use it as a context manager.

    Opening it locks it, reads what is there, and removes a half-written last line. With ``split``, the rows of the last
    image are removed too, because some of its digits may be missing.

    Args:
        path: The file; created with its folder if it does not exist.
        columns: The columns of the rows.

    Attributes:
        done: The images in the table, by name.
        row_start: How a table without a header begins.

    Raises:
        OptionError: The file is something else, or the table of another network or of other options.
        RunError: It cannot be written, or another process is writing it.
    """

    row_start = b'{"file": "'

    def __init__(self, path: Path, columns: Columns) -> None:
        self.path = path
        self.columns = columns
        self.done: dict[str, DoneImage] = {}
        path = path.resolve()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = lock_file(path)
        except BlockingIOError:
            raise RunError(f"{self.path} is being written by another process.") from None
        except OSError as error:
            raise RunError(f"{self.path} cannot be written ({error.strerror}).") from None
        self._file = os.fdopen(self._descriptor, "r+b")
        try:
            end = self._read()
            self._file.seek(end)
            self._file.truncate()
            if end == 0:
                self._file.write(self.header())
                self._file.flush()
        except BaseException:
            self._file.close()
            raise

    @abstractmethod
    def header(self) -> bytes:
        """What the file begins with."""

    @abstractmethod
    def encode(self, row: Row) -> str:
        """A row as one line, without its end."""

    @abstractmethod
    def decode(self, line: str) -> Row:
        """A line as a row.

        Raises:
            ValueError: It is not a row of this table.
        """

    def append(self, rows: Iterable[Row]) -> None:
        """Write rows and hand them to the operating system, so that only a power failure can lose them."""
        rows = list(rows)
        self._file.write("".join(f"{self.encode(row)}\n" for row in rows).encode())
        self._file.flush()
        for row in rows:
            self._note(row)

    def close(self) -> None:
        """Write everything to the disk and release the lock."""
        if not self._file.closed:
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
            finally:
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, where: object) -> None:
        self.close()

    def _note(self, row: Row) -> None:
        self.done[str(row["file"])] = DoneImage(_text(row["prediction"]), _text(row["error"]) or "")

    def _read(self) -> int:
        """Read the rows that are there; returns where the next one is written."""
        header, end, last_image = self.header(), 0, ("", 0)
        if header:
            first = self._file.readline(MAX_LINE)
            if first and header.startswith(first) and first != header:
                return 0  # half-written
            if first and first.rstrip(b"\r\n") != header.rstrip(b"\n"):
                raise self._refusal("a table with other columns, or no table")
            end = len(first)
        while line := self._file.readline(MAX_LINE):
            if not line.endswith(b"\n"):  # half-written, unless this is a file of another kind
                if end == 0 and not line.startswith(self.row_start[: len(line)]):
                    raise self._refusal("a table with other columns, or no table")
                break
            try:
                row = self.decode(line.decode())
            except ValueError:
                raise self._refusal("a line that is no row of such a table") from None
            if row["model"] != self.columns.model:
                raise self._refusal(f"predictions of another model ({row['model']})")
            if row["file"] != last_image[0]:
                last_image = (str(row["file"]), end)
            self._note(row)
            end += len(line)
        if self.columns.split and self.done:
            del self.done[last_image[0]]
            return last_image[1]
        return end

    def _refusal(self, received: str) -> OptionError:
        return refuse_table(self.path, self.columns, received)


def refuse_table(path: Path, columns: Columns, received: str) -> OptionError:
    """The error for a file that cannot be continued."""
    wanted = f"the columns {', '.join(columns.names)} of model {columns.model}"
    return OptionError(
        f"Expected a new file, or a table with {wanted}. Received: {path}, {received}.",
        hint="Give another file name in --out, or remove the table.",
    )


class CsvTable(PredictionTable):
    """Comma-separated, with one line of column names; an empty cell where there is no value."""

    def header(self) -> bytes:
        """The names of the columns."""
        return (",".join(self.columns.names) + "\n").encode()

    def encode(self, row: Row) -> str:
        """See `PredictionTable`; probabilities have six decimals."""
        out = io.StringIO()
        cells = (f"{value:.6f}" if isinstance(value, float) else value for value in row.values())
        csv.writer(out, lineterminator="").writerow(cells)
        return out.getvalue()

    def decode(self, line: str) -> Row:
        """See `PredictionTable`."""
        try:
            (cells,) = csv.reader([line], strict=True)
        except csv.Error:
            raise ValueError from None
        return dict(zip(self.columns.names, cells, strict=True))


class CsvRows(CsvTable):
    """A later part of a CSV table: rows without the line of column names.

    Args:
        path: See `PredictionTable`.
        columns: See `PredictionTable`.
        first: The first image of the part; another file does not begin with its name.
    """

    def __init__(self, path: Path, columns: Columns, first: str) -> None:
        out = io.StringIO()
        csv.writer(out, lineterminator=",").writerow([first])
        self.row_start = out.getvalue().encode()
        super().__init__(path, columns)

    def header(self) -> bytes:
        """Nothing: the first part has the names of the columns."""
        return b""


class JsonLinesTable(PredictionTable):
    """One JSON object a line; null where there is no value."""

    def header(self) -> bytes:
        """Nothing: each row names its columns."""
        return b""

    def encode(self, row: Row) -> str:
        """See `PredictionTable`."""
        return json.dumps(row, ensure_ascii=False)

    def decode(self, line: str) -> Row:
        """See `PredictionTable`."""
        row = json.loads(line)
        if not isinstance(row, dict):
            raise ValueError("no object")
        if tuple(row) != self.columns.names:
            raise self._refusal("a table with other columns, or no table")
        return row


def _text(cell: Cell) -> str | None:
    return str(cell) if cell not in (None, "") else None
