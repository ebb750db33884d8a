"""Everything that one network does with one picture: what it sees, every layer, every map with its conscience."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from convscope.arrays import Picture, to_images
from convscope.errors import SpecError
from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import attribution_target
from convscope.explanation.deletion import random_baseline
from convscope.explanation.saliency import EXPLAINERS
from convscope.explanation.sanity_checks import SanityChecks, check_attribution
from convscope.model.forward import Activations, forward
from convscope.model.model_file import Model


@dataclass(frozen=True, eq=False)
class CheckedAttribution:
    """A map, and what it is worth."""

    attribution: Attribution
    sanity_checks: SanityChecks


@dataclass(frozen=True, eq=False)
class Explanation:
    """What a network does with one picture.

    Attributes:
        network: Its filters are in its weights.
        seen: The network's input.
        activations: Of every layer, for this one image.
        target: The class that the maps are about.
        maps: By method, in the order of `EXPLAINERS`.
        left_out: Methods that this network does not allow, each with the reason.
    """

    network: Model
    seen: Picture
    activations: Activations
    target: int
    maps: dict[str, CheckedAttribution]
    left_out: dict[str, str]

    @property
    def logit(self) -> float:
        """The one that the maps are about."""
        return float(self.activations.logits[0, self.target])

    def arrays(self) -> dict[str, np.ndarray]:
        """All numbers by name, for an array file."""
        found = {"input": self.seen, "logits": self.activations.logits[0]}
        for layer in self.activations.layers:
            found[f"activation/{layer.name}"] = layer.output[0]
        for name, weight in self.network.weights.items():
            found[f"weight/{name}"] = np.asarray(weight)
        for name, one in self.maps.items():
            fall = one.sanity_checks.deletion
            found[f"map/{name}"] = one.attribution.values
            found[f"map_without_training/{name}"] = one.sanity_checks.parameter_randomization.attribution.values
            found[f"deletion/{name}"] = fall.logit
            found |= {"deletion_shares": fall.shares, "deletion_in_random_orders": fall.random}
        return found

    def to_json(self) -> dict[str, object]:
        """Plain values; the arrays themselves are in `arrays`."""
        return {
            "target": self.network.class_names[self.target],
            "logits": dict(zip(self.network.class_names, map(float, self.activations.logits[0]), strict=True)),
            "layers": [
                {
                    "name": layer.name,
                    "shape": list(layer.output.shape[1:]),
                    "smallest": float(layer.output.min()),
                    "largest": float(layer.output.max()),
                    "mean": float(layer.output.mean()),
                    "share_above_zero": float((layer.output > 0).mean()),
                }
                for layer in self.activations.layers
            ],
            "maps": {
                name: one.attribution.to_json() | {"sanity_checks": one.sanity_checks.to_json()}
                for name, one in self.maps.items()
            },
            "left_out": self.left_out,
        }


def explain_picture(
    network: Model,
    seen: Picture,
    *,
    methods: Sequence[str] = tuple(EXPLAINERS),
    target: int | None = None,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda step: None,
) -> Explanation:
    """Explain one picture by some methods, and examine each.

    Args:
        network: Left unchanged.
        seen: Of the network's input shape.
        methods: Keys of `EXPLAINERS`.
        target: The class; None takes the one that the network names.
        seed: Of everything random: noise, orders, weights.
        on_step: Called with a few words before each piece of work.

    Raises:
        OptionError: There is no such class.
        DataError: The picture has another shape.

    Example:
        >>> from convscope.explanation.parameter_randomization import initial_weights
        >>> from convscope.model.presets import load_spec
        >>> spec = load_spec("quick", input_shape=(28, 28, 1), num_classes=2)
        >>> network = Model(spec, initial_weights(spec, seed=0), ("no", "yes"))
        >>> explained = explain_picture(network, np.zeros((28, 28, 1), np.uint8), methods=["gradient"])
        >>> explained.maps["gradient"].attribution.unit
        'logits per unit of intensity'
    """
    image = to_images(seen[None])[0]
    _, target = attribution_target(network, image, target)
    on_step("removing pixels at random")
    chance = random_baseline(network, image, target=target, seed=seed)
    maps, left_out = {}, {}
    for name, method in EXPLAINERS.items():
        if name not in methods:
            continue
        on_step(name.replace("_", " "))
        try:
            attribution = method(network, image, target=target, seed=seed)
        except SpecError as error:
            left_out[name] = str(error)
            continue
        maps[name] = CheckedAttribution(
            attribution, check_attribution(network, image, attribution, chance=chance, seed=seed)
        )
    activations = forward(network.spec, network.weights, image[None])
    return Explanation(network, seen, activations, target, maps, left_out)
