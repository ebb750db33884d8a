"""Temperature scaling: one number, fitted on the validation split, that calibrates the probabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from convscope.arrays import Labels, Logits
from convscope.errors import ModelFileError
from convscope.evaluation.metrics import log_softmax

LOWEST, HIGHEST = 0.05, 20.0
RESAMPLES = 200
GRID = 81
"""Temperatures of the bootstrap's grid, from a quarter to four times the best: 3.5 % apart."""

MOST_RESAMPLED = 5_000
"""With more images the interval would be narrower than the steps of the grid."""

_ROUNDS = 60
_GOLDEN = (math.sqrt(5) - 1) / 2


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """Find the temperature with the highest likelihood of the smoothed labels.

    With few images, all of them classified correctly, the likelihood of the labels rises without end as the temperature
    falls, and the first mistake would be made with certainty. The labels are therefore smoothed by 1 / (n + 2), as if
    one more image of n + 2 were wrong.

    Dividing the logits by it changes no prediction, only the confidence. Networks trained with label smoothing tend to
    be underconfident (temperature below 1), networks trained for long without it overconfident (above 1).

    Args:
        logits: float32 ``(n, k)``, of images that the network was not trained on.
        labels: int64 ``(n,)``.

    Returns:
        The temperature, from 0.05 to 20.

    Source:
        Guo et al., "On calibration of modern neural networks", 2017; the smoothing is from Platt, "Probabilistic
        outputs for support vector machines", 1999. We use golden-section search on the logarithm.

    Example:
        >>> logits = np.array([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0]], np.float32)
        >>> round(fit_temperature(logits, np.array([0, 1, 1])), 2)
        4.93
    """

    def loss(log_temperature: float) -> float:
        return float(_losses(logits, labels, math.exp(log_temperature)).mean())

    low, high = math.log(LOWEST), math.log(HIGHEST)
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = loss(left), loss(right)
    for _ in range(_ROUNDS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = loss(right)
    return math.exp((low + high) / 2)


def _losses(logits: Logits, labels: Labels, temperature: float) -> Float64[np.ndarray, " n"]:
    """The cross-entropy of each image with smoothed labels."""
    n, k = logits.shape
    scaled = log_softmax((logits / np.float32(temperature)).astype(np.float32))
    true = scaled[np.arange(n), labels]
    others = (scaled.sum(axis=1) - true) / (k - 1)
    smoothing = 1 / (n + 2)
    return -((1 - smoothing) * true + smoothing * others)


def temperature_interval(
    logits: Logits, labels: Labels, *, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """The 95 % bootstrap interval of the temperature: how well so many images determine it.

    Args:
        logits: As for `fit_temperature`.
        labels: As for `fit_temperature`.
        seed: Of the resampling.
        resamples: Number of bootstrap samples.

    Returns:
        The lower and the upper end, both from 0.05 to 20.

    Source:
        Efron and Tibshirani, "An introduction to the bootstrap", 1993, percentile method. We evaluate every sample on
        one grid of temperatures, which makes a sample a row of counts.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(labels))[:MOST_RESAMPLED]
    logits, labels = logits[chosen], labels[chosen]
    best = fit_temperature(logits, labels)
    grid = np.clip(best * np.exp(np.linspace(-math.log(4), math.log(4), GRID)), LOWEST, HIGHEST)
    losses = np.stack([_losses(logits, labels, float(one)) for one in grid], axis=1)
    n = len(labels)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=resamples)
    found = grid[np.argmin(counts @ losses, axis=1)]
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def temperature_of(calibration: Mapping[str, Any]) -> float:
    """Read the temperature of a model file; 1 if the calibration is empty.

    Raises:
        ModelFileError: There is another key, or the value is not a number that `fit_temperature` returns.

    Example:
        >>> temperature_of({}), temperature_of({"temperature": 0.5})
        (1.0, 0.5)
    """
    value = calibration.get("temperature", 1.0)
    if type(value) not in (int, float) or not LOWEST <= value <= HIGHEST or not calibration.keys() <= {"temperature"}:
        raise ModelFileError(
            f"The calibration must be empty or a temperature from {LOWEST} to {HIGHEST:g}. "
            f"Received: calibration={str(dict(calibration))[:80]}."
        )
    return float(value)
