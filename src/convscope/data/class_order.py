"""The order of classes, and how data are matched to the outputs of a network by class name.

Light: NumPy only.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from convscope.data.dataset import Dataset, LoadedData
from convscope.data.natural_order import natural_key
from convscope.decisions import Decision
from convscope.errors import DataError

MIN_GAIN = 0.1
"""Points of accuracy that another class order must gain before it is mentioned."""

SHOWN = 12
"""Class names in one line of text."""


@dataclass(frozen=True, eq=False)
class MatchedDataset:
    """Data whose labels are the outputs of a network.

    Attributes:
        dataset: The images whose class the network has; labels and class names as the network's outputs.
        missing: Classes of the network without an image, in the network's order.
        unknown: Classes that the network does not have, each with its number of images; they are not in ``dataset``.
        decision: How the names were matched; None if the data have the network's classes in the network's order.
    """

    dataset: Dataset
    missing: tuple[str, ...] = ()
    unknown: Mapping[str, int] | None = None
    decision: Decision | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence each for missing and for unknown classes."""
        notes = []
        if self.missing:
            notes.append(f"No image of: {listed(self.missing)}.")
        if self.unknown:
            names = listed([f"{name} ({count:,} images)" for name, count in self.unknown.items()])
            notes.append(f"Not measured, because the network does not have these classes: {names}.")
        return tuple(notes)


def match_classes(expected: Sequence[str], dataset: Dataset) -> MatchedDataset:
    """Number the labels of a dataset as the outputs of a network, by class name.

    Names are compared in Unicode form NFC; if no class of the data is found in this way, also without regard to case.

    Args:
        expected: The class names of the network in the order of its outputs.
        dataset: The data; their classes may have another order, be fewer, or be more.

    Raises:
        DataError: The network has none of the classes of the data that have images.

    Example:
        >>> data = Dataset(np.zeros((3, 1, 1, 1), np.uint8), np.array([0, 1, 2]), ("a", "b", "d"), source="example")
        >>> matched = match_classes(("b", "a", "c"), data)
        >>> matched.dataset.labels.tolist(), matched.missing, matched.unknown
        ([1, 0], ('c',), {'d': 1})
    """
    names = tuple(expected)
    if names == dataset.class_names:
        counts = dataset.class_counts
        return MatchedDataset(dataset, tuple(name for name, count in zip(names, counts, strict=True) if not count))
    outputs, ignored_case = _outputs(names, dataset.class_names)
    if not any(output >= 0 for output in outputs):
        raise DataError(
            f"Expected the network's classes {listed(names)}. Received: data with the classes "
            f"{listed(dataset.class_names)}.",
            hint="Name the classes of the data as the network does.",
        )
    numbers = np.array(outputs, np.int64)[dataset.labels]
    known = dataset.take(np.flatnonzero(numbers >= 0))
    if not len(known):
        raise DataError(
            f"Expected images of the network's classes {listed(names)}. Received: none in {dataset.source}."
        )
    counts = dataset.class_counts
    unknown = {
        name: counts[index] for index, name in enumerate(dataset.class_names) if outputs[index] < 0 and counts[index]
    }
    matched = replace(known, labels=numbers[numbers >= 0], class_names=names)
    missing = tuple(name for name, count in zip(names, matched.class_counts, strict=True) if not count)
    how = "by name, ignoring case" if ignored_case else "by name"
    decision = Decision(
        "class names", f"matched {how} to {listed(names)}", f"the data have {listed(dataset.class_names)}"
    )
    return MatchedDataset(matched, missing, unknown, decision)


def known_orders(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The orders in which programs sort class names, by the name of the order; equal ones only once.

    Example:
        >>> known_orders(("c1", "c10", "c2"))
        {'string': ('c1', 'c10', 'c2'), 'natural': ('c1', 'c2', 'c10')}
    """
    orders = {
        "string": tuple(sorted(names)),
        "natural": tuple(sorted(names, key=natural_key)),
        "case-folded": tuple(sorted(names, key=lambda name: (name.casefold(), name))),
    }
    if all(name.isascii() and name.isdigit() for name in names):
        orders["numeric"] = tuple(sorted(names, key=lambda name: (int(name), name)))
    distinct: dict[tuple[str, ...], str] = {}
    for order, sequence in orders.items():
        distinct.setdefault(sequence, order)
    return {order: sequence for sequence, order in distinct.items()}


class ClassOrder(NamedTuple):
    """Class names in the order of a network's outputs, and why."""

    class_names: tuple[str, ...]
    because: str


def keras_order(loaded: LoadedData) -> ClassOrder:
    """The order in which Keras, torchvision and scikit-learn number the classes of such data.

    Names of folders, and labels that are texts, are sorted as strings ('10' before '2'); labels that are numbers keep
    their order.
    """
    names = loaded.train.class_names
    if loaded.kind in NUMBERED or (loaded.kind == "arrays" and all(map(str.isdigit, names))):
        return ClassOrder(names, "the labels are numbers")
    return ClassOrder(tuple(sorted(names)), "sorted as strings, as Keras numbers the classes of such data")


NUMBERED = ("mnist", "idx", "npz", "csv", "cifar")
"""The formats whose labels are numbers."""


@dataclass(frozen=True)
class BetterOrder:
    """Another order of the outputs under which a network is far better.

    Attributes:
        name: ``string``, ``natural``, ``case-folded`` or ``numeric``.
        class_names: The classes in that order.
        accuracy: The accuracy under that order, 0 to 1.
    """

    name: str
    class_names: tuple[str, ...]
    accuracy: float

    def __str__(self) -> str:
        return (
            f"The accuracy would be {self.accuracy:.1%} if the outputs were in {self.name} order: "
            f"--class-names {','.join(self.class_names)}"
        )


def better_order(predicted: np.ndarray, dataset: Dataset) -> BetterOrder | None:
    """A known order of the class names under which predictions agree far better with the labels.

    Args:
        predicted: The output with the highest value for each image, shape ``(n,)``.
        dataset: The images, with the class names in the order that was assumed.

    Returns:
        The best order, if its advantage is at least ten points and four standard errors; else None.
    """
    names, n = dataset.class_names, len(dataset)
    right = predicted == dataset.labels
    best: BetterOrder | None = None
    for order, sequence in known_orders(names).items():
        if sequence == names:
            continue
        labels = np.array([names.index(name) for name in sequence])[predicted]
        correct = labels == dataset.labels
        gain = correct.mean() - right.mean()
        error = np.sqrt(max(((correct != right).mean() - gain**2) / n, 1e-12))
        if gain >= max(MIN_GAIN, 4 * error) and (best is None or correct.mean() > best.accuracy):
            best = BetterOrder(order, sequence, float(correct.mean()))
    return best


def listed(names: Sequence[str]) -> str:
    """Names in one line; the first dozen of many.

    Example:
        >>> listed(["a", "b"])
        'a, b'
    """
    more = f", … ({len(names):,} in all)" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _outputs(expected: tuple[str, ...], names: tuple[str, ...]) -> tuple[list[int], bool]:
    """The output of each class of the data, -1 for none; and whether case was ignored."""
    exact = {unicodedata.normalize("NFC", name): output for output, name in enumerate(expected)}
    outputs = [exact.get(unicodedata.normalize("NFC", name), -1) for name in names]
    if any(output >= 0 for output in outputs):
        return outputs, False
    folded = [_folded(name) for name in expected]
    if len(set(folded)) < len(folded) or len({_folded(name) for name in names}) < len(names):
        return outputs, False
    by_case = {name: output for output, name in enumerate(folded)}
    return [by_case.get(_folded(name), -1) for name in names], True


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().strip()
