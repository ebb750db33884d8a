"""Images sorted into one folder per class: what a folder, a zip archive and a table of labels have in common.

``load_tree`` decodes the files of an `image_tree.ImageTree`, in threads, and skips those that cannot be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from convscope.data.build_dataset import Part, assemble
from convscope.data.dataset import LoadedData, Skipped
from convscope.data.decode import SMALLER
from convscope.data.decode_images import Decoded, decode_images
from convscope.data.grouping import columns_of
from convscope.data.image_formats import has_image_suffix
from convscope.data.image_plugins import advice
from convscope.data.image_tree import ImageTree, LabeledFile, SortedTree, reasons, sort_tree
from convscope.data.load_options import LoadOptions
from convscope.data.mapped_pixels import StoredPixels, select
from convscope.data.natural_order import natural_key
from convscope.decisions import Decision
from convscope.errors import DataError

MAX_FILES = 2_000_000

ALLOWED_SKIPS = 3
ALLOWED_FRACTION = 0.10


def load_tree(tree: ImageTree, options: LoadOptions) -> LoadedData:
    """Load images sorted into one folder per class, optionally inside folders for training, validation and test.

    - `folder_layout.find_layout` decides which folders are parts. A single folder around everything is ignored.
      Folders inside a class folder belong to the class.
    - Validation folders join the training part; validation data is split off by the seed.
    - A test folder without class folders is skipped, and a test part is held out instead.
    - Classes are in natural order ('2' before '10'). Names that differ only in Unicode form are one class.
    - Files that are not images, by extension and by content, are skipped. See `load_images` for unreadable images.

    Raises:
        DataError: No class folders, an unclear structure, an empty class, too many unreadable images, or see
            `build_dataset.assemble`.
    """
    found = sort_tree(tree, parts=options.parts, whole=options.whole)
    check_empty_classes(found, options)
    train, test = (found.train + found.test, ()) if options.whole else (found.train, found.test)
    skipped = (*found.skipped, *found.others)
    return load_images(train, test, found.tree, options=options, unlabeled=skipped, decisions=found.decisions)


def load_images(
    train: Sequence[LabeledFile],
    test: Sequence[LabeledFile],
    tree: ImageTree,
    *,
    options: LoadOptions,
    unlabeled: tuple[Skipped, ...] = (),
    decisions: tuple[Decision, ...] = (),
) -> LoadedData:
    """Decode labeled image files into a dataset.

    - All images are resized to ``options.size``, or to the size that `image_size.choose_size` takes: their common or
      median size, reduced to at most 64 pixels. Proportions are kept and the rest is filled, unless ``options.fit``
      says otherwise.
    - Grayscale if all images are grayscale, else RGB, unless ``options.channels`` is set.
    - Unreadable images are skipped and listed. Loading stops if there are more than 3 of them and more than 10 % of all
      files, or if a class has no readable image; with ``options.strict``, at the first.

    Args:
        train: The training part.
        test: The test part; may be empty.
        tree: Its kind, source and skipped files are used.
        options: See above.
        unlabeled: Files without a class, to be listed as skipped.
        decisions: What was decided so far.

    Raises:
        DataError: See above, or see `build_dataset.assemble`.
    """
    _check_test_classes(tree, test, train)
    decoded = decode_images([one.file for one in (*train, *test)], tree, options)
    loaded = _assembled(train, test, tree, decoded, options)
    return replace(
        loaded, skipped=(*loaded.skipped, *unlabeled), decisions=(*decisions, *decoded.decisions, *loaded.decisions)
    )


def check_trainable(found: SortedTree, unreadable: Sequence[Skipped]) -> None:
    """Check what `load_tree` checks, given which files are unreadable; no file is read.

    Raises:
        DataError: What `load_tree` raises for this tree.
    """
    options = LoadOptions()
    check_empty_classes(found, options)
    _check_test_classes(found.tree, found.test, found.train)
    bad = {entry.file for entry in unreadable}
    is_readable = np.array([one.file.name not in bad for one in (*found.train, *found.test)], bool)
    blank = np.zeros((int(is_readable.sum()), 1, 1, 1), np.uint8)
    _assembled(found.train, found.test, found.tree, Decoded(blank, is_readable, tuple(unreadable)), options)


def check_empty_classes(found: SortedTree, options: LoadOptions) -> None:
    """Check that each class has files.

    Raises:
        DataError: One has none.
    """
    if found.empty and not options.whole:
        skipped = f"; skipped: {reasons(found.tree.skipped[:3])}" if found.tree.skipped else ""
        raise DataError(
            f"Expected images in each class of {found.tree.source}. "
            f"Received: none in class {found.empty[0]!r}{skipped}.",
            hint="Add images to it or remove the folder.",
        )


def _assembled(
    train: Sequence[LabeledFile], test: Sequence[LabeledFile], tree: ImageTree, decoded: Decoded, options: LoadOptions
) -> LoadedData:
    failed = (*tree.skipped, *decoded.unreadable)
    _check_skipped(tree, len(train) + len(test), decoded.unreadable, options)
    names = sorted({one.class_name for one in train}, key=natural_key)
    count = int(decoded.is_readable[: len(train)].sum())
    readable = [one for one, is_good in zip((*train, *test), decoded.is_readable, strict=True) if is_good]
    options = replace(options, background=decoded.background)
    training_part = _part(readable[:count], names, select(decoded.pixels, slice(0, count)))
    test_part = _part(readable[count:], names, select(decoded.pixels, slice(count, None)))
    for number, name in enumerate(names):
        if not options.whole and not (training_part.labels == number).any():
            raise DataError(
                f"Expected readable images in each class of {tree.source}. Received: none in class {name!r}; "
                f"skipped: {reasons(decoded.unreadable[:3])}."
            )
    return assemble(
        tree.kind,
        tree.source,
        training_part,
        test_part if len(test_part.labels) else None,
        options=options,
        class_names=dict(enumerate(names)),
        skipped=failed,
    )


def _check_test_classes(tree: ImageTree, test: Sequence[LabeledFile], train: Sequence[LabeledFile]) -> None:
    names = {one.class_name for one in train}
    for one in test:
        if one.class_name not in names:
            raise DataError(
                f"Expected only classes that the training part has in {tree.source}. Received: {one.file.name}, of "
                f"class {one.class_name!r}, which has no training images."
            )


def _part(files: list[LabeledFile], names: list[str], pixels: StoredPixels) -> Part:
    numbers = {name: number for number, name in enumerate(names)}
    labels = np.array([numbers[one.class_name] for one in files], np.int64)
    columns = columns_of([one.file.fields for one in files])
    return Part(pixels, labels, tuple(one.file.name for one in files), columns=columns)


def _check_skipped(tree: ImageTree, total: int, unreadable: tuple[Skipped, ...], options: LoadOptions) -> None:
    """Only files that claim to be images count: by their place in a class folder and their extension or content."""
    before = tuple(entry for entry in tree.skipped if has_image_suffix(entry.file))
    skipped, total = (*before, *unreadable), total + len(before)
    if options.strict and (skipped or tree.skipped):
        raise DataError(
            f"Expected only readable images in {tree.source}. Received: {reasons((skipped or tree.skipped)[:1])}."
        )
    if not total:
        raise DataError(f"Expected images in {tree.source}. Received: none.")
    if len(skipped) == total or not is_skippable(len(skipped), total):
        raise DataError(
            f"Expected at least {1 - ALLOWED_FRACTION:.0%} of the images in {tree.source} to be readable. "
            f"Received: {len(skipped)} of {total} that are not: {reasons(skipped[:3])}.",
            hint=_remedy([entry.reason for entry in skipped]),
        )


def is_skippable(unreadable: int, total: int) -> bool:
    """Whether a training goes on without so many unreadable images of a total."""
    return unreadable <= max(ALLOWED_SKIPS, ALLOWED_FRACTION * total)


def _remedy(found: Sequence[str]) -> str:
    """What to do about images that cannot be read, by the most frequent kind of reason."""
    unsupported = [reason.removesuffix(" is not supported") for reason in found if reason.endswith("is not supported")]
    if 2 * len(unsupported) >= len(found):
        return advice(max(unsupported, key=unsupported.count)).replace(" it ", " them ")
    if 2 * sum("pixels, more than" in reason for reason in found) >= len(found):
        return SMALLER.replace(" it ", " them ").replace("a baseline JPEG", "baseline JPEG files")
    return "Remove or repair them."
