"""The output of every layer for some images."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from convscope.api.run import Run, load_run
from convscope.arrays import Images, Logits, Probabilities, to_images
from convscope.data.image_input import collect_images
from convscope.errors import DataError
from convscope.markup import table
from convscope.model.forward import LayerActivation, forward

MAX_IMAGES = 1000


@dataclass(frozen=True, eq=False)
class ImageActivations:
    """What every layer computes for some images. Shows itself as a table in a notebook.

    Attributes:
        images: The network's input, float32 in [0, 1], ``(n, h, w, c)``.
        layers: By layer name, in order; each has ``output`` and, where the layer has an activation, ``pre_activation``.
        logits: float32 ``(n, k)``, before the softmax and before calibration.
        probabilities: The softmax of the logits, uncalibrated.
    """

    images: Images
    layers: dict[str, LayerActivation]
    logits: Logits
    probabilities: Probabilities

    def __getitem__(self, name: str) -> np.ndarray:
        return self.layers[name].output

    def _repr_html_(self) -> str:
        rows = [
            (
                escape(name),
                "×".join(map(str, layer.output.shape[1:])),
                f"{layer.output.min():.3g} to {layer.output.max():.3g}",
                f"{(layer.output > 0).mean():.0%}",
            )
            for name, layer in self.layers.items()
        ]
        heads = ("layer", "output shape", "range", "above zero")
        return table(heads, rows, caption=f"Activations of {len(self.images):,} images")


def activations(images: Any, *, run: Run | str | Path | None = None) -> ImageActivations:
    """Run the network and keep the output of every layer.

    Args:
        images: As in `api.predict.predict`.
        run: A run or its folder; None takes the newest below ``runs/``.

    Raises:
        RunError, ModelFileError: There is no such run, or its model file is damaged.
        DataError: An image cannot be read.
    """
    run = load_run(run)
    preprocessing = run.preprocessing
    found = collect_images(images, most=MAX_IMAGES)
    if not found:
        raise DataError("Expected at least one image. Received: none.")
    pixels = np.stack([preprocessing.apply(one.decode(draft=preprocessing.draft_factor)) for one in found])
    seen = forward(run.model.spec, run.model.weights, to_images(pixels))
    return ImageActivations(seen.images, seen.by_name, seen.logits, seen.probabilities)
