"""WebDataset samples: an image and its label are two files of one name, such as ``000017.jpg`` and ``000017.cls``.

Light: only the labels are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from convscope.data.dataset import Skipped
from convscope.data.image_tree import ImageFile, ImageTree
from convscope.data.part_names import TEST, TRAIN, part_of
from convscope.errors import DataError, printable

LABEL_SUFFIX = "cls"
MAX_LABEL_BYTES = 1000


def has_samples(tree: ImageTree) -> bool:
    """Whether an archive holds labels of samples."""
    return any(_key(file)[1] == LABEL_SUFFIX for file in tree.files)


def samples_tree(trees: Iterable[tuple[str, ImageTree]], *, source: str) -> ImageTree:
    """Sort the samples of archives into one folder per label, inside one folder per part where there are several.

    Args:
        trees: Each archive with its name, by which its part is known: ``train-0001.tar``, ``val/0001.tar``.
        source: The name of the dataset.

    Returns:
        A tree that `image_folder.load_tree` reads. Images without a label are skipped.

    Raises:
        DataError: A label is not a short text.
    """
    placed: list[tuple[str, str, str, ImageFile]] = []
    skipped: list[Skipped] = []
    for name, tree in trees:
        skipped += tree.skipped
        labels = {_key(file)[0]: file for file in tree.files if _key(file)[1] == LABEL_SUFFIX}
        for file in tree.files:
            key, kind = _key(file)
            if kind == LABEL_SUFFIX or not file.is_image():
                continue
            if key not in labels:
                skipped.append(Skipped(f"{printable(name)}: {file.name}", "an image without a label"))
                continue
            inside = part_of("/".join(file.path[:-1]))
            placed.append((inside or part_of(name) or TRAIN, _label(labels[key], name), name, file))
    return labeled_tree("webdataset", source, placed, tuple(skipped))


def labeled_tree(
    kind: str, source: str, placed: Sequence[tuple[str, str, str, ImageFile]], skipped: tuple[Skipped, ...]
) -> ImageTree:
    """A tree with one folder per label, inside one folder per part if there is a test part.

    Args:
        kind: The name of the reader.
        source: The name of the dataset.
        placed: Part, label, and archive of each file.
        skipped: The files that the reader skipped.
    """
    has_test = any(part == TEST for part, *_ in placed)
    files = tuple(
        replace(file, path=(*((part,) if has_test else ()), label, "/".join((name, *file.path))))
        for part, label, name, file in placed
    )
    folders = frozenset(file.path[:depth] for file in files for depth in range(1, len(file.path)))
    return ImageTree(kind, source, files, folders, skipped)


def _key(file: ImageFile) -> tuple[str, str]:
    """The name that the files of a sample share, and the extension of this one in lower case."""
    stem, _, kind = file.path[-1].partition(".")
    return "/".join((*file.path[:-1], stem)), kind.lower()


def _label(file: ImageFile, archive: str) -> str:
    data = file.read()
    try:
        label = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        label = ""
    if not label or len(data) > MAX_LABEL_BYTES:
        raise DataError.about_file("Expected a label as a short text", f"{archive}, {file.name}", f"{len(data)} bytes")
    return label
