"""Files that are read, but stored in an unusual way."""

from __future__ import annotations

from collections.abc import Iterator

from convscope.data.data_check import DataCheck, Finding, Kind
from convscope.data.image_formats import SUFFIXES_OF
from convscope.data.scan import ScanResult

COMMON_MODES = ("L", "RGB", "P", "1")
"""Pillow's modes of ordinary images."""


def find(scan: ScanResult) -> Iterator[Finding]:
    """Find wrong extensions, unusual pixel formats, rotated photos and animations."""
    for record in scan.records:
        file = record.file
        if file is None:
            continue
        name = (record.name,)
        if file.suffix not in SUFFIXES_OF.get(file.format, (file.suffix,)):
            yield Finding("wrong_extension", f"it is {file.format}{'' if file.suffix else ', without extension'}", name)
        if file.mode not in COMMON_MODES:
            yield Finding("odd_mode", f"mode {file.mode}", name)
        if file.orientation != 1:
            yield Finding("turned", f"EXIF orientation {file.orientation}", name)
        if file.frames > 1:
            yield Finding("animated", f"{file.frames} frames", name)


CHECK = DataCheck(
    {
        "wrong_extension": Kind("Wrong file extensions", "The files are read by their content.", 120, is_serious=False),
        "turned": Kind("Rotated photos", "They are rotated upright when read.", 130, is_serious=False),
        "odd_mode": Kind(
            "Unusual pixel formats",
            "They are converted: transparency is blended with white, 16 bits are reduced to 8.",
            140,
            is_serious=False,
        ),
        "animated": Kind("Several frames or pages", "Only the first is read.", 150, is_serious=False),
    },
    find,
)
