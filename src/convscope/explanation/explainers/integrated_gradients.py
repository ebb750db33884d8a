"""Integrated gradients: the contribution of each pixel, relative to an empty image."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import CONTRIBUTION, Image, attribution_target, baseline
from convscope.explanation.backward import backpropagate
from convscope.explanation.explainer import Explainer
from convscope.model.forward import logits
from convscope.model.model_file import Model

COMPLETENESS = 0.01
"""Completeness of integrated gradients: the fraction of the logit difference that their sum may miss."""

LEAST_DIFFERENCE = 0.1
"""The smallest logit difference that the gap is divided by."""

MAX_STEPS = 1024
_MAX_BYTES = 1 << 28


def integrated_gradients(network: Model, image: Image, *, target: int | None = None, seed: int = 0) -> Attribution:
    """The contribution of each pixel on the straight path from the baseline image to this one.

    The values sum to the logit minus that of the baseline image. ``facts`` has the remaining ``gap`` in logits, the
    ``relative_gap`` (its fraction of the difference, or of `LEAST_DIFFERENCE` where that is larger), and the ``steps``.

    Args:
        network: From a model file; not changed.
        image: In [0, 1], with the network's input shape.
        target: The class; None takes the predicted one.
        seed: Not used.

    Raises:
        OptionError: There is no such class.
        DataError: The image has another shape.

    Source:
        Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", 2017. They use 20 to 300 equal steps.
        The logits at both ends of a step give what it must sum to, so we halve the steps that miss it, until the total
        gap is below `COMPLETENESS` of the difference, or there are `MAX_STEPS`. The baseline image is black for input
        normalized as in MNIST, and mid-gray otherwise (theirs is black).
    """
    values, target = attribution_target(network, image, target)
    intensity = baseline(network)
    start = np.full_like(image, intensity)
    contributions, start_logit, steps = _integrate(network, start, image, target)
    gap = float(abs(contributions.sum() - (values[target] - start_logit)))
    relative = gap / max(abs(float(values[target]) - start_logit), LEAST_DIFFERENCE)
    return Attribution(
        contributions.astype(np.float32),
        "integrated_gradients",
        CONTRIBUTION,
        target,
        float(values[target]),
        baseline=intensity,
        baseline_logit=start_logit,
        facts={"steps": steps, "gap": gap, "relative_gap": relative},
    )


def _integrate(network: Model, start: Image, end: Image, target: int) -> tuple[np.ndarray, float, int]:
    """The path integral: float64 with the shape of the image, the logit at the start, and the number of steps."""
    straight = (end - start).astype(np.float64)

    def between(fractions: np.ndarray) -> Float32[np.ndarray, "n h w c"]:
        return (start + fractions[:, None, None, None] * straight).astype(np.float32)

    def middles(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slopes = backpropagate(network.spec, network.weights, between(edges), target)
        return slopes.gradient, slopes.logits[:, target].astype(np.float64)

    most = int(np.clip(_MAX_BYTES // end.nbytes, 64, MAX_STEPS))
    edges = np.linspace(0, 1, 17)
    heights = logits(network.spec, network.weights, between(edges))[:, target].astype(np.float64)
    allowed = COMPLETENESS * max(abs(heights[-1] - heights[0]), LEAST_DIFFERENCE)
    slopes, halfway = middles((edges[1:] + edges[:-1]) / 2)
    while True:
        rises = np.tensordot(slopes, straight, axes=3) * np.diff(edges)
        with np.errstate(invalid="ignore"):  # logits that overflowed float32 give NaN, which ends the loop
            gaps = np.abs(np.diff(heights) - rises)
        halved = gaps > allowed / len(gaps)
        if not gaps.sum() > allowed or len(gaps) + halved.sum() > most:
            break
        where = np.flatnonzero(halved)
        edges = np.insert(edges, where + 1, (edges[where] + edges[where + 1]) / 2)
        heights = np.insert(heights, where + 1, halfway[where])
        order = np.repeat(np.arange(len(gaps)), 1 + halved)
        slopes, halfway, fresh = slopes[order], halfway[order], halved[order]
        slopes[fresh], halfway[fresh] = middles(((edges[1:] + edges[:-1]) / 2)[fresh])
    return np.tensordot(np.diff(edges), slopes, axes=1) * straight, float(heights[0]), len(gaps)


EXPLAINER = Explainer(
    name="integrated_gradients",
    title="Integrated gradients",
    description="the contribution of each pixel to the score, relative to an empty image",
    order=2,
    explain=integrated_gradients,
)
