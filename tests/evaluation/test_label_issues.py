"""Labels that are likely wrong are found by what networks say that never saw the picture."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from convscope.evaluation.label_issues import confident_joint, label_issues


def made(n: int, k: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray, set[int]]:
    """Probabilities that follow the truth, and labels of which some do not."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    logits = rng.normal(0, 1, (n, k))
    logits[np.arange(n), truth] += 6
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = truth.copy()
    wrong = rng.permutation(n)[: round(share * n)]
    labels[wrong] = (labels[wrong] + rng.integers(1, k, len(wrong))) % k
    return probabilities.astype(np.float32), labels.astype(np.int64), set(wrong.tolist())


def slow_joint(probabilities: np.ndarray, labels: np.ndarray) -> list[list[int]]:
    """Equations 1 and 2 of the paper, one picture at a time."""
    k = probabilities.shape[1]
    usual = [
        float(np.mean([p[j] for p, label in zip(probabilities.astype(np.float64), labels, strict=True) if label == j]))
        if (labels == j).any()
        else float("inf")
        for j in range(k)
    ]
    joint = [[0] * k for _ in range(k)]
    for p, label in zip(probabilities, labels, strict=True):
        reached = [(p[j], -j) for j in range(k) if p[j] >= usual[j]]
        if reached:
            joint[label][-max(reached)[1]] += 1
    return joint


@given(st.integers(0, 2**31), st.integers(2, 6), st.floats(0, 0.4))
def test_the_confident_joint_is_the_papers(seed: int, k: int, share: float) -> None:
    probabilities, labels, _ = made(40, k, share, seed)
    assert confident_joint(probabilities, labels).tolist() == slow_joint(probabilities, labels)


def test_flipped_labels_are_found() -> None:
    probabilities, labels, wrong = made(5000, 10, 0.05, seed=1)
    likely = {suspect.index for suspect in label_issues(probabilities, labels) if suspect.is_likely}
    assert len(likely & wrong) / len(wrong) > 0.9 and len(likely & wrong) / len(likely) > 0.9
    assert wrong <= {suspect.index for suspect in label_issues(probabilities, labels)} | {
        index for index in wrong if probabilities[index].argmax() == labels[index]
    }


def test_the_list_begins_with_the_surest_and_names_what_it_looks_like() -> None:
    probabilities, labels, _ = made(300, 4, 0.1, seed=2)
    found = label_issues(probabilities, labels)
    margins = [suspect.margin for suspect in found]
    assert margins == sorted(margins, reverse=True) and min(margins) > 0
    for suspect in found:
        assert suspect.label == labels[suspect.index] != suspect.suggested
        assert suspect.suggested == probabilities[suspect.index].argmax()


def test_sure_networks_that_agree_dispute_nothing() -> None:
    probabilities, labels, _ = made(300, 4, 0.0, seed=3)
    agreed = probabilities.argmax(axis=1) == labels
    assert label_issues(probabilities[agreed], labels[agreed]) == ()


def test_a_class_without_pictures_is_no_trouble() -> None:
    probabilities, labels, _ = made(50, 3, 0.1, seed=4)
    few = labels != 2
    assert all(suspect.label != 2 for suspect in label_issues(probabilities[few], labels[few]))
