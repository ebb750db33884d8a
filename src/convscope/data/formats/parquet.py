"""Parquet files with the bytes of images and their labels, as Hugging Face stores datasets. Needs pyarrow."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from convscope.data.build_dataset import MAX_BYTES
from convscope.data.dataset import LoadedData, Skipped
from convscope.data.decode import MAX_FILE_BYTES
from convscope.data.files import check_regular
from convscope.data.image_folder import MAX_FILES, load_tree
from convscope.data.image_formats import MAGIC_BYTES
from convscope.data.image_tree import ImageFile, ImageTree
from convscope.data.label_columns import find_columns
from convscope.data.label_rows import MAX_COLUMNS, MAX_VALUE
from convscope.data.load_options import LoadOptions
from convscope.data.part_names import TRAIN, part_of
from convscope.data.reader import Candidate, Reader
from convscope.data.samples import labeled_tree
from convscope.data.shards import find_shards, is_folder_of_shards
from convscope.errors import DataError, MissingExtraError, printable

SUFFIXES = (".parquet",)
MAGIC = b"PAR1"
MAX_FILE = 2**36
BATCH = 256

UNLABELED = -1
"""What Hugging Face stores as the label of an image whose label is not published."""

Placed = tuple[str, str, str, ImageFile]


def load(path: Path, options: LoadOptions) -> LoadedData:
    """Load a Parquet file, or a folder of them; parts follow from the names of the files.

    Columns are found by name: ``image`` with bytes, or with ``bytes`` and ``path``; and ``label``. Names of numeric
    labels are taken from the metadata that Hugging Face writes.

    Raises:
        DataError: Damaged, without such columns, or too large for the memory; or see `image_folder.load_tree`.
        MissingExtraError: pyarrow is not installed.
    """
    with open_images(path) as tree:
        return load_tree(tree, options)


@contextmanager
def open_images(path: Path) -> Iterator[ImageTree]:
    """List the images by part and label; their bytes are in memory."""
    files = find_shards(path, SUFFIXES) if path.is_dir() else [path]
    placed: list[Placed] = []
    skipped: list[Skipped] = []
    left = MAX_BYTES
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        for entry in _rows(file, name):
            if isinstance(entry, Skipped):
                skipped.append(entry)
                continue
            placed.append(entry)
            left -= len(entry[-1].read())
            if left < 0 or len(placed) > MAX_FILES:
                raise DataError.about_file(
                    f"Expected at most {MAX_FILES:,} images and {MAX_BYTES:,} bytes of them",
                    path,
                    "more than that",
                    hint="Pass fewer of the files.",
                )
    yield labeled_tree("parquet", printable(path.resolve().name or str(path)), placed, tuple(skipped))


def _rows(path: Path, name: str) -> Iterator[Placed | Skipped]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError("Parquet files need pyarrow.", hint="Run: pip install 'convscope[parquet]'") from None
    check_regular(path, MAX_FILE)
    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            image, label = _columns(list(schema.names), path)
            others = _other_columns(schema, {image, label}, pyarrow)
            names = _class_names(schema.metadata, label)
            _check_claims(file.metadata, path)
            number = 0
            for batch in file.iter_batches(BATCH, columns=[image, label, *others]):
                cells, labels, *more = (batch.column(key).to_pylist() for key in (image, label, *others))
                for at, (cell, value) in enumerate(zip(cells, labels, strict=True)):
                    fields = {key: _text(column[at]) for key, column in zip(others, more, strict=True)}
                    yield _placed(name, number, cell, _label(value, names), fields)
                    number += 1
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise DataError.about_file("Expected an undamaged Parquet file", path, reason) from None


def _check_claims(metadata: Any, path: Path) -> None:
    """Refuse a file whose columns are too large, before any is decompressed."""
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        claimed = max((row_group.column(n).total_uncompressed_size for n in range(row_group.num_columns)), default=0)
        if claimed > MAX_BYTES:
            raise DataError.about_file(f"Expected columns of at most {MAX_BYTES:,} bytes", path, f"{claimed:,} bytes")


def _columns(names: list[str], path: Path) -> tuple[str, str]:
    image, label = find_columns(names)
    if image < 0 or label < 0:
        raise DataError.about_file(
            "Expected a column image and a column label", path, f"columns: {', '.join(names[:12])[:200] or 'none'}"
        )
    return names[image], names[label]


def _class_names(metadata: dict[bytes, bytes] | None, label: str) -> list[str]:
    """The names of numeric labels in the metadata of Hugging Face; empty if there are none."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        names = features[label]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return []
    return names if isinstance(names, list) and all(isinstance(name, str) and name for name in names) else []


def _label(value: object, names: list[str]) -> str:
    """The name of a label; empty for none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value == UNLABELED:
        return ""
    return names[value] if 0 <= value < len(names) else str(value)


def _other_columns(schema: Any, known: set[str], pyarrow: Any) -> list[str]:
    """The columns of texts and whole numbers besides image and label, which may group the images."""
    types = pyarrow.types
    found = []
    for field in schema:
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        is_text = types.is_string(kind) or types.is_large_string(kind)
        if field.name not in known and (is_text or types.is_integer(kind)) and schema.names.count(field.name) == 1:
            found.append(field.name)
    return found[:MAX_COLUMNS]


def _text(value: object) -> str:
    return "" if value is None else sys.intern(str(value)[:MAX_VALUE])


def _placed(name: str, number: int, cell: object, label: str, fields: Mapping[str, str]) -> Placed | Skipped:
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    stored = cell.get("path") if isinstance(cell, dict) else None
    file_name = f"{number}-{stored}" if isinstance(stored, str) else str(number)
    where = f"{printable(name)}, row {number}"
    if not label:
        return Skipped(where, "an image without a label")
    if not isinstance(data, bytes):
        return Skipped(where, "no bytes of an image")
    if len(data) > MAX_FILE_BYTES:
        return Skipped(where, f"{len(data):,} bytes, more than {MAX_FILE_BYTES:,}")
    file = ImageFile((file_name.replace("/", "_"),), lambda: data, lambda: data[:MAGIC_BYTES], fields=fields)
    return part_of(name) or TRAIN, label, name, file


def _recognizes(candidate: Candidate) -> bool:
    if candidate.is_folder:
        return is_folder_of_shards(candidate, SUFFIXES)
    return candidate.start == MAGIC or candidate.name.endswith(SUFFIXES)


READER = Reader(
    name="parquet",
    form="a .parquet file",
    contents="image and label, as Hugging Face stores them; or a folder of such files",
    order=47,
    recognizes=_recognizes,
    load=load,
    open_images=open_images,
)
