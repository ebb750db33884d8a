"""Labels that are likely wrong: confident learning over probabilities of networks that never saw the pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convscope.arrays import Labels, Probabilities


@dataclass(frozen=True)
class Suspect:
    """A picture whose label is likely wrong.

    Attributes:
        index: Its position.
        label: What it is labelled.
        suggested: What it is likely to be.
        margin: Probability of the suggested class less that of its label, -1..1; the larger, the surer.
    """

    index: int
    label: int
    suggested: int
    margin: float


def suspects(probabilities: Probabilities, labels: Labels) -> tuple[Suspect, ...]:
    """Pictures that count as another class than their own, the surest first.

    A picture counts as class j where its probability of j reaches what pictures labelled j have on average, so that a
    network that is unsure of a class, or too sure of all, is judged by its own measure. Of several such classes the
    likeliest counts; a picture with none counts as nothing.

    Args:
        probabilities: Of networks that were not trained on the picture in question: cross-validated.
        labels: As given, some of them wrong.

    Source:
        Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels (2021). We take the
        entries off the diagonal of the confident joint as they are, and rank them by the margin; we do not
        calibrate the joint to prune a computed number of pictures.

    Example:
        >>> sure = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.05, 0.95]], np.float32)
        >>> [(s.index, s.label, s.suggested) for s in suspects(sure, np.array([0, 1, 1, 1]))]
        [(1, 1, 0)]
    """
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    counts = np.bincount(labels, minlength=classes)
    usual = np.full(classes, np.inf)
    present = counts > 0
    usual[present] = np.bincount(labels, weights=own, minlength=classes)[present] / counts[present]
    reached = np.where(probabilities >= usual, probabilities, -1.0)
    best = reached.argmax(axis=1)
    wrong = np.flatnonzero((reached.max(axis=1) >= 0) & (best != labels))
    margins = probabilities[wrong, best[wrong]] - own[wrong]
    order = np.argsort(-margins, kind="stable")
    return tuple(
        Suspect(int(i), int(labels[i]), int(best[i]), float(m))
        for i, m in zip(wrong[order], margins[order], strict=True)
    )
