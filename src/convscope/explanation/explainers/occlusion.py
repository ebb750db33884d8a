"""Occlusion: how far the logit falls when a patch is covered."""

from __future__ import annotations

import numpy as np

from convscope.errors import OptionError
from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import CONTRIBUTION, Image, attribution_target, baseline
from convscope.explanation.explainer import Explainer
from convscope.model.forward import logits
from convscope.model.model_file import Model

_BATCH_BYTES = 1 << 24


def occlusion(
    network: Model,
    image: Image,
    *,
    target: int | None = None,
    seed: int = 0,
    patch: int | None = None,
    stride: int | None = None,
) -> Attribution:
    """How far the logit falls when a patch over the pixel is covered; the same numbers as on the page.

    Args:
        network: From a model file; not changed.
        image: In [0, 1], with the network's input shape.
        target: The class; None takes the predicted one.
        seed: Not used.
        patch: Side of the patch, in pixels; None takes a seventh of the shorter side, at least 2.
        stride: Distance of neighboring patches in pixels, at most ``patch``; None takes half a patch.

    Raises:
        OptionError: There is no such class, or patch and stride are out of range.
        DataError: The image has another shape.

    Source:
        Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014. They plot the probability
        and cover with gray; we use the logit, cover with the `baseline` intensity, let patches overlap the border so
        that each pixel is covered equally often, and give a pixel the mean over its patches.
    """
    values, target = attribution_target(network, image, target)
    patch = max(2, round(min(image.shape[:2]) / 7)) if patch is None else patch
    stride = -(-patch // 2) if stride is None else stride
    if not 1 <= stride <= patch:
        raise OptionError(f"Expected 1 <= stride <= patch. Received: patch={patch}, stride={stride}.")
    intensity = baseline(network)
    corners = [
        (slice(max(0, top), top + patch), slice(max(0, left), left + patch))
        for top in range(1 - patch, image.shape[0], stride)
        for left in range(1 - patch, image.shape[1], stride)
    ]
    sums, counts = np.zeros(image.shape[:2]), np.zeros(image.shape[:2])
    at_once = max(1, _BATCH_BYTES // image.nbytes)
    for start in range(0, len(corners), at_once):
        some = corners[start : start + at_once]
        covered = np.repeat(image[None], len(some), axis=0)
        for one, place in zip(covered, some, strict=True):
            one[place] = intensity
        covered_logits = logits(network.spec, network.weights, covered)[:, target]
        for place, logit in zip(some, covered_logits, strict=True):
            sums[place] += float(values[target]) - float(logit)
            counts[place] += 1
    drop = (sums / counts).astype(np.float32)[..., None]
    facts = {"patch": patch, "stride": stride}
    return Attribution(drop, "occlusion", CONTRIBUTION, target, float(values[target]), baseline=intensity, facts=facts)


EXPLAINER = Explainer(
    name="occlusion",
    title="Occlusion",
    description="how far the score falls when a patch over the pixel is covered",
    order=4,
    explain=occlusion,
)
