"""An exported file, as its own runtime runs it, beside the NumPy engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from convscope.arrays import Pixels
from convscope.errors import RunError
from convscope.evaluation.out_of_distribution import Scores
from convscope.evaluation.predict import predict
from convscope.evaluation.reliability import reliability_of
from convscope.exporting.exporter import Runtime
from convscope.exporting.score import expected_scores, is_known, score_table
from convscope.model.model_file import Model

TOLERANCE = 1e-5
"""The largest difference of a probability that rounding explains; a wrong constant or axis makes 1e-2 and more."""

SCORE_TOLERANCE = 2e-3
"""The largest difference of a score, relative to it or to the range of the held-out images' scores, if that is larger.

Trained networks differ by 1e-5 and less. Where hardly anything of the features lies outside of the subspace, the
distance is a small difference of large numbers, and rounding makes 1e-3; a wrong constant or axis makes more.
"""

SINGLE = 8
"""Images that are also run one at a time."""


@dataclass(frozen=True)
class Comparison:
    """How an exported file answers, beside the NumPy engine.

    Attributes:
        runtime: What ran it.
        images: Number of images compared.
        largest_difference: Of any probability, absolute.
        same_class: Images with the same most likely class; where two classes differ by less than the tolerance, either.
        largest_score_difference: Of any score, relative as `SCORE_TOLERANCE` says; None without a score.
        same_known: Images with the same answer whether they are known, at each level; where a score is as near to a
            threshold as rounding brings it, either.
    """

    runtime: str
    images: int
    largest_difference: float
    same_class: int
    largest_score_difference: float | None = None
    same_known: int | None = None

    def to_json(self) -> dict[str, object]:
        """Plain values, without those that there are not."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def compare(runtime: Runtime, model: Model, pixels: Pixels) -> Comparison:
    """Run images through both, in one batch and one at a time, and insist that they agree.

    Args:
        runtime: The opened file.
        model: The network that it should be.
        pixels: uint8 ``(n, h, w, c)``, at least one image.

    Raises:
        RunError: A probability differs by more than `TOLERANCE`, a score by more than `SCORE_TOLERANCE`, or a class
            that is not a tie.
    """
    found = differences(runtime, model, pixels)
    if found.largest_difference > TOLERANCE or found.same_class < found.images:
        raise RunError(
            f"The exported file must give the same probabilities, to {TOLERANCE:g}. Received: a difference of "
            f"{found.largest_difference:.2g} and the same class for {found.same_class} of {found.images} images in "
            f"{runtime.name}.",
            hint="Nothing was published. Please report this with the network's summary.",
        )
    if found.largest_score_difference is not None and (
        found.largest_score_difference > SCORE_TOLERANCE or found.same_known != found.images
    ):
        raise RunError(
            f"The exported file must give the same scores for unknown images, to {SCORE_TOLERANCE:g} of their range. "
            f"Received: a difference of {found.largest_score_difference:.2g} and the same answer for "
            f"{found.same_known} of {found.images} images in {runtime.name}.",
            hint="Nothing was published. Please report this with the network's summary.",
        )
    return found


def differences(
    runtime: Runtime, model: Model, pixels: Pixels, *, table: Mapping[str, Any] | None = None
) -> Comparison:
    """Run images through both, in one batch and one at a time.

    Args:
        runtime: The opened file.
        model: The network that it is made from.
        pixels: uint8 ``(n, h, w, c)``, at least one image.
        table: The thresholds of the file, if they are not the network's.

    Raises:
        RunError: The outputs have another shape, or are not finite.
    """
    predictions = predict(model, pixels)
    expected = predictions.probabilities
    given, _, *scores = runtime.run(pixels)
    alone = [runtime.run(pixels[i : i + 1]) for i in range(min(len(pixels), SINGLE))]
    single = np.concatenate([one[0] for one in alone])
    if given.shape != expected.shape or not np.isfinite(given).all():
        raise RunError(f"{runtime.name} gives other outputs than the network. Received: shape {given.shape}.")
    difference = max(np.abs(given - expected).max(), np.abs(single - expected[: len(single)]).max())
    chosen = given.argmax(axis=1)
    largest = expected.max(axis=1)
    is_same = largest - expected[np.arange(len(expected)), chosen] <= TOLERANCE
    found = Comparison(runtime.name, len(pixels), float(difference), int(is_same.sum()))
    right = expected_scores(model, pixels, predictions)
    if right is None or not scores:
        return found
    if scores[0].shape != right.shape or not np.isfinite(scores[0]).all():
        raise RunError(f"{runtime.name} gives other scores than the network. Received: shape {scores[0].shape}.")
    both = [(scores[0], right), (np.concatenate([one[2] for one in alone]), right[: len(alone)])]
    furthest = max(float(relative_differences(model, one, other).max()) for one, other in both)
    is_same = _same_known(model, scores[0], right, table)
    return replace(found, largest_score_difference=furthest, same_known=int(is_same.sum()))


def relative_differences(model: Model, scores: Scores, expected: Scores) -> np.ndarray:
    """Differences of scores, relative as `SCORE_TOLERANCE` says.

    Args:
        model: The network; it has a score.
        scores: float32 ``(n,)``.
        expected: Of the same images.
    """
    return np.abs(scores.astype(np.float64) - expected) / _unit(model, expected)


def _unit(model: Model, expected: Scores) -> np.ndarray:
    rejection = reliability_of(model).rejection
    extent = rejection.quantiles[-1] - rejection.quantiles[0] if rejection else 0.0
    return np.maximum(np.abs(expected.astype(np.float64)), max(extent, 1.0))


def _same_known(model: Model, scores: Scores, expected: Scores, table: Mapping[str, Any] | None) -> np.ndarray:
    rejection = reliability_of(model).rejection
    assert rejection is not None
    own = score_table(rejection)
    right, given = is_known(expected, own), is_known(scores, table or own)
    slack = SCORE_TOLERANCE * _unit(model, expected)
    is_same = np.ones(len(expected), bool)
    for level in right.keys() & given.keys():
        is_near = np.abs(expected - own["thresholds"][level]) <= slack
        is_same &= (right[level] == given[level]) | is_near
    return is_same
