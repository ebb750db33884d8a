"""MNIST, which ships with the package: loaded by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from convscope.data import mnist
from convscope.data.choose_preprocessing import convert, framing_decision
from convscope.data.class_names import name_classes
from convscope.data.dataset import Dataset, LoadedData
from convscope.data.load_options import LoadOptions
from convscope.data.preprocess import Preprocessing
from convscope.data.reader import Candidate, Reader
from convscope.decisions import Decision


def load(path: Path, options: LoadOptions) -> LoadedData:
    """Load both parts; the path is ignored."""
    contract = preprocessing_for(options)
    train, test = mnist.load_parts("train", "test")
    train, named = _named(train, options)
    test, _ = _named(test, options)
    if options.whole:
        train, test = _joined(train, test), None
    return LoadedData(
        _resized(train, contract),
        _resized(test, contract) if test else None,
        contract,
        kind="mnist",
        decisions=(*named, *framing_decision(contract)),
    )


def _joined(train: Dataset, test: Dataset) -> Dataset:
    return replace(
        train,
        pixels=np.concatenate([train.pixels, test.pixels]),
        labels=np.concatenate([train.labels, test.labels]),
        source="MNIST",
        known_wrong=tuple(len(train) + index for index in test.known_wrong),
    )


def load_test(options: LoadOptions) -> Dataset:
    """Load the test part; the training part is not decompressed."""
    test, _ = _named(mnist.load_part("test"), options)
    return _resized(test, preprocessing_for(options))


def _named(part: Dataset, options: LoadOptions) -> tuple[Dataset, tuple[Decision, ...]]:
    """A part with the class names that were asked for."""
    if not options.class_names:
        return part, ()
    digits = dict(enumerate(part.class_names))
    names, decisions = name_classes(part.labels, digits, options.class_names, source="MNIST", whole=options.whole)
    return replace(part, class_names=tuple((names or digits).values())), decisions


def preprocessing_for(options: LoadOptions) -> Preprocessing:
    """MNIST's own preprocessing in grayscale; in color, images are padded; ``options.fit`` overrides both."""
    height, width = options.size or (28, 28)
    if options.fit != "auto":
        return Preprocessing(height, width, options.channels or 1, fit=options.fit, polarity="auto")
    if options.channels == 3:
        return Preprocessing(height, width, 3, polarity="auto")
    return Preprocessing(height, width, 1, fit="mnist", polarity="auto")


def _resized(dataset: Dataset, contract: Preprocessing) -> Dataset:
    return replace(dataset, pixels=convert(dataset.pixels, contract))


def _recognizes(candidate: Candidate) -> bool:
    return False  # by name only


READER = Reader(
    name="mnist",
    form="the name mnist",
    contents="60,000 + 10,000 handwritten digits, included in the package",
    order=0,
    recognizes=_recognizes,
    load=load,
    load_test=load_test,
    is_built_in=True,
)
