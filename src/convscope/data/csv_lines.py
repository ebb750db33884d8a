"""The lines of a CSV file, one at a time, and their cells. Heavy: reads files."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path

from convscope.data.build_dataset import MAX_BYTES
from convscope.data.files import ByteStream, open_maybe_gzip
from convscope.errors import DataError

MAX_LINE = 1 << 22
"""Bytes per line: enough for 1,000,000 pixels."""

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")


def read_lines(path: Path) -> Generator[tuple[int, str]]:
    """The number and text of each line of a file that is not blank; one line at a time is in memory.

    Raises:
        DataError: Not text in UTF-8, a line of more than `MAX_LINE` bytes, or a damaged file.
    """
    with open_maybe_gzip(path, 4 * MAX_BYTES) as file:
        yield from _lines_of(file, path)


def _lines_of(file: ByteStream, path: Path) -> Iterator[tuple[int, str]]:
    number = 0
    while True:
        try:
            raw = file.readline(MAX_LINE + 1)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise DataError.about_file("Expected an undamaged CSV file", path, f"damaged: {error}") from None
        if not raw:
            return
        number += 1
        if len(raw) > MAX_LINE:
            raise DataError.about_file(f"Expected lines of at most {MAX_LINE:,} bytes", path, f"line {number}")
        if number == 1:
            if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise DataError.about_file("Expected text in UTF-8", path, "UTF-16", hint="Save it as UTF-8.")
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if b"\0" in raw:
            raise DataError.about_file("Expected text", path, f"a zero byte in line {number}")
        try:
            text = raw.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise DataError.about_file(
                "Expected text in UTF-8", path, f"line {number}, byte {error.start + 1}"
            ) from None
        if text:
            yield number, text


def split_line(text: str, delimiter: str, path: Path, number: int) -> list[str]:
    """The cells of a line.

    Raises:
        DataError: A quote without end, or another error of the form.
    """
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise DataError.about_file("Expected a line of CSV", path, f"line {number}: {error}") from None
