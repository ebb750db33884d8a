"""Maps by differentiation: gradient, SmoothGrad, integrated gradients. In NumPy, through `backward`."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32

from convscope.errors import OptionError
from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import CONTRIBUTION, SENSITIVITY, Image, attribution_target, baseline
from convscope.explanation.backward import backpropagate
from convscope.model.forward import logits
from convscope.model.model_file import Model

COMPLETENESS = 0.01
"""What integrated gradients promise: the share of the logit difference that their sum may miss."""

LEAST_DIFFERENCE = 0.1
"""Logits. The gap of a smaller difference is measured against this: of nothing, any share is too little."""

MAX_STEPS = 1024
_STORED_BYTES = 1 << 28


def gradient(network: Model, image: Image, *, target: int | None = None, seed: int = 0) -> Attribution:
    """How much the logit would change with each pixel, for a change so small that nothing else does.

    Args:
        network: As read from its file; left unchanged.
        image: In [0, 1], the network's input shape.
        target: The class; None takes the one that the network names.
        seed: Not used: nothing is random.

    Raises:
        OptionError: There is no such class.
        DataError: The image has another shape.

    Source:
        Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks", 2014. We keep the sign and all channels;
        they show the largest magnitude of the channels.
    """
    values, target = attribution_target(network, image, target)
    slopes = backpropagate(network.spec, network.weights, image[None], target)
    return Attribution(slopes.gradient[0], "gradient", SENSITIVITY, target, float(values[target]))


def smoothgrad(
    network: Model,
    image: Image,
    *,
    target: int | None = None,
    seed: int = 0,
    noise: float = 0.15,
    samples: int = 50,
) -> Attribution:
    """The mean gradient over the image with noise on it: what stays when single pixels no longer matter.

    Args:
        network: As read from its file; left unchanged.
        image: In [0, 1], the network's input shape.
        target: The class; None takes the one that the network names.
        seed: Of the noise.
        noise: Its standard deviation, as a share of the image's range.
        samples: Noisy images, at least 1.

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


def integrated_gradients(network: Model, image: Image, *, target: int | None = None, seed: int = 0) -> Attribution:
    """The logit, shared out: what each pixel adds on the way from an empty image to this one.

    The values sum to the logit minus that of the empty image. ``facts`` has the ``gap`` in logits that is left, and its
    share ``relative_gap`` of the difference (of `LEAST_DIFFERENCE` where that is larger), and the ``steps``.

    Args:
        network: As read from its file; left unchanged.
        image: In [0, 1], the network's input shape.
        target: The class; None takes the one that the network names.
        seed: Not used: nothing is random.

    Raises:
        OptionError: There is no such class.
        DataError: The image has another shape.

    Source:
        Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", 2017. They take 20 to 300 equal steps.
        We know what each step must sum to, as the logit is known at both its ends, so we halve those steps that miss
        it, until all together miss less than `COMPLETENESS` of the difference, or there are `MAX_STEPS`. The empty
        image is black for MNIST's way of framing ink, and mid-grey otherwise (they: black).
    """
    values, target = attribution_target(network, image, target)
    nothing = baseline(network)
    empty = np.full_like(image, nothing)
    shared, empty_logit, steps = _integrate(network, empty, image, target)
    gap = float(abs(shared.sum() - (values[target] - empty_logit)))
    relative = gap / max(abs(float(values[target]) - empty_logit), LEAST_DIFFERENCE)
    return Attribution(
        shared.astype(np.float32),
        "integrated_gradients",
        CONTRIBUTION,
        target,
        float(values[target]),
        baseline=nothing,
        baseline_logit=empty_logit,
        facts={"steps": steps, "gap": gap, "relative_gap": relative},
    )


def _integrate(network: Model, start: Image, end: Image, target: int) -> tuple[np.ndarray, float, int]:
    """The path integral: float64 of the image's shape, the logit at the start, and the steps it took."""
    straight = (end - start).astype(np.float64)

    def between(shares: np.ndarray) -> Float32[np.ndarray, "n h w c"]:
        return (start + shares[:, None, None, None] * straight).astype(np.float32)

    def middles(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = backpropagate(network.spec, network.weights, between(edges), target)
        return found.gradient, found.logits[:, target].astype(np.float64)

    most = int(np.clip(_STORED_BYTES // end.nbytes, 64, MAX_STEPS))
    edges = np.linspace(0, 1, 17)
    heights = logits(network.spec, network.weights, between(edges))[:, target].astype(np.float64)
    allowed = COMPLETENESS * max(abs(heights[-1] - heights[0]), LEAST_DIFFERENCE)
    slopes, halfway = middles((edges[1:] + edges[:-1]) / 2)
    while True:
        rises = np.tensordot(slopes, straight, axes=3) * np.diff(edges)
        with np.errstate(invalid="ignore"):  # logits that left float32 have no differences, and end the loop
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
