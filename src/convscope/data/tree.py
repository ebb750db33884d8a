"""Which pictures there are, by part and class, as far as their places say: the same for a folder and a zip archive.

Cool: no file is read here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from convscope.arrays import MAX_CLASS_NAME, is_class_name
from convscope.data.build_dataset import natural_key
from convscope.data.dataset import Skipped
from convscope.errors import DataError, printable

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names of folders above the classes, in any case."""

MAX_FILES = 2_000_000
MANY = 3
"""Files in no class, in one folder, above which they are one entry."""


@dataclass(frozen=True)
class PictureFile:
    """One file: its path below the root, piece by piece, and how to get its bytes."""

    path: tuple[str, ...]
    read: Callable[[], bytes] = field(repr=False)

    @property
    def name(self) -> str:
        """The path with slashes, fit for any terminal."""
        return printable("/".join(self.path))


@dataclass(frozen=True)
class Member:
    """A file with its class."""

    class_name: str
    file: PictureFile


@dataclass(frozen=True)
class Tree:
    """What lies below a root: files, folders (empty ones too), and what was left out already."""

    kind: str
    source: str
    files: tuple[PictureFile, ...]
    folders: frozenset[tuple[str, ...]]
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True)
class Sorted:
    """A tree's files by part and class, as far as their places say.

    Attributes:
        tree: Without folders around everything.
        train: The training part, the validation part included, by class and path as people count.
        test: The test part; empty where there is none.
        skipped: Files in no class.
        empty: Names of classes without a file.
    """

    tree: Tree
    train: tuple[Member, ...]
    test: tuple[Member, ...]
    skipped: tuple[Skipped, ...]
    empty: tuple[str, ...]


def sort_tree(tree: Tree) -> Sorted:
    """Find parts and classes; no file is read.

    Raises:
        DataError: No folders, only a test part, or a class's name that cannot be printed.
    """
    tree = _without_wrapper(tree)
    train, test, skipped, empty = _by_part(tree)
    return Sorted(tree, tuple(_ordered(train)), tuple(_ordered(test)), skipped, empty)


def _without_wrapper(tree: Tree) -> Tree:
    """Look through folders that hold nothing but one other folder, as archives often begin."""
    while True:
        tops = {path[0] for path in tree.folders}
        if len(tops) != 1 or any(len(file.path) == 1 for file in tree.files):
            return tree
        (top,) = tops
        inner = {path for path in tree.folders if len(path) == 2}
        if not inner or any(len(file.path) == 2 for file in tree.files) or top.lower() in PARTS:
            return tree
        files = tuple(PictureFile(file.path[1:], file.read) for file in tree.files)
        folders = frozenset(path[1:] for path in tree.folders if len(path) > 1)
        tree = Tree(tree.kind, tree.source, files, folders, tree.skipped)


def _by_part(tree: Tree) -> tuple[list[Member], list[Member], tuple[Skipped, ...], tuple[str, ...]]:
    """Training and test part, each file with its class; what lies in no class; and classes with nothing in them."""
    tops = sorted({path[0] for path in tree.folders})
    if not tops:
        left_out = f", left out: {listed(tree.skipped[:3])}" if tree.skipped else ""
        raise DataError(
            f"Expected one folder a class in {tree.source}. "
            f"Received: {len(tree.files)} files and no folders{left_out}.",
            hint="Put the pictures of each class into a folder named after it.",
        )
    depth = 2 if any(PARTS.get(top.lower()) == "train" for top in tops) else 1
    if depth == 1 and all(top.lower() in PARTS for top in tops):
        raise DataError(f"Expected a train folder in {tree.source}. Received: only {', '.join(map(printable, tops))}.")
    parts: dict[str, list[Member]] = {"train": [], "validation": [], "test": []}
    strays: dict[tuple[str, ...], list[str]] = {}
    for file in tree.files:
        part = PARTS.get(file.path[0].lower(), "") if depth == 2 else "train"
        if len(file.path) <= depth or not part:
            strays.setdefault(file.path[:-1] if part else file.path[:1], []).append(file.name)
        else:
            parts[part].append(Member(_class_name(file.path, depth, tree), file))
    train = parts["train"] + parts["validation"]
    empty = _empty(tree, depth, {member.class_name for member in train})
    return train, parts["test"], _strays(strays), empty


def _class_name(path: tuple[str, ...], depth: int, tree: Tree) -> str:
    name = unicodedata.normalize("NFC", path[depth - 1])
    if not is_class_name(name):
        raise DataError(
            f"Expected class names of 1 to {MAX_CLASS_NAME} printable characters in {tree.source}. "
            f"Received: '{printable(name)[:60]}'."
        )
    return name


def _empty(tree: Tree, depth: int, filled: set[str]) -> tuple[str, ...]:
    """Classes that have a folder and no file in it."""
    there = [path for path in sorted(tree.folders) if len(path) == depth]
    if depth == 2:
        there = [path for path in there if PARTS.get(path[0].lower()) == "train"]
    names = dict.fromkeys(_class_name(path, depth, tree) for path in there)
    return tuple(name for name in names if name not in filled)


def _strays(strays: dict[tuple[str, ...], list[str]]) -> tuple[Skipped, ...]:
    """Files in no class, by name; many in one folder (an unlabelled test set) as one entry."""
    skipped = []
    for folder, names in sorted(strays.items()):
        if len(names) > MANY:
            skipped.append(Skipped(printable("/".join(folder)) or ".", f"{len(names)} files in no folder of a class"))
        else:
            skipped.extend(Skipped(name, "not in the folder of a class") for name in sorted(names))
    return tuple(skipped)


def _ordered(members: list[Member]) -> list[Member]:
    """By class and then by path, as people count."""
    return sorted(members, key=lambda m: (natural_key(m.class_name), tuple(map(natural_key, m.file.path))))


def listed(skipped: tuple[Skipped, ...]) -> str:
    """Files that were left out, with reasons, in one line."""
    return "; ".join(f"{entry.file}: {entry.reason}" for entry in skipped)
