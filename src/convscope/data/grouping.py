"""Groups of images, such as those of one writer, by a column of their table or by their file names. Light.

Splits and folds keep groups whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath

import numpy as np

from convscope.data.dataset import Dataset
from convscope.data.splits import folds, stratified_split
from convscope.errors import DataError, OptionError

FOLDER = "folder"
"""The group of a file is the path of its folder, without the name of its class."""

MAX_PATTERN = 200
MAX_SHOWN = 12
NO_GROUP = "(no group)"


def check_group(by: str | None) -> None:
    """Refuse what is neither ``folder``, nor the name of a column, nor a regular expression.

    Raises:
        OptionError: It is too long, or cannot be read.
    """
    if by is None or by == FOLDER:
        return
    if not isinstance(by, str) or not 1 <= len(by) <= MAX_PATTERN:
        raise OptionError(f"group has 1 to {MAX_PATTERN} characters. Received: group={ascii(by)[:60]}.")
    try:
        re.compile(by)
    except re.error as error:
        raise OptionError(
            f"Expected the name of a column, folder or a regular expression. Received: group={by!r} ({error})."
        ) from None


def group_of(name: str, by: str, class_names: Sequence[str]) -> str:
    """The group of a file.

    Args:
        name: Its path.
        by: ``folder``, or a regular expression, searched in the path, whose first parenthesis is the group.
        class_names: Names of folders that are classes.

    Example:
        >>> group_of("anna/cat/1.png", "folder", ("cat", "dog")), group_of("cat/w12-3.png", "w([0-9]+)", ("cat",))
        ('anna', '12')
    """
    if by == FOLDER:
        parts = [part for part in PurePath(name).parts[:-1] if part not in class_names]
        return "/".join(parts) or NO_GROUP
    found = re.search(by, name)
    if found is None:
        return NO_GROUP
    return (found.group(1) if found.re.groups else found.group(0)) or NO_GROUP


def column_named(columns: Sequence[str], by: str) -> str | None:
    """The column of a table that a name means: its own spelling, or another one in upper and lower case.

    Example:
        >>> column_named(["Writer", "age"], "writer"), column_named(["age"], "folder")
        ('Writer', None)
    """
    if by in columns:
        return by
    same = [name for name in columns if name.strip().casefold() == by.strip().casefold()]
    return same[0] if len(same) == 1 else None


def group_source(columns: Sequence[str], by: str) -> str:
    """How groups are found, in words.

    Example:
        >>> group_source(["Writer"], "writer"), group_source([], "w([0-9]+)"), group_source([], "folder")
        ('column Writer', 'pattern w([0-9]+)', 'folder')
    """
    column = column_named(columns, by)
    return f"column {column}" if column is not None else by if by == FOLDER else f"pattern {by}"


def columns_of(fields: Sequence[Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """What a table says about images, row by row, as columns; empty texts where a row has no such field."""
    names = dict.fromkeys(name for row in fields for name in row)
    return {name: tuple(row.get(name, "") for row in fields) for name in names}


def group_names(dataset: Dataset, by: str) -> list[str]:
    """The group of each image; those of images without one are all the same.

    Raises:
        DataError: The images have no file names and no such column.
    """
    column = column_named(tuple(dataset.columns), by)
    if column is not None:
        return [value.strip() or NO_GROUP for value in dataset.columns[column]]
    if not dataset.names:
        raise DataError("Expected images from files, to group them. Received: images without names.")
    return [group_of(name, by, dataset.class_names) for name in dataset.names]


def groups_of(dataset: Dataset, by: str) -> list[str]:
    """The group of each image, at least two different ones; see `group_names`.

    Args:
        dataset: The images.
        by: The name of a column of their table; ``folder``; or a regular expression for their paths.

    Raises:
        DataError: The images have no file names, or all are of one group.
        OptionError: See `check_group`.
    """
    check_group(by)
    groups = group_names(dataset, by)
    if len(set(groups)) < 2:
        columns = ", ".join(list(dataset.columns)[:MAX_SHOWN])
        raise DataError(
            f"Expected at least two groups. Received: one, {groups[0] if groups else NO_GROUP!r}.",
            hint=f"The table of these images has the columns {columns}; or give a regular expression for the path."
            if columns
            else 'Give a regular expression for the group in the path, such as --group "(writer[0-9]+)".',
        )
    return groups


def split(dataset: Dataset, *, fraction: float, seed: int, group: str | None = None) -> tuple[Dataset, Dataset]:
    """Split a dataset in two, with about the same class proportions in both parts, and each group in one of them.

    Args:
        dataset: The data to split.
        fraction: Fraction of the images in the second part, in (0, 1).
        seed: Random seed.
        group: What images are grouped by; None splits image by image, see `splits.stratified_split`.

    Raises:
        DataError: A class is in one group only, or has too few images; or there are no groups.
    """
    if group is None:
        return stratified_split(dataset, fraction=fraction, seed=seed)
    names, index = np.unique(groups_of(dataset, group), return_inverse=True)
    counts = np.zeros((len(names), dataset.num_classes))
    np.add.at(counts, (index, dataset.labels), 1)
    total = counts.sum(axis=0)
    taken, best = np.zeros(len(names), bool), None
    for one in np.random.default_rng([seed, 0x6209]).permutation(len(names)):
        without = taken.copy()
        without[one] = True
        held_out = counts[without].sum(axis=0)
        distance = float(np.abs(held_out - fraction * total).sum())
        if (held_out[total > 0] < total[total > 0]).all() and (best is None or distance < best):
            taken, best = without, distance
    if not taken.any():
        alone = next(dataset.class_names[k] for k in range(len(total)) if total[k] and (counts[:, k] > 0).sum() == 1)
        raise DataError(
            f"Expected each class in at least two groups, to split by group. Received: class {alone!r} of "
            f"{dataset.source}, all in one of {len(names)} groups.",
            hint="Group by something else, or split image by image: leave --group out.",
        )
    return dataset.take(np.flatnonzero(~taken[index])), dataset.take(np.flatnonzero(taken[index]))


def fold_positions(dataset: Dataset, count: int, *, seed: int, group: str | None = None) -> tuple[np.ndarray, ...]:
    """Divide a dataset into folds, each group in one of them; see `splits.folds`.

    Args:
        dataset: The data to divide.
        count: The number of folds, at least 2.
        seed: Random seed.
        group: What images are grouped by; None divides image by image.

    Raises:
        DataError: There are fewer groups than folds; or see `splits.folds`.
    """
    if group is None:
        return folds(dataset, count, seed=seed)
    names, index, sizes = np.unique(groups_of(dataset, group), return_inverse=True, return_counts=True)
    if len(names) < count:
        raise DataError(f"Expected at least {count} groups, for {count} folds. Received: {len(names)}.")
    order = np.random.default_rng([seed, 0x6209]).permutation(len(names))
    fold_of, filled = np.empty(len(names), int), np.zeros(count, int)
    for one in order[np.argsort(-sizes[order], kind="stable")]:  # the largest first, each into the smallest fold
        fold_of[one] = filled.argmin()
        filled[fold_of[one]] += sizes[one]
    return tuple(np.flatnonzero(fold_of[index] == number) for number in range(count))
