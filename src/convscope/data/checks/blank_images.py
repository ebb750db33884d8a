"""Images of a single color."""

from __future__ import annotations

from collections.abc import Iterator

from convscope.data.data_check import DataCheck, Finding, Kind
from convscope.data.scan import ScanResult

TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")
"""Pillow's modes of images with an alpha channel."""


def find(scan: ScanResult) -> Iterator[Finding]:
    """Find the images that have no fingerprint because their brightness does not vary."""
    for record in scan.records:
        if record.fingerprint is None:
            words = f"class {record.class_name}, {record.size[0]}×{record.size[1]}, a single color"
            if record.file and record.file.mode in TRANSPARENT:
                words += " on white, which is put behind transparent pixels: save it on another background"
            yield Finding("blank", words, (record.name,))


CHECK = DataCheck(
    {"blank": Kind("Blank images", "They show nothing, so their label cannot be learned. Remove them.", 80)}, find
)
