"""The data set as a value, its splits, and the order in which an epoch visits it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import numpy as np

from convscope.arrays import MAX_CLASS_NAME, Labels, Picture, Pixels, is_class_name
from convscope.data.preprocess import Preprocessing
from convscope.errors import DataError
from convscope.markup import image, table

IN_MEMORY = "in memory"
"""The origin of a dataset that was made from arrays."""

SHOWN_SIDE = 168
"""Screen pixels of the longer side of an image that shows itself in a notebook."""

SHOWN, SHOWN_CLASSES = 8, 30
"""Images of a class, and classes, that a data set shows of itself in a notebook."""


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """One image of a dataset. Shows itself in a notebook.

    Attributes:
        pixels: uint8, 0..255, shape ``(h, w, c)``.
        label: The index of its class.
        class_name: The name of its class.
        name: Its file name, say, or empty.
    """

    pixels: Picture
    label: int
    class_name: str
    name: str = ""

    def _repr_html_(self) -> str:
        scale = max(1, SHOWN_SIDE // max(self.pixels.shape[:2]))
        return image(self.pixels, alt=f"{self.name or 'An image'} of class {self.class_name}", scale=scale)


@dataclass(frozen=True)
class Dataset:
    """Pictures with labels, in memory.

    Attributes:
        pixels: uint8, 0..255, shape ``(n, h, w, c)`` with c 1 (grey) or 3 (RGB).
        labels: int64, shape ``(n,)``, 0..k-1.
        class_names: One name a class, in label order; see `arrays.is_class_name`.
        source: Where it came from, in words for a person.
        names: One name an image (a file name, say), or empty.
        known_wrong: Positions of the images whose label is published to be wrong, ascending.

    Raises:
        DataError: The arrays do not belong together.

    Example:
        >>> Dataset(np.zeros((2, 4, 4, 1), np.uint8), np.array([0, 1]), ("cat", "dog"), source="made up")
        Dataset(2 images 4×4×1, 2 classes, made up)
    """

    pixels: Pixels
    labels: Labels
    class_names: tuple[str, ...]
    source: str
    names: tuple[str, ...] = field(default=(), repr=False)
    known_wrong: tuple[int, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 4 or self.pixels.shape[-1] not in (1, 3):
            raise DataError(
                "Expected pixels of dtype uint8 and shape (n, h, w, c) with 1 or 3 channels. "
                f"Received: dtype={self.pixels.dtype}, shape={self.pixels.shape}."
            )
        if self.labels.dtype != np.int64 or self.labels.shape != self.pixels.shape[:1]:
            raise DataError(
                f"Expected one int64 label for each of {len(self.pixels)} images. "
                f"Received: dtype={self.labels.dtype}, shape={self.labels.shape}."
            )
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < self.num_classes:
            raise DataError(
                f"Expected labels from 0 to {self.num_classes - 1}, one for each of {self.num_classes} classes. "
                f"Received: labels from {self.labels.min()} to {self.labels.max()}."
            )
        for name in self.class_names:
            if not is_class_name(name):
                raise DataError(
                    f"Expected class names of 1 to {MAX_CLASS_NAME} printable characters in {self.source}. "
                    f"Received: {ascii(name)[:60]}."
                )
        if self.names and len(self.names) != len(self.pixels):
            raise DataError(
                f"Expected one name an image. Received: {len(self.names)} names, {len(self.pixels)} images."
            )

    def __repr__(self) -> str:
        h, w, c = self.image_shape
        return f"Dataset({len(self):,} images {h}×{w}×{c}, {self.num_classes} classes, {self.source})"

    def _repr_html_(self) -> str:
        rows = []
        for index, (name, count) in enumerate(zip(self.class_names, self.class_counts, strict=True)):
            shown = self.pixels[np.flatnonzero(self.labels == index)[:SHOWN]]
            words = f"{len(shown)} images of class {name}"
            strip = image(np.concatenate(shown, axis=1), alt=words, scale=1) if len(shown) else ""
            rows.append((escape(name), f"{count:,}", strip))
            if len(rows) == SHOWN_CLASSES:
                break
        return table(("class", "images", f"the first {SHOWN}"), rows, caption=repr(self))

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> LabelledImage:
        label = int(self.labels[index])
        name = self.names[index] if self.names else ""
        return LabelledImage(self.pixels[index], label, self.class_names[label], name)

    @property
    def num_classes(self) -> int:
        """How many classes there are, empty ones included."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Rows, columns, channels."""
        h, w, c = self.pixels.shape[1:]
        return int(h), int(w), int(c)

    @property
    def class_counts(self) -> tuple[int, ...]:
        """How many images each class has."""
        return tuple(int(count) for count in np.bincount(self.labels, minlength=self.num_classes))

    def take(self, indices: np.ndarray) -> Dataset:
        """The images at these positions, in this order."""
        names = tuple(self.names[i] for i in indices) if self.names else ()
        wrong = tuple(int(i) for i in np.flatnonzero(np.isin(indices, self.known_wrong)))
        return replace(self, pixels=self.pixels[indices], labels=self.labels[indices], names=names, known_wrong=wrong)

    def fingerprint(self) -> str:
        """SHA-256 over pixels, labels and class names: the same hash means the same data."""
        digest = hashlib.sha256(repr((self.pixels.shape, self.class_names)).encode())
        digest.update(np.ascontiguousarray(self.pixels).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Skipped:
    """A file that was left out, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class LoadedData:
    """What a reader found: the training part, the test part where there is one, and the files left out.

    Attributes:
        train: Images to learn from (validation is split off here).
        test: Images to be read once, at the end; None where the source has no test part.
        skipped: Each file that was left out, with the reason.
        kind: How it was read: ``"mnist"``, ``"idx"``, ``"npz"``, ``"csv"``, ``"folder"`` or ``"zip"``.
        preprocessing: What brings any other picture to the form of these: the contract that the model file carries.
        origin: The name or path that it was loaded from, or `IN_MEMORY`.
        options: ``test_fraction`` and ``seed`` of the split, if they are known.
    """

    train: Dataset
    test: Dataset | None
    preprocessing: Preprocessing
    skipped: tuple[Skipped, ...] = ()
    kind: str = ""
    origin: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def stratified_split(dataset: Dataset, *, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Split off a part in which each class has its share, decided by the seed alone.

    Args:
        dataset: What to split; each class that has images needs at least two.
        fraction: The share of the second part, in (0, 1); each class gives the rounded share, at least one image.
        seed: The split is a function of the labels and this number.

    Returns:
        The larger rest and the part split off, both in the order of the data set.

    Raises:
        DataError: A class is too small to give an image to both parts.

    Example:
        >>> data = Dataset(np.zeros((10, 1, 1, 1), np.uint8), np.arange(10) % 2, ("a", "b"), source="made up")
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
        share = min(max(round(len(members) * fraction), 1), len(members) - 1)
        taken[rng.permutation(members)[:share]] = True
    return dataset.take(np.flatnonzero(~taken)), dataset.take(np.flatnonzero(taken))


def folds(dataset: Dataset, count: int, *, seed: int) -> tuple[np.ndarray, ...]:
    """Deal the positions of a data set out into parts in which each class has its share.

    Args:
        dataset: What to divide.
        count: How many parts, from 2.
        seed: The division is a function of the labels and this number.

    Returns:
        int64 positions, ascending, each in one part.

    Raises:
        DataError: A class has fewer images than there are parts.

    Example:
        >>> data = Dataset(np.zeros((4, 1, 1, 1), np.uint8), np.array([0, 1, 0, 1]), ("a", "b"), source="made up")
        >>> sorted(len(part) for part in folds(data, 2, seed=0))
        [2, 2]
    """
    rng = np.random.default_rng([seed, 0xF01D])
    part = np.empty(len(dataset), np.int64)
    for label, images in enumerate(dataset.class_counts):
        if 0 < images < count:
            raise DataError(
                f"Expected at least {count} images in each class, to divide the data into {count} parts. Received: "
                f"{images} in class {dataset.class_names[label]!r} of {dataset.source}."
            )
        part[rng.permutation(np.flatnonzero(dataset.labels == label))] = np.arange(images) % count
    return tuple(np.flatnonzero(part == number) for number in range(count))


def epoch_order(length: int, *, seed: int, epoch: int) -> np.ndarray:
    """The order in which an epoch visits the images: a function of (seed, epoch) and nothing else.

    Returns:
        int32, a permutation of 0..length-1.

    Example:
        >>> epoch_order(5, seed=1, epoch=0).tolist() == epoch_order(5, seed=1, epoch=0).tolist()
        True
    """
    return np.random.default_rng([seed, epoch, 0x0DE4]).permutation(length).astype(np.int32)
