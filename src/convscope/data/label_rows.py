"""The rows of a table of file names and labels: CSV, TSV, or one JSON object in each line. Heavy: reads files."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from convscope.data.csv_lines import SUFFIXES as CSV_SUFFIXES
from convscope.data.csv_lines import read_lines, split_line
from convscope.data.image_formats import has_image_suffix
from convscope.data.label_columns import find_columns
from convscope.errors import DataError, printable

JSON_SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz")
SUFFIXES = (*CSV_SUFFIXES, *JSON_SUFFIXES)

MAX_ROWS = 2_000_000
MAX_COLUMNS = 64
"""A table of labels has few columns; a table of pixels has many."""

MAX_CELLS = 4_000_000
"""Cells of other columns that are kept, for groups; tables with more of them have none."""

MAX_NAME, MAX_VALUE = 100, 200


@dataclass(frozen=True)
class TableLayout:
    """The separator of a table, the positions of its two columns (-1 for no label), and the keys of JSON lines.

    Attributes:
        delimiter: Between cells.
        file: Position of the file name.
        label: Position of the label.
        has_header: Whether the first line names the columns.
        keys: Of JSON lines.
        others: Names and positions of the other columns.
    """

    delimiter: str
    file: int
    label: int
    has_header: bool
    keys: tuple[str, ...] = ()
    others: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Row:
    """One line: the file name as written, with slashes, the label, and the other columns."""

    number: int
    file: str
    label: str
    fields: Mapping[str, str] = field(default_factory=dict)


def find_layout(path: Path, *, needs_label: bool = True) -> TableLayout | None:
    """The columns of a table of labels; None if a file is not one.

    Args:
        path: The file.
        needs_label: Whether there must be a column of labels; if not, one is a column like the others.

    Raises:
        DataError: The file cannot be read as text.
    """
    lines = read_lines(path)
    try:
        number, text = next(lines, (0, ""))
    finally:
        lines.close()
    if not text:
        return None
    if path.name.lower().endswith(JSON_SUFFIXES):
        return _json_layout(_json_object(text, path, number), needs_label)
    delimiter = max(",;\t", key=text.count)
    if text.count(delimiter) >= MAX_COLUMNS:
        return None
    cells = split_line(text, delimiter, path, number)
    if len(cells) < 2:
        return None
    named = next((position for position, cell in enumerate(cells) if has_image_suffix(cell.strip())), -1)
    if named >= 0:
        return TableLayout(delimiter, named, 1 if named == 0 else 0, has_header=False)
    file, label = find_columns(cells) if needs_label else (find_columns(cells)[0], -1)
    if file < 0 or (needs_label and label < 0):
        return None
    return TableLayout(delimiter, file, label, has_header=True, others=_others(cells, file, label))


def _others(names: Sequence[str], file: int, label: int) -> tuple[tuple[str, int], ...]:
    """The other columns that have a name of their own."""
    clean = [printable(name.strip())[:MAX_NAME] for name in names]
    return tuple(
        (name, at) for at, name in enumerate(clean) if at not in (file, label) and name and clean.count(name) == 1
    )


def is_label_table(path: Path) -> bool:
    """Whether a file is a table of file names and labels."""
    try:
        return find_layout(path) is not None
    except DataError:
        return False


def read_rows(path: Path, layout: TableLayout, most: int = MAX_ROWS) -> list[Row]:
    """The first rows of a table.

    Raises:
        DataError: A line without a file name or a label, or see `find_layout`.
    """
    rows: list[Row] = []
    others, kept = layout.others, 0
    lines = read_lines(path)
    for position, (number, text) in enumerate(lines):
        if position == 0 and layout.has_header:
            continue
        if len(rows) == most:
            lines.close()
            break
        if layout.keys:
            cells = _json_cells(text, layout, path, number)
        else:
            cells = split_line(text, layout.delimiter, path, number)
        if len(cells) <= max(layout.file, layout.label):
            raise DataError.about_file("Expected a file name and a label in each line", path, f"line {number}")
        name = cells[layout.file].strip().replace("\\", "/").removeprefix("./")
        fields = {key: sys.intern(cells[at].strip()[:MAX_VALUE]) for key, at in others if at < len(cells)}
        label = cells[layout.label].strip() if layout.label >= 0 else ""
        rows.append(Row(number, name, label, fields))
        kept += len(fields)
        if kept > MAX_CELLS:
            others, kept = (), 0
            rows = [replace(row, fields={}) for row in rows]
    return rows


def _json_layout(first: dict[str, object], needs_label: bool) -> TableLayout | None:
    keys = tuple(first)
    file, label = find_columns(keys) if needs_label else (find_columns(keys)[0], -1)
    if file < 0 or (needs_label and label < 0):
        return None
    return TableLayout("", file, label, has_header=False, keys=keys, others=_others(keys, file, label))


def _json_object(text: str, path: Path, number: int) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise DataError.about_file("Expected a JSON object in each line", path, f"line {number}")
    return value


def _json_cells(text: str, layout: TableLayout, path: Path, number: int) -> list[str]:
    """The values of a line in the order of the keys of the first line; only file name and label must be there."""
    values = _json_object(text, path, number)
    cells = [values.get(key) for key in layout.keys]
    for position in (layout.file, layout.label):
        if position < 0:
            continue
        if isinstance(cells[position], bool) or not isinstance(cells[position], str | int):
            raise DataError.about_file(
                "Expected a file name and a label in each line",
                path,
                f"line {number}: {layout.keys[position]}={str(cells[position])[:40]}",
            )
    return ["" if cell is None else str(cell) for cell in cells]
