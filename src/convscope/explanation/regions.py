"""Maps by places: Grad-CAM weighs the last feature maps, occlusion covers patch after patch."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32

from convscope.errors import OptionError, SpecError
from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import CONTRIBUTION, Image, attribution_target, baseline
from convscope.explanation.backward import backpropagate
from convscope.model.forward import logits
from convscope.model.model_file import Model
from convscope.model.spec import Row, Spec

_COVERED_BYTES = 1 << 24


def grad_cam(network: Model, image: Image, *, target: int | None = None, seed: int = 0) -> Attribution:
    """Which places of the last feature maps speak for the class: the maps, each weighted by its mean gradient.

    Coarse: it has as many numbers as those maps have places; ``facts`` says how many, and of which layer.

    Args:
        network: As read from its file; left unchanged.
        image: In [0, 1], the network's input shape.
        target: The class; None takes the one that the network names.
        seed: Not used: nothing is random.

    Raises:
        SpecError: The network has no convolution that leaves more than one place.
        OptionError: There is no such class.
        DataError: The image has another shape.

    Source:
        Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization", 2017. They
        cut negative values off; we keep the sign. They stretch the map to the image's size; we put each number at the
        centre of the pixels that it sees and draw straight lines between the centres.
    """
    row = _last_maps(network.spec)
    values, target = attribution_target(network, image, target)
    slopes = backpropagate(network.spec, network.weights, image[None], target, at=row.name)
    coarse = (slopes.values[0] * slopes.gradient[0].mean(axis=(0, 1))).sum(axis=-1)
    fine = _at_every_pixel(coarse, row, image.shape)
    facts = {"layer": row.name, "places": list(coarse.shape), "coarse": coarse.tolist()}
    return Attribution(fine[..., None], "grad_cam", CONTRIBUTION, target, float(values[target]), facts=facts)


def occlusion(
    network: Model,
    image: Image,
    *,
    target: int | None = None,
    seed: int = 0,
    patch: int | None = None,
    stride: int | None = None,
) -> Attribution:
    """How far the logit falls when a patch over the pixel is covered; the same numbers as in the page.

    Args:
        network: As read from its file; left unchanged.
        image: In [0, 1], the network's input shape.
        target: The class; None takes the one that the network names.
        seed: Not used: nothing is random.
        patch: Pixels a side of the patch; None takes a seventh of the shorter side, at least 2.
        stride: Pixels from one patch to the next, at most ``patch``; None takes half a patch.

    Raises:
        OptionError: There is no such class, or patch and stride do not fit.
        DataError: The image has another shape.

    Source:
        Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014. They look at the probability
        and cover with grey; we look at the logit, cover with what stands for nothing here (see `baseline`), let patches
        stand out over the edge so that each pixel is covered as often, and give a pixel the mean over its patches.
    """
    values, target = attribution_target(network, image, target)
    patch = max(2, round(min(image.shape[:2]) / 7)) if patch is None else patch
    stride = -(-patch // 2) if stride is None else stride
    if not 1 <= stride <= patch:
        raise OptionError(f"Expected 1 <= stride <= patch. Received: patch={patch}, stride={stride}.")
    nothing = baseline(network)
    corners = [
        (slice(max(0, top), top + patch), slice(max(0, left), left + patch))
        for top in range(1 - patch, image.shape[0], stride)
        for left in range(1 - patch, image.shape[1], stride)
    ]
    sums, counts = np.zeros(image.shape[:2]), np.zeros(image.shape[:2])
    at_once = max(1, _COVERED_BYTES // image.nbytes)
    for start in range(0, len(corners), at_once):
        some = corners[start : start + at_once]
        covered = np.repeat(image[None], len(some), axis=0)
        for one, place in zip(covered, some, strict=True):
            one[place] = nothing
        left_over = logits(network.spec, network.weights, covered)[:, target]
        for place, logit in zip(some, left_over, strict=True):
            sums[place] += float(values[target]) - float(logit)
            counts[place] += 1
    drop = (sums / counts).astype(np.float32)[..., None]
    facts = {"patch": patch, "stride": stride}
    return Attribution(drop, "occlusion", CONTRIBUTION, target, float(values[target]), baseline=nothing, facts=facts)


def _last_maps(spec: Spec) -> Row:
    """The last convolution with more than one place, after its own normalization, activation and shortcut."""
    found: Row | None = None
    follows: set[str] = set()
    for row in spec.table():
        is_wide = row.layer.is_convolution and math.prod(row.output_shape[:2]) > 1
        if is_wide or (row.layer.keeps_places and not follows.isdisjoint(row.inputs)):
            follows.add(row.name)
            found = row if row.layer.is_shown else found
    if found is None:
        raise SpecError("Grad-CAM needs a convolution that leaves more than one place, and this network has none.")
    return found


def _at_every_pixel(
    coarse: Float32[np.ndarray, "rows columns"], row: Row, shape: tuple[int, ...]
) -> Float32[np.ndarray, "h w"]:
    """Straight lines between the centres of the receptive fields; beyond the outermost centre its own number."""
    fine = coarse.astype(np.float64)
    for axis in (0, 1):
        field = (row.receptive_field or ())[axis]
        centres = field.start + (field.size - 1) / 2 + field.jump * np.arange(coarse.shape[axis])
        fine = np.apply_along_axis(
            lambda line, at=centres, n=shape[axis]: np.interp(np.arange(n), at, line), axis, fine
        )
    return fine.astype(np.float32)
