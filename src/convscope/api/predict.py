"""Classify images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from convscope.api.answer_rules import AUTO, answer_rules
from convscope.api.image_prediction import ImagePrediction
from convscope.api.nearest_images import MOST_NEAREST, nearest_images
from convscope.api.prediction_stream import classify_stream
from convscope.api.run import Run, load_run
from convscope.api.run_engine import engine_for_calls
from convscope.arrays import Probabilities
from convscope.data.dataset import Skipped
from convscope.data.image_input import collect_images, images_below
from convscope.decisions import Decision
from convscope.errors import DataError, OptionError
from convscope.evaluation.conformal import METHODS
from convscope.evaluation.predict import Predictions
from convscope.exporting.engines import AUTO as AUTO_ENGINE
from convscope.markup import bar, image, table

MAX_IMAGES = 100_000
SHOWN = 20
"""Images that a result shows of itself in a notebook."""

SHOWN_SIDE = 84
"""Screen pixels of the longer side of an image there."""


@dataclass(frozen=True, eq=False)
class ImagePredictions(Sequence[ImagePrediction]):
    """The predictions for some images: a sequence of `ImagePrediction` that shows itself in a notebook.

    Attributes:
        images: One entry for each image that could be read, in the order given; with ``split``, for each digit.
        predictions: The same as arrays. Where no ink was found, all classes are equally likely; a rejected image has
            the probabilities that the network gives it.
        skipped: The images that could not be read, each with the reason.
        notes: One line each for images in subfolders that were not read and files with several pages.
        engine: What computed, and why; None if nothing did.
    """

    images: tuple[ImagePrediction, ...]
    predictions: Predictions
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    engine: Decision | None = None

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
    reject: str | float | None = AUTO,
    coverage: str | float | None = None,
    by_class: bool = False,
    sets: str = METHODS[0],
    nearest: int = 0,
    engine: str = AUTO_ENGINE,
) -> ImagePredictions:
    """Classify images.

    An image on which preprocessing finds no ink gets no class, nor one that is unlike anything the network was trained
    on. If it finds several digits, they are classified
    together, with a warning, or one by one with ``split``.

    Args:
        images: A path, a folder of images, ``"mnist:7"`` (an image of MNIST's test split), a PIL image, an array, or a
            sequence of these; see `data.image_input.collect_images`.
        run: A run or its folder; None takes the newest below ``runs/``.
        top: Number of classes to return for each image, most likely first.
        split: Whether to classify each digit of an image, left to right, if there are several.
        recursive: Whether to read the images in subfolders of a folder too.
        reject: The fraction of images like those of the training that may be rejected as unlike them: ``"0.1%"``,
            ``"1%"``, ``"5%"``, ``"off"``, or ``"auto"``; see `api.answer_rules`.
        coverage: ``"90%"``, ``"95%"``, ``"99%"`` or ``"99.9%"``: also return for each image the set of classes that
            contains the true one in at least that fraction of images like the held-out ones.
        by_class: Whether the coverage is promised for each class.
        sets: How the sets are made: ``lac``, the smallest ones, or ``raps``, larger where the network is unsure.
        nearest: Number of training images to return for each image, the most similar first; at most 20. The data of the
            training are read again.
        engine: What computes: ``"numpy"``, ``"onnx"``, ``"litert"``, or ``"auto"``; see `exporting.engines`.

    Raises:
        RunError, ModelFileError: There is no such run, or its model file is damaged.
        DataError: None of the images can be read; the message names the first and the reason.
        MissingExtraError: The runtime of ``engine`` is not installed.
        OptionError: ``top`` is less than 1, ``images`` is nothing that can be read as images, or the network has too
            few held-out images for ``reject`` or ``coverage``.
    """
    if type(top) is not int or top < 1:
        raise OptionError(f"top must be a whole number of 1 or more. Received: top={top!r}.")
    if type(nearest) is not int or not 0 <= nearest <= MOST_NEAREST:
        raise OptionError(f"nearest must be a whole number from 0 to {MOST_NEAREST}. Received: nearest={nearest!r}.")
    run = load_run(run)
    rules = answer_rules(run.model, reject=reject, coverage=coverage, by_class=by_class, sets=sets)
    notes = [] if recursive else list(images_below(images))
    images_found, logits, skipped = [], [], []
    found = collect_images(images, most=MAX_IMAGES, recursive=recursive)
    opened = engine_for_calls(run, engine, images=len(found))
    for one in classify_stream(found, run, top=top, split=split, rules=rules, engine=opened):
        images_found += one.predictions
        logits.append(one.logits)
        skipped += [one.skipped] if one.skipped else []
        notes += [one.note] if one.note else []
    if not images_found:
        raise DataError(skipped[0].reason if skipped else "Expected at least one image. Received: none.")
    if nearest:
        similar = nearest_images(run, np.stack([one.seen for one in images_found]), nearest)
        images_found = [
            one if one.report.blank else replace(one, nearest=found)
            for one, found in zip(images_found, similar, strict=True)
        ]
    predictions = Predictions(np.concatenate(logits), run.model.class_names)
    return ImagePredictions(tuple(images_found), predictions, tuple(skipped), tuple(notes), opened.decision)
