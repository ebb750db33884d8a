"""Grad-CAM: the last feature maps, weighted by their gradients."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32

from convscope.errors import SpecError
from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import CONTRIBUTION, Image, attribution_target
from convscope.explanation.backward import backpropagate
from convscope.explanation.explainer import Explainer
from convscope.model.model_file import Model
from convscope.model.spec import Row, Spec


def grad_cam(network: Model, image: Image, *, target: int | None = None, seed: int = 0) -> Attribution:
    """The last feature maps, each weighted by its mean gradient.

    Coarse: it has one number for each position of those maps; ``facts`` has the layer and the number of positions.

    Args:
        network: From a model file; not changed.
        image: In [0, 1], with the network's input shape.
        target: The class; None takes the predicted one.
        seed: Not used.

    Raises:
        SpecError: The network has no convolution with more than one output position.
        OptionError: There is no such class.
        DataError: The image has another shape.

    Source:
        Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization", 2017. They
        clip negative values; we keep the sign. They resize the map to the image; we place each number at the center of
        its receptive field and interpolate linearly between the centers.
    """
    row = _last_maps(network.spec)
    values, target = attribution_target(network, image, target)
    slopes = backpropagate(network.spec, network.weights, image[None], target, at=row.name)
    coarse = (slopes.values[0] * slopes.gradient[0].mean(axis=(0, 1))).sum(axis=-1)
    fine = _at_every_pixel(coarse, row, image.shape)
    facts = {"layer": row.name, "places": list(coarse.shape), "coarse": coarse.tolist()}
    return Attribution(fine[..., None], "grad_cam", CONTRIBUTION, target, float(values[target]), facts=facts)


def _last_maps(spec: Spec) -> Row:
    """The last convolution with more than one output position, including its normalization, activation and shortcut."""
    found: Row | None = None
    follows: set[str] = set()
    for row in spec.table():
        is_wide = row.layer.is_convolution and math.prod(row.output_shape[:2]) > 1
        if is_wide or (row.layer.keeps_places and not follows.isdisjoint(row.inputs)):
            follows.add(row.name)
            found = row if row.layer.is_shown else found
    if found is None:
        raise SpecError("Grad-CAM needs a convolution with more than one output position, and this network has none.")
    return found


def _at_every_pixel(
    coarse: Float32[np.ndarray, "rows columns"], row: Row, shape: tuple[int, ...]
) -> Float32[np.ndarray, "h w"]:
    """Interpolate linearly between the centers of the receptive fields, constant beyond the outermost ones."""
    fine = coarse.astype(np.float64)
    for axis in (0, 1):
        field = (row.receptive_field or ())[axis]
        centers = field.start + (field.size - 1) / 2 + field.jump * np.arange(coarse.shape[axis])
        fine = np.apply_along_axis(
            lambda line, at=centers, n=shape[axis]: np.interp(np.arange(n), at, line), axis, fine
        )
    return fine.astype(np.float32)


EXPLAINER = Explainer(
    name="grad_cam",
    title="Grad-CAM",
    description="which regions of the last feature maps support the class; coarse",
    order=3,
    explain=grad_cam,
)
