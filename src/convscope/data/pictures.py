"""Pictures sorted into one folder a class: what a folder and a zip archive have in common.

``folder`` and ``zipped`` list what is there as a ``Tree``; ``load_tree`` finds the parts and the classes, decodes in
threads and leaves unreadable files out by name.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import UInt8

from convscope.arrays import Picture
from convscope.data.build_dataset import MAX_BYTES, LoadOptions, Part, assemble, natural_key
from convscope.data.dataset import LoadedData, Skipped
from convscope.data.decode import decode_quietly, picture_size, quiet
from convscope.data.preprocess import Preprocessing
from convscope.data.tree import Member, PictureFile, Tree, listed, sort_tree
from convscope.errors import DataError

AnyForm = UInt8[np.ndarray, "_ _ _"]
"""A picture beside others that may have other sides or channels."""

COMMON_SIDE = 256
"""Pictures that all have one size keep it up to this side; larger ones are photos, not network inputs."""

MEDIAN_SIDE = 64
ALLOWED_SKIPS = 3
ALLOWED_SHARE = 0.10


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
        DataError: No class folders, an empty class, too many unreadable files, or see ``build_dataset.assemble``.
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
                f"left out: {listed(unreadable[:3])}."
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


def _check_test_classes(tree: Tree, test: tuple[Member, ...], names: list[str]) -> None:
    for member in test:
        if member.class_name not in names:
            raise DataError(
                f"Expected only classes that the training part has in {tree.source}. "
                f"Received: {member.file.name}, with nothing to learn class {member.class_name!r} from."
            )


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
        raise DataError(f"Expected only readable pictures in {tree.source}. Received: {listed(skipped[:1])}.")
    if len(skipped) == total or len(skipped) > max(ALLOWED_SKIPS, ALLOWED_SHARE * total):
        raise DataError(
            f"Expected at least {1 - ALLOWED_SHARE:.0%} of the files in {tree.source} to be readable pictures. "
            f"Received: {len(skipped)} of {total} that are not: {listed(skipped[:3])}.",
            hint="Remove or repair them.",
        )
