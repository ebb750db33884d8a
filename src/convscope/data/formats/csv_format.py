"""CSV files of pixels, as in Kaggle's digit recognizer: ``label,pixel0,pixel1,…``, one image per line."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convscope.data.build_dataset import MAX_BYTES, Part, assemble
from convscope.data.csv_lines import SUFFIXES, read_lines, split_line
from convscope.data.dataset import LoadedData, Skipped
from convscope.data.files import GZIP_MAGIC, is_hidden, list_folder
from convscope.data.label_columns import LABEL_COLUMNS, find_columns
from convscope.data.load_options import LoadOptions
from convscope.data.reader import Candidate, Reader
from convscope.errors import DataError

LINES_PER_BATCH = 1000
MIN_PIXELS = 16
"""A table with fewer columns is data of another kind, unless its header calls them pixels."""

PIXEL_NAME = re.compile(r"(pixel|pix|px|p)[ _.-]?\d+([x_]\d+)?|\d+x\d+", re.IGNORECASE)
UNLABELED = "no label column (the labels of Kaggle's test file are not published)"


class NoLabelColumnError(DataError):
    """A CSV file has pixels but no labels."""


@dataclass(frozen=True)
class Layout:
    """What the first line shows: the separator, the label column and the shape of the images."""

    path: Path
    delimiter: str
    columns: int
    label: int
    shape: tuple[int, int, int]
    has_header: bool


def load_csv(path: Path, options: LoadOptions) -> LoadedData:
    """Load one CSV file, whose test part is held out, or a folder with a training CSV (``load_csv_folder``).

    Each line is one image: an integer label, and the pixels row by row as integers from 0 to 255. The label is in the
    column called ``label``, ``class``, ``target`` or ``y``, or in the first column if there is no header. The side is
    the square root of the number of pixels; ``3·side²`` pixels are read as RGB, channels last. Columns are separated by
    commas, semicolons or tabs.

    Raises:
        DataError: No label column, a line of another length, or an invalid value, with its line and column.
    """
    if path.is_dir():
        return load_csv_folder(path, options)
    return assemble("csv", path.name, read_table(path), None, options=options)


def load_csv_folder(folder: Path, options: LoadOptions) -> LoadedData:
    """Load a folder with one ``…train….csv`` and optionally one ``…test….csv``.

    A test file without labels, as in Kaggle competitions, is skipped and a test part is held out instead.

    Raises:
        DataError: Not exactly one training file, or see ``load_csv``.
    """
    found: dict[str, list[Path]] = {"train": [], "test": []}
    for entry in sorted(list_folder(folder), key=lambda entry: entry.name):
        for part, paths in found.items():
            if entry.name.lower().endswith(SUFFIXES) and part in entry.name.lower():
                paths.append(folder / entry.name)
    for part, paths in found.items():
        if len(paths) > 1 or (part == "train" and not paths):
            names = ", ".join(path.name for path in paths) or "none"
            raise DataError(f"Expected one {part} CSV file in the folder. Received: folder={folder}, {names}.")
    train, test, skipped = read_table(found["train"][0]), None, ()
    for path in found["test"]:
        if _is_unlabeled(path):
            skipped = (Skipped(path.name, UNLABELED),)
        else:
            test = read_table(path)
    return assemble("csv", folder.name or str(folder), train, test, options=options, skipped=skipped)


def has_csv(folder: Path) -> bool:
    """Whether a folder contains a training CSV file of pixels."""
    names = [entry.name for entry in list_folder(folder) if not is_hidden(entry.name)]
    tables = [name for name in names if name.lower().endswith(SUFFIXES) and "train" in name.lower()]
    return any(_may_hold_pixels(folder / name) for name in tables)


def read_table(path: Path) -> Part:
    """Read one CSV file; see ``load_csv``.

    Lines are read one by one with a size limit, parsed a thousand at a time, and kept as uint8.
    """
    lines = read_lines(path)
    layout, first = _layout(path, next(lines, (0, "")))
    pixels, labels, total = [], [], 0
    batch = [] if layout.has_header else [first]
    for line in lines:
        batch.append(line)
        if len(batch) == LINES_PER_BATCH:
            total += _parse(batch, layout, pixels, labels)
            batch = []
        if total > MAX_BYTES:
            raise DataError.about_file(f"Expected at most {MAX_BYTES:,} pixels", path, "more than that")
    if batch:
        _parse(batch, layout, pixels, labels)
    if not labels:
        raise DataError.about_file("Expected lines of pixels after the header", path, "none")
    images = np.concatenate(pixels).reshape(-1, *layout.shape)
    return Part(images, np.concatenate(labels), file_name=path.name)


def _layout(path: Path, first: tuple[int, str]) -> tuple[Layout, tuple[int, str]]:
    number, text = first
    if not text:
        raise DataError.about_file("Expected a table with one line per image", path, "no lines")
    delimiter = max(",;\t", key=text.count)
    cells = split_line(text, delimiter, path, number)
    has_header = not all(_is_number(cell) for cell in cells)
    label = 0
    if has_header:
        names = [cell.strip().lower() for cell in cells]
        label = next((position for position, name in enumerate(names) if name in LABEL_COLUMNS), -1)
    count = len(cells) - 1
    if label < 0 or (_shape(count) is None and _shape(count + 1) is not None):
        raise NoLabelColumnError.about_file(
            "Expected a label column (label, then the pixels)",
            path,
            f"{len(cells)} columns, {UNLABELED}",
            hint="Pass the training file; a part of it is held out for testing.",
        )
    shape = _shape(count)
    if shape is None:
        raise DataError.about_file(
            "Expected a label and side·side pixels (or 3·side·side for RGB) in each line",
            path,
            f"{len(cells)} columns",
        )
    if shape[0] * shape[1] < MIN_PIXELS and not (has_header and _are_pixels(cells)):
        raise DataError.about_file(
            f"Expected at least {MIN_PIXELS} pixels in each line",
            path,
            f"{len(cells)} columns",
            hint="A table of file names and labels needs columns file and label, and the images beside it."
            + (" Or pass the folder with one sub-folder per class." if find_columns(cells)[0] >= 0 else ""),
        )
    return Layout(path, delimiter, len(cells), label, shape, has_header), first


def _are_pixels(names: list[str]) -> bool:
    """Whether all columns but at most two have names of pixels."""
    return sum(bool(PIXEL_NAME.fullmatch(name.strip())) for name in names) >= max(len(names) - 2, 1)


def _may_hold_pixels(path: Path) -> bool:
    """Whether a table has columns enough for pixels; true if it cannot be read, so that loading reports why."""
    try:
        number, text = next(read_lines(path), (0, ""))
        cells = split_line(text, max(",;\t", key=text.count), path, number)
    except DataError:
        return True
    return len(cells) > MIN_PIXELS or _are_pixels(cells)


def _is_unlabeled(path: Path) -> bool:
    try:
        first = next(read_lines(path), (0, ""))
        _layout(path, first)
    except NoLabelColumnError:
        return True
    except DataError:
        return False
    return False


def _shape(count: int) -> tuple[int, int, int] | None:
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if side and side * side * channels == count:
            return side, side, channels
    return None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _parse(batch: list[tuple[int, str]], layout: Layout, pixels: list[np.ndarray], labels: list[np.ndarray]) -> int:
    """Parse lines into the two lists, and return the number of pixels added."""
    try:
        texts = [text for _, text in batch]
        values = np.loadtxt(texts, np.int64, comments=None, delimiter=layout.delimiter, quotechar='"', ndmin=2)
    except (ValueError, OverflowError):
        raise _first_error(batch, layout) from None
    if values.shape != (len(batch), layout.columns):
        raise _first_error(batch, layout)
    label = values[:, layout.label]
    rest = np.delete(values, layout.label, axis=1)
    if label.min() < 0 or rest.min() < 0 or rest.max() > 255 or label.max() >= 2**31:
        raise _first_error(batch, layout)
    pixels.append(rest.astype(np.uint8))
    labels.append(label)
    return rest.size


def _first_error(batch: list[tuple[int, str]], layout: Layout) -> DataError:
    """The first error in lines that NumPy could not parse, or whose values are out of range."""
    errors = (_error_in_line(number, text, layout) for number, text in batch)
    lines = f"lines {batch[0][0]} to {batch[-1][0]}"
    return next(filter(None, errors), DataError.about_file("Expected lines of integers", layout.path, lines))


def _error_in_line(number: int, text: str, layout: Layout) -> DataError | None:
    """Check each cell: slower than NumPy, but it finds the column."""
    cells = split_line(text, layout.delimiter, layout.path, number)
    place = f"line {number}"
    if len(cells) != layout.columns:
        expected = f"Expected {layout.columns} columns in each line"
        return DataError.about_file(expected, layout.path, f"{place}, {len(cells)} columns")
    for column, cell in enumerate(cells, start=1):
        top = 2**31 - 1 if column == layout.label + 1 else 255
        what = "a label of 0 or more" if top > 255 else "a pixel from 0 to 255"
        digits = cell.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and int(digits) <= top):
            reason = f"{place}, column {column}: {cell[:40]!r}"
            return DataError.about_file(f"Expected {what}, an integer", layout.path, reason)
    return None


def _recognizes(candidate: Candidate) -> bool:
    if candidate.is_folder:
        return has_csv(candidate.path)
    is_text = candidate.name.endswith((*SUFFIXES, ".txt")) and not candidate.is_zip
    return is_text and (candidate.start[:2] == GZIP_MAGIC or candidate.start != b"\0\0\x08\x03")


READER = Reader(
    name="csv",
    form="a CSV file",
    contents="label,pixel0,pixel1,… in 0..255; or a folder with a train and a test CSV file",
    order=50,
    recognizes=_recognizes,
    load=load_csv,
)
