"""Pictures sorted into one folder a class: what a folder and a zip archive have in common.

``folder`` and ``zipped`` list what is there as a ``Tree``; ``load_tree`` finds the parts and the classes, decodes in
threads and leaves unreadable files out by name.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8

from convscope.arrays import Picture
from convscope.data.assembly import MAX_BYTES, LoadOptions, Part, assemble, natural_key
from convscope.data.dataset import LoadedData, Skipped
from convscope.data.decode import decode_quietly, picture_size, quiet
from convscope.data.preprocess import Preprocessing
from convscope.errors import DataError

AnyForm = UInt8[np.ndarray, "_ _ _"]
"""A picture beside others that may have other sides or channels."""

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names of folders above the classes, in any case."""

MAX_FILES = 2_000_000
COMMON_SIDE = 256
"""Pictures that all have one size keep it up to this side; larger ones are photos, not network inputs."""

MEDIAN_SIDE = 64
ALLOWED_SKIPS = 3
ALLOWED_SHARE = 0.10


@dataclass(frozen=True)
class PictureFile:
    """One file: its path below the root, piece by piece, and how to get its bytes."""

    path: tuple[str, ...]
    read: Callable[[], bytes] = field(repr=False)

    @property
    def name(self) -> str:
        """The path with slashes, fit for any terminal."""
        return safe("/".join(self.path))


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


def safe(name: str) -> str:
    r"""A name that every terminal and file can take: what is not printable becomes an escape.

    Example:
        >>> safe("caf\u00e9 \x1b[1m")
        'café \\x1b[1m'
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in name)


def load_tree(tree: Tree, options: LoadOptions) -> LoadedData:
    """Load pictures sorted into one folder a class, with or without ``train``, ``validation`` and ``test`` above.

    - One folder around everything is looked through. Folders inside a class belong to the class.
    - ``val``, ``valid`` and ``validation`` join the training part: validation is split off that by the seed.
    - A ``test`` folder without class folders is left out by name, and a test part is held out instead.
    - Classes are sorted as people count ('2' before '10'); names that differ only in Unicode form are one class.
    - All pictures are brought to ``options.size``. Without it: to their common size if they have one (up to 256), else
      to the median height and width, reduced to at most 64; proportions are kept and the rest filled.
    - Grey if all pictures are grey, else RGB, unless ``options.channels`` says so.
    - An unreadable file is left out and listed. More than 3 of them and more than 10 % of all files, or a class
      without a readable picture, stop it; ``options.strict`` stops at the first.

    Raises:
        DataError: No class folders, an empty class, too many unreadable files, or see ``assembly.assemble``.
    """
    found = sort_tree(tree)
    tree, train, test = found.tree, found.train, found.test
    if found.empty:
        raise DataError(
            f"Expected pictures in each class of {tree.source}. Received: none in class {found.empty[0]!r}.",
            hint="Add pictures to it or remove the folder.",
        )
    names = sorted({member.class_name for member in train}, key=natural_key)
    _check_test_classes(tree, test, names)
    members = [*train, *test]
    with quiet():
        pictures, unreadable = _decode_all([member.file for member in members], tree, options)
    failed = (*tree.skipped, *unreadable)
    _check_skips(tree, len(members) + len(tree.skipped), failed, options)
    channels = options.channels or max(picture.shape[-1] for picture in pictures if picture is not None)
    rows = [(member, picture) for member, picture in zip(members, pictures, strict=True)]
    learn = _part(rows[: len(train)], names, channels)
    held_out = _part(rows[len(train) :], names, channels)
    for number, name in enumerate(names):
        if not (learn.labels == number).any():
            raise DataError(
                f"Expected readable pictures in each class of {tree.source}. Received: none in class {name!r}; "
                f"left out: {_listed(unreadable[:3])}."
            )
    return assemble(
        tree.kind,
        tree.source,
        learn,
        held_out if len(held_out.labels) else None,
        options=options,
        class_names=dict(enumerate(names)),
        skipped=(*failed, *found.skipped),
    )


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
        left_out = f", left out: {_listed(tree.skipped[:3])}" if tree.skipped else ""
        raise DataError(
            f"Expected one folder a class in {tree.source}. "
            f"Received: {len(tree.files)} files and no folders{left_out}.",
            hint="Put the pictures of each class into a folder named after it.",
        )
    depth = 2 if any(PARTS.get(top.lower()) == "train" for top in tops) else 1
    if depth == 1 and all(top.lower() in PARTS for top in tops):
        raise DataError(f"Expected a train folder in {tree.source}. Received: only {', '.join(map(safe, tops))}.")
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
    if not name.isprintable():
        raise DataError(f"Expected printable names of classes in {tree.source}. Received: class '{safe(name)}'.")
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
        if len(names) > ALLOWED_SKIPS:
            skipped.append(Skipped(safe("/".join(folder)) or ".", f"{len(names)} files in no folder of a class"))
        else:
            skipped.extend(Skipped(name, "not in the folder of a class") for name in sorted(names))
    return tuple(skipped)


def _check_test_classes(tree: Tree, test: tuple[Member, ...], names: list[str]) -> None:
    for member in test:
        if member.class_name not in names:
            raise DataError(
                f"Expected only classes that the training part has in {tree.source}. "
                f"Received: {member.file.name}, with nothing to learn class {member.class_name!r} from."
            )


def _ordered(members: list[Member]) -> list[Member]:
    """By class and then by path, as people count."""
    return sorted(members, key=lambda m: (natural_key(m.class_name), tuple(map(natural_key, m.file.path))))


def _decode_all(
    files: list[PictureFile], tree: Tree, options: LoadOptions
) -> tuple[list[AnyForm | None], tuple[Skipped, ...]]:
    """Decode each file and bring it to one size; None and a reason where that failed."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        try:
            height, width = options.size or _choose_size(list(pool.map(_size_of, files)))
            worst = height * width * 3 * len(files)
            if worst > 2 * MAX_BYTES:
                raise DataError(
                    f"Expected at most {MAX_BYTES:,} bytes of pixels from {tree.source}. "
                    f"Received: {len(files)} pictures of {height}×{width}.",
                    hint="Ask for a smaller size.",
                )
            contracts = {c: Preprocessing(height, width, c) for c in (1, 3)}

            def fitted(file: PictureFile) -> Picture | DataError:
                try:
                    picture = decode_quietly(file.read(), file.name)
                except DataError as error:
                    if options.strict:
                        raise
                    return error
                return contracts[options.channels or picture.shape[-1]].apply(picture)

            results = list(pool.map(fitted, files))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    pictures = [None if isinstance(result, DataError) else result for result in results]
    failed = [(file, result) for file, result in zip(files, results, strict=True) if isinstance(result, DataError)]
    return pictures, tuple(Skipped(file.name, _reason(file, error)) for file, error in failed)


def _reason(file: PictureFile, error: DataError) -> str:
    text = str(error)
    return (text.partition(f"{file.name}, ")[2] or text).rstrip(".")


def _size_of(file: PictureFile) -> tuple[int, int] | None:
    try:
        return picture_size(file.read(), file.name)
    except DataError:
        return None  # named later, when it is decoded


def _choose_size(sizes: list[tuple[int, int] | None]) -> tuple[int, int]:
    known = [size for size in sizes if size is not None]
    if not known:
        return 1, 1  # nothing is readable: the refusal names the files
    if len(set(known)) == 1 and max(known[0]) <= COMMON_SIDE:
        return known[0]
    height, width = (sorted(sides)[(len(known) - 1) // 2] for sides in zip(*known, strict=True))
    scale = min(1.0, MEDIAN_SIDE / max(height, width))
    return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))


def _part(rows: list[tuple[Member, AnyForm | None]], names: list[str], channels: int) -> Part:
    """The readable pictures of a part as arrays; one channel becomes three by broadcasting."""
    readable = [(member, picture) for member, picture in rows if picture is not None]
    height, width = readable[0][1].shape[:2] if readable else (1, 1)
    pixels = np.empty((len(readable), height, width, channels), np.uint8)
    for index, (_, picture) in enumerate(readable):
        pixels[index] = picture
    numbers = {name: number for number, name in enumerate(names)}
    labels = np.array([numbers[member.class_name] for member, _ in readable], np.int64)
    return Part(pixels, labels, tuple(member.file.name for member, _ in readable))


def _check_skips(tree: Tree, total: int, skipped: tuple[Skipped, ...], options: LoadOptions) -> None:
    if options.strict and skipped:
        raise DataError(f"Expected only readable pictures in {tree.source}. Received: {_listed(skipped[:1])}.")
    if len(skipped) == total or len(skipped) > max(ALLOWED_SKIPS, ALLOWED_SHARE * total):
        raise DataError(
            f"Expected at least {1 - ALLOWED_SHARE:.0%} of the files in {tree.source} to be readable pictures. "
            f"Received: {len(skipped)} of {total} that are not: {_listed(skipped[:3])}.",
            hint="Remove or repair them.",
        )


def _listed(skipped: tuple[Skipped, ...]) -> str:
    return "; ".join(f"{entry.file}: {entry.reason}" for entry in skipped)
