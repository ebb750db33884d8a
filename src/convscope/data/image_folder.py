"""Images sorted into one folder per class: what a folder and a zip archive have in common.

``sort_tree`` finds parts and classes from the paths alone; ``load_tree`` also decodes the files, in threads, and skips
those that cannot be read.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8

from convscope.arrays import MAX_CLASS_NAME, Picture, is_class_name
from convscope.data.build_dataset import MAX_BYTES, LoadOptions, Part, assemble, natural_key
from convscope.data.dataset import LoadedData, Skipped
from convscope.data.decode import decode, image_size
from convscope.data.preprocess import Preprocessing
from convscope.errors import DataError, printable

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names of folders above the classes, in any case."""

MAX_FILES = 2_000_000
MAX_LISTED = 3
"""Files outside any class folder that are listed one by one; more in one folder become one entry."""

COMMON_SIDE = 256
"""Images of one common size keep it up to this side; larger ones are photos, not network inputs."""

MEDIAN_SIDE = 64
ALLOWED_SKIPS = 3
ALLOWED_FRACTION = 0.10

AnySize = UInt8[np.ndarray, "_ _ _"]


@dataclass(frozen=True)
class ImageFile:
    """A file: its path below the root, piece by piece, and how to read its bytes."""

    path: tuple[str, ...]
    read: Callable[[], bytes] = field(repr=False)

    @property
    def name(self) -> str:
        """The path with slashes, made printable."""
        return printable("/".join(self.path))


@dataclass(frozen=True)
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
        tree: The tree, without enclosing folders.
        train: The training part including the validation part, in natural order of class and path.
        test: The test part; may be empty.
        skipped: Files outside any class folder.
        empty: Names of classes without a file.
    """

    tree: ImageTree
    train: tuple[LabeledFile, ...]
    test: tuple[LabeledFile, ...]
    skipped: tuple[Skipped, ...]
    empty: tuple[str, ...]


def load_tree(tree: ImageTree, options: LoadOptions) -> LoadedData:
    """Load images sorted into one folder per class, optionally inside ``train``, ``validation`` and ``test``.

    - A single folder around everything is ignored. Folders inside a class folder belong to the class.
    - ``val``, ``valid`` and ``validation`` join the training part; validation data is split off by the seed.
    - A ``test`` folder without class folders is skipped, and a test part is held out instead.
    - Classes are in natural order ('2' before '10'). Names that differ only in Unicode form are one class.
    - See `load_images` for sizes, channels and unreadable files.

    Raises:
        DataError: No class folders, an empty class, too many unreadable files, or see `build_dataset.assemble`.
    """
    found = sort_tree(tree, whole=options.whole)
    if found.empty and not options.whole:
        raise DataError(
            f"Expected images in each class of {tree.source}. Received: none in class {found.empty[0]!r}.",
            hint="Add images to it or remove the folder.",
        )
    train, test = (found.train + found.test, ()) if options.whole else (found.train, found.test)
    return load_images(train, test, found.tree, options=options, unlabeled=found.skipped)


def load_images(
    train: Sequence[LabeledFile],
    test: Sequence[LabeledFile],
    tree: ImageTree,
    *,
    options: LoadOptions,
    unlabeled: tuple[Skipped, ...] = (),
) -> LoadedData:
    """Decode labeled image files into a dataset.

    - All images are resized to ``options.size``. Without it, they keep their common size if they have one (of at most
      256 pixels), or are resized to the median height and width, reduced to at most 64 pixels. Proportions are kept,
      and the rest is filled.
    - Grayscale if all images are grayscale, else RGB, unless ``options.channels`` is set.
    - Unreadable files are skipped and listed. Loading stops if there are more than 3 of them and more than 10 % of all
      files, or if a class has no readable image; with ``options.strict``, at the first.

    Args:
        train: The training part.
        test: The test part; may be empty.
        tree: Its kind, source and skipped files are used.
        options: See above.
        unlabeled: Files without a class, to be listed as skipped.

    Raises:
        DataError: See above, or see `build_dataset.assemble`.
    """
    names = sorted({one.class_name for one in train}, key=natural_key)
    _check_test_classes(tree, test, names)
    labeled = [*train, *test]
    images, unreadable = _decode_all([one.file for one in labeled], tree, options)
    failed = (*tree.skipped, *unreadable)
    _check_skipped(tree, len(labeled) + len(tree.skipped), failed, options)
    channels = options.channels or max(image.shape[-1] for image in images if image is not None)
    rows = list(zip(labeled, images, strict=True))
    training_part = _part(rows[: len(train)], names, channels)
    test_part = _part(rows[len(train) :], names, channels)
    for number, name in enumerate(names):
        if not options.whole and not (training_part.labels == number).any():
            raise DataError(
                f"Expected readable images in each class of {tree.source}. Received: none in class {name!r}; "
                f"skipped: {listed(unreadable[:3])}."
            )
    return assemble(
        tree.kind,
        tree.source,
        training_part,
        test_part if len(test_part.labels) else None,
        options=options,
        class_names=dict(enumerate(names)),
        skipped=(*failed, *unlabeled),
    )


def sort_tree(tree: ImageTree, *, whole: bool = False) -> SortedTree:
    """Find parts and classes from the paths; no file is read.

    Raises:
        DataError: No folders, only a test part, or a class name that cannot be printed.
    """
    tree = _without_wrapper(tree)
    tops = sorted({path[0] for path in tree.folders})
    if not tops:
        skipped = f", skipped: {listed(tree.skipped[:3])}" if tree.skipped else ""
        raise DataError(
            f"Expected one folder per class in {tree.source}. "
            f"Received: {len(tree.files)} files and no folders{skipped}.",
            hint="Put the images of each class into a folder named after it.",
        )
    only_parts = all(top.lower() in PARTS for top in tops) and any(len(path) == 2 for path in tree.folders)
    depth = 2 if any(PARTS.get(top.lower()) == "train" for top in tops) or (whole and only_parts) else 1
    if not whole and depth == 1 and all(top.lower() in PARTS for top in tops):
        raise DataError(f"Expected a train folder in {tree.source}. Received: only {', '.join(map(printable, tops))}.")
    parts: dict[str, list[LabeledFile]] = {"train": [], "validation": [], "test": []}
    unlabeled: dict[tuple[str, ...], list[str]] = {}
    for file in tree.files:
        part = PARTS.get(file.path[0].lower(), "") if depth == 2 else "train"
        if len(file.path) <= depth or not part:
            unlabeled.setdefault(file.path[:-1] if part else file.path[:1], []).append(file.name)
        else:
            parts[part].append(LabeledFile(class_name(file.path[depth - 1], tree.source), file))
    train = parts["train"] + parts["validation"]
    empty = _empty_classes(tree, depth, {one.class_name for one in train})
    return SortedTree(tree, _ordered(train), _ordered(parts["test"]), _unlabeled(unlabeled), empty)


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


def listed(skipped: tuple[Skipped, ...]) -> str:
    """Skipped files with reasons, on one line."""
    return "; ".join(f"{entry.file}: {entry.reason}" for entry in skipped)


def _without_wrapper(tree: ImageTree) -> ImageTree:
    """Strip folders that contain nothing but one other folder, as archives often have."""
    while True:
        tops = {path[0] for path in tree.folders}
        if len(tops) != 1 or any(len(file.path) == 1 for file in tree.files):
            return tree
        (top,) = tops
        inner = {path for path in tree.folders if len(path) == 2}
        if not inner or any(len(file.path) == 2 for file in tree.files) or top.lower() in PARTS:
            return tree
        files = tuple(ImageFile(file.path[1:], file.read) for file in tree.files)
        folders = frozenset(path[1:] for path in tree.folders if len(path) > 1)
        tree = ImageTree(tree.kind, tree.source, files, folders, tree.skipped)


def _empty_classes(tree: ImageTree, depth: int, filled: set[str]) -> tuple[str, ...]:
    """Classes that have a folder but no file."""
    folders = [path for path in sorted(tree.folders) if len(path) == depth]
    if depth == 2:
        folders = [path for path in folders if PARTS.get(path[0].lower()) == "train"]
    names = dict.fromkeys(class_name(path[depth - 1], tree.source) for path in folders)
    return tuple(name for name in names if name not in filled)


def _unlabeled(files: dict[tuple[str, ...], list[str]]) -> tuple[Skipped, ...]:
    """Files outside any class folder; many in one folder (an unlabeled test set) as one entry."""
    skipped = []
    for folder, names in sorted(files.items()):
        if len(names) > MAX_LISTED:
            skipped.append(Skipped(printable("/".join(folder)) or ".", f"{len(names)} files outside any class folder"))
        else:
            skipped.extend(Skipped(name, "outside any class folder") for name in sorted(names))
    return tuple(skipped)


def _ordered(files: list[LabeledFile]) -> tuple[LabeledFile, ...]:
    """In natural order of class, then path."""
    return tuple(sorted(files, key=lambda one: (natural_key(one.class_name), tuple(map(natural_key, one.file.path)))))


def _check_test_classes(tree: ImageTree, test: Sequence[LabeledFile], names: list[str]) -> None:
    for one in test:
        if one.class_name not in names:
            raise DataError(
                f"Expected only classes that the training part has in {tree.source}. Received: {one.file.name}, of "
                f"class {one.class_name!r}, which has no training images."
            )


def _decode_all(
    files: list[ImageFile], tree: ImageTree, options: LoadOptions
) -> tuple[list[AnySize | None], tuple[Skipped, ...]]:
    """Decode and resize each file; None and an entry in the second result where that fails."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        try:
            height, width = options.size or _choose_size(list(pool.map(_size_of, files)))
            if height * width * 3 * len(files) > 2 * MAX_BYTES:
                raise DataError(
                    f"Expected at most {MAX_BYTES:,} bytes of pixels from {tree.source}. "
                    f"Received: {len(files)} images of {height}×{width}.",
                    hint="Set a smaller size.",
                )
            contracts = {c: Preprocessing(height, width, c) for c in (1, 3)}

            def resized(file: ImageFile) -> Picture | DataError:
                try:
                    image = decode(file.read(), file.name).pixels
                except DataError as error:
                    if options.strict:
                        raise
                    return error
                return contracts[options.channels or image.shape[-1]].apply(image)

            results = list(pool.map(resized, files))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    images = [None if isinstance(result, DataError) else result for result in results]
    failed = [(file, result) for file, result in zip(files, results, strict=True) if isinstance(result, DataError)]
    return images, tuple(Skipped(file.name, error.reason) for file, error in failed)


def _size_of(file: ImageFile) -> tuple[int, int] | None:
    try:
        return image_size(file.read(), file.name)
    except DataError:
        return None  # reported when it is decoded


def _choose_size(sizes: list[tuple[int, int] | None]) -> tuple[int, int]:
    known = [size for size in sizes if size is not None]
    if not known:
        return 1, 1  # nothing is readable; the error that follows names the files
    if len(set(known)) == 1 and max(known[0]) <= COMMON_SIDE:
        return known[0]
    height, width = (sorted(sides)[(len(known) - 1) // 2] for sides in zip(*known, strict=True))
    scale = min(1.0, MEDIAN_SIDE / max(height, width))
    return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))


def _part(rows: list[tuple[LabeledFile, AnySize | None]], names: list[str], channels: int) -> Part:
    """The readable images of a part as arrays; grayscale becomes RGB by broadcasting."""
    readable = [(one, image) for one, image in rows if image is not None]
    height, width = readable[0][1].shape[:2] if readable else (1, 1)
    pixels = np.empty((len(readable), height, width, channels), np.uint8)
    for index, (_, image) in enumerate(readable):
        pixels[index] = image
    numbers = {name: number for number, name in enumerate(names)}
    labels = np.array([numbers[one.class_name] for one, _ in readable], np.int64)
    return Part(pixels, labels, tuple(one.file.name for one, _ in readable))


def _check_skipped(tree: ImageTree, total: int, skipped: tuple[Skipped, ...], options: LoadOptions) -> None:
    if options.strict and skipped:
        raise DataError(f"Expected only readable images in {tree.source}. Received: {listed(skipped[:1])}.")
    if len(skipped) == total or len(skipped) > max(ALLOWED_SKIPS, ALLOWED_FRACTION * total):
        raise DataError(
            f"Expected at least {1 - ALLOWED_FRACTION:.0%} of the files in {tree.source} to be readable images. "
            f"Received: {len(skipped)} of {total} that are not: {listed(skipped[:3])}.",
            hint="Remove or repair them.",
        )
