"""Names of columns in tables of labels, in lower case. Light."""

from __future__ import annotations

from collections.abc import Sequence

FILE_COLUMNS = (
    *("path", "file", "filename", "file_name", "filepath", "file_path", "image", "img", "image_name", "image_path"),
    *("image_file", "image_id", "id", "name"),
)
"""Columns that name an image file, the most explicit first."""

LABEL_COLUMNS = ("label", "labels", "class", "class_name", "target", "category", "y")
"""Columns of labels, the most explicit first."""


def find_columns(names: Sequence[str]) -> tuple[int, int]:
    """Positions of the file column and the label column; -1 for one that is missing.

    In a table of two columns, the one beside a file column is the label, whatever its name.

    Example:
        >>> find_columns(["id", "breed"]), find_columns(["Label", "File Name"]), find_columns(["label", "pixel0"])
        ((0, 1), (1, 0), (-1, 0))
    """
    clean = [name.strip().casefold().replace(" ", "_").replace("-", "_") for name in names]
    file = next((clean.index(name) for name in FILE_COLUMNS if name in clean), -1)
    label = next((clean.index(name) for name in LABEL_COLUMNS if name in clean), -1)
    if label < 0 <= file and len(clean) == 2:
        label = 1 - file
    return file, label
