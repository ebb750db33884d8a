"""Build `LoadedData` from arrays: the rules that hold for every file format.

Light: NumPy only. A reader passes `Part` values with labels as stored; `assemble` resizes the images, numbers the
classes, rejects data that cannot be trained on, and holds out a test part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from convscope.arrays import MAX_CLASSES, Labels
from convscope.data.choose_preprocessing import contract_for, convert, framing_decision
from convscope.data.class_names import name_classes
from convscope.data.dataset import Dataset, LoadedData, Skipped, joined_columns
from convscope.data.grouping import group_names, group_source
from convscope.data.grouping import split as split_dataset
from convscope.data.image_size import fit_decision, has_other_proportions
from convscope.data.load_options import LoadOptions
from convscope.data.mapped_pixels import StoredPixels, join, transpose
from convscope.data.orientation import decide_orientation
from convscope.data.preprocess import MAX_SIDE, Preprocessing
from convscope.decisions import Decision
from convscope.errors import DataError, printable

MAX_BYTES = 2**31
"""The most bytes of pixels in one part: two gigabytes, four times as many as EMNIST by class."""


@dataclass(frozen=True)
class Part:
    """The training or the test part as stored, with the labels of the file.

    ``interpretation`` is the interpretation of the pixel values, as `pixel_values.as_pixels` gives it. ``file_name`` is
    the name of the file, by which EMNIST is recognized. ``columns`` are those of a table of the images; see `Dataset`.
    """

    pixels: StoredPixels
    labels: Labels
    names: tuple[str, ...] = field(default=(), repr=False)
    interpretation: str = ""
    file_name: str = ""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)


def assemble(
    kind: str,
    source: str,
    train: Part,
    test: Part | None,
    *,
    options: LoadOptions,
    class_names: Mapping[int, str] | None = None,
    skipped: tuple[Skipped, ...] = (),
    decisions: tuple[Decision, ...] = (),
) -> LoadedData:
    """Build `LoadedData` from what a reader found.

    The classes are the labels that occur in the training part, in ascending order, so that unused numbers do not become
    empty classes. With ``class_names``, the classes are exactly its keys. With ``options.whole``, both parts are
    joined, and the classes are those that occur.

    Args:
        kind: The name of the reader.
        source: The name of the data, for messages and display.
        train: The training part.
        test: The test part; None holds one out of the training part.
        options: Size, channels, and how to hold out.
        class_names: Name of each label; None uses the numbers as names.
        skipped: The files that the reader skipped.
        decisions: What the reader decided.

    Raises:
        DataError: Fewer than two classes, fewer than two training images in a class, a test label that the training
            part does not have, or parts whose images differ in shape.
    """
    source = printable(source)
    _check_parts(source, train, test)
    train, test, turned = _upright(train, test, class_names, options)
    if options.whole:
        train, test = _joined(train, test), None
    if given := options.class_names:
        class_names, named = name_classes(train.labels, class_names, given, source=source, whole=options.whole)
        turned = (*turned, *named)
    numbers = (_present if options.whole else _class_numbers)(source, train, class_names)
    names = tuple(class_names[number] if class_names else str(number) for number in numbers)
    contract = contract_for(train.pixels, options)
    training = _dataset(train, numbers, names, source, contract)
    if test is not None:
        held_out = _dataset(test, numbers, names, f"{source} (test part)", contract)
    elif options.test_fraction and not options.whole:
        training, held_out = split_dataset(
            training, fraction=options.test_fraction, seed=options.seed, group=options.group
        )
        held_out = replace(held_out, source=f"{source} (held out)")
    else:
        held_out = None
    split = held_out if test is None else None
    decisions = (*decisions, *turned, *_decisions((train, test), training, split, contract, options))
    return LoadedData(training, held_out, contract, skipped=skipped, kind=kind, decisions=decisions)


def _upright(
    train: Part, test: Part | None, class_names: Mapping[int, str] | None, options: LoadOptions
) -> tuple[Part, Part | None, tuple[Decision, ...]]:
    """Both parts with rows and columns exchanged if the training part is transposed."""
    is_transposed, decision = decide_orientation(
        train.pixels, train.labels, class_names, transpose=options.transpose, file_name=train.file_name
    )
    if is_transposed:
        train, test = _transposed(train), test and _transposed(test)
    return train, test, (decision,) if decision else ()


def _transposed(part: Part) -> Part:
    return replace(part, pixels=transpose(part.pixels))


def _decisions(
    parts: tuple[Part | None, ...],
    training: Dataset,
    held_out: Dataset | None,
    contract: Preprocessing,
    options: LoadOptions,
) -> tuple[Decision, ...]:
    """What was decided for every format: value range, framing, held-out part."""
    interpretations = dict.fromkeys(part.interpretation for part in parts if part)
    taken = [
        Decision("pixel values", text, "range and type of the array")
        for text in interpretations
        if text and not text.startswith("uint8")
    ]
    taken += framing_decision(contract)
    stored, target = parts[0].pixels.shape[1:3] if parts[0] else (1, 1), (contract.height, contract.width)
    if contract.fit != "mnist" and has_other_proportions(stored, target):
        taken += fit_decision([stored], target, options.fit)
    if held_out is not None:
        because = f"no test part; {options.test_fraction:.0%} of each class, seed {options.seed}"
        if options.group:
            groups = set(group_names(held_out, options.group))
            source = group_source(tuple(held_out.columns), options.group)
            because = f"no test part; {len(groups)} whole groups by {source}, seed {options.seed}"
        taken.append(Decision("test split", f"{len(held_out):,} of {len(held_out) + len(training):,} images", because))
    return tuple(taken)


def to_labels(array: np.ndarray, where: str) -> Labels:
    """Convert an array of labels to int64, shape ``(n,)``.

    Raises:
        DataError: Not integers of 0 or more, or more than one label per image.
    """
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        hint = "For one-hot labels use labels.argmax(axis=1)." if array.ndim == 2 else ""
        raise DataError(f"Expected one label per image in {where}. Received: shape={array.shape}.", hint=hint)
    if array.dtype.kind not in "iuf":
        raise DataError(
            f"Expected labels as integers in {where}. Received: dtype={array.dtype}.",
            hint="Number the classes from 0.",
        )
    if array.dtype.kind == "f":
        wrong = np.flatnonzero(~np.isfinite(array) | (array != np.floor(array)))
        if len(wrong):
            raise DataError(
                f"Expected labels as integers in {where}. Received: {array[wrong[0]]} at position {wrong[0]}."
            )
    if len(array) and not 0 <= array.min() <= array.max() < 2**31:
        raise DataError(f"Expected labels of 0 or more in {where}. Received: {array.min()} to {array.max()}.")
    return array.astype(np.int64)


def _check_parts(source: str, train: Part, test: Part | None) -> None:
    for name, part in (("training", train), ("test", test)):
        if part is not None:
            _check_part(part, f"{source} ({name} part)")
    if test is not None and train.pixels.shape[1:] != test.pixels.shape[1:]:
        raise DataError(
            f"Expected training and test images of the same shape in {source}. Received: "
            f"train={train.pixels.shape[1:]}, test={test.pixels.shape[1:]}."
        )


def _check_part(part: Part, where: str) -> None:
    if len(part.pixels) == 0:
        raise DataError(f"Expected images in {where}. Received: none.")
    h, w = part.pixels.shape[1:3]
    if not (1 <= h <= MAX_SIDE and 1 <= w <= MAX_SIDE):
        raise DataError(f"Expected images of 1 to {MAX_SIDE} pixels per side in {where}. Received: {h}×{w}.")


def _joined(train: Part, test: Part | None) -> Part:
    if test is None:
        return train
    names = (*train.names, *test.names)
    return Part(
        join(train.pixels, test.pixels),
        np.concatenate([train.labels, test.labels]),
        names if len(names) == len(train.pixels) + len(test.pixels) else (),
        train.interpretation,
        train.file_name,
        joined_columns((train.columns, len(train.pixels)), (test.columns, len(test.pixels))),
    )


def _present(source: str, part: Part, class_names: Mapping[int, str] | None) -> np.ndarray:
    """The labels that occur, without the conditions of a training."""
    present = np.unique(part.labels)
    unknown = sorted(set(present.tolist()) - set(class_names)) if class_names is not None else []
    if unknown:
        raise DataError(f"Expected labels from {sorted(class_names or {})[:20]} in {source}. Received: {unknown[0]}.")
    if len(present) > MAX_CLASSES:
        raise DataError(f"Expected at most {MAX_CLASSES} classes in {source}. Received: {len(present)} labels.")
    return present


def _class_numbers(source: str, train: Part, class_names: Mapping[int, str] | None) -> np.ndarray:
    present, counts = np.unique(train.labels, return_counts=True)
    names = class_names or {}
    for number in sorted(set(names) - set(present.tolist())):
        raise DataError(
            f"Expected training images in each class of {source}. Received: none in class {names[number]!r}.",
            hint="Add images to it or remove the class.",
        )
    if class_names is not None and set(present.tolist()) - set(names):
        unknown = sorted(set(present.tolist()) - set(names))
        raise DataError(f"Expected labels from {sorted(names)[:20]} in {source}. Received: label {unknown[0]}.")
    if len(present) < 2:
        raise DataError(
            f"Expected at least 2 classes in {source}. "
            f"Received: only class {names.get(int(present[0]), str(present[0]))!r}.",
            hint="Add images of a second class.",
        )
    if len(present) > MAX_CLASSES:
        raise DataError(f"Expected at most {MAX_CLASSES} classes in {source}. Received: {len(present)} labels.")
    if counts.min() < 2:
        rare = int(present[counts.argmin()])
        raise DataError(
            f"Expected at least 2 training images in each class of {source}. "
            f"Received: 1 in class {names.get(rare, str(rare))!r}.",
            hint="Add images to it or remove the class.",
        )
    return present


def _dataset(part: Part, numbers: np.ndarray, names: tuple[str, ...], source: str, contract: Preprocessing) -> Dataset:
    positions = np.searchsorted(numbers, part.labels).clip(0, len(numbers) - 1)
    strange = np.flatnonzero(numbers[positions] != part.labels)
    if len(strange):
        raise DataError(
            f"Expected only labels that the training part has in {source}. "
            f"Received: label {part.labels[strange[0]]} at position {strange[0]}, which has no training images."
        )
    return Dataset(
        convert(part.pixels, contract), positions.astype(np.int64), names, source, part.names, columns=part.columns
    )
