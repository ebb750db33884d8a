"""What is wrong with a data set, found before it is trained on.

Cool: it judges what `records` saw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from convscope.data.build_dataset import natural_key
from convscope.data.near_duplicates import MAX_COMPARED, joined, near_duplicate_pairs, same_groups
from convscope.data.scan import ImageRecord, ScanResult

FEW = 20
"""Pictures of a class below which a network hardly learns it, and no figure about it means much."""

RARE = 1 / 20
"""A class with less than this share of the largest one's pictures is small beside it."""

TELLING = 0.95
"""How often a picture of one class must be larger (or wider) than one of the others for size to give the class away."""


@dataclass(frozen=True)
class Kind:
    """A kind of finding.

    Attributes:
        title: A heading.
        advice: What it does, and what to do.
        is_serious: Whether figures measured on such data cannot be trusted, or a picture is lost.
    """

    title: str
    advice: str
    is_serious: bool = True


KINDS: dict[str, Kind] = {
    "unreadable": Kind("Files that cannot be read", "They are left out of training. Repair or remove them."),
    "no_class": Kind("Files in no class", "They are left out. Move each into the folder of its class."),
    "missing_class": Kind(
        "Classes without pictures", "Nothing can be learnt of them. Add pictures, or remove the class."
    ),
    "two_labels": Kind(
        "The same picture under two labels", "One label must be wrong. Keep the picture once, in the class it shows."
    ),
    "across_parts": Kind(
        "The same picture in the training and the test part",
        "The test then measures memory, not skill: accuracy comes out too high. Remove it from one part.",
    ),
    "label_error": Kind(
        "Labels that are likely wrong",
        "Networks that never saw the picture name another class. Look at each, and correct what is wrong.",
    ),
    "duplicate": Kind(
        "The same picture more than once",
        "It counts double in training, and a random split puts copies on both sides. Keep one.",
    ),
    "near_duplicate": Kind(
        "Pictures that look the same",
        "Stored again, made smaller or brighter, or one moment after the other: as bad as copies. Look at them.",
    ),
    "blank": Kind("Blank pictures", "They show nothing, and teach that nothing is a class. Remove them."),
    "tiny_class": Kind("Classes with few pictures", "Expect mistakes there, and wide intervals. Add pictures."),
    "label_doubt": Kind(
        "Labels that networks dispute",
        "More often the networks' mistakes than wrong labels, the surest first. Look at the first ones.",
        is_serious=False,
    ),
    "size_tells": Kind(
        "Sizes that differ by class",
        "A network can tell the classes by their frames instead of what they show. Take all with one camera, or crop.",
    ),
    "wrong_extension": Kind(
        "Files whose name says another format", "They are read by their content.", is_serious=False
    ),
    "turned": Kind("Photos that the camera marked as turned", "They are turned upright when read.", is_serious=False),
    "odd_mode": Kind(
        "Unusual pixels", "They are converted: transparency laid on white, 16 bits brought to 8.", is_serious=False
    ),
    "animated": Kind("Files with several pictures", "The first one is read.", is_serious=False),
}
"""Each kind of finding, the gravest first."""


@dataclass(frozen=True)
class Finding:
    """One thing found.

    Attributes:
        kind: A key of `KINDS`.
        words: What exactly.
        files: The pictures or files it is about; none for a class.
    """

    kind: str
    words: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataReport:
    """A data set, looked through.

    Attributes:
        seen: What there is.
        findings: The gravest kind first.
        is_compared: Whether pictures were compared for likeness, which too many are not.
    """

    seen: ScanResult
    findings: tuple[Finding, ...]
    is_compared: bool = True

    @property
    def counts(self) -> dict[str, int]:
        """How many findings of each kind there are, the gravest first; kinds without one left out."""
        counts = Counter(finding.kind for finding in self.findings)
        return {kind: counts[kind] for kind in KINDS if counts[kind]}

    @property
    def class_counts(self) -> dict[str, dict[str, int]]:
        """Readable pictures by class, as people count, and part."""
        counts: dict[str, dict[str, int]] = {}
        for name in sorted({record.class_name for record in self.seen.records} | set(self.seen.empty), key=natural_key):
            counts[name] = {"train": 0, "test": 0}
        for record in self.seen.records:
            counts[record.class_name][record.part] += 1
        return counts


def check_dataset(seen: ScanResult, more: Sequence[Finding] = ()) -> DataReport:
    """Judge what was seen.

    Args:
        seen: From `records.look`.
        more: Findings from elsewhere, such as likely label errors.
    """
    records = seen.records
    is_compared = len(records) <= MAX_COMPARED
    findings = [Finding("unreadable", entry.reason, (entry.file,)) for entry in seen.unreadable]
    findings += [Finding("no_class", entry.reason, (entry.file,)) for entry in seen.strays]
    findings += [*_alike(records, is_compared), *_classes(seen), *_sizes(records), *more]
    findings += [
        Finding("blank", f"{_by(record)}, one tone", (record.name,)) for record in records if record.fingerprint is None
    ]
    findings += [Finding(kind, words, (record.name,)) for record in records for kind, words in record.oddities.items()]
    order = list(KINDS)
    return DataReport(seen, tuple(sorted(findings, key=lambda finding: order.index(finding.kind))), is_compared)


def _alike(records: Sequence[ImageRecord], is_compared: bool) -> Iterator[Finding]:
    """Groups of equal pictures, then of those that look the same; each under the gravest kind that fits."""
    shown = [index for index, record in enumerate(records) if record.fingerprint is not None]
    equal = [tuple(shown[place] for place in group) for group in same_groups(records[index].digest for index in shown)]
    for group in equal:
        yield _group([records[index] for index in group], "duplicate", "the same pixels")
    if not is_compared or not shown:
        return
    copies = {index for group in equal for index in group[1:]}
    singles = [index for index in shown if index not in copies]
    fingerprints = np.stack(
        [fingerprint for index in singles if (fingerprint := records[index].fingerprint) is not None]
    )
    for group in joined(len(singles), near_duplicate_pairs(fingerprints)):
        yield _group([records[singles[place]] for place in group], "near_duplicate", "they look the same")


def _group(group: Sequence[ImageRecord], kind: str, words: str) -> Finding:
    labels = list(dict.fromkeys(record.class_name for record in group))
    parts = {record.part for record in group}
    if len(labels) > 1:
        kind, words = "two_labels", f"{words}, labelled {' and '.join(labels)}"
    elif len(parts) > 1:
        kind, words = "across_parts", f"{words}, class {labels[0]}"
    else:
        words = f"{words}, class {labels[0]}"
    return Finding(kind, words, tuple(record.name for record in group))


def _classes(seen: ScanResult) -> Iterator[Finding]:
    yield from (Finding("missing_class", f"class {name} has a folder and no file") for name in seen.empty)
    train = Counter(record.class_name for record in seen.records if record.part == "train")
    test = Counter(record.class_name for record in seen.records if record.part == "test")
    largest = max(train.values(), default=0)
    for name in sorted(set(train) | set(test), key=natural_key):
        if not train[name]:
            yield Finding("missing_class", f"class {name} has {test[name]:,} test pictures and none to learn from")
        elif test and not test[name]:
            yield Finding("missing_class", f"class {name} has no test picture: nothing will be known of it")
        elif train[name] < FEW:
            yield Finding("tiny_class", f"class {name} has {train[name]} training pictures, fewer than {FEW}")
        elif train[name] < RARE * largest:
            yield Finding("tiny_class", f"class {name} has {train[name]:,} training pictures, the largest {largest:,}")


def _sizes(records: Sequence[ImageRecord]) -> Iterator[Finding]:
    """Classes whose pictures are almost always larger, smaller, wider or narrower than the others'."""
    measures: dict[str, Callable[[ImageRecord], float]] = {
        "larger": lambda record: float(record.size[0] * record.size[1]),
        "wider": lambda record: record.size[1] / record.size[0],
    }
    by_class: dict[str, list[ImageRecord]] = {}
    for record in records:
        by_class.setdefault(record.class_name, []).append(record)
    for name in sorted(by_class, key=natural_key):
        own = by_class[name]
        others = [record for other, group in by_class.items() if other != name for record in group]
        if min(len(own), len(others)) < 5:
            continue
        for word, measure in measures.items():
            share = _share_above([measure(record) for record in own], [measure(record) for record in others])
            if max(share, 1 - share) >= TELLING:
                h, w = (median(record.size[axis] for record in own) for axis in (0, 1))
                oh, ow = (median(record.size[axis] for record in others) for axis in (0, 1))
                word = word if share > 0.5 else {"larger": "smaller", "wider": "narrower"}[word]
                yield Finding(
                    "size_tells",
                    f"class {name} is {word} than the others in {max(share, 1 - share):.0%} of comparisons: "
                    f"its median is {h:g}×{w:g}, theirs {oh:g}×{ow:g}",
                )
                break


def _share_above(own: Sequence[float], others: Sequence[float]) -> float:
    """How often one of these is above one of those, equal ones counted half: the area under the ROC curve."""
    below = np.sort(np.asarray(others))
    wins = np.searchsorted(below, own, "left") + np.searchsorted(below, own, "right")
    return float(wins.sum() / (2 * len(own) * len(others)))


def _by(record: ImageRecord) -> str:
    return f"class {record.class_name}, {record.size[0]}×{record.size[1]}"
