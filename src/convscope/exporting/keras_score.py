"""The score for unknown images in a Keras model, from Keras's own layers and operations. Heavy."""

from __future__ import annotations

from typing import Any

import numpy as np

from convscope.evaluation.total_variation import VariationLimit
from convscope.exporting.score import BLANK_SCORE, OUTPUT, UNEQUAL, ScoreParts
from convscope.model.tensorflow import keras


def keras_score(parts: ScoreParts, *, images: Any, features: Any, logits: Any) -> Any:
    """The score, ``(n,)``.

    Args:
        parts: What it is computed from.
        images: The images in [0, 1], a Keras tensor.
        features: The input of ``parts.row``.
        logits: Before the temperature.
    """
    residual = _residual(parts, features)
    if parts.variation:
        residual = keras.ops.add(residual, _excess(parts.variation, images))
    distance = keras.layers.Rescaling(parts.scale, dtype="float32", name="score_distance")(residual)
    if parts.centers_logits:
        largest = keras.ops.subtract(keras.ops.max(logits, axis=-1), keras.ops.mean(logits, axis=-1))
    else:
        largest = keras.ops.logsumexp(logits, axis=-1)
    score = keras.ops.subtract(distance, largest)
    if parts.rejects_blank:
        highest, lowest = keras.ops.max(images, axis=(1, 2)), keras.ops.min(images, axis=(1, 2))
        spread = keras.ops.max(keras.ops.subtract(highest, lowest), axis=-1)
        rest = keras.layers.Rescaling(-UNEQUAL, 1.0, dtype="float32", name="score_equal")(spread)
        blank = keras.layers.Rescaling(BLANK_SCORE, dtype="float32", name="score_blank")(keras.ops.relu(rest))
        score = keras.ops.add(score, blank)
    return keras.layers.Activation("linear", dtype="float32", name=OUTPUT)(score)


def _excess(limit: VariationLimit, images: Any) -> Any:
    """As `VariationLimit.excess`."""
    sums = []
    for name, later, earlier in (
        ("rows", ((1, 0), (0, 0)), ((0, 1), (0, 0))),
        ("columns", ((0, 0), (1, 0)), ((0, 0), (0, 1))),
    ):
        one, other = (
            keras.layers.Cropping2D(crop, dtype="float32", name=f"score_{which}_{name}")(images)
            for which, crop in (("later", later), ("earlier", earlier))
        )
        sums.append(keras.ops.sum(keras.ops.abs(keras.ops.subtract(one, other)), axis=(1, 2, 3)))
    rest = keras.layers.Rescaling(limit.weight / limit.largest, -limit.weight, dtype="float32", name="score_variation")
    return keras.ops.relu(rest(keras.ops.add(*sums)))


def _residual(parts: ScoreParts, features: Any) -> Any:
    count, wide = parts.directions.shape
    rows = keras.layers.Reshape((count,), name="score_features")(_averaged(parts, features))
    move = keras.layers.Normalization(
        mean=parts.center, variance=np.ones(count, np.float32), dtype="float32", name="score_centered"
    )
    centered = move(rows)
    project = keras.layers.Dense(wide, use_bias=False, dtype="float32", name="score_directions")
    along = project(centered)
    steps = np.float32(1) if parts.steps is None else parts.steps
    project.set_weights([parts.directions * steps])
    squares = keras.ops.subtract(_squares(centered), _squares(along))
    return keras.ops.sqrt(keras.ops.relu(squares))


def _squares(x: Any) -> Any:
    return keras.ops.sum(keras.ops.square(x), axis=-1)


def _averaged(parts: ScoreParts, features: Any) -> Any:
    if parts.averages is None:
        return features
    rows, columns = parts.averages
    maps = keras.layers.Reshape(parts.grid, name="score_maps")(features)
    down = keras.layers.Dense(len(rows), use_bias=False, dtype="float32", name="score_rows")
    across = keras.layers.Dense(len(columns), use_bias=False, dtype="float32", name="score_columns")
    fewer = down(keras.layers.Permute((3, 2, 1))(maps))  # channels, columns, rows
    fewest = across(keras.layers.Permute((1, 3, 2))(fewer))  # channels, rows, columns
    down.set_weights([rows.T])
    across.set_weights([columns.T])
    return keras.layers.Permute((2, 3, 1))(fewest)
