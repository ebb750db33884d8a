"""Classify images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from convscope.api.run import Run, load_run
from convscope.arrays import Picture, Probabilities
from convscope.data.dataset import Skipped
from convscope.data.image_input import collect_images, images_below
from convscope.data.ink.ink_report import InkReport
from convscope.data.pixels import AnyPicture, opaque
from convscope.data.preprocess import Preprocessing
from convscope.errors import DataError, OptionError
from convscope.evaluation.predict import Choice, Predictions
from convscope.evaluation.predict import predict as predict_pixels
from convscope.markup import bar, image, table

MAX_IMAGES = 100_000
SHOWN = 20
"""Images that a result shows of itself in a notebook."""

SHOWN_SIDE = 84
"""Screen pixels of the longer side of an image there."""


@dataclass(frozen=True, eq=False)
class ImagePrediction:
    """The prediction for one image.

    Attributes:
        name: The path as given, or a number for an array.
        choices: The most likely classes, most likely first; empty if no ink was found.
        original: The upright image without transparency, uint8 ``(h, w, c)``.
        seen: What the network received, uint8, its own input shape.
        report: What preprocessing found on the image.
        digit: Which digit of the image this is, from 1, if the image was split.
    """

    name: str
    choices: tuple[Choice, ...]
    original: AnyPicture
    seen: Picture
    report: InkReport
    digit: int | None = None

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


@dataclass(frozen=True, eq=False)
class ImagePredictions(Sequence[ImagePrediction]):
    """The predictions for some images: a sequence of `ImagePrediction` that shows itself in a notebook.

    Attributes:
        images: One entry for each image that could be read, in the order given; with ``split``, for each digit.
        predictions: The same as arrays. Where no ink was found, all classes are equally likely.
        skipped: The images that could not be read, each with the reason.
        notes: One line each for images in subfolders that were not read and files with several pages.
    """

    images: tuple[ImagePrediction, ...]
    predictions: Predictions
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the columns of `probabilities`."""
        return self.predictions.class_names

    @property
    def probabilities(self) -> Probabilities:
        """Calibrated, float32 ``(n, k)``; rows sum to 1."""
        return self.predictions.probabilities

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> Any:
        return self.images[index]

    def __iter__(self) -> Iterator[ImagePrediction]:
        return iter(self.images)

    def __repr__(self) -> str:
        lines = [str(one) for one in self.images[:SHOWN]]
        if len(self) > SHOWN:
            lines.append(f"… and {len(self) - SHOWN:,} more")
        return "\n".join([*lines, *(f"skipped: {one.reason}" for one in self.skipped[:SHOWN])])

    def _repr_html_(self) -> str:
        rows = []
        for one in self.images[:SHOWN]:
            scale = max(1, SHOWN_SIDE // max(one.seen.shape[:2]))
            choices = "<br>".join(
                f"{escape(choice.name)} {choice.probability:.1%} {bar(choice.probability)}" for choice in one.choices
            )
            picture = image(one.seen, alt=f"{one.name} as the network sees it", scale=scale)
            notes = "<br>".join(escape(text) for text in one.warnings)
            rows.append((escape(one.name), picture, "<br>".join(part for part in (choices, notes) if part)))
        caption = f"Predictions for {len(self):,} images" + (f", the first {SHOWN}" if len(self) > SHOWN else "")
        skipped = "".join(f"<p>Skipped: {escape(one.reason)}</p>" for one in self.skipped[:SHOWN])
        return table(("image", "input", "prediction"), rows, caption=caption) + skipped


def predict(
    images: Any,
    *,
    run: Run | str | Path | None = None,
    top: int = 3,
    split: bool = False,
    recursive: bool = False,
) -> ImagePredictions:
    """Classify images.

    An image on which preprocessing finds no ink gets no class. If it finds several digits, they are classified
    together, with a warning, or one by one with ``split``.

    Args:
        images: A path, a folder of images, ``"mnist:7"`` (an image of MNIST's test split), a PIL image, an array, or a
            sequence of these; see `data.image_input.collect_images`.
        run: A run or its folder; None takes the newest below ``runs/``.
        top: Number of classes to return for each image, most likely first.
        split: Whether to classify each digit of an image, left to right, if there are several.
        recursive: Whether to read the images in subfolders of a folder too.

    Raises:
        RunError, ModelFileError: There is no such run, or its model file is damaged.
        DataError: None of the images can be read; the message names the first and the reason.
        OptionError: ``top`` is less than 1, or ``images`` is nothing that can be read as images.
    """
    if type(top) is not int or top < 1:
        raise OptionError(f"top must be a whole number of 1 or more. Received: top={top!r}.")
    run = load_run(run)
    model = run.model
    read: list[tuple[str, AnyPicture]] = []
    skipped: list[Skipped] = []
    notes = [] if recursive else list(images_below(images))
    for one in collect_images(images, most=MAX_IMAGES, recursive=recursive):
        try:
            read.append((one.name, one.picture))
        except DataError as error:
            skipped.append(Skipped(one.name, str(error)))
        else:
            notes += [one.note] if one.note else []
    if not read:
        raise DataError(skipped[0].reason if skipped else "Expected at least one image. Received: none.")
    preprocessing = run.preprocessing
    inputs = [one for name, picture in read for one in _inputs(name, picture, preprocessing, split=split)]
    predictions = predict_pixels(model, np.stack([one.seen for one in inputs]))
    blank = np.array([one.report.blank for one in inputs])
    predictions = Predictions(np.where(blank[:, None], np.float32(0), predictions.logits), predictions.class_names)
    answered = (
        one if one.report.blank else replace(one, choices=predictions.top(index, top))
        for index, one in enumerate(inputs)
    )
    return ImagePredictions(tuple(answered), predictions, tuple(skipped), tuple(notes))


def _inputs(name: str, original: AnyPicture, preprocessing: Preprocessing, *, split: bool) -> list[ImagePrediction]:
    """What the network receives for an image, or for each digit on it; without choices yet."""
    framing = preprocessing.frame(original)
    shown = opaque(original)
    if split and len(framing.digits) > 1:
        return [
            ImagePrediction(name, (), shown, seen, framing.report, digit)
            for digit, seen in enumerate(framing.digits, start=1)
        ]
    return [ImagePrediction(name, (), shown, framing.pixels, framing.report)]
