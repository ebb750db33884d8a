"""SmoothGrad: the gradient averaged over noisy copies of the image."""

from __future__ import annotations

import math

import numpy as np

from convscope.errors import OptionError
from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import SENSITIVITY, Image, attribution_target
from convscope.explanation.backward import backpropagate
from convscope.explanation.explainer import Explainer
from convscope.model.model_file import Model


def smoothgrad(
    network: Model,
    image: Image,
    *,
    target: int | None = None,
    seed: int = 0,
    noise: float = 0.15,
    samples: int = 50,
) -> Attribution:
    """The mean gradient over noisy copies of the image.

    Args:
        network: From a model file; not changed.
        image: In [0, 1], with the network's input shape.
        target: The class; None takes the predicted one.
        seed: Seed of the noise.
        noise: Standard deviation of the noise, as a fraction of the image's range.
        samples: Number of noisy copies, at least 1.

    Raises:
        OptionError: There is no such class, or noise or samples are out of range.
        DataError: The image has another shape.

    Source:
        Smilkov et al., "SmoothGrad: removing noise by adding noise", 2017: 50 samples, 10 to 20 % of noise. We keep the
        sign. Noisy pixels may leave [0, 1], as in the paper.
    """
    if not 0 <= noise < math.inf or samples < 1:
        raise OptionError(f"noise must be 0 or more and samples 1 or more. Received: noise={noise}, samples={samples}.")
    values, target = attribution_target(network, image, target)
    deviation = np.float32(noise * float(np.ptp(image)))
    rng = np.random.default_rng(seed)
    noisy = image + deviation * rng.standard_normal((samples, *image.shape), np.float32)
    slopes = backpropagate(network.spec, network.weights, noisy, target)
    mean = slopes.gradient.mean(axis=0, dtype=np.float64).astype(np.float32)
    facts = {"samples": samples, "noise": float(deviation)}
    return Attribution(mean, "smoothgrad", SENSITIVITY, target, float(values[target]), facts=facts)


EXPLAINER = Explainer(
    name="smoothgrad",
    title="SmoothGrad",
    description="the gradient, averaged over noisy copies of the image",
    order=1,
    explain=smoothgrad,
)
