"""Tables beside sorted images that say more about them, such as their writer: ``metadata.csv``. Heavy: reads files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from convscope.data.image_tree import ImageTree
from convscope.data.label_rows import find_layout, read_rows
from convscope.errors import DataError

NAMES = ("metadata.csv", "metadata.tsv", "metadata.jsonl")
"""The names of such tables, in the folder of the images or in those of the parts, as Hugging Face has them."""

DEEPEST = 2


def with_fields(tree: ImageTree, root: Path) -> ImageTree:
    """The tree with what the tables say about its files; a table that cannot be read adds nothing.

    Args:
        tree: The files below a folder.
        root: The folder.
    """
    places = [file.path for file in tree.files if file.path[-1].lower() in NAMES and len(file.path) <= DEEPEST]
    found: dict[tuple[str, ...], Mapping[str, str]] = {}
    for place in sorted(places):
        for name, fields in _rows(root.joinpath(*place)).items():
            found[(*place[:-1], *name.split("/"))] = fields
    if not found:
        return tree
    files = (replace(file, fields=found[file.path]) if file.path in found else file for file in tree.files)
    return replace(tree, files=tuple(files))


def _rows(path: Path) -> dict[str, Mapping[str, str]]:
    try:
        layout = find_layout(path, needs_label=False)
        if layout is None:
            return {}
        return {row.file: row.fields for row in read_rows(path, layout)}
    except DataError:
        return {}
