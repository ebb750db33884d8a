"""What a map is worth: does the score fall when its pixels go, and does the map change when the learning goes?"""

from __future__ import annotations

from dataclasses import dataclass

from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import Image
from convscope.explanation.deletion import Deletion, RandomBaseline, deletion, random_baseline
from convscope.explanation.parameter_randomization import ParameterRandomization, parameter_randomization
from convscope.model.model_file import Model

SAME = 0.5
"""A rank correlation from here on says that two maps show much the same."""

NEARLY_ALL = 0.95
"""Of the random orders: a map's order must do better than so many."""


@dataclass(frozen=True, eq=False)
class SanityChecks:
    """Both examinations of one map."""

    deletion: Deletion
    parameter_randomization: ParameterRandomization

    @property
    def matters(self) -> bool:
        """The score falls faster than in nearly every random order."""
        return self.deletion.beaten >= NEARLY_ALL * len(self.deletion.random)

    @property
    def learned(self) -> bool:
        """The map is another one where nothing was learned, with its signs and without."""
        return max(self.parameter_randomization.mean_signed, self.parameter_randomization.mean_magnitude) < SAME

    @property
    def verdict(self) -> str:
        """What a person should make of the map."""
        if self.matters and self.learned:
            return "It holds: its strongest pixels matter, and without training the map is another one."
        if self.matters:
            how = "Trust its order" if self._is_same_map else "Trust its signs, not its outline"
            return f"{how}: its strongest pixels matter, but {self._without_training}."
        if self.learned:
            return "Build nothing on it: its strongest pixels matter no more than random ones."
        return (
            f"It says little here: its strongest pixels matter no more than random ones, and {self._without_training}."
        )

    @property
    def _is_same_map(self) -> bool:
        return self.parameter_randomization.mean_signed >= SAME

    @property
    def _without_training(self) -> str:
        if self._is_same_map:
            return "a network without training gives much the same map"
        return "without training it is strong in the same places"

    def to_json(self) -> dict[str, object]:
        """Plain values, the verdict among them."""
        return {
            "deletion": self.deletion.to_json(),
            "random_weights": self.parameter_randomization.to_json(),
            "matters": self.matters,
            "learned": self.learned,
            "verdict": self.verdict,
        }


def check_attribution(
    network: Model, image: Image, attribution: Attribution, *, chance: RandomBaseline | None = None, seed: int = 0
) -> SanityChecks:
    """Both examinations of a map.

    Args:
        network: That the map is about; left unchanged.
        image: That the map is about.
        attribution: From a member of `EXPLAINERS`.
        chance: From `random_baseline`, one for all maps of one logit of one image; None makes it.
        seed: Of the random orders and the random weights.

    Source:
        `deletion` and `parameter_randomization` name theirs. The verdict and its two limits are ours:
        `SAME` and `NEARLY_ALL`.
    """
    chance = chance or random_baseline(network, image, target=attribution.target, seed=seed)
    fallen = deletion(network, image, attribution.importance, chance=chance, seed=seed)
    return SanityChecks(fallen, parameter_randomization(network, image, attribution, seed=seed))
