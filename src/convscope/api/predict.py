"""Classify images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from convscope.api.run import Run, load_run
from convscope.arrays import Picture, Probabilities
from convscope.data.dataset import Skipped
from convscope.data.image_input import collect_images, images_below
from convscope.data.preprocess import AnyPicture
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
        choices: The most likely classes, most likely first.
        original: The upright image, uint8 ``(h, w, c)``.
        seen: What the network received, uint8, its own input shape.
    """

    name: str
    choices: tuple[Choice, ...]
    original: AnyPicture
    seen: Picture

    @property
    def class_name(self) -> str:
        """The most likely class."""
        return self.choices[0].name

    @property
    def probability(self) -> float:
        """Of the most likely class, calibrated, 0 to 1."""
        return self.choices[0].probability

    def __str__(self) -> str:
        first, *others = self.choices
        rest = ", ".join(f"{choice.name} {choice.probability:.1%}" for choice in others)
        return f"{self.name}: {first.name} ({first.probability:.1%}{f'; then {rest}' if rest else ''})"


@dataclass(frozen=True, eq=False)
class ImagePredictions(Sequence[ImagePrediction]):
    """The predictions for some images: a sequence of `ImagePrediction` that shows itself in a notebook.

    Attributes:
        images: One entry for each image that could be read, in the order given.
        predictions: The same as arrays.
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
            rows.append((escape(one.name), picture, choices))
        caption = f"Predictions for {len(self):,} images" + (f", the first {SHOWN}" if len(self) > SHOWN else "")
        skipped = "".join(f"<p>Skipped: {escape(one.reason)}</p>" for one in self.skipped[:SHOWN])
        return table(("image", "input", "prediction"), rows, caption=caption) + skipped


def predict(
    images: Any, *, run: Run | str | Path | None = None, top: int = 3, recursive: bool = False
) -> ImagePredictions:
    """Classify images.

    Args:
        images: A path, a folder of images, ``"mnist:7"`` (an image of MNIST's test split), a PIL image, an array, or a
            sequence of these; see `data.image_input.collect_images`.
        run: A run or its folder; None takes the newest below ``runs/``.
        top: Number of classes to return for each image, most likely first.
        recursive: Whether to read the images in subfolders of a folder too.

    Raises:
        RunError, ModelFileError: There is no such run, or its model file is damaged.
        DataError: None of the images can be read; the message names the first and the reason.
        OptionError: ``top`` is less than 1, or ``images`` is nothing that can be read as images.
    """
    if type(top) is not int or top < 1:
        raise OptionError(f"top must be a whole number of 1 or more. Received: top={top!r}.")
    run = load_run(run)
    model, preprocessing = run.model, run.preprocessing
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
    seen = [preprocessing.apply(original) for _, original in read]
    predictions = predict_pixels(model, np.stack(seen))
    return ImagePredictions(
        tuple(
            ImagePrediction(name, predictions.top(index, top), original, seen[index])
            for index, (name, original) in enumerate(read)
        ),
        predictions,
        tuple(skipped),
        tuple(notes),
    )
