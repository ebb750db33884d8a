"""The images in the data of a page: which ones, within which size."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from convscope.data.dataset import Dataset
from convscope.data.mapped_pixels import StoredPixels
from convscope.evaluation.evaluation import Evaluation
from convscope.evaluation.predict import predict
from convscope.model.model_file import Model
from convscope.report.array_json import Array, array_json

GALLERY = 60
PICTURES_BYTES = 3_000_000
"""The most bytes of compressed images in a page: all of them for digits, some twenty photos of 256×256."""

PLAIN_BYTES = 250_000
"""Up to here, only runs of zeros are compressed: browsers inflate only after they have drawn the page once."""

LONGEST_RUN = 255
ZEROS = re.compile(rb"\0{1,%d}" % LONGEST_RUN)


class PictureJson(TypedDict):
    """One labeled image; its pixels are in `PicturesJson.pixels` at the same position."""

    index: int
    name: str
    label: int
    predicted: int
    probability: float
    known_wrong: bool
    gallery: bool


class PicturesJson(TypedDict):
    """Images of the evaluated split: a gallery that was not selected by prediction, then the mistakes.

    With encoding "deflate", the bytes of ``pixels`` are compressed by zlib, which keeps them exact; with "zeros", each
    run of zeros is a 0 and its length; with "", and in older bundles, which have no encoding, they are as they are.
    """

    part: str
    encoding: str
    pixels: Array
    entries: list[PictureJson]


def spread(labels: np.ndarray, count: int) -> np.ndarray:
    """Positions of the first images of each class, taken in turn: not selected by prediction."""
    rank = np.zeros(len(labels), int)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank[members] = np.arange(len(members))
    return np.lexsort((labels, rank))[:count]


@dataclass(frozen=True)
class PagePictures:
    """Positions in the dataset of the images of a page.

    Attributes:
        gallery: Not selected by prediction.
        mistakes: Those that are not in the gallery.
        extra: Images that excite a feature map; see `bundle_top_images`.
    """

    gallery: Sequence[int]
    mistakes: Sequence[int]
    extra: Sequence[int] = ()

    @property
    def all(self) -> np.ndarray:
        """In the order of the page."""
        return np.array([*self.gallery, *self.mistakes, *self.extra], np.int64)


def choose_pictures(dataset: Dataset, evaluation: Evaluation | None) -> PagePictures:
    """Gallery and mistakes, each within half of `PICTURES_BYTES`."""
    gallery, mistakes = picture_positions(dataset, evaluation)
    half = PICTURES_BYTES // 2
    return PagePictures(within(dataset.pixels, gallery, half), within(dataset.pixels, mistakes, half))


def pictures_json(model: Model, dataset: Dataset, chosen: PagePictures, *, part: str) -> PicturesJson:
    """Labeled images with their predictions."""
    positions = chosen.all
    pixels = dataset.pixels[positions]
    probabilities = predict(model, pixels).probabilities if len(pixels) else np.zeros((0, model.spec.num_classes))
    entries = [
        PictureJson(
            index=int(position),
            name=dataset.names[position] if dataset.names else "",
            label=int(dataset.labels[position]),
            predicted=int(row.argmax()),
            probability=float(row.max()),
            known_wrong=int(position) in dataset.known_wrong,
            gallery=order < len(chosen.gallery),
        )
        for order, (position, row) in enumerate(zip(positions, probabilities, strict=True))
    ]
    encoding, packed = "deflate", b""
    if pixels.nbytes <= PLAIN_BYTES:
        encoding, packed = "zeros", shorten_zeros(pixels.tobytes())
        if len(packed) >= pixels.nbytes:
            return PicturesJson(part=part, encoding="", pixels=array_json(pixels), entries=entries)
    packed = packed or zlib.compress(pixels.tobytes(), 9)
    array = Array(dtype="uint8", shape=list(pixels.shape), base64=base64.b64encode(packed).decode("ascii"))
    return PicturesJson(part=part, encoding=encoding, pixels=array, entries=entries)


def shorten_zeros(content: bytes) -> bytes:
    """Write each run of zeros as a 0 and its length, at most `LONGEST_RUN`.

    Example:
        >>> list(shorten_zeros(bytes([7, 0, 0, 0, 8])))
        [7, 0, 3, 8]
    """
    return ZEROS.sub(lambda found: bytes([0, len(found[0])]), content)


def picture_positions(dataset: Dataset, evaluation: Evaluation | None) -> tuple[list[int], list[int]]:
    """The images that a page would show if its size did not matter: a gallery, and the mistakes that are not in it."""
    gallery = spread(dataset.labels, GALLERY).tolist()
    mistakes = evaluation.mistakes if evaluation and len(dataset) else ()
    shown = set(gallery)
    return gallery, [mistake.index for mistake in mistakes if mistake.index not in shown]


def within(pixels: StoredPixels, positions: list[int], limit: int) -> list[int]:
    """The first positions, at least one, whose images take at most so many bytes when they are compressed."""
    total = 0
    for count, position in enumerate(positions):
        total += len(zlib.compress(pixels[position].tobytes(), 6))
        if total > limit:
            return positions[: max(1, count)]
    return positions
