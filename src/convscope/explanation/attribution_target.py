"""The logit that an attribution map explains, and the baseline intensity."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from convscope.errors import OptionError
from convscope.model.forward import logits
from convscope.model.model_file import Model

Image = Float32[np.ndarray, "h w c"]
"""One input of the network, in [0, 1]."""

SENSITIVITY = "logits per unit of intensity"
CONTRIBUTION = "logits"


def baseline(network: Model) -> float:
    """The baseline intensity: black for input normalized as in MNIST, mid-gray otherwise; the same as on the page."""
    return 0.0 if network.preprocessing.get("fit") == "mnist" else 0.5


def attribution_target(network: Model, image: Image, target: int | None) -> tuple[Float32[np.ndarray, " k"], int]:
    """Compute the logits of one image and resolve the target class.

    Args:
        network: From a model file.
        image: With the network's input shape.
        target: None means the predicted class.

    Returns:
        The logits, and the target class.

    Raises:
        OptionError: There is no such class.
        DataError: The image has another shape.
    """
    values = logits(network.spec, network.weights, image[None])[0]
    target = int(values.argmax()) if target is None else target
    if not 0 <= target < len(values):
        raise OptionError(f"target must be a class from 0 to {len(values) - 1}. Received: target={target}.")
    return values, target
