"""What `predict` says about one image."""

from __future__ import annotations

from dataclasses import dataclass

from convscope.arrays import Picture
from convscope.data.image_input import ImageInput
from convscope.data.ink.ink_report import InkReport
from convscope.data.pixels import AnyPicture, opaque
from convscope.evaluation.predict import Choice


@dataclass(frozen=True, eq=False)
class ImagePrediction:
    """The prediction for one image.

    Attributes:
        name: The path as given, or a number for an array.
        choices: The most likely classes, most likely first; empty if no ink was found.
        source: Where the image comes from.
        seen: What the network received, uint8, its own input shape.
        report: What preprocessing found on the image.
        digit: Which digit of the image this is, from 1, if the image was split.
    """

    name: str
    choices: tuple[Choice, ...]
    source: ImageInput
    seen: Picture
    report: InkReport
    digit: int | None = None

    @property
    def original(self) -> AnyPicture:
        """The upright image without transparency, uint8 ``(h, w, c)``.

        A file is decoded again at each access, because a thousand photos would not fit in memory.

        Raises:
            DataError: The file can no longer be read.
        """
        return opaque(self.source.picture)

    @property
    def class_name(self) -> str | None:
        """The most likely class; None if no ink was found."""
        return self.choices[0].name if self.choices else None

    @property
    def probability(self) -> float | None:
        """Of the most likely class, calibrated, 0 to 1; None if no ink was found."""
        return self.choices[0].probability if self.choices else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know about the result: no ink, several digits, ink at the edge."""
        return self.report.warnings if self.digit is None else ()

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "name": self.name,
            "digit": self.digit,
            "ink_found": self.report.ink_found,
            "choices": [{"name": choice.name, "probability": choice.probability} for choice in self.choices],
            "warnings": list(self.warnings),
            "preprocessing": self.report.to_json(),
        }

    def __str__(self) -> str:
        name = self.name if self.digit is None else f"{self.name}, digit {self.digit}"
        if not self.choices:
            return f"{name}: {'; '.join(self.warnings)}"
        first, *others = self.choices
        rest = ", ".join(f"{choice.name} {choice.probability:.1%}" for choice in others)
        warnings = f" [{'; '.join(self.warnings)}]" if self.warnings else ""
        return f"{name}: {first.name} ({first.probability:.1%}{f'; then {rest}' if rest else ''}){warnings}"
