"""Which part of a dataset the name of a folder or file describes: training, validation or test. Light.

A name alone decides nothing: a class may be called train. See `folder_layout` for what makes a folder a part.
"""

from __future__ import annotations

import re
import unicodedata

TRAIN, VALIDATION, TEST = "train", "validation", "test"

PART_WORDS: dict[str, str] = {
    **dict.fromkeys(("train", "training", "trn", "fold", "folds"), TRAIN),
    **dict.fromkeys(("val", "valid", "validate", "validation", "validating", "dev", "development"), VALIDATION),
    **dict.fromkeys(("test", "testing", "tst", "eval", "evaluation", "holdout", "heldout"), TEST),
}
"""Words that name a part; other languages are left to the option ``parts``."""

PREFIXES: dict[str, str] = {"train": TRAIN, "valid": VALIDATION, "test": TEST}
"""Beginnings of compound words that name a part, such as trainset, Trainingsdaten and testdata."""

CLASS_WORDS = frozenset(("trainer", "trainers", "testudo", "tester", "testers"))
"""Words that begin like a part but are not."""

FILLERS = frozenset(
    (
        "data", "dataset", "datasets", "set", "sets", "split", "part", "folder", "dir",
        "image", "images", "img", "imgs", "pic", "pics", "picture", "pictures", "photo",
        "photos", "sample", "samples", "the", "my", "all", "new", "raw",
    )
)  # fmt: skip
"""Words that describe nothing about the part or the class."""


def part_of(name: str) -> str:
    """The part that a name describes, among other words or not: ``train``, ``validation``, ``test``, or empty.

    Example:
        >>> [part_of(name) for name in ("training_set", "Test", "seg_val", "trainset2", "bus", "fold-3")]
        ['train', 'test', 'validation', 'train', '', 'train']
    """
    found = {part for word in _words(name) if (part := _part_of_word(word))}
    return found.pop() if len(found) == 1 else ""


def is_part_name(name: str) -> bool:
    """Whether a name describes a part and nothing else.

    Example:
        >>> [is_part_name(name) for name in ("test", "Test_Images", "crash test", "train-2")]
        [True, True, False, True]
    """
    return bool(part_of(name)) and all(word in FILLERS or _part_of_word(word) for word in _words(name))


def _words(name: str) -> list[str]:
    text = unicodedata.normalize("NFKC", name)
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).casefold()
    joined = re.sub(r"\bhold[\W_]*out\b|\bheld[\W_]*out\b", "holdout", text)
    return re.findall(r"[^\W\d_]+", joined)


def _part_of_word(word: str) -> str:
    if word in PART_WORDS:
        return PART_WORDS[word]
    return next((part for prefix, part in PREFIXES.items() if word.startswith(prefix) and word not in CLASS_WORDS), "")
