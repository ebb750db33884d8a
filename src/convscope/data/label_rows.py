"""The rows of a table of file names and labels: CSV, TSV, or one JSON object in each line. Heavy: reads files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from convscope.data.formats.csv_format import SUFFIXES as CSV_SUFFIXES
from convscope.data.formats.csv_format import read_lines, split_line
from convscope.data.image_formats import has_image_suffix
from convscope.data.label_columns import find_columns
from convscope.errors import DataError

JSON_SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz")
SUFFIXES = (*CSV_SUFFIXES, *JSON_SUFFIXES)

MAX_ROWS = 2_000_000
MAX_COLUMNS = 64
"""A table of labels has few columns; a table of pixels has many."""


@dataclass(frozen=True)
class TableLayout:
    """The separator of a table, the positions of its two columns, and the keys of JSON lines."""

    delimiter: str
    file: int
    label: int
    has_header: bool
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One line: the file name as written, with slashes, and the label."""

    number: int
    file: str
    label: str


def find_layout(path: Path) -> TableLayout | None:
    """The columns of a table of labels; None if a file is not one.

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
        return _json_layout(_json_object(text, path, number))
    delimiter = max(",;\t", key=text.count)
    if text.count(delimiter) >= MAX_COLUMNS:
        return None
    cells = split_line(text, delimiter, path, number)
    if len(cells) < 2:
        return None
    named = next((position for position, cell in enumerate(cells) if has_image_suffix(cell.strip())), -1)
    if named >= 0:
        return TableLayout(delimiter, named, 1 if named == 0 else 0, has_header=False)
    file, label = find_columns(cells)
    return TableLayout(delimiter, file, label, has_header=True) if file >= 0 and label >= 0 else None


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
        rows.append(Row(number, name, cells[layout.label].strip()))
    return rows


def _json_layout(first: dict[str, object]) -> TableLayout | None:
    keys = tuple(first)
    file, label = find_columns(keys)
    return TableLayout("", file, label, has_header=False, keys=keys) if file >= 0 and label >= 0 else None


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
        if isinstance(cells[position], bool) or not isinstance(cells[position], str | int):
            raise DataError.about_file(
                "Expected a file name and a label in each line",
                path,
                f"line {number}: {layout.keys[position]}={str(cells[position])[:40]}",
            )
    return ["" if cell is None else str(cell) for cell in cells]
