"""An exported file, as its own runtime runs it, beside the NumPy engine."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from convscope.arrays import Pixels
from convscope.errors import RunError
from convscope.evaluation.predict import predict
from convscope.exporting.exporter import Runtime
from convscope.model.model_file import Model

TOLERANCE = 1e-5
"""The largest difference of a probability that rounding explains; a wrong constant or axis makes 1e-2 and more."""

SINGLE = 8
"""Images that are also run one at a time."""


@dataclass(frozen=True)
class Comparison:
    """How an exported file answers, beside the NumPy engine.

    Attributes:
        runtime: What ran it.
        images: Number of images compared.
        largest_difference: Of any probability, absolute.
        same_class: Images with the same most likely class; where two classes differ by less than the tolerance, either.
    """

    runtime: str
    images: int
    largest_difference: float
    same_class: int

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


def compare(runtime: Runtime, model: Model, pixels: Pixels) -> Comparison:
    """Run images through both, in one batch and one at a time, and insist that they agree.

    Args:
        runtime: The opened file.
        model: The network that it should be.
        pixels: uint8 ``(n, h, w, c)``, at least one image.

    Raises:
        RunError: A probability differs by more than `TOLERANCE`, or a class that is not a tie.
    """
    found = differences(runtime, model, pixels)
    if found.largest_difference > TOLERANCE or found.same_class < found.images:
        raise RunError(
            f"The exported file must give the same probabilities, to {TOLERANCE:g}. Received: a difference of "
            f"{found.largest_difference:.2g} and the same class for {found.same_class} of {found.images} images in "
            f"{runtime.name}.",
            hint="Nothing was published. Please report this with the network's summary.",
        )
    return found


def differences(runtime: Runtime, model: Model, pixels: Pixels) -> Comparison:
    """Run images through both, in one batch and one at a time.

    Args:
        runtime: The opened file.
        model: The network that it is made from.
        pixels: uint8 ``(n, h, w, c)``, at least one image.

    Raises:
        RunError: The outputs have another shape, or are not finite.
    """
    expected = predict(model, pixels).probabilities
    given = runtime.run(pixels)[0]
    single = np.concatenate([runtime.run(pixels[i : i + 1])[0] for i in range(min(len(pixels), SINGLE))])
    if given.shape != expected.shape or not np.isfinite(given).all():
        raise RunError(f"{runtime.name} gives other outputs than the network. Received: shape {given.shape}.")
    difference = max(np.abs(given - expected).max(), np.abs(single - expected[: len(single)]).max())
    chosen = given.argmax(axis=1)
    largest = expected.max(axis=1)
    is_same = largest - expected[np.arange(len(expected)), chosen] <= TOLERANCE
    return Comparison(runtime.name, len(pixels), float(difference), int(is_same.sum()))
