"""Labels that are likely wrong: confident learning on cross-validated probabilities."""

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
        is_likely: Whether it is within the estimated number of label errors. The others are more often errors of the
            networks.
    """

    index: int
    label: int
    suggested: int
    margin: float
    is_likely: bool


def label_issues(probabilities: Probabilities, labels: Labels) -> tuple[LabelIssue, ...]:
    """Find images whose label differs from the prediction, the largest margin first.

    The `confident_joint` estimates the number of label errors; for each label i and class j, that many images with the
    largest margin are likely errors.

    Args:
        probabilities: Cross-validated: each row comes from a network that was not trained on that image.
        labels: Given labels, some of them wrong.

    Source:
        Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels (2021), pruning by
        noise rate. We also list the images beyond the estimate, because on clean data with high
        probabilities the estimate is close to zero although real errors are among them.

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
    """Count the images labeled i (rows) that confidently belong to class j (columns).

    An image confidently belongs to class j if its probability of j reaches the mean of the images labeled j, which
    adjusts for networks that are under- or overconfident. Of several such classes the most probable one counts; an
    image with none is not counted.

    Example:
        >>> sure = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.05, 0.95]], np.float32)
        >>> confident_joint(sure, np.array([0, 1, 1, 1])).tolist()
        [[1, 0], [0, 2]]
    """
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    counts = np.bincount(labels, minlength=classes)
    thresholds = np.full(classes, np.inf)
    thresholds[counts > 0] = (np.bincount(labels, weights=own, minlength=classes) / np.maximum(counts, 1))[counts > 0]
    reached = np.where(probabilities >= thresholds, probabilities, -1.0)
    counted = reached.max(axis=1) >= 0
    joint = np.zeros((classes, classes), np.int64)
    np.add.at(joint, (labels[counted], reached.argmax(axis=1)[counted]), 1)
    return joint


def _likely(probabilities: Probabilities, labels: Labels) -> np.ndarray:
    """Mask of likely errors: for each label and class, as many as the joint estimates, the largest margins first."""
    joint = confident_joint(probabilities, labels)
    sizes = np.bincount(labels, minlength=len(joint))
    estimated = np.rint(joint / np.maximum(joint.sum(axis=1, keepdims=True), 1) * sizes[:, None]).astype(int)
    likely = np.zeros(len(labels), bool)
    for label, target in zip(*np.nonzero(estimated), strict=True):
        if label != target:
            members = np.flatnonzero(labels == label)
            margins = probabilities[members, target] - probabilities[members, label]
            largest = np.argsort(-margins, kind="stable")[: estimated[label, target]]
            likely[members[largest[margins[largest] > 0]]] = True
    return likely
