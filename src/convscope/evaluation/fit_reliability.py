"""Fit calibration, rejection thresholds and conformal quantiles at the end of a training. Light."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convscope.arrays import Labels, to_images
from convscope.data.mapped_pixels import OtherPixels, StoredPixels, chunks
from convscope.evaluation.conformal import fit_conformal
from convscope.evaluation.fit_subspace import FITTED_ON, fit_subspace
from convscope.evaluation.metrics import log_softmax
from convscope.evaluation.out_of_distribution import (
    is_constant,
    ood_scores,
    residual_scale,
    set_thresholds,
)
from convscope.evaluation.predict import Predictions, at_temperature, raw_outputs
from convscope.evaluation.reliability import Reliability
from convscope.evaluation.selective import best_threshold
from convscope.evaluation.temperature import fit_temperature
from convscope.evaluation.total_variation import VariationLimit, fit_variation_limit, total_variation
from convscope.model.features import feature_count, logits_and_features, most_directions
from convscope.model.forward import chunk_size
from convscope.model.model_file import Model


def fit_reliability(
    model: Model, training: OtherPixels, validation: StoredPixels, labels: Labels
) -> tuple[Model, Predictions]:
    """Fit everything that makes a network's answers reliable, on images that it was not trained on.

    The subspace of the out-of-distribution score is fitted on training images, all else on the validation images.

    Args:
        model: A trained network without calibration.
        training: The images that it was trained on, uint8.
        validation: The images of the validation split, uint8, at least one.
        labels: Their classes.

    Returns:
        The model with temperature, subspace and reliability, and its predictions for the validation images.
    """
    model, scale, rejects_blank, variation = _with_subspace(model, training)
    logits, residuals = raw_outputs(model, validation)
    model = replace(model, calibration={"temperature": fit_temperature(logits, labels)})
    predictions = at_temperature(Predictions(logits, model.class_names), model)
    rejection = None
    if scale is not None and residuals is not None:
        if variation:
            residuals = residuals + np.concatenate([variation.excess(pixels) for pixels in chunks(validation)])
        scores = ood_scores(logits, residuals, scale=scale)
        rejection = set_thresholds(scores, scale=scale, rejects_blank=rejects_blank, variation=variation)
        predictions = replace(predictions, scores=scores)
    confidences = np.exp(log_softmax(predictions.logits).max(axis=1))
    correct = predictions.logits.argmax(axis=1) == labels
    found = Reliability(rejection, fit_conformal(logits, labels), best_threshold(confidences, correct))
    return replace(model, reliability=found.to_json()), predictions


def _with_subspace(model: Model, training: OtherPixels) -> tuple[Model, float | None, bool, VariationLimit | None]:
    """The model with the subspace of its training images, and what else the score takes from these.

    That is the factor of the residual, whether none of them is blank, and the limit of the total variation.
    """
    features_each = feature_count(model.spec)
    if not features_each or not most_directions(features_each):
        return model, None, False, None
    chosen = np.unique(np.linspace(0, len(training) - 1, min(FITTED_ON, len(training))).astype(np.int64))
    size, found, is_blank, largest = chunk_size(model.spec), [], False, 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(chosen), size):
            pixels = training[chosen[start : start + size]]
            is_blank |= bool(is_constant(pixels).any())
            largest = max(largest, float(total_variation(pixels).max()))
            found.append(logits_and_features(model.spec, model.weights, to_images(pixels)))
    logits, features = (np.concatenate(parts) for parts in zip(*found, strict=True))
    subspace = fit_subspace(features) if np.isfinite(features).all() and np.isfinite(logits).all() else None
    residuals = subspace.residual(features) if subspace else None
    scale = residual_scale(logits, residuals) if residuals is not None else None
    if scale is None or residuals is None:
        return model, None, False, None
    variation = fit_variation_limit(largest, residuals, model.spec.input_shape)
    return replace(model, subspace=subspace), scale, not is_blank, variation
