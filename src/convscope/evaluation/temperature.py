"""Temperature scaling: one number, fitted on the validation split, that calibrates the probabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from convscope.arrays import Labels, Logits
from convscope.errors import ModelFileError
from convscope.evaluation.metrics import log_softmax

LOWEST, HIGHEST = 0.05, 20.0
_ROUNDS = 60
_GOLDEN = (math.sqrt(5) - 1) / 2


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """Find the temperature with the highest likelihood of the labels.

    Dividing the logits by it changes no prediction, only the confidence. Networks trained with label smoothing tend to
    be underconfident (temperature below 1), networks trained for long without it overconfident (above 1).

    Args:
        logits: float32 ``(n, k)``, of images that the network was not trained on.
        labels: int64 ``(n,)``.

    Returns:
        The temperature, from 0.05 to 20.

    Source:
        Guo et al., "On calibration of modern neural networks", 2017. We use golden-section search on the logarithm.

    Example:
        >>> logits = np.array([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0]], np.float32)
        >>> round(fit_temperature(logits, np.array([0, 1, 1])), 2)
        2.89
    """
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = (logits / np.float32(math.exp(log_temperature))).astype(np.float32)
        return -float(log_softmax(scaled)[rows, labels].mean())

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
