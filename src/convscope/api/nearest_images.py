"""The training images that are most similar to others, by the features of the network."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from convscope.api.run import Run
from convscope.api.run_data import part_of_run
from convscope.arrays import Picture, Pixels, to_images
from convscope.model.features import Features, logits_and_features
from convscope.model.forward import chunk_size
from convscope.model.model_file import Model

MOST_NEAREST = 20
MOST_COMPARED = 5_000


@dataclass(frozen=True, eq=False)
class NearestImage:
    """A training image.

    Attributes:
        index: Its position in the training data.
        name: Its file; empty for data without files.
        class_name: Its label.
        distance: Between the features of the two images, >= 0.
        pixels: uint8, as the network receives it.
    """

    index: int
    name: str
    class_name: str
    distance: float
    pixels: Picture = field(repr=False)

    def to_json(self) -> dict[str, object]:
        """Plain values, without pixels."""
        return {"index": self.index, "name": self.name, "class": self.class_name, "distance": self.distance}


def nearest_images(run: Run, pixels: Pixels, count: int) -> list[tuple[NearestImage, ...]]:
    """For each image the training images whose features are nearest, the nearest first.

    At most 5,000 training images are compared, evenly spaced.

    Args:
        run: The network; its data are read again.
        pixels: uint8 ``(n, h, w, c)``, preprocessed.
        count: Number of images for each.

    Raises:
        DataError: The data of the training cannot be found or have changed.
    """
    data = part_of_run(run, "train")
    chosen = np.unique(np.linspace(0, len(data) - 1, min(MOST_COMPARED, len(data))).astype(np.int64))
    known, asked = _places(run.model, np.asarray(data.pixels[chosen])), _places(run.model, pixels)
    found = []
    for place in asked:
        distances = np.linalg.norm(known - place, axis=1)
        order = np.argsort(distances, kind="stable")[:count]
        found.append(
            tuple(
                NearestImage(
                    int(chosen[at]),
                    data.names[chosen[at]] if data.names else "",
                    data.class_names[data.labels[chosen[at]]],
                    float(distances[at]),
                    np.asarray(data.pixels[chosen[at]]),
                )
                for at in order.tolist()
            )
        )
    return found


def _places(model: Model, pixels: Pixels) -> Features:
    """Coordinates along the directions of the model's subspace; the features themselves if it has none."""
    size = chunk_size(model.spec)
    parts = [
        logits_and_features(model.spec, model.weights, to_images(pixels[start : start + size]))[1]
        for start in range(0, len(pixels), size)
    ]
    features = np.concatenate(parts)
    if model.subspace is None:
        return features
    return (features - model.subspace.center) @ model.subspace.directions.astype(np.float32)
