"""A score for images unlike anything a network was trained on, and thresholds with a guarantee. Light.

The score is fitted on training images and its thresholds on held-out images, never on the same ones. The subspace is
in `evaluation.fit_subspace`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64

from convscope.arrays import Logits, Pixels, is_number
from convscope.decisions import Decision
from convscope.errors import ModelFileError, OptionError
from convscope.evaluation.intervals import tail_probability
from convscope.evaluation.total_variation import VariationLimit

CONFIDENCE = 0.95
UNKNOWN = "unlike anything it was trained on"
"""The answer for an image that is rejected."""

LEVELS = (0.001, 0.01, 0.05)
"""Fractions of familiar images that may be rejected."""

RESIDUAL_WEIGHT = 0.9
"""The mean residual of training images, relative to the mean of their largest logits, in the score."""

RANKS = 101
"""Quantiles of the held-out scores that are stored."""

RANK_FRACTIONS = np.linspace(0, 1, RANKS)

MAX_SCORE = 1e9

Scores = Float32[np.ndarray, " n"]
"""Higher is less like the training images."""


@dataclass(frozen=True)
class Rejection:
    """How unfamiliar an image may be, from the scores of held-out images.

    Attributes:
        scale: The factor of the residual, > 0.
        n: Number of held-out images.
        thresholds: For each of `LEVELS`, the score above which an image is rejected; None if so few held-out images
            cannot promise the level.
        quantiles: `RANKS` evenly spaced quantiles of the held-out scores, ascending.
        rejects_blank: Whether an image of a single intensity is rejected: none of the training images is one.
        centers_logits: As in `ood_scores`; False for files that do not state it.
        variation: The limit of the total variation; None for files that do not state it.
    """

    scale: float
    n: int
    thresholds: tuple[float | None, ...]
    quantiles: tuple[float, ...]
    rejects_blank: bool
    centers_logits: bool = True
    variation: VariationLimit | None = None

    @property
    def default_level(self) -> float | None:
        """1 %, or 5 % if 1 % cannot be promised; None if neither can."""
        return next((level for level in LEVELS[1:] if self.threshold(level) is not None), None)

    def threshold(self, level: float) -> float | None:
        """The score above which an image is rejected; None if the level cannot be promised."""
        return self.thresholds[LEVELS.index(level)]

    def rank(self, score: float) -> float:
        """The fraction of held-out images with a lower score, 0 to 1.

        Example:
            >>> scores = tuple(float(value) for value in range(101))
            >>> Rejection(1.0, 500, (None, 99.0, 95.0), scores, True).rank(90.5)
            0.905
        """
        return float(np.interp(score, self.quantiles, RANK_FRACTIONS))

    def to_json(self) -> dict[str, object]:
        """Plain values, for the model file."""
        values: dict[str, object] = {
            "scale": self.scale,
            "n": self.n,
            "thresholds": list(self.thresholds),
            "quantiles": list(self.quantiles),
            "rejects_blank": self.rejects_blank,
        }
        values |= {"centers_logits": True} if self.centers_logits else {}
        return values | ({"variation": self.variation.to_json()} if self.variation else {})

    @classmethod
    def from_json(cls, value: object) -> Rejection:
        """Read back the result of `to_json`.

        Raises:
            ModelFileError: It is not what `to_json` returns.
        """
        keys = {"scale", "n", "thresholds", "quantiles", "rejects_blank"}
        if not isinstance(value, Mapping) or set(value) - {"centers_logits", "variation"} != keys:
            raise ModelFileError(
                f"Expected a rejection with {', '.join(sorted(keys))}, and centers_logits and variation or not. "
                f"Received: {ascii(value)[:60]}."
            )
        thresholds, quantiles = _numbers(value, "thresholds", len(LEVELS)), _numbers(value, "quantiles", RANKS)
        known = [one for one in thresholds if one is not None]
        if None in quantiles or sorted(quantiles) != quantiles or sorted(known, reverse=True) != known:
            raise ModelFileError("The thresholds must descend, and the quantiles ascend.")
        if not is_number(value["scale"], 0, MAX_SCORE) or not value["scale"] > 0:
            raise ModelFileError(f"The scale must be a number above 0. Received: {ascii(value['scale'])[:60]}.")
        if type(value["n"]) is not int or not 1 <= value["n"] <= 10**9 or type(value["rejects_blank"]) is not bool:
            raise ModelFileError("Expected n as a whole number of 1 or more, and rejects_blank as true or false.")
        if value.get("centers_logits", True) is not True:
            raise ModelFileError("Expected centers_logits as true, or no such value.")
        return cls(
            scale=float(value["scale"]),
            n=value["n"],
            thresholds=tuple(thresholds),
            quantiles=tuple(quantiles),
            rejects_blank=value["rejects_blank"],
            centers_logits="centers_logits" in value,
            variation=VariationLimit.from_json(value["variation"]) if "variation" in value else None,
        )


def _numbers(value: Mapping[str, Any], name: str, count: int) -> list[Any]:
    found = value[name]
    if not isinstance(found, list) or len(found) != count:
        raise ModelFileError(f"Expected a list of {count} {name}. Received: {ascii(found)[:60]}.")
    if not all(one is None or is_number(one, -MAX_SCORE, MAX_SCORE) for one in found):
        raise ModelFileError(f"Expected finite numbers as {name}. Received: {ascii(found)[:60]}.")
    return [one if one is None else float(one) for one in found]


def residual_scale(logits: Logits, residuals: Float32[np.ndarray, " n"]) -> float | None:
    """The factor that brings residuals to the size of the largest logits; None if all residuals or logits are 0.

    Args:
        logits: Of training images.
        residuals: Of the same images.
    """
    mean = float(residuals.mean())
    scale = RESIDUAL_WEIGHT * float(_largest(logits, centered=True).mean()) / mean if mean > 0 else 0.0
    return scale if 0 < scale <= MAX_SCORE and math.isfinite(scale) else None


def ood_scores(
    logits: Logits, residuals: Float32[np.ndarray, " n"], *, scale: float, centers_logits: bool = True
) -> Scores:
    """The out-of-distribution score: the scaled residual minus the largest logit.

    Args:
        logits: float32 ``(n, k)``, not divided by a temperature.
        residuals: float32 ``(n,)``, the features' distances to the subspace, with the excess of the total variation.
        scale: From `residual_scale`.
        centers_logits: True subtracts the largest logit, counted from the mean of the logits; False subtracts their
            free energy, as for files that do not state it.

    Source:
        Wang, Li, Feng and Zhang, "ViM: out-of-distribution with virtual-logit matching", CVPR 2022, with the free
        energy of the logits. Cross-entropy does not depend on the mean of the logits, so that training leaves the mean
        to chance, and the energy with it. The subspace is centered at the mean of the features.

    Example:
        >>> ood_scores(np.array([[4, 1, 1]], np.float32), np.ones(1, np.float32), scale=1.5).tolist()
        [-0.5]
    """
    largest = _largest(logits, centered=centers_logits)
    return (scale * residuals.astype(np.float64) - largest).astype(np.float32)


def _largest(logits: Logits, *, centered: bool) -> Float64[np.ndarray, " n"]:
    wide = logits.astype(np.float64)
    highest = wide.max(axis=1)
    return highest - wide.mean(axis=1) if centered else highest + np.log(np.exp(wide - highest[:, None]).sum(axis=1))


def rank_for(n: int, level: float, *, confidence: float = CONFIDENCE) -> int:
    """The position of the threshold among n held-out scores, from the highest, that promises a level.

    Rejecting what scores above the k-th highest of n held-out images rejects at most ``level`` of all images like them,
    with this confidence over the draw of the held-out images: the largest such k.

    Args:
        n: Number of held-out images, >= 0.
        level: Fraction of familiar images that may be rejected, in (0, 1).
        confidence: In (0, 1).

    Returns:
        1..n, or 0 if no position promises it: at 95 %, 1 % takes 299 images.

    Source:
        Wilks, "Determination of sample sizes for setting tolerance limits", 1941: the rejected fraction has a beta
        distribution, and exceeds the level if fewer than k of n images fall beyond it, a binomial probability.

    Example:
        >>> rank_for(5_000, 0.01), rank_for(299, 0.01), rank_for(298, 0.01)
        (39, 1, 0)
    """
    low, high = 0, n
    while low < high:  # the probability of fewer than k rises with k
        middle = (low + high + 1) // 2
        if 1.0 - tail_probability(middle, n, rate=level) <= 1.0 - confidence:
            low = middle
        else:
            high = middle - 1
    return low


def rejection_decision(rejection: Rejection) -> Decision:
    """The level that `predict` rejects at, for the record of a run."""
    level = rejection.default_level
    if level is None:
        chosen = "images of a single intensity" if rejection.rejects_blank else "off"
    else:
        chosen = f"at most {level:.0%} of images like the held-out ones"
    return Decision("rejection", chosen, f"{rejection.n:,} held-out images")


def set_thresholds(
    scores: Scores, *, scale: float, rejects_blank: bool, variation: VariationLimit | None = None
) -> Rejection:
    """Thresholds from the scores of held-out images.

    Args:
        scores: float32 ``(n,)``, n >= 1, of images that neither the network nor the subspace was fitted on.
        scale: From `residual_scale`.
        rejects_blank: Whether an image of a single intensity is rejected.
        variation: The limit of the total variation that the scores were computed with.
    """
    ordered = np.sort(scores)[::-1]
    ranks = [rank_for(len(scores), level) for level in LEVELS]
    return Rejection(
        scale=scale,
        n=len(scores),
        thresholds=tuple(float(ordered[rank - 1]) if rank else None for rank in ranks),
        quantiles=tuple(float(value) for value in np.quantile(scores.astype(np.float64), np.linspace(0, 1, RANKS))),
        rejects_blank=rejects_blank,
        variation=variation,
    )


def is_constant(pixels: Pixels) -> Bool[np.ndarray, " n"]:
    """Which images have a single intensity in each channel: nothing is to be seen on them.

    Args:
        pixels: uint8 ``(n, h, w, c)``.
    """
    return np.asarray((pixels == pixels[:, :1, :1]).all(axis=(1, 2, 3)))


def level_name(level: float) -> str:
    """A level as users write it.

    Example:
        >>> [level_name(level) for level in LEVELS]
        ['0.1%', '1%', '5%']
    """
    return f"{level:.1%}".replace(".0%", "%")


def parse_level(reject: str | float | None) -> float | None:
    """The level that a user asked for.

    Args:
        reject: ``"0.1%"``, ``"1%"``, ``"5%"`` or the same as fractions; ``"off"`` or None for none.

    Raises:
        OptionError: It is none of these.

    Example:
        >>> parse_level("1%"), parse_level(0.05), parse_level("off")
        (0.01, 0.05, None)
    """
    if reject in (None, "off"):
        return None
    names = {level_name(level): level for level in LEVELS}
    if isinstance(reject, str) and reject.replace(" ", "") in names:
        return names[reject.replace(" ", "")]
    if type(reject) is float and reject in LEVELS:
        return reject
    raise OptionError(f"reject must be one of {', '.join(names)}, or off. Received: reject={reject!r}.")
