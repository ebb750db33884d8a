"""Sanity checks of an attribution map: the deletion test and the parameter-randomization test."""

from __future__ import annotations

from dataclasses import dataclass

from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import Image
from convscope.explanation.deletion import Deletion, RandomBaseline, deletion, random_baseline
from convscope.explanation.parameter_randomization import ParameterRandomization, parameter_randomization
from convscope.model.model_file import Model

SIMILAR = 0.5
"""Two maps with at least this rank correlation count as similar."""

SIGNIFICANT = 0.95
"""The fraction of random orders that a map's order must beat."""


@dataclass(frozen=True, eq=False)
class SanityChecks:
    """The results of both tests of one map."""

    deletion: Deletion
    parameter_randomization: ParameterRandomization

    @property
    def matters(self) -> bool:
        """Whether the map passes the deletion test: its order beats nearly every random order."""
        return self.deletion.random_orders_beaten >= SIGNIFICANT * len(self.deletion.random)

    @property
    def learned(self) -> bool:
        """Whether the map passes the parameter-randomization test, with signs and without."""
        return max(self.parameter_randomization.mean_signed, self.parameter_randomization.mean_magnitude) < SIMILAR

    @property
    def verdict(self) -> str:
        """Both results in one sentence."""
        if self.matters and self.learned:
            return "Passes both tests: its strongest pixels matter, and an untrained network gives another map."
        if self.matters and self._is_same_map:
            return (
                "Passes the deletion test, fails the parameter-randomization test: its strongest pixels matter, but "
                "an untrained network gives a similar map."
            )
        if self.matters:
            return (
                "Passes the deletion test, but trust its signs, not its outline: an untrained network gives the same "
                "outline."
            )
        random = "its strongest pixels matter no more than random ones"
        if self.learned:
            return f"Fails the deletion test: {random}."
        return f"Fails both tests: {random}, and an untrained network gives {self._what_stays}."

    @property
    def _is_same_map(self) -> bool:
        return self.parameter_randomization.mean_signed >= SIMILAR

    @property
    def _what_stays(self) -> str:
        return "a similar map" if self._is_same_map else "the same outline"

    def to_json(self) -> dict[str, object]:
        """Convert to plain values."""
        return {
            "deletion": self.deletion.to_json(),
            "random_weights": self.parameter_randomization.to_json(),
            "matters": self.matters,
            "learned": self.learned,
            "verdict": self.verdict,
        }


def check_attribution(
    network: Model, image: Image, attribution: Attribution, *, random: RandomBaseline | None = None, seed: int = 0
) -> SanityChecks:
    """Run both tests on a map.

    Args:
        network: The network that the map explains; not changed.
        image: The image that the map explains.
        attribution: From a member of `EXPLAINERS`.
        random: From `random_baseline`, shared by all maps of one logit of one image; None computes it.
        seed: Seed of the random orders and the random weights.

    Source:
        See `deletion` and `parameter_randomization`. The verdict and its two thresholds, `SIMILAR` and `SIGNIFICANT`,
        are ours.
    """
    random = random or random_baseline(network, image, target=attribution.target, seed=seed)
    curve = deletion(network, image, attribution.importance, random=random, seed=seed)
    return SanityChecks(curve, parameter_randomization(network, image, attribution, seed=seed))
