"""Classes that can be recognized by the size of their images instead of their content."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median

import numpy as np

from convscope.data.data_check import DataCheck, Finding, Kind
from convscope.data.natural_order import natural_key
from convscope.data.scan import ImageRecord, ScanResult

MEASURES: dict[str, tuple[str, Callable[[ImageRecord], float]]] = {
    "larger": ("smaller", lambda record: float(record.size[0] * record.size[1])),
    "wider": ("narrower", lambda record: record.size[1] / record.size[0]),
}
"""Word for a high value, to the word for a low value and the measure."""


def find(scan: ScanResult, *, threshold: float = 0.95, few: int = 5) -> Iterator[Finding]:
    """Find classes whose images are almost always larger, smaller, wider or narrower than the others.

    Args:
        scan: The dataset.
        threshold: The area under the ROC curve (or 1 minus it) from which the measure separates the class.
        few: Classes with fewer images than this are not judged.
    """
    by_class: dict[str, list[ImageRecord]] = {}
    for record in scan.records:
        by_class.setdefault(record.class_name, []).append(record)
    for name in sorted(by_class, key=natural_key):
        own = by_class[name]
        others = [record for other, group in by_class.items() if other != name for record in group]
        if min(len(own), len(others)) < few:
            continue
        for high, (low, measure) in MEASURES.items():
            auc = _auc([measure(record) for record in own], [measure(record) for record in others])
            if max(auc, 1 - auc) >= threshold:
                yield Finding(
                    "size_tells",
                    f"class {name} is {high if auc > 0.5 else low} than the others in {max(auc, 1 - auc):.0%} of "
                    f"comparisons: median {_median_size(own)}, others {_median_size(others)}",
                )
                break


def _auc(own: Sequence[float], others: Sequence[float]) -> float:
    """How often a value of ``own`` exceeds one of ``others``, ties counted half: the area under the ROC curve."""
    below = np.sort(np.asarray(others))
    wins = np.searchsorted(below, own, "left") + np.searchsorted(below, own, "right")
    return float(wins.sum() / (2 * len(own) * len(others)))


def _median_size(records: Sequence[ImageRecord]) -> str:
    h, w = (median(record.size[axis] for record in records) for axis in (0, 1))
    return f"{h:g}×{w:g}"


CHECK = DataCheck(
    {
        "size_tells": Kind(
            "Image sizes that differ by class",
            "A network can recognize the classes by size or shape instead of content. Take all images with one "
            "camera, or crop them.",
            110,
        )
    },
    find,
)
