"""What every explanation is asked: which logit of which image, and what stands for nothing in it."""

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
    """The intensity that stands for nothing: black where ink is framed as in MNIST, mid-grey otherwise; as the page."""
    return 0.0 if network.preprocessing.get("fit") == "mnist" else 0.5


def attribution_target(network: Model, image: Image, target: int | None) -> tuple[Float32[np.ndarray, " k"], int]:
    """The logits of one image, and the class that is meant.

    Args:
        network: As read from its file.
        image: The network's input shape.
        target: None means the class that the network names.

    Raises:
        OptionError: There is no such class.
        DataError: The image has another shape.
    """
    values = logits(network.spec, network.weights, image[None])[0]
    target = int(values.argmax()) if target is None else target
    if not 0 <= target < len(values):
        raise OptionError(f"target must be a class from 0 to {len(values) - 1}. Received: target={target}.")
    return values, target
