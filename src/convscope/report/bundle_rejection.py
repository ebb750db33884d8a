"""The out-of-distribution score in the data of a page, and what finds the images that are most similar to another."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from convscope.arrays import Pixels, to_images
from convscope.evaluation.reliability import reliability_of
from convscope.model.features import Features, feature_grid, feature_row, logits_and_features, whole_directions
from convscope.model.forward import chunk_size
from convscope.model.model_file import Model
from convscope.report.array_json import Array, array_json

CODE_NUMBERS = 16
"""The most important directions: images are compared by their places along these."""

CODE_LEVELS = 127


class VariationJson(TypedDict):
    """The limit of the total variation: an image of twice ``largest`` has ``weight`` added to its distance."""

    largest: float
    weight: float


class RejectionJson(TypedDict):
    """When the page gives no class.

    The features are the input of ``layer``, maps of shape ``grid``. A direction is a column of ``directions`` times its
    step. ``quantiles`` are evenly spaced quantiles of the scores of ``n`` held-out images; above ``threshold`` an image
    is rejected, which is so for at most ``level`` of images like these. Both are null where too few were held out.
    ``codes`` has a row for each image of the page: its first coordinates along the directions, divided by
    ``code_step``.
    """

    layer: str
    grid: list[int]
    center: Array
    directions: Array
    steps: list[float]
    scale: float
    n: int
    level: float | None
    threshold: float | None
    quantiles: list[float]
    rejects_blank: bool
    centers_logits: bool
    variation: VariationJson | None
    codes: Array
    code_step: float


def rejection_json(model: Model, pixels: Pixels) -> RejectionJson | None:
    """The network's score; None if it has none.

    Args:
        model: From a model file.
        pixels: The images of the page, in order.
    """
    found, row = reliability_of(model).rejection, feature_row(model.spec)
    if found is None or model.subspace is None or row is None:
        return None
    directions = model.subspace.directions.astype(np.float32)
    # few features, or a model of an older version, have directions that are not rounded
    whole, steps = whole_directions(directions) or (directions, np.ones(directions.shape[1], np.float32))
    codes = (_features(model, pixels) - model.subspace.center) @ directions[:, :CODE_NUMBERS]
    code_step = float(max(np.abs(codes).max(initial=0.0), 1e-12)) / CODE_LEVELS
    level = found.default_level
    return RejectionJson(
        layer=row.name,
        grid=list(feature_grid(model.spec)),
        center=array_json(model.subspace.center),
        directions=array_json(whole),
        steps=[float(step) for step in steps],
        scale=found.scale,
        n=found.n,
        level=level,
        threshold=found.threshold(level) if level is not None else None,
        quantiles=[round(value, 4) for value in found.quantiles],
        rejects_blank=found.rejects_blank,
        centers_logits=found.centers_logits,
        variation=found.variation and VariationJson(largest=found.variation.largest, weight=found.variation.weight),
        codes=array_json(np.rint(codes / code_step).astype(np.int8)),
        code_step=code_step,
    )


def _features(model: Model, pixels: Pixels) -> Features:
    size = chunk_size(model.spec)
    parts = [
        logits_and_features(model.spec, model.weights, to_images(pixels[start : start + size]))[1]
        for start in range(0, len(pixels), size)
    ]
    center = model.subspace.center if model.subspace else np.zeros(0, np.float32)
    return np.concatenate(parts) if parts else np.zeros((0, len(center)), np.float32)
