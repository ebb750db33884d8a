"""What an export returns: the files, and how each was compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from convscope.evaluation.paired import PairedDifference
from convscope.exporting.compare import SCORE_TOLERANCE, TOLERANCE, Comparison
from convscope.markup import table


@dataclass(frozen=True)
class ExportedFile:
    """A file that was written and compared.

    Attributes:
        format: A key of `exporting.formats.EXPORTERS`.
        path: The file.
        size_bytes: Of the file.
        sha256: Of its bytes, in hex.
        comparison: How it answers in its own runtime, beside convscope.
        accuracy: Of a quantized file: how its accuracy on the test split differs from that of the float file.
        score: Of a quantized file: the thresholds of its own scores for unknown images.
    """

    format: str
    path: Path
    size_bytes: int
    sha256: str
    comparison: Comparison
    accuracy: PairedDifference | None = None
    score: Mapping[str, Any] | None = None

    def row(self) -> tuple[str, ...]:
        """The file as a row of the table that is printed."""
        one = self.comparison
        return (
            self.path.name,
            f"{self.size_bytes:,}",
            one.runtime,
            f"{one.images:,}",
            f"{one.largest_difference:.1g}",
            f"{one.same_class:,} of {one.images:,}",
            "–" if one.same_known is None else f"{one.same_known:,} of {one.images:,}",
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        found = {"format": self.format, "file": self.path.name, "size_bytes": self.size_bytes, "sha256": self.sha256}
        accuracy = {} if self.accuracy is None else {"accuracy": self.accuracy.to_json()}
        return found | self.comparison.to_json() | accuracy


COLUMNS = ("file", "bytes", "opened by", "images", "largest difference", "same class", "same known")


@dataclass(frozen=True)
class Export:
    """The files of an export.

    Attributes:
        folder: Where they are.
        files: One for each format.
        images: Where the compared images came from.
    """

    folder: Path
    files: tuple[ExportedFile, ...]
    images: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "folder": str(self.folder),
            "tolerance": TOLERANCE,
            "score_tolerance": SCORE_TOLERANCE,
            "images": self.images,
            "files": [one.to_json() for one in self.files],
        }

    @property
    def accuracies(self) -> tuple[str, ...]:
        """One line for each quantized file: its accuracy and that of the float file."""
        return tuple(
            f"{one.path.name}: {one.accuracy.second}; float32: {100 * one.accuracy.first.rate:.2f} %; {one.accuracy}"
            for one in self.files
            if one.accuracy is not None
        )

    def _repr_html_(self) -> str:
        return table(
            COLUMNS, [[escape(cell) for cell in one.row()] for one in self.files], caption=f"Exported to {self.folder}"
        )
