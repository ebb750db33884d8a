"""Files that cannot be used: unreadable, outside any class folder, or not images; and whether training is refused."""

from __future__ import annotations

from collections.abc import Iterator

from convscope.data.data_check import DataCheck, Finding, Kind
from convscope.data.scan import ScanResult


def find(scan: ScanResult) -> Iterator[Finding]:
    """List the skipped files with their reasons."""
    yield from (Finding("unreadable", entry.reason, (entry.file,)) for entry in scan.unreadable)
    yield from (Finding("no_class", entry.reason, (entry.file,)) for entry in scan.unlabeled)
    yield from (Finding("not_an_image", entry.reason, (entry.file,)) for entry in scan.others)
    if scan.refusal:
        yield Finding("refused", scan.refusal)


CHECK = DataCheck(
    {
        "refused": Kind("Not usable for training", "convscope train refuses the dataset for this reason.", -10),
        "unreadable": Kind("Unreadable files", "They are skipped in training. Repair or remove them.", 0),
        "no_class": Kind(
            "Files outside any class folder", "They are skipped. Move each file into the folder of its class.", 10
        ),
        "not_an_image": Kind("Files that are not images", "They are skipped.", 160, is_serious=False),
    },
    find,
)
