"""The images that a page examines closely: in its map, and for the feature maps that they excite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convscope.data.dataset import Dataset
from convscope.explanation.activation_scan import ActivationScan, scan_activations
from convscope.model.model_file import Model
from convscope.report.bundle_pictures import PagePictures, spread

MAP_IMAGES = 2000
MOST_FEATURE_NUMBERS = 12_000_000
"""Features that are held at once, of all images together: 48 MB."""

MOST_MULTIPLY_ADDS = 10**11
"""Of the pass over all images, a few seconds on one core."""


@dataclass(frozen=True, eq=False)
class Examined:
    """Images with what the network computed for them.

    Attributes:
        positions: In the dataset: those of the page first, then the first of each class in turn.
        scan: One row for each.
    """

    positions: np.ndarray
    scan: ActivationScan


def examine(model: Model, dataset: Dataset, chosen: PagePictures) -> Examined | None:
    """Run the network on up to `MAP_IMAGES` images, chosen without randomness; None without images."""
    if not len(dataset):
        return None
    spec = model.spec
    widest = max(
        int(np.prod(row.input_shape)) for row in spec.table() if row.kind == "Dense" or row is spec.table()[-1]
    )
    limit = min(MAP_IMAGES, MOST_FEATURE_NUMBERS // widest, MOST_MULTIPLY_ADDS // max(1, spec.multiply_adds))
    candidates = np.concatenate([chosen.all, spread(dataset.labels, MAP_IMAGES)])
    _, first = np.unique(candidates, return_index=True)
    positions = candidates[np.sort(first)][: max(1, limit)]
    return Examined(positions, scan_activations(spec, model.weights, dataset.pixels[positions]))
