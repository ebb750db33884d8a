"""What `predict` says about one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from convscope.arrays import Picture
from convscope.data.image_input import ImageInput
from convscope.data.ink.ink_report import InkReport
from convscope.data.pixels import AnyPicture, opaque
from convscope.evaluation.out_of_distribution import UNKNOWN
from convscope.evaluation.predict import Choice

if TYPE_CHECKING:
    from convscope.api.nearest_images import NearestImage

Answer = Literal["class", "unknown", "nothing", "several"]


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """What the network receives of an image.

    Attributes:
        seen: uint8, the network's input shape.
        report: What preprocessing found on the image.
        digit: Which digit of the image this is, from 1, if the image was split.
    """

    seen: Picture
    report: InkReport
    digit: int | None = None


@dataclass(frozen=True, eq=False)
class ImagePrediction:
    """The prediction for one image.

    Attributes:
        name: The path as given, or a number for an array.
        choices: The most likely classes, most likely first; empty if no ink was found or the image is rejected.
        source: Where the image comes from.
        seen: What the network received, uint8, its own input shape.
        report: What preprocessing found on the image.
        digit: Which digit of the image this is, from 1, if the image was split.
        is_known: False if the image is unlike anything that the network was trained on, or if no ink was found.
        is_constant: Whether it is unlike anything because every pixel has the same intensity.
        score: The out-of-distribution score, higher for less familiar images; None if the network has none.
        score_rank: The fraction of held-out images with a lower score, 0 to 1.
        closest: The most likely classes of a rejected image, as if it were one of them.
        class_set: With ``coverage``, the classes that it can be, in the network's order.
        nearest: With ``nearest``, the most similar training images, the most similar first.
    """

    name: str
    choices: tuple[Choice, ...]
    source: ImageInput
    seen: Picture
    report: InkReport
    digit: int | None = None
    is_known: bool = True
    is_constant: bool = False
    score: float | None = None
    score_rank: float | None = None
    closest: tuple[Choice, ...] = ()
    class_set: tuple[str, ...] | None = None
    nearest: tuple[NearestImage, ...] = ()

    @property
    def answer(self) -> Answer:
        """What was found: a ``class``; ``nothing``, no ink; ``several`` digits, classified together; or ``unknown``."""
        if self.report.blank:
            return "nothing"
        if self.digit is None and self.report.digits > 1:
            return "several"
        return "class" if self.is_known else "unknown"

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
        """The most likely class; None if no ink was found or the image is rejected."""
        return self.choices[0].name if self.choices else None

    @property
    def probability(self) -> float | None:
        """Of the most likely class, calibrated, 0 to 1; None if there is none."""
        return self.choices[0].probability if self.choices else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know about the result: unfamiliar, no ink, several digits, ink at the edge."""
        found = self.report.warnings if self.digit is None else ()
        return found if self.is_known or self.report.blank else (self._rejection, *found)

    @property
    def _rejection(self) -> str:
        if self.is_constant:  # the report says so
            return UNKNOWN
        nearest = f"; the closest class is {self.closest[0].name}" if self.closest else ""
        return f"{UNKNOWN} (less familiar than {self.score_rank or 0:.1%} of the held-out images{nearest})"

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "name": self.name,
            "digit": self.digit,
            "answer": self.answer,
            "ink_found": self.report.ink_found,
            "known": self.is_known,
            "score": self.score,
            "score_rank": self.score_rank,
            "closest": [{"name": choice.name, "probability": choice.probability} for choice in self.closest],
            "nearest": [one.to_json() for one in self.nearest],
            "set": None if self.class_set is None else list(self.class_set),
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
        possible = f" set {{{', '.join(self.class_set)}}}" if self.class_set is not None else ""
        return f"{name}: {first.name} ({first.probability:.1%}{f'; then {rest}' if rest else ''}){possible}{warnings}"
