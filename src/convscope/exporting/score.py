"""The score for unknown images, as exported files compute it: its constants and its thresholds.

Files have the score as an output of its own, and a table of thresholds: an image is known if its score is at most the
threshold. Light.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float32, Int8

from convscope.arrays import Pixels
from convscope.evaluation.out_of_distribution import (
    CONFIDENCE,
    LEVELS,
    MAX_SCORE,
    Rejection,
    Scores,
    is_constant,
    level_name,
)
from convscope.evaluation.predict import Predictions
from convscope.evaluation.reliability import reliability_of
from convscope.evaluation.total_variation import VariationLimit
from convscope.model.features import averages, feature_grid, feature_row, whole_directions
from convscope.model.model_file import Model
from convscope.model.spec import Row

OUTPUT = "score"
"""The name of the output, of the table in ``convscope.json``, and of the table in a file's metadata."""

BLANK_SCORE = MAX_SCORE
"""The score of an image of a single intensity, if such images are rejected: above every threshold."""

UNEQUAL = 510.0
"""Twice the steps of a byte: the range of intensities in an image times this is 0 or at least 2, however rounded."""


@dataclass(frozen=True, eq=False)
class ScoreParts:
    """What a graph computes the score from.

    Attributes:
        row: The layer whose input the features are.
        grid: Rows, columns and channels of the features.
        averages: Matrices that average rows and columns of the features; None if they stay as they are.
        center: The mean of the features.
        directions: Orthonormal columns; 8-bit integers where they are rounded.
        steps: What the columns are multiplied by; None if they are not rounded.
        scale: The factor of the distance.
        rejects_blank: Whether an image of a single intensity gets `BLANK_SCORE`.
        centers_logits: As in `evaluation.out_of_distribution.ood_scores`.
        variation: The limit of the total variation; None if it is not part of the score.
    """

    row: Row
    grid: tuple[int, int, int]
    averages: tuple[Float32[np.ndarray, "r h"], Float32[np.ndarray, "c w"]] | None
    center: Float32[np.ndarray, " f"]
    directions: Float32[np.ndarray, "f d"] | Int8[np.ndarray, "f d"]
    steps: Float32[np.ndarray, " d"] | None
    scale: float
    rejects_blank: bool
    centers_logits: bool
    variation: VariationLimit | None


def score_parts(model: Model) -> ScoreParts | None:
    """The parts of a network's score; None if it has none."""
    row, rejection, subspace = feature_row(model.spec), reliability_of(model).rejection, model.subspace
    if row is None or rejection is None or subspace is None:
        return None
    grid = feature_grid(model.spec)
    directions = subspace.directions.astype(np.float32)
    return ScoreParts(
        row,
        grid,
        averages(grid),
        subspace.center,
        *(whole_directions(directions) or (directions, None)),
        rejection.scale,
        rejection.rejects_blank,
        rejection.centers_logits,
        rejection.variation,
    )


def engine_parts(model: Model) -> ScoreParts | None:
    """The same for a graph that stays in memory, and whose scores are those of `evaluation.predict.predict`."""
    parts, subspace = score_parts(model), model.subspace
    if parts is None or subspace is None:
        return None
    return replace(parts, directions=subspace.directions.astype(np.float32), steps=None, rejects_blank=False)


def expected_scores(model: Model, pixels: Pixels, predictions: Predictions) -> Scores | None:
    """The scores that a file has to give; None if the network has none.

    Args:
        model: The network.
        pixels: uint8 ``(n, h, w, c)``.
        predictions: Of the network for these images.
    """
    rejection = reliability_of(model).rejection
    if rejection is None or predictions.scores is None:
        return None
    is_blank = is_constant(pixels) & rejection.rejects_blank
    return np.where(is_blank, np.float32(BLANK_SCORE), predictions.scores).astype(np.float32)


def used_threshold(rejection: Rejection) -> float | None:
    """The score up to which `predict` knows an image.

    If so few images were held out that no level can be promised, only images on which nothing is to be seen are above
    it; None if there are no such images either, since some of the training images are of a single intensity.
    """
    level = rejection.default_level
    if level is not None:
        return rejection.threshold(level)
    return BLANK_SCORE / 2 if rejection.rejects_blank else None


def score_table(rejection: Rejection) -> dict[str, Any]:
    """Thresholds and quantiles of the score as plain values, for ``convscope.json`` and the metadata of files.

    ``threshold`` is the one that `predict` uses; see `used_threshold`.
    """
    level = rejection.default_level
    return {
        "rule": "known if score <= threshold",
        "level": level,
        "threshold": used_threshold(rejection),
        "thresholds": {level_name(one): rejection.threshold(one) for one in LEVELS},
        "confidence": CONFIDENCE,
        "held_out_images": rejection.n,
        "blank_score": BLANK_SCORE if rejection.rejects_blank else None,
        "quantiles": [round(value, 5) for value in rejection.quantiles],
    }


def is_known(scores: Scores, table: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Which images are known, for each level that is promised.

    Args:
        scores: float32 ``(n,)``.
        table: From `score_table`.
    """
    thresholds = table["thresholds"].items()
    return {name: scores <= threshold for name, threshold in thresholds if threshold is not None}
