"""What was found in a dataset and what was decided about it, in a few lines: for `train` and ``convscope data``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convscope import decisions
from convscope.data.dataset import IN_MEMORY, Dataset, LoadedData, Skipped
from convscope.decisions import Decision
from convscope.errors import printable

SHOWN_CLASSES = 12
SHOWN_FILES = 3
FOLDED = ("image size", "channels")
"""Decisions that the line about the images includes."""


def summary_lines(loaded: LoadedData) -> list[str]:
    """Parts, classes in order, image size, decisions, and what was skipped; one line each.

    Example:
        >>> from convscope.api.load_data import load_data
        >>> for line in summary_lines(load_data("mnist"))[:3]:
        ...     print(line)
        data: mnist, 60,000 training and 10,000 test images
        classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
        images: 28×28, grayscale
    """
    train, test = loaded.train, loaded.test
    counts = (
        f"{len(train):,} training and {len(test):,} test images" if test else f"{len(train):,} images, no test part"
    )
    name = printable(loaded.origin) if loaded.origin not in ("", IN_MEMORY) else train.source
    return [
        f"data: {name}{f' ({loaded.kind})' if loaded.kind not in ('', name) else ''}, {counts}",
        f"classes: {_classes(train)}",
        f"images: {_images(loaded)}",
        *(str(decision) for decision in loaded.decisions if decision.what not in FOLDED),
        *(f"skipped: {line}" for line in skipped_lines(loaded.skipped)),
    ]


def summary_json(loaded: LoadedData) -> dict[str, Any]:
    """The same as plain values, without limits."""
    parts = {"train": loaded.train} | ({"test": loaded.test} if loaded.test else {})
    return {
        "source": loaded.train.source,
        "kind": loaded.kind,
        "image_shape": list(loaded.train.image_shape),
        "class_names": list(loaded.train.class_names),
        "class_counts": {name: list(part.class_counts) for name, part in parts.items()},
        "preprocessing": loaded.preprocessing.to_json(),
        "decisions": decisions.to_json(loaded.decisions),
        "skipped": [{"name": item.file, "reason": item.reason, "count": item.count} for item in loaded.skipped],
        "summary": summary_lines(loaded),
    }


def skipped_lines(skipped: Sequence[Skipped]) -> list[str]:
    """Skipped files by reason: how many, and the first names.

    Example:
        >>> skipped_lines([Skipped(".json", "24 files that are not images", 24), Skipped("a.png", "0 bytes")])
        ['24 files that are not images (.json)', 'a.png: 0 bytes']
    """
    lines = [f"{entry.reason} ({entry.file})" for entry in skipped if entry.count > 1]
    reasons: dict[str, list[str]] = {}
    for entry in skipped:
        if entry.count == 1:
            reasons.setdefault(entry.reason, []).append(entry.file)
    for reason, names in reasons.items():
        shown = ", ".join(names[:SHOWN_FILES])
        more = f" and {len(names) - SHOWN_FILES:,} more" if len(names) > SHOWN_FILES else ""
        lines.append(f"{shown}{more}: {reason}")
    return lines


def _classes(train: Dataset) -> str:
    names = train.class_names
    if len(names) > SHOWN_CLASSES:
        return f"{', '.join(names[:SHOWN_CLASSES])}, … ({len(names):,})"
    return ", ".join(names)


def _images(loaded: LoadedData) -> str:
    h, w, c = loaded.train.image_shape
    reasons = [_reason(one) for one in loaded.decisions if one.what in FOLDED and not _is_plain(one)]
    because = f" ({'; '.join(reasons)})" if reasons else ""
    return f"{h}×{w}, {'grayscale' if c == 1 else 'RGB'}{because}"


def _is_plain(decision: Decision) -> bool:
    return decision.because == "the size of all images"


def _reason(decision: Decision) -> str:
    change = f", change with {decision.option}" if decision.option.startswith("--") else ""
    return f"{decision.because}{change}"
