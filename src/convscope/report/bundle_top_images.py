"""The images that excite each feature map most, in the data of a page."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TypedDict

import numpy as np

from convscope.data.dataset import Dataset
from convscope.model.spec import Spec
from convscope.report.array_json import Array, array_json
from convscope.report.bundle_pictures import PLAIN_BYTES, PagePictures
from convscope.report.examined import Examined

TOP_IMAGES = 4
EXTRA_PLAIN_BYTES, EXTRA_PACKED_BYTES = 40_000, 300_000
"""Images added to a page because they excite a map: fewer bytes where images are not compressed."""


class TopImagesJson(TypedDict):
    """For each map of a layer its images, the most exciting first: ``(maps, images)``.

    ``entries`` are positions in `PicturesJson.entries`, ``places`` are ``row * width + column`` of the maximum in the
    map, in the output of the layer ``output``. ``best`` is the largest value of each map in all images examined,
    ``examined`` their number.
    """

    output: str
    entries: Array
    places: Array
    values: Array
    best: Array
    examined: int


def add_pictures(examined: Examined, dataset: Dataset, chosen: PagePictures) -> PagePictures:
    """Add the most exciting image of as many maps as fit, layer by layer in turn."""
    known = set(chosen.all.tolist())
    firsts = [examined.positions[peaks.values.argmax(axis=0)] for peaks in examined.scan.peaks.values()]
    longest = max(map(len, firsts), default=0)
    turns = [int(layer[at]) for at in range(longest) for layer in firsts if at < len(layer)]
    wanted = [position for position in dict.fromkeys(turns) if position not in known]
    image_bytes = int(np.prod(dataset.image_shape))
    plain = (len(known) * image_bytes + EXTRA_PLAIN_BYTES) <= PLAIN_BYTES
    limit = EXTRA_PLAIN_BYTES if plain else EXTRA_PACKED_BYTES
    extra, total = [], 0
    for position in wanted:
        total += image_bytes if plain else len(zlib.compress(dataset.pixels[position].tobytes(), 6))
        if total > limit:
            break
        extra.append(position)
    return replace(chosen, extra=extra)


def top_images_json(examined: Examined, spec: Spec, chosen: PagePictures) -> dict[str, TopImagesJson]:
    """The images of the page that excite each map of each convolution most."""
    entry_of = {int(position): entry for entry, position in enumerate(chosen.all)}
    rows = np.array([at for at, position in enumerate(examined.positions) if int(position) in entry_of])
    entries = np.array([entry_of[int(examined.positions[at])] for at in rows])
    layers = {}
    for row in spec.table():
        peaks = examined.scan.peaks.get(row.name)
        if peaks is None or not len(rows):
            continue
        order = np.argsort(-peaks.values[rows], axis=0, kind="stable")[:TOP_IMAGES].T
        channel = np.arange(len(order))[:, None]
        layers[row.name] = TopImagesJson(
            output=peaks.output,
            entries=array_json(entries[order].astype(np.uint16)),
            places=array_json(peaks.positions[rows][order, channel].astype(np.uint32)),
            values=array_json(peaks.values[rows][order, channel].astype(np.float32)),
            best=array_json(peaks.values.max(axis=0).astype(np.float32)),
            examined=len(examined.positions),
        )
    return layers
