"""The data of a page that shows two networks on the same images."""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np

from convscope.data.dataset import Dataset
from convscope.report.array_json import Array
from convscope.report.bundle import Bundle
from convscope.report.bundle_pictures import PICTURES_BYTES, PagePictures, spread, within

GALLERY = 30


class Pair(TypedDict):
    """Two bundles with the same images; those of the second have no pixels. ``paired`` compares all test images."""

    first: Bundle
    second: Bundle
    paired: dict[str, Any] | None
    difference: str
    disagreements: int


def disagreement_pictures(dataset: Dataset, first: np.ndarray, second: np.ndarray) -> PagePictures:
    """A gallery, then the images whose predicted class differs, those first that one network classifies correctly.

    Args:
        dataset: The images.
        first: Predicted classes of one network.
        second: Of the other.
    """
    gallery = spread(dataset.labels, GALLERY).tolist()
    differ = np.flatnonzero(first != second)
    neither = (first[differ] != dataset.labels[differ]) & (second[differ] != dataset.labels[differ])
    ordered = [int(at) for at in differ[np.argsort(neither, kind="stable")] if int(at) not in set(gallery)]
    half = PICTURES_BYTES // 2
    return PagePictures(within(dataset.pixels, gallery, half), within(dataset.pixels, ordered, half))


def without_pixels(bundle: Bundle) -> Bundle:
    """The same bundle for a page that has its images already."""
    empty = Array(dtype="uint8", shape=[0, *bundle["pictures"]["pixels"]["shape"][1:]], base64="")
    pictures = {**bundle["pictures"], "encoding": "", "pixels": empty}
    return Bundle(**{**bundle, "pictures": pictures})  # type: ignore[typeddict-item]
