"""Datasets in several files of one format: ``train-0.tar``, ``data/test-00000-of-00001.parquet``. Heavy."""

from __future__ import annotations

from pathlib import Path

from convscope.data.files import list_folder
from convscope.data.formats.folder import list_images
from convscope.data.image_formats import has_image_suffix
from convscope.data.natural_order import natural_key
from convscope.data.reader import Candidate


def find_shards(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The files in a folder that have one of the suffixes, or else those one level below, in natural order."""
    entries = list_folder(folder)
    found = _with_suffix(folder, suffixes)
    if not found:
        inner = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
        found = [path for place in inner for path in _with_suffix(place, suffixes)]
    return sorted(found, key=lambda path: natural_key(path.as_posix()))


def is_folder_of_shards(candidate: Candidate, suffixes: tuple[str, ...]) -> bool:
    """Whether a folder holds such files and no images: an archive may lie beside the folders that came in it."""
    if not candidate.is_folder or not find_shards(candidate.path, suffixes):
        return False
    return not any(has_image_suffix(file.path[-1]) for file in list_images(candidate.path).files)


def _with_suffix(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return [
        Path(entry.path)
        for entry in list_folder(folder)
        if entry.name.lower().endswith(suffixes) and not entry.is_dir(follow_symlinks=False)
    ]
