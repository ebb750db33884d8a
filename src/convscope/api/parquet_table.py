"""The table of predictions as a Parquet file: it cannot grow row by row, so the rows are collected beside it."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from convscope.api.prediction_table import Columns, JsonLinesTable, refuse_table
from convscope.errors import MissingExtraError

ROWS_AT_ONCE = 10_000


def require_pyarrow() -> None:
    """Check that pyarrow is installed, without importing it.

    Raises:
        MissingExtraError: It is not.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise MissingExtraError(
            "A Parquet table needs pyarrow.", hint="Run: pip install 'convscope[parquet]', or use .csv or .jsonl."
        )


@contextmanager
def parquet_table(path: Path, columns: Columns) -> Iterator[JsonLinesTable]:
    """Collect rows in ``FILE.partial.jsonl``; at the end, write the Parquet file and remove that.

    An interruption leaves the collected rows, and the next call continues them. The rows of an existing Parquet file
    are kept.

    Args:
        path: The Parquet file.
        columns: The columns of the rows.

    Raises:
        MissingExtraError: pyarrow is not installed.
        OptionError, RunError: As `PredictionTable`.
    """
    require_pyarrow()
    partial = path.with_name(f"{path.name}.partial.jsonl")
    if path.is_file() and not partial.is_file():
        _unpack(path, partial, columns)
    with JsonLinesTable(partial, columns) as table:
        yield table
        _pack(partial, path, columns)
    partial.unlink()


def _unpack(path: Path, partial: Path, columns: Columns) -> None:
    """The rows of a Parquet file as lines, in a file that appears when it is complete."""
    pa, pq = _pyarrow()
    draft = partial.with_name(f"{partial.name}.new")
    try:
        with pq.ParquetFile(path) as file, draft.open("w", encoding="utf-8") as lines:
            if tuple(file.schema_arrow.names) != columns.names:
                raise refuse_table(path, columns, "other columns")
            for batch in file.iter_batches(ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    if row["model"] != columns.model:
                        raise refuse_table(path, columns, f"predictions of another model ({row['model']})")
                    lines.write(json.dumps(row, ensure_ascii=False) + "\n")
        draft.replace(partial)
    except pa.ArrowException as error:
        raise refuse_table(path, columns, " ".join(str(error).split())[:120]) from None
    finally:
        draft.unlink(missing_ok=True)


def _pack(partial: Path, path: Path, columns: Columns) -> None:
    """The lines as a Parquet file, which replaces an earlier one when it is complete."""
    pa, pq = _pyarrow()
    schema = pa.schema([(name, _type(pa, name)) for name in columns.names])
    draft = path.with_name(f"{path.name}.new")
    try:
        with partial.open(encoding="utf-8") as lines, pq.ParquetWriter(draft, schema) as writer:
            while rows := [json.loads(line) for line in islice(lines, ROWS_AT_ONCE)]:
                writer.write_table(pa.Table.from_pylist(rows, schema))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _pyarrow() -> tuple[Any, Any]:
    """Imported here, because it is an extra and takes a while."""
    return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")


def _type(pa: Any, name: str) -> Any:
    if name == "digit":
        return pa.int64()
    return pa.float64() if name.startswith("probability") else pa.string()
