"""Names for numeric labels: the option ``class_names``. Light: NumPy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from convscope.arrays import MAX_CLASS_NAME, is_class_name
from convscope.decisions import Decision
from convscope.errors import DataError, OptionError

SHOWN = 12


def parse_class_names(value: object) -> tuple[str, ...] | None:
    """Class names from an option.

    Args:
        value: Texts, or one text with commas between the names; None stays None.

    Raises:
        OptionError: A name is empty, too long, not printable, or there twice.

    Example:
        >>> parse_class_names("cat, dog"), parse_class_names(["cat", "dog"]), parse_class_names(None)
        (('cat', 'dog'), ('cat', 'dog'), None)
    """
    if value is None:
        return None
    texts = value.split(",") if isinstance(value, str) else value
    names = tuple(str(text).strip() for text in texts) if isinstance(texts, Sequence) else ()
    wrong = [name for index, name in enumerate(names) if not is_class_name(name) or name in names[:index]]
    if not names or wrong:
        received = f"the name {wrong[0][:60]!r}" if wrong else repr(value)[:60]
        raise OptionError(
            f"Expected distinct class names of 1 to {MAX_CLASS_NAME} printable characters, separated by commas. "
            f"Received: {received} in class_names.",
        )
    return names


def name_classes(
    labels: np.ndarray, known: Mapping[int, str] | None, names: Sequence[str], *, source: str, whole: bool = False
) -> tuple[Mapping[int, str] | None, tuple[Decision, ...]]:
    """Give numeric labels their names, in ascending order of the labels.

    Args:
        labels: The labels of the training part.
        known: The name of each label in the data, if it has one; only digits count as numeric labels.
        names: The names to give.
        source: The name of the data, for messages.
        whole: Whether classes may be missing: then label n may also get the name at position n, and data with names of
            their own keep them.

    Returns:
        The name of each label, and what was decided.

    Raises:
        DataError: Another number of labels than names, or data with names of their own.
    """
    if known and not all(name.isascii() and name.isdigit() for name in known.values()):
        if whole:
            return known, ()
        raise DataError(
            f"Expected numeric labels for class_names. Received: {source}, with classes that have names: "
            f"{', '.join(list(known.values())[:SHOWN])}.",
            hint="Leave --class-names out, or rename the folders.",
        )
    numbers = sorted(known) if known else [int(number) for number in np.unique(labels)]
    if len(numbers) == len(names):
        named = dict(zip(numbers, names, strict=True))
    elif whole and numbers and max(numbers) < len(names):
        named = {number: names[number] for number in numbers}
    else:
        shown = ", ".join(map(str, numbers[:SHOWN])) + (", …" if len(numbers) > SHOWN else "")
        raise DataError(
            f"Expected one class name for each of the {len(numbers)} labels of {source} ({shown}). "
            f"Received: {len(names)} names.",
            hint="Give --class-names in the order of the labels.",
        )
    texts = known or {number: str(number) for number in numbers}
    pairs = [f"{texts[number]} is {name}" for number, name in named.items()]
    chosen = ", ".join(pairs[:SHOWN]) + (f", … ({len(pairs)})" if len(pairs) > SHOWN else "")
    return named, (Decision("class names", chosen, "as requested"),)
