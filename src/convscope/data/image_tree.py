"""The files of a folder or archive by part and class, from their paths. At most a few bytes of a file are read."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from convscope.arrays import MAX_CLASS_NAME, is_class_name
from convscope.data.dataset import Skipped
from convscope.data.files import read_regular
from convscope.data.folder_layout import Layout, find_layout, is_wrapper, listed
from convscope.data.image_formats import has_image_suffix, sniff, suffix_of
from convscope.data.natural_order import natural_key
from convscope.data.part_names import TEST, TRAIN
from convscope.decisions import Decision
from convscope.errors import DataError, printable

MAX_LISTED = 3
"""Skipped files of one kind that are listed one by one; more become one entry."""

FOLDER_LINKS = ("a link to a folder", "a link to a folder that leads out of the dataset")
"""Why a link is skipped that may stand for a class."""

NOT_AN_IMAGE = "not an image"


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file: its path below the root, piece by piece, and how to read its bytes.

    Attributes:
        path: See above.
        read: Returns all bytes.
        start: Returns the first `image_formats.MAGIC_BYTES` bytes, or none if it cannot be read.
        stamp: Returns two numbers that change with the file, such as size and time of change; None if only
            the bytes tell.
        fields: What a table says about the file besides its label, by the name of the column.
    """

    path: tuple[str, ...]
    read: Callable[[], bytes] = field(repr=False)
    start: Callable[[], bytes] = field(repr=False, default=bytes)
    stamp: Callable[[], tuple[int, int]] | None = field(repr=False, default=None)
    fields: Mapping[str, str] = field(repr=False, compare=False, default_factory=dict)

    @property
    def name(self) -> str:
        """The path with slashes, made printable."""
        return printable("/".join(self.path))

    @property
    def is_on_disk(self) -> bool:
        """Whether it is a file of its own, which another process can read."""
        return isinstance(self.read, functools.partial) and self.read.func is read_regular

    def is_image(self) -> bool:
        """Whether extension or content are those of an image; the content may still be damaged."""
        return has_image_suffix(self.path[-1]) or bool(sniff(self.start()))


def are_on_disk(files: Sequence[ImageFile]) -> bool:
    """Whether other processes can read all of these files."""
    return all(file.is_on_disk for file in files)


@dataclass(frozen=True, slots=True)
class LabeledFile:
    """A file and the name of its class."""

    class_name: str
    file: ImageFile


@dataclass(frozen=True)
class ImageTree:
    """The files and folders below a root (empty folders too), and the files skipped so far."""

    kind: str
    source: str
    files: tuple[ImageFile, ...]
    folders: frozenset[tuple[str, ...]]
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True)
class SortedTree:
    """The files of a tree by part and class.

    Attributes:
        tree: The tree, without enclosing folders and files that are not images.
        train: The training part including the validation part, in natural order of class and path.
        test: The test part; may be empty.
        skipped: Images outside any class folder, and folders without images.
        others: Files that are not images.
        empty: Names of classes without a file.
        decisions: How parts and classes were found.
    """

    tree: ImageTree
    train: tuple[LabeledFile, ...]
    test: tuple[LabeledFile, ...]
    skipped: tuple[Skipped, ...]
    others: tuple[Skipped, ...]
    empty: tuple[str, ...]
    decisions: tuple[Decision, ...] = ()


def sort_tree(tree: ImageTree, *, parts: str = "auto", whole: bool = False) -> SortedTree:
    """Find parts and classes from the paths; see `folder_layout.find_layout`.

    Args:
        tree: All files.
        parts: ``auto``, or ``none``: the outer folders are the classes.
        whole: Whether a source with only a test part will do.

    Raises:
        DataError: No folders, only a test part, an unclear structure, or a class name that cannot be printed.
    """
    tree, others, without = _images_only(tree)
    tree = _without_wrapper(tree, parts)
    if not tree.folders:
        skipped = f", skipped: {reasons(tree.skipped[:3])}" if tree.skipped else ""
        if any(entry.reason in FOLDER_LINKS for entry in tree.skipped):
            raise DataError(
                f"Expected one folder per class in {tree.source}. Received: {len(tree.files)} images{skipped}.",
                hint="Links to folders are not followed: pass the folder that holds the real ones, or copy them here.",
            )
        raise DataError(
            f"Expected one folder per class in {tree.source}. "
            f"Received: {len(tree.files)} images and no folders{skipped}.",
            hint="Put the images of each class into a folder named after it, or a table labels.csv with the columns "
            "file and label beside the images.",
        )
    layout = find_layout(tree.folders, [file.path for file in tree.files], tree.source, parts=parts, whole=whole)
    train, test, unlabeled = _place(tree, layout)
    empty = _empty_classes(tree, layout, {one.class_name for one in train})
    decisions = (layout.decision,) if layout.decision else ()
    return SortedTree(tree, train, test, (*without, *unlabeled), others, empty, decisions)


def class_name(text: str, source: str) -> str:
    """A class name in Unicode form NFC.

    Raises:
        DataError: It is empty, too long or cannot be printed.
    """
    name = unicodedata.normalize("NFC", text)
    if not is_class_name(name):
        raise DataError(
            f"Expected class names of 1 to {MAX_CLASS_NAME} printable characters in {source}. "
            f"Received: '{printable(name)[:60]}'."
        )
    return name


def reasons(skipped: Iterable[Skipped]) -> str:
    """Skipped files with reasons, on one line."""
    return "; ".join(f"{entry.file}: {entry.reason}" for entry in skipped)


def list_others(names: Iterable[str]) -> tuple[Skipped, ...]:
    """Files that are not images, as skipped: one by one if they are few, else one entry that names their extensions."""
    names = sorted(names)
    if len(names) <= MAX_LISTED:
        return tuple(Skipped(name, NOT_AN_IMAGE) for name in names)
    kinds = sorted({suffix_of(name) or name.rpartition("/")[2] for name in names})
    return (Skipped(listed(kinds), f"{len(names):,} files that are not images", len(names)),)


def _images_only(tree: ImageTree) -> tuple[ImageTree, tuple[Skipped, ...], tuple[Skipped, ...]]:
    """Separate the images from other files, and drop folders that hold only other files."""
    images = tuple(file for file in tree.files if file.is_image())
    kept = {file.path for file in images}
    others = [file for file in tree.files if file.path not in kept]
    if not others:
        return tree, (), ()
    filled = {path[:depth] for path in kept for depth in range(1, len(path))}
    dropped = {file.path[:depth] for file in others for depth in range(1, len(file.path))} - filled
    without = [
        Skipped(printable("/".join(path)), "a folder without images")
        for path in sorted(dropped)
        if path[:-1] not in dropped
    ]
    folders = frozenset(path for path in tree.folders if not any(path[:n] in dropped for n in range(1, len(path) + 1)))
    clean = replace(tree, files=images, folders=folders)
    return clean, list_others(file.name for file in others), tuple(without)


def _without_wrapper(tree: ImageTree, parts: str) -> ImageTree:
    """Strip folders that contain nothing but one other folder, as archives often have."""
    while is_wrapper(tree.folders, [file.path for file in tree.files], parts=parts):
        files = tuple(replace(file, path=file.path[1:]) for file in tree.files)
        folders = frozenset(path[1:] for path in tree.folders if len(path) > 1)
        tree = replace(tree, files=files, folders=folders)
    return tree


def _place(
    tree: ImageTree, layout: Layout
) -> tuple[tuple[LabeledFile, ...], tuple[LabeledFile, ...], tuple[Skipped, ...]]:
    train: list[LabeledFile] = []
    test: list[LabeledFile] = []
    unlabeled: dict[tuple[str, ...], list[str]] = {}
    for file in tree.files:
        place = layout.place(file.path)
        if place is None:
            is_part = not layout.parts or file.path[0] in layout.parts
            unlabeled.setdefault(file.path[:-1] if is_part else file.path[:1], []).append(file.name)
        else:
            part, name = place
            (test if part == TEST else train).append(LabeledFile(class_name(name, tree.source), file))
    return _ordered(train), _ordered(test), _unlabeled(unlabeled)


def _empty_classes(tree: ImageTree, layout: Layout, filled: set[str]) -> tuple[str, ...]:
    """Classes that have a folder but no file."""
    places = [layout.class_of_folder(path) for path in sorted(tree.folders)]
    names = dict.fromkeys(class_name(place[1], tree.source) for place in places if place and place[0] == TRAIN)
    return tuple(name for name in names if name not in filled)


def _unlabeled(files: dict[tuple[str, ...], list[str]]) -> tuple[Skipped, ...]:
    """Files outside any class folder; many in one folder (an unlabeled test set) as one entry."""
    skipped = []
    for folder, names in sorted(files.items()):
        if len(names) > MAX_LISTED:
            reason = f"{len(names):,} files outside any class folder"
            skipped.append(Skipped(printable("/".join(folder)) or ".", reason, len(names)))
        else:
            skipped.extend(Skipped(name, "outside any class folder") for name in sorted(names))
    return tuple(skipped)


def _ordered(files: list[LabeledFile]) -> tuple[LabeledFile, ...]:
    """In natural order of class, then path."""
    return tuple(sorted(files, key=lambda one: (natural_key(one.class_name), tuple(map(natural_key, one.file.path)))))
