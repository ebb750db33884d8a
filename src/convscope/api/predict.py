"""Say what is on a picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convscope.api.contract import preprocessing_of
from convscope.arrays import Picture
from convscope.data.dataset import Skipped
from convscope.data.decode import decode_file
from convscope.data.preprocess import AnyPicture
from convscope.errors import DataError
from convscope.evaluation.predict import Choice, Predictions
from convscope.evaluation.predict import predict as predict_pixels
from convscope.model.model_file import load_model
from convscope.training.run import MODEL_FILE, find_run

MAX_PICTURES = 100_000
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")


@dataclass(frozen=True)
class PicturePrediction:
    """What the network says of one picture file.

    Attributes:
        file: As the person gave it.
        choices: The likeliest class first, then the runners-up.
        original: The upright picture, uint8 ``(h, w, c)``.
        seen: What the network saw of it, uint8, its own input shape.
    """

    file: str
    choices: tuple[Choice, ...]
    original: AnyPicture
    seen: Picture


@dataclass(frozen=True)
class PredictResult:
    """All pictures that could be read, and those that could not.

    Attributes:
        pictures: One entry a readable picture, in the order given.
        predictions: The same as arrays.
        unreadable: The others, each with the reason.
    """

    pictures: tuple[PicturePrediction, ...]
    predictions: Predictions
    unreadable: tuple[Skipped, ...]


def predict(run: str | Path | None, pictures: Iterable[str | Path], *, runners_up: int = 2) -> PredictResult:
    """Say what is on each picture.

    Args:
        run: The run's folder; None takes the newest below ``runs/``.
        pictures: Picture files, and folders whose picture files are meant.
        runners_up: How many further classes to name.

    Raises:
        RunError, ModelFileError: There is no such run, or its model file is damaged.
        DataError: None of the pictures can be read; the message names the first and the reason.
    """
    model = load_model(find_run(run) / MODEL_FILE)
    contract = preprocessing_of(model)
    originals: list[tuple[str, AnyPicture]] = []
    unreadable: list[Skipped] = []
    for path in map(Path, picture_names(pictures, most=MAX_PICTURES)):
        try:
            originals.append((str(path), decode_file(path)))
        except DataError as error:
            unreadable.append(Skipped(str(path), str(error)))
    if not originals:
        raise DataError(unreadable[0].reason if unreadable else "Expected at least one picture. Received: none.")
    seen = [contract.apply(original) for _, original in originals]
    predictions = predict_pixels(model, np.stack(seen))
    described = tuple(
        PicturePrediction(file, predictions.top(index, 1 + runners_up), original, seen[index])
        for index, (file, original) in enumerate(originals)
    )
    return PredictResult(described, predictions, tuple(unreadable))


def picture_names(pictures: Iterable[str | Path], *, most: int) -> list[str]:
    """What is meant by files and folders: each file as it was given, and the picture files of each folder.

    Raises:
        DataError: A folder has no picture, or there are more than ``most``.
    """
    names: list[str] = []
    for given in pictures:
        if Path(given).is_dir():
            found = sorted(path for path in Path(given).iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
            if not found:
                raise DataError(f"Expected a folder with pictures. Received: {given}, which has none.")
            names += map(str, found)
        else:
            names.append(str(given))
        if len(names) > most:
            raise DataError(f"Expected at most {most:,} pictures. Received: more, in {given}.")
    return names
