"""Evaluate a network from its logits: accuracy, confusion matrix, calibration and mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convscope.arrays import Labels, Logits
from convscope.errors import ConvscopeError, DataError
from convscope.evaluation.calibration import LogProbabilities, calibrate
from convscope.evaluation.confusion import confusion_matrix
from convscope.evaluation.evaluation import WORST, Evaluation, Mistake
from convscope.evaluation.intervals import Proportion


def measure(
    logits: Logits,
    labels: Labels,
    *,
    class_names: Sequence[str],
    known_wrong: Sequence[int] = (),
    worst: int = WORST,
) -> Evaluation:
    """Evaluate predictions against labels.

    Args:
        logits: float32, shape ``(n, k)``, finite, n >= 1. Of equal logits the first class is predicted.
        labels: int64, shape ``(n,)``, 0..k-1.
        class_names: k names, k >= 2; classes without images are allowed.
        known_wrong: Positions of images whose label is known to be wrong.
        worst: Maximum number of mistakes to list, the most confident first.

    Returns:
        The evaluation. Probabilities are computed in float64.

    Raises:
        DataError: There are no images, or logits, labels and class names do not match.
        ConvscopeError: A logit is not a finite number.

    Example:
        >>> logits = np.array([[2, 0], [0, 2], [3, 0]], np.float32)
        >>> result = measure(logits, np.array([0, 1, 1]), class_names=("cat", "dog"))
        >>> print(result.accuracy)
        66.7 % (20.8 to 93.9, n=3)
        >>> [(mistake.index, round(mistake.probability, 3)) for mistake in result.mistakes]
        [(2, 0.953)]
    """
    _check(logits, labels, class_names, known_wrong)
    log_probabilities = log_softmax(logits)
    predicted = logits.argmax(axis=1).astype(np.int64)
    trusted = np.ones(len(labels), bool)
    trusted[list(known_wrong)] = False
    trusted_hits, trusted_count = int((predicted == labels)[trusted].sum()), int(trusted.sum())
    return Evaluation(
        class_names=tuple(class_names),
        confusion=confusion_matrix(labels, predicted, num_classes=len(class_names)),
        accuracy_without_known_wrong=(
            Proportion(trusted_hits, trusted_count) if 0 < trusted_count < len(labels) else None
        ),
        calibration=calibrate(log_probabilities, labels, predicted=predicted, class_names=class_names),
        mistakes=_worst_mistakes(log_probabilities, labels, predicted, trusted=trusted, count=worst),
    )


def log_softmax(logits: Logits) -> LogProbabilities:
    """The logarithm of the softmax, in float64: finite for all finite logits, unlike the log of a float32 softmax.

    Example:
        >>> log_softmax(np.array([[1000, 0]], np.float32)).tolist()
        [[0.0, -1000.0]]
    """
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _worst_mistakes(
    log_probabilities: LogProbabilities,
    labels: Labels,
    predicted: Labels,
    *,
    trusted: np.ndarray,
    count: int,
) -> tuple[Mistake, ...]:
    """The mistakes with the highest confidence; ties are in the order of the data."""
    wrong = np.flatnonzero(predicted != labels)
    confidence = log_probabilities[wrong, predicted[wrong]]
    # Many confidences round to 1; among those, the one with the lowest probability of the label comes first.
    order = np.lexsort((wrong, log_probabilities[wrong, labels[wrong]], -confidence))
    return tuple(
        Mistake(
            index=int(i),
            label=int(labels[i]),
            predicted=int(predicted[i]),
            probability=min(1.0, float(np.exp(log_probabilities[i, predicted[i]]))),
            label_probability=float(np.exp(log_probabilities[i, labels[i]])),
            known_wrong=not trusted[i],
        )
        for i in wrong[order[:count]]
    )


def _check(logits: np.ndarray, labels: np.ndarray, class_names: Sequence[str], known_wrong: Sequence[int]) -> None:
    k = len(class_names)
    if logits.ndim != 2 or len(logits) < 1 or logits.shape[1] != k or k < 2:
        raise DataError(
            "Expected logits of shape (n, k) for at least one image and two or more classes. "
            f"Received: shape={logits.shape}, {k} class names."
        )
    if labels.shape != logits.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"Expected one integer label for each of {len(logits)} images. "
            f"Received: dtype={labels.dtype}, shape={labels.shape}."
        )
    if not 0 <= labels.min() <= labels.max() < k:
        raise DataError(
            f"Expected labels from 0 to {k - 1}, one for each of {k} classes. "
            f"Received: labels from {labels.min()} to {labels.max()}."
        )
    if not all(0 <= index < len(labels) for index in known_wrong):
        raise DataError(
            f"Expected positions of known wrong labels from 0 to {len(labels) - 1}. Received: {list(known_wrong)}."
        )
    finite = np.asarray(np.isfinite(logits).all(axis=1))
    if not finite.all():
        first = int(np.argmin(finite))
        raise ConvscopeError(
            f"Expected finite logits. Received: {len(finite) - int(finite.sum()):,} of {len(finite):,} images with NaN "
            f"or infinity, the first at position {first}.",
            hint="The training probably diverged: train again with a lower learning rate.",
        )
