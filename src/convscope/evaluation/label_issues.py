"""Labels that are likely wrong, by confident learning on cross-validated probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from convscope.arrays import Labels, Probabilities


@dataclass(frozen=True)
class LabelIssue:
    """An image whose label differs from the cross-validated prediction.

    Attributes:
        index: Position of the image.
        label: Its label.
        suggested: The predicted class.
        margin: Probability of the suggested class minus that of the label, in (0, 1].
        is_likely: Whether it is within the estimated number of wrong labels. The others are more often mistakes of
            the networks.
    """

    index: int
    label: int
    suggested: int
    margin: float
    is_likely: bool


def label_issues(probabilities: Probabilities, labels: Labels) -> tuple[LabelIssue, ...]:
    """Images whose prediction differs from their label, most confident first.

    The number of wrong labels is estimated by the `confident_joint`; for each label i and class j, that many images
    with the largest margin are likely errors.

    Args:
        probabilities: Of networks that were not trained on the picture in question: cross-validated.
        labels: As given, some of them wrong.

    Source:
        Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels (2021), pruning by
        noise rate. We keep the disputed images beyond the estimate in the list, because on clean data, where
        all probabilities are high, the estimate is close to zero although real errors are still disputed.

    Example:
        >>> sure = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.05, 0.95]], np.float32)
        >>> [(s.index, s.label, s.suggested) for s in label_issues(sure, np.array([0, 1, 1, 1]))]
        [(1, 1, 0)]
    """
    own = probabilities[np.arange(len(labels)), labels]
    best = probabilities.argmax(axis=1)
    margins = probabilities[np.arange(len(labels)), best] - own
    disputed = np.flatnonzero((best != labels) & (margins > 0))
    likely = _likely(probabilities, labels)
    order = disputed[np.argsort(-margins[disputed], kind="stable")]
    return tuple(LabelIssue(int(i), int(labels[i]), int(best[i]), float(margins[i]), bool(likely[i])) for i in order)


def confident_joint(probabilities: Probabilities, labels: Labels) -> Int64[np.ndarray, "k k"]:
    """How many images labeled i (rows) count as class j (columns).

    An image counts as class j if its probability of j is at least the mean of the images labeled j. The threshold
    therefore adapts to an underconfident or overconfident network. Of several such classes the most likely one
    counts; an image without any is not counted.

    Example:
        >>> sure = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.05, 0.95]], np.float32)
        >>> confident_joint(sure, np.array([0, 1, 1, 1])).tolist()
        [[1, 0], [0, 2]]
    """
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    counts = np.bincount(labels, minlength=classes)
    usual = np.full(classes, np.inf)
    usual[counts > 0] = (np.bincount(labels, weights=own, minlength=classes) / np.maximum(counts, 1))[counts > 0]
    reached = np.where(probabilities >= usual, probabilities, -1.0)
    counted = reached.max(axis=1) >= 0
    joint = np.zeros((classes, classes), np.int64)
    np.add.at(joint, (labels[counted], reached.argmax(axis=1)[counted]), 1)
    return joint


def _likely(probabilities: Probabilities, labels: Labels) -> np.ndarray:
    """Truth values: for each label and class, as many of the most confident as the joint, scaled to all images."""
    joint = confident_joint(probabilities, labels)
    sizes = np.bincount(labels, minlength=len(joint))
    wanted = np.rint(joint / np.maximum(joint.sum(axis=1, keepdims=True), 1) * sizes[:, None]).astype(int)
    likely = np.zeros(len(labels), bool)
    for label, target in zip(*np.nonzero(wanted), strict=True):
        if label != target:
            places = np.flatnonzero(labels == label)
            margins = probabilities[places, target] - probabilities[places, label]
            surest = np.argsort(-margins, kind="stable")[: wanted[label, target]]
            likely[places[surest[margins[surest] > 0]]] = True
    return likely
