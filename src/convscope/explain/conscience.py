"""What a map is worth: does the score fall when its pixels go, and does the map change when the learning goes?"""

from __future__ import annotations

from dataclasses import dataclass

from convscope.explain.deletion import Chance, Deletion, by_chance, deletion
from convscope.explain.heatmap import Heatmap
from convscope.explain.question import Image
from convscope.explain.randomised import Randomised, randomised
from convscope.model.artifact import Model

SAME = 0.5
"""A rank correlation from here on says that two maps show much the same."""

NEARLY_ALL = 0.95
"""Of the random orders: a map's order must do better than so many."""


@dataclass(frozen=True, eq=False)
class Conscience:
    """Both examinations of one map."""

    deletion: Deletion
    randomised: Randomised

    @property
    def matters(self) -> bool:
        """The score falls faster than in nearly every random order."""
        return self.deletion.beaten >= NEARLY_ALL * len(self.deletion.random)

    @property
    def learned(self) -> bool:
        """The map is another one where nothing was learned, with its signs and without."""
        return max(self.randomised.mean_signed, self.randomised.mean_magnitude) < SAME

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
        return self.randomised.mean_signed >= SAME

    @property
    def _without_training(self) -> str:
        if self._is_same_map:
            return "a network without training gives much the same map"
        return "without training it is strong in the same places"

    def to_json(self) -> dict[str, object]:
        """Plain values, the verdict among them."""
        return {
            "deletion": self.deletion.to_json(),
            "random_weights": self.randomised.to_json(),
            "matters": self.matters,
            "learned": self.learned,
            "verdict": self.verdict,
        }


def examine(
    network: Model, image: Image, heatmap: Heatmap, *, chance: Chance | None = None, seed: int = 0
) -> Conscience:
    """Both examinations of a map.

    Args:
        network: That the map is about; left unchanged.
        image: That the map is about.
        heatmap: From a member of `EXPLAINERS`.
        chance: From `by_chance`, one for all maps of one logit of one image; None makes it.
        seed: Of the random orders and the random weights.

    Source:
        `deletion` and `randomised` name theirs. The verdict and its two limits are ours: `SAME` and `NEARLY_ALL`.
    """
    chance = chance or by_chance(network, image, target=heatmap.target, seed=seed)
    fallen = deletion(network, image, heatmap.importance, chance=chance, seed=seed)
    return Conscience(fallen, randomised(network, image, heatmap, seed=seed))
