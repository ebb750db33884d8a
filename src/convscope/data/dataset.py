"""The `Dataset` value, and what a loader makes of a source: its parts and what was decided."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import numpy as np

from convscope.arrays import MAX_CLASS_NAME, Labels, Picture, is_class_name
from convscope.data.mapped_pixels import StoredPixels, chunks, join, select
from convscope.data.preprocess import Preprocessing
from convscope.decisions import Decision
from convscope.errors import DataError
from convscope.markup import image, table

IN_MEMORY = "in memory"
"""The origin of a dataset that was not loaded from a path."""

SHOWN_SIDE = 168
"""Screen pixels of the longer side of an image that shows itself in a notebook."""

SHOWN, SHOWN_CLASSES = 8, 30
"""Images of each class, and classes, that a notebook shows of a dataset."""


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
    """Labeled images, in memory or in a memory-mapped file.

    Attributes:
        pixels: uint8, 0..255, shape ``(n, h, w, c)`` with c 1 (grayscale) or 3 (RGB): an array, or
            `mapped_pixels.MappedPixels`, which reads the images that are indexed.
        labels: int64, shape ``(n,)``, 0..k-1.
        class_names: One name per class, in label order; see `arrays.is_class_name`.
        source: Where the images came from, for display.
        names: One name per image, such as its file name; or empty.
        known_wrong: Indices of the images whose labels are known from the literature to be wrong, ascending.
        columns: What a table says about the images besides their labels: name of a column to one text per image.

    Raises:
        DataError: The arrays do not fit together.

    Example:
        >>> Dataset(np.zeros((2, 4, 4, 1), np.uint8), np.array([0, 1]), ("cat", "dog"), source="example")
        Dataset(2 images 4×4×1, 2 classes, example)
    """

    pixels: StoredPixels
    labels: Labels
    class_names: tuple[str, ...]
    source: str
    names: tuple[str, ...] = field(default=(), repr=False)
    known_wrong: tuple[int, ...] = field(default=(), repr=False)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

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
                f"Expected one name per image. Received: {len(self.names)} names, {len(self.pixels)} images."
            )
        if any(len(column) != len(self.pixels) for column in self.columns.values()):
            raise DataError(f"Expected columns of {len(self.pixels)} values. Received: others in {self.source}.")

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
        """The number of classes, including empty ones."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Rows, columns, channels."""
        h, w, c = self.pixels.shape[1:]
        return int(h), int(w), int(c)

    @property
    def class_counts(self) -> tuple[int, ...]:
        """The number of images in each class."""
        return tuple(int(count) for count in np.bincount(self.labels, minlength=self.num_classes))

    def take(self, indices: np.ndarray) -> Dataset:
        """Select images by index, in the given order."""
        names = tuple(self.names[i] for i in indices) if self.names else ()
        wrong = tuple(int(i) for i in np.flatnonzero(np.isin(indices, self.known_wrong)))
        pixels, labels = select(self.pixels, indices), self.labels[indices]
        columns = {name: tuple(column[i] for i in indices) for name, column in self.columns.items()}
        return replace(self, pixels=pixels, labels=labels, names=names, known_wrong=wrong, columns=columns)

    def fingerprint(self) -> str:
        """SHA-256 of pixels, labels and class names: equal for equal data."""
        digest = hashlib.sha256(repr((self.pixels.shape, self.class_names)).encode())
        for piece in chunks(self.pixels):
            digest.update(np.ascontiguousarray(piece).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Skipped:
    """A file that was skipped, and why; or several files of one kind.

    Attributes:
        file: Its name; for several files, their folder or their file extensions.
        reason: Why it was skipped.
        count: How many files this entry stands for.
    """

    file: str
    reason: str
    count: int = 1


@dataclass(frozen=True)
class LoadedData:
    """A loaded dataset: its training and test parts, and how new images are preprocessed.

    Attributes:
        train: The images to train on; validation data is split off later.
        test: The images for the final evaluation; None if there are none.
        skipped: The files that were skipped, with reasons.
        kind: The format it was read from: a key of `readers.READERS`, ``"arrays"`` or ``"table"``.
        preprocessing: Brings any other image to the form of these; stored in the model file.
        origin: The name or path that it was loaded from, or `IN_MEMORY`; empty if it is not known.
        options: ``test_fraction`` and ``seed`` of the split, if they are known.
        decisions: What was decided about the data, in the order in which it was decided.
    """

    train: Dataset
    test: Dataset | None
    preprocessing: Preprocessing
    skipped: tuple[Skipped, ...] = ()
    kind: str = ""
    origin: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()

    @property
    def class_counts(self) -> dict[str, int]:
        """The number of images of each class, training and test part together."""
        test = self.test.class_counts if self.test else (0,) * self.train.num_classes
        return {
            name: one + two
            for name, one, two in zip(self.train.class_names, self.train.class_counts, test, strict=True)
        }

    def __repr__(self) -> str:
        h, w, c = self.train.image_shape
        counts = f"{len(self.train):,} training images, {len(self.test) if self.test else 0:,} test images"
        return f"LoadedData({counts}, {h}×{w}×{c}, {self.train.num_classes} classes, {self.train.source})"

    def _repr_html_(self) -> str:
        h, w, c = self.train.image_shape
        contract = self.preprocessing
        test = f"{len(self.test):,} images" if self.test else "none"
        facts = [
            ("training", f"{len(self.train):,} images"),
            ("test", test),
            ("image size", f"{h}×{w}, {'grayscale' if c == 1 else 'RGB'}"),
            ("preprocessing", f"fit {escape(contract.fit)}, polarity {escape(contract.polarity)}"),
            *((one.what, f"{escape(one.chosen)} ({escape(one.because)})") for one in self.decisions),
        ]
        if self.skipped:
            first = "; ".join(f"{entry.file}: {entry.reason}" for entry in self.skipped[:SHOWN])
            more = f"; and {len(self.skipped) - SHOWN:,} more" if len(self.skipped) > SHOWN else ""
            facts.append(("skipped", f"{len(self.skipped):,} files: {escape(first)}{more}"))
        return table(("", ""), facts, caption=self.train.source) + self.train._repr_html_()


def joined(loaded: LoadedData) -> Dataset:
    """The training and the test part as one dataset."""
    one, two = loaded.train, loaded.test
    if two is None:
        return one
    names = (*one.names, *two.names) if one.names and two.names else ()
    wrong = (*one.known_wrong, *(len(one) + index for index in two.known_wrong))
    pixels = join(one.pixels, two.pixels)
    labels = np.concatenate([one.labels, two.labels])
    columns = joined_columns((one.columns, len(one)), (two.columns, len(two)))
    return replace(one, pixels=pixels, labels=labels, names=names, known_wrong=wrong, columns=columns)


def joined_columns(*parts: tuple[Mapping[str, tuple[str, ...]], int]) -> dict[str, tuple[str, ...]]:
    """The columns of several parts, each with its number of images, as one; empty texts where a part has no such one.

    Example:
        >>> joined_columns(({"writer": ("anna", "ben")}, 2), ({}, 1))
        {'writer': ('anna', 'ben', '')}
    """
    names = dict.fromkeys(name for columns, _ in parts for name in columns)
    return {
        name: tuple(value for columns, count in parts for value in columns.get(name, ("",) * count)) for name in names
    }


def image_hashes(pixels: StoredPixels) -> np.ndarray:
    """A 64-bit hash of each image: equal for equal pixels, so that an image is known again under another name.

    Returns:
        uint64, shape ``(n,)``.

    Example:
        >>> one, two, three = image_hashes(np.array([0, 7, 0], np.uint8).reshape(3, 1, 1, 1)).tolist()
        >>> one == three, one == two
        (True, False)
    """
    shape = repr(pixels.shape[1:]).encode()
    digests = bytearray()
    for piece in chunks(pixels):
        for row in np.ascontiguousarray(piece).reshape(len(piece), -1):
            digests += hashlib.blake2b(row.data, digest_size=8, person=shape[:16]).digest()
    return np.frombuffer(digests, "<u8")
