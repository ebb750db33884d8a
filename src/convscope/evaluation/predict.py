"""Images to predictions, through the NumPy engine: no TensorFlow here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape

import numpy as np

from convscope.arrays import Logits, Pixels, Probabilities, to_images
from convscope.errors import ModelFileError
from convscope.evaluation.metrics import log_softmax
from convscope.evaluation.temperature import temperature_of
from convscope.markup import bar, table
from convscope.model.forward import logits
from convscope.model.model_file import Model

SHOWN = 10
"""Images that predictions show of themselves in a notebook."""


@dataclass(frozen=True)
class Choice:
    """One class and what the network gives it."""

    name: str
    probability: float


@dataclass(frozen=True)
class Predictions:
    """The predictions for some images.

    Attributes:
        logits: float32 ``(n, k)``, divided by the model's temperature.
        class_names: In label order.
    """

    logits: Logits
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.logits)

    def _repr_html_(self) -> str:
        rows = [
            (
                str(index),
                *(
                    f"{escape(choice.name)} {choice.probability:.1%} {bar(choice.probability)}"
                    for choice in self.top(index)
                ),
            )
            for index in range(min(len(self), SHOWN))
        ]
        runners_up = range(1, min(3, len(self.class_names)))
        heads = ("image", "likeliest", *(f"then ({place + 1})" for place in runners_up))
        return table(heads, rows, caption=f"Predictions of {len(self):,} images; the first {len(rows)}")

    @cached_property  # `top` asks once per image
    def probabilities(self) -> Probabilities:
        """Softmax of the logits, rows sum to 1."""
        return np.exp(log_softmax(self.logits)).astype(np.float32)

    def top(self, index: int, count: int = 3) -> tuple[Choice, ...]:
        """The likeliest classes of one image, likeliest first."""
        row = self.probabilities[index]
        order = np.argsort(-row, kind="stable")[:count]
        return tuple(Choice(self.class_names[k], float(row[k])) for k in order)


def predict(model: Model, pixels: Pixels) -> Predictions:
    """Classify images that are already preprocessed.

    Args:
        model: As read from its file.
        pixels: uint8 ``(n, h, w, c)`` of the network's input shape, 0..255; see `data.preprocess` for other pictures.

    Returns:
        One row per image.

    Raises:
        ModelFileError: The weights are so large that the numbers leave float32.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        raw = logits(model.spec, model.weights, to_images(pixels))
    if not np.isfinite(raw).all():
        raise ModelFileError(
            "The network's numbers are too large to be compared. Received: logits that are not finite."
        )
    return at_temperature(Predictions(raw, model.class_names), model)


def at_temperature(raw: Predictions, model: Model) -> Predictions:
    """Predictions of the bare network, divided by the temperature that the model has been given since."""
    return Predictions(raw.logits / np.float32(temperature_of(model.calibration)), raw.class_names)
