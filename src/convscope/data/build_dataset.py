"""From raw arrays to ``LoadedData``: one place for the rules that hold whatever the file format was.

Cool: NumPy only. A reader gives ``Part`` values with the labels as the file has them; ``assemble`` brings the pictures
to one size, numbers the classes, refuses what cannot be learnt from, holds out a test part and writes the contract.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import UInt8

from convscope.arrays import MAX_CLASSES, Labels, Pixels
from convscope.data import digit_normalization
from convscope.data.dataset import Dataset, LoadedData, Skipped, stratified_split
from convscope.data.preprocess import MAX_SIDE, Preprocessing, to_grey
from convscope.data.resample import resample_many
from convscope.errors import DataError, OptionError, printable

MAX_BYTES = 2**31
"""The most bytes of pixels one part may have: two gigabytes, EMNIST by class four times over."""


@dataclass(frozen=True)
class LoadOptions:
    """What a person may ask for when data is loaded.

    Attributes:
        size: Rows and columns that all pictures are brought to; None leaves the choice to the reader.
        channels: 1 (grey) or 3 (RGB); None for what the pictures are.
        test_fraction: The share held out for testing where the source has no test part, in [0, 1); 0 for none.
        seed: Decides which pictures are held out.
        strict: Stop at the first unreadable picture instead of leaving it out.

    Raises:
        OptionError: A value out of its range.
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    test_fraction: int | float = 0.15
    seed: int = 0
    strict: bool = False

    def __post_init__(self) -> None:
        if self.size is not None and not (len(self.size) == 2 and all(1 <= side <= MAX_SIDE for side in self.size)):
            raise OptionError(f"Expected a size of 1 to {MAX_SIDE} rows and columns. Received: size={self.size}.")
        if self.channels not in (None, 1, 3):
            raise OptionError(f"Expected 1 (grey) or 3 (RGB) channels. Received: channels={self.channels}.")
        if not 0 <= self.test_fraction < 1:
            raise OptionError(f"Expected a test fraction from 0 to below 1. Received: fraction={self.test_fraction}.")


@dataclass(frozen=True)
class Part:
    """One part as a reader found it: ``labels`` hold the numbers that the file uses."""

    pixels: Pixels
    labels: Labels
    names: tuple[str, ...] = field(default=(), repr=False)


def assemble(
    kind: str,
    source: str,
    train: Part,
    test: Part | None,
    *,
    options: LoadOptions,
    class_names: Mapping[int, str] | None = None,
    skipped: tuple[Skipped, ...] = (),
) -> LoadedData:
    """Make ``LoadedData`` from what a reader found.

    The classes are the labels that occur in the training part, in ascending order: numbers that nobody uses do not
    become empty classes. Where ``class_names`` is given, exactly its numbers are the classes.

    Args:
        kind: The reader's name.
        source: What the messages and the data set call the source.
        train: The training part.
        test: The test part, or None to hold one out of the training part.
        options: Size, channels and how to hold out.
        class_names: Label number to name; None calls each class by its number.
        skipped: What the reader left out.

    Returns:
        The parts, the contract and what was left out.

    Raises:
        DataError: Counts that do not match, an empty class, fewer than two classes, fewer than two pictures in a
            class, a test label that nothing was learnt about, parts of different form.
    """
    source = printable(source)
    for name, part in (("training", train), ("test", test)):
        if part is not None:
            _check_part(part, f"{source} ({name} part)")
    if test is not None and train.pixels.shape[1:] != test.pixels.shape[1:]:
        raise DataError(
            f"Expected training and test pictures of one form in {source}. Received: "
            f"train={train.pixels.shape[1:]}, test={test.pixels.shape[1:]}."
        )
    numbers = _class_numbers(source, train, class_names)
    names = tuple(class_names[number] if class_names else str(number) for number in numbers)
    contract = contract_for(train.pixels, options)
    learn = _dataset(train, numbers, names, source, contract)
    if test is not None:
        held_out = _dataset(test, numbers, names, f"{source} (test part)", contract)
    elif options.test_fraction:
        learn, held_out = stratified_split(learn, fraction=options.test_fraction, seed=options.seed)
        held_out = replace(held_out, source=f"{source} (held out)")
    else:
        held_out = None
    return LoadedData(learn, held_out, contract, skipped=skipped, kind=kind)


def contract_for(pixels: Pixels, options: LoadOptions) -> Preprocessing:
    """The contract for pictures like these.

    Grey pictures that follow MNIST's framing get MNIST's recipe, with polarity ``"auto"``: a photo of a digit must be
    brought to their form. All others get ``"pad"`` and keep their polarity.
    """
    h, w, c = pixels.shape[1:]
    height, width = options.size or (h, w)
    channels = options.channels or c
    if channels == 1 and c == 1 and follows_mnist(pixels):
        return Preprocessing(int(height), int(width), 1, fit="mnist", polarity="auto")
    return Preprocessing(int(height), int(width), int(channels))


def follows_mnist(pixels: Pixels) -> bool:
    """Whether pictures are framed as MNIST's: at least 95 % of up to 1,000 of them, evenly picked, pass ``is_framed``.

    MNIST's own digits do; Fashion-MNIST, KMNIST and EMNIST are framed otherwise. Blank pictures do not count as framed.
    """
    h, w, c = pixels.shape[1:]
    if c != 1 or h != w or h < 14 or len(pixels) == 0:
        return False
    sample = pixels[np.unique(np.linspace(0, len(pixels) - 1, 1000).astype(int)), :, :, 0]
    framed = sum(bool(picture.any()) and digit_normalization.is_framed(picture, int(h), int(w)) for picture in sample)
    return framed >= 0.95 * len(sample)


def convert(pixels: UInt8[np.ndarray, "n rows columns channels"], contract: Preprocessing) -> Pixels:
    """Bring a stack of data set pictures to the contract's size and channels, by proportions, without its recipe.

    The pictures of a data set define the form that the recipe brings others to, so polarity and MNIST's framing are
    not applied to them.
    """
    n, h, w, c = pixels.shape
    if contract.channels == 1 and c == 3:
        pixels = to_grey(pixels.reshape(1, -1, 3)).reshape(n, h, w, 1)
    if h * contract.width == w * contract.height:
        pixels = resample_many(pixels, contract.height, contract.width)
    else:
        plain = replace(contract, channels=pixels.shape[-1], fit="pad", polarity="as_is")
        pixels = np.stack([plain.apply(picture) for picture in pixels])
    return np.repeat(pixels, 3, axis=-1) if contract.channels > pixels.shape[-1] else pixels


def to_pixels(array: np.ndarray, where: str) -> np.ndarray:
    """Bring an array of brightness to uint8 0..255 by rule.

    uint8 stays. Other whole numbers must lie in 0..255. Numbers with a fraction must all lie in 0..1 and are scaled by
    255, rounded half up. True and false become 255 and 0. Anything else is refused: guessing a range makes wrong data.

    Args:
        array: Any shape.
        where: What messages call it.

    Raises:
        DataError: Another dtype, NaN or infinity, or a value out of its range.
    """
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in "iuf":
        raise DataError(f"Expected pixels as numbers in {where}. Received: dtype={array.dtype}.")
    if array.size == 0:
        return np.zeros(array.shape, np.uint8)
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            place = tuple(int(axis[0]) for axis in np.nonzero(~np.isfinite(array)))
            raise DataError(f"Expected finite pixels in {where}. Received: {array[place]} at position {place}.")
        low, high = float(array.min()), float(array.max())
        if low < 0 or high > 1:
            raise DataError(
                f"Expected pixels with a fraction to lie in 0..1 in {where}. Received: {low:g} to {high:g}.",
                hint="Save them as uint8 from 0 to 255, or divide them so that they lie in 0..1.",
            )
        return np.floor(array.astype(np.float64, copy=False) * 255 + 0.5).astype(np.uint8)
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > 255:
        raise DataError(f"Expected pixels from 0 to 255 in {where}. Received: {low} to {high}.")
    return array.astype(np.uint8)


def to_labels(array: np.ndarray, where: str) -> Labels:
    """Bring an array of labels to int64, shape ``(n,)``.

    Raises:
        DataError: Not whole numbers of 0 or more, or more than one a picture.
    """
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        hint = "For one-hot labels store labels.argmax(axis=1)." if array.ndim == 2 else ""
        raise DataError(f"Expected one label a picture in {where}. Received: shape={array.shape}.", hint=hint)
    if array.dtype.kind not in "iuf":
        raise DataError(
            f"Expected labels as whole numbers in {where}. Received: dtype={array.dtype}.",
            hint="Number the classes from 0.",
        )
    if array.dtype.kind == "f":
        wrong = np.flatnonzero(~np.isfinite(array) | (array != np.floor(array)))
        if len(wrong):
            raise DataError(
                f"Expected labels as whole numbers in {where}. Received: {array[wrong[0]]} at position {wrong[0]}."
            )
    if len(array) and not 0 <= array.min() <= array.max() < 2**31:
        raise DataError(f"Expected labels of 0 or more in {where}. Received: {array.min()} to {array.max()}.")
    return array.astype(np.int64)


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort names as people count: '2' before '10', capitals beside small letters; equal texts only are equal.

    Example:
        >>> sorted(["10", "2", "b", "A", "a"], key=natural_key)
        ['2', '10', 'A', 'a', 'b']
    """
    pieces = re.findall(r"[0-9]+|[^0-9]+", text.casefold())
    key = [(0, int(piece[:400]), "") if piece[0] in "0123456789" else (1, 0, piece) for piece in pieces]
    return (*key, (-1, 0, text))


def _check_part(part: Part, where: str) -> None:
    if len(part.pixels) == 0:
        raise DataError(f"Expected pictures in {where}. Received: none.")
    h, w = part.pixels.shape[1:3]
    if not (1 <= h <= MAX_SIDE and 1 <= w <= MAX_SIDE):
        raise DataError(f"Expected pictures of 1 to {MAX_SIDE} pixels a side in {where}. Received: {h}×{w}.")


def _class_numbers(source: str, train: Part, class_names: Mapping[int, str] | None) -> np.ndarray:
    present, counts = np.unique(train.labels, return_counts=True)
    names = class_names or {}
    for number in sorted(set(names) - set(present.tolist())):
        raise DataError(
            f"Expected training pictures in each class of {source}. Received: none in class {names[number]!r}.",
            hint="Add pictures to it or remove the class.",
        )
    if class_names is not None and set(present.tolist()) - set(names):
        unknown = sorted(set(present.tolist()) - set(names))
        raise DataError(f"Expected labels from {sorted(names)[:20]} in {source}. Received: label {unknown[0]}.")
    if len(present) < 2:
        raise DataError(
            f"Expected at least 2 classes in {source}. "
            f"Received: only class {names.get(int(present[0]), str(present[0]))!r}.",
            hint="A network that tells nothing apart cannot be wrong or right.",
        )
    if len(present) > MAX_CLASSES:
        raise DataError(f"Expected at most {MAX_CLASSES} classes in {source}. Received: {len(present)} labels.")
    if counts.min() < 2:
        rare = int(present[counts.argmin()])
        raise DataError(
            f"Expected at least 2 training pictures in each class of {source}. "
            f"Received: 1 in class {names.get(rare, str(rare))!r}.",
            hint="Add pictures to it or remove the class.",
        )
    return present


def _dataset(part: Part, numbers: np.ndarray, names: tuple[str, ...], source: str, contract: Preprocessing) -> Dataset:
    positions = np.searchsorted(numbers, part.labels).clip(0, len(numbers) - 1)
    strange = np.flatnonzero(numbers[positions] != part.labels)
    if len(strange):
        raise DataError(
            f"Expected only labels that the training part has in {source}. "
            f"Received: label {part.labels[strange[0]]} at position {strange[0]}, with nothing to learn it from."
        )
    return Dataset(convert(part.pixels, contract), positions.astype(np.int64), names, source, names=part.names)
