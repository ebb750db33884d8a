"""Duplicates and near duplicates: under two labels, in both parts, or within a class.

A group of images is reported once, under the most serious kind that applies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from convscope.data.data_check import DataCheck, Finding, Kind
from convscope.data.near_duplicates import (
    Tone,
    are_alike,
    connected_groups,
    near_duplicate_pairs,
    same_groups,
)
from convscope.data.scan import ImageRecord, ScanResult


def find(scan: ScanResult) -> Iterator[Finding]:
    """Find groups of equal images, then groups of similar ones. Blank images are not compared."""
    records = scan.records
    shown = [index for index, record in enumerate(records) if record.fingerprint is not None]
    equal = [tuple(shown[place] for place in group) for group in same_groups(records[index].digest for index in shown)]
    for group in equal:
        yield _finding([records[index] for index in group], "duplicate", "identical pixels")
    if not shown or not scan.is_compared:
        return
    copies = {index for group in equal for index in group[1:]}
    singles = [index for index in shown if index not in copies]
    fingerprints = np.stack(
        [fingerprint for index in singles if (fingerprint := records[index].fingerprint) is not None]
    )
    tones = [records[index].tone for index in singles]
    pairs = [pair for pair in near_duplicate_pairs(fingerprints) if _are_alike(tones[pair[0]], tones[pair[1]])]
    for group in connected_groups(len(singles), pairs):
        yield _finding([records[singles[place]] for place in group], "near_duplicate", "nearly identical")


def _are_alike(one: Tone | None, other: Tone | None) -> bool:
    return one is None or other is None or are_alike(one, other)


def _finding(group: Sequence[ImageRecord], kind: str, words: str) -> Finding:
    labels = list(dict.fromkeys(record.class_name for record in group))
    if len(labels) > 1:
        kind, words = "two_labels", f"{words}, labeled {' and '.join(labels)}"
    else:
        kind = "across_parts" if len({record.part for record in group}) > 1 else kind
        words = f"{words}, class {labels[0]}"
    return Finding(kind, words, tuple(record.name for record in group))


CHECK = DataCheck(
    {
        "two_labels": Kind(
            "Conflicting labels: the same image in two classes",
            "One of the labels is wrong. Keep the image once, in the correct class.",
            30,
        ),
        "across_parts": Kind(
            "Leaks: the same image in the training and the test part",
            "The test accuracy is too high, because the network has seen these images. Remove them from one part.",
            40,
        ),
        "duplicate": Kind(
            "Duplicate images",
            "They count twice in training, and a random split may put copies into both parts. Keep one.",
            60,
        ),
        "near_duplicate": Kind(
            "Near duplicates",
            "Compressed again, resized, brightened, or taken moments apart: the same problems as duplicates. Review "
            "them.",
            70,
        ),
    },
    find,
)
