"""Two parts of a dataset, its folds, and the order in which an epoch visits the images: each depends on a seed."""

from __future__ import annotations

import numpy as np

from convscope.data.dataset import Dataset
from convscope.errors import DataError


def stratified_split(dataset: Dataset, *, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Split a dataset in two, with the same class proportions in both parts.

    Args:
        dataset: The data to split; each class that has images needs at least two.
        fraction: Fraction of the images in the second part, in (0, 1), rounded for each class; at least one image.
        seed: Random seed; the split depends only on it and the labels.

    Returns:
        The remaining part and the part split off, both in the order of the dataset.

    Raises:
        DataError: A class has only one image.

    Example:
        >>> data = Dataset(np.zeros((10, 1, 1, 1), np.uint8), np.arange(10) % 2, ("a", "b"), source="example")
        >>> [len(part) for part in stratified_split(data, fraction=0.2, seed=0)]
        [8, 2]
    """
    rng = np.random.default_rng([seed, 0x5711])
    taken = np.zeros(len(dataset), bool)
    for label in range(dataset.num_classes):
        members = np.flatnonzero(dataset.labels == label)
        if len(members) == 0:
            continue
        if len(members) < 2:
            raise DataError(
                f"Expected at least 2 images in each class, to split the data. Received: 1 in class "
                f"{dataset.class_names[label]!r} of {dataset.source}.",
                hint="Add images to it or remove the class.",
            )
        count = min(max(round(len(members) * fraction), 1), len(members) - 1)
        taken[rng.permutation(members)[:count]] = True
    return dataset.take(np.flatnonzero(~taken)), dataset.take(np.flatnonzero(taken))


def folds(dataset: Dataset, count: int, *, seed: int) -> tuple[np.ndarray, ...]:
    """Divide the indices of a dataset into folds with the same class proportions.

    Args:
        dataset: The data to divide.
        count: The number of folds, at least 2.
        seed: Random seed; the folds depend only on it and the labels.

    Returns:
        int64 indices of each fold, ascending; each index is in one fold.

    Raises:
        DataError: A class has fewer images than there are folds.

    Example:
        >>> data = Dataset(np.zeros((4, 1, 1, 1), np.uint8), np.array([0, 1, 0, 1]), ("a", "b"), source="example")
        >>> sorted(len(part) for part in folds(data, 2, seed=0))
        [2, 2]
    """
    rng = np.random.default_rng([seed, 0xF01D])
    part = np.empty(len(dataset), np.int64)
    for label, images in enumerate(dataset.class_counts):
        if 0 < images < count:
            raise DataError(
                f"Expected at least {count} images in each class, for {count} folds. Received: "
                f"{images} in class {dataset.class_names[label]!r} of {dataset.source}."
            )
        part[rng.permutation(np.flatnonzero(dataset.labels == label))] = np.arange(images) % count
    return tuple(np.flatnonzero(part == number) for number in range(count))


def epoch_order(length: int, *, seed: int, epoch: int) -> np.ndarray:
    """The order in which an epoch visits the images. It depends only on the seed and the epoch.

    Returns:
        int32, a permutation of 0..length-1.

    Example:
        >>> epoch_order(5, seed=1, epoch=0).tolist() == epoch_order(5, seed=1, epoch=0).tolist()
        True
    """
    return np.random.default_rng([seed, epoch, 0x0DE4]).permutation(length).astype(np.int32)
