"""Files that cannot be used: unreadable, or outside any class folder."""

from __future__ import annotations

from collections.abc import Iterator

from convscope.data.data_check import DataCheck, Finding, Kind
from convscope.data.scan import ScanResult


def find(scan: ScanResult) -> Iterator[Finding]:
    """List the skipped files with their reasons."""
    yield from (Finding("unreadable", entry.reason, (entry.file,)) for entry in scan.unreadable)
    yield from (Finding("no_class", entry.reason, (entry.file,)) for entry in scan.unlabeled)


CHECK = DataCheck(
    {
        "unreadable": Kind("Unreadable files", "They are skipped in training. Repair or remove them.", 0),
        "no_class": Kind(
            "Files outside any class folder", "They are skipped. Move each file into the folder of its class.", 10
        ),
    },
    find,
)
