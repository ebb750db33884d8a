"""Classes without images, or with few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from convscope.data.data_check import DataCheck, Finding, Kind
from convscope.data.natural_order import natural_key
from convscope.data.scan import ScanResult


def find(scan: ScanResult, *, few: int = 20, rare: float = 1 / 20) -> Iterator[Finding]:
    """Find missing and small classes.

    Args:
        scan: The dataset.
        few: With fewer training images than this, a class is hardly learned and its accuracy is uncertain.
        rare: A class with less than this fraction of the largest class's images is small.
    """
    yield from (Finding("missing_class", f"class {name} has a folder but no files") for name in scan.empty)
    train = Counter(record.class_name for record in scan.records if record.part == "train")
    test = Counter(record.class_name for record in scan.records if record.part == "test")
    largest = max(train.values(), default=0)
    for name in sorted(set(train) | set(test), key=natural_key):
        if not train[name]:
            yield Finding("missing_class", f"class {name} has {test[name]:,} test images but no training images")
        elif test and not test[name]:
            yield Finding("missing_class", f"class {name} has no test images, so its accuracy is unknown")
        elif train[name] < few:
            images = "training image" if train[name] == 1 else "training images"
            yield Finding("tiny_class", f"class {name} has {train[name]} {images}, fewer than {few}")
        elif train[name] < rare * largest:
            yield Finding(
                "tiny_class", f"class {name} has {train[name]:,} training images, the largest class {largest:,}"
            )


CHECK = DataCheck(
    {
        "missing_class": Kind(
            "Classes without images", "They cannot be learned or evaluated. Add images, or remove the class.", 20
        ),
        "tiny_class": Kind("Classes with few images", "Expect errors and wide confidence intervals. Add images.", 90),
    },
    find,
)
