"""Everything that one network does with one picture: what it sees, every layer, every map with its conscience."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from convscope.arrays import Picture, to_images
from convscope.errors import SpecError
from convscope.explain.conscience import Conscience, examine
from convscope.explain.deletion import by_chance
from convscope.explain.heatmap import Heatmap
from convscope.explain.question import ask
from convscope.explain.saliency import EXPLAINERS
from convscope.model.artifact import Model
from convscope.model.forward import Activations, forward


@dataclass(frozen=True, eq=False)
class ExaminedMap:
    """A map, and what it is worth."""

    heatmap: Heatmap
    conscience: Conscience


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
    maps: dict[str, ExaminedMap]
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
            fall = one.conscience.deletion
            found[f"map/{name}"] = one.heatmap.values
            found[f"map_without_training/{name}"] = one.conscience.randomised.heatmap.values
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
                name: one.heatmap.to_json() | {"conscience": one.conscience.to_json()}
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
        >>> from convscope.explain.randomised import initial_weights
        >>> from convscope.model.presets import load_spec
        >>> spec = load_spec("quick", input_shape=(28, 28, 1), num_classes=2)
        >>> network = Model(spec, initial_weights(spec, seed=0), ("no", "yes"))
        >>> explained = explain_picture(network, np.zeros((28, 28, 1), np.uint8), methods=["gradient"])
        >>> explained.maps["gradient"].heatmap.unit
        'logits per unit of intensity'
    """
    image = to_images(seen[None])[0]
    _, target = ask(network, image, target)
    on_step("removing pixels at random")
    chance = by_chance(network, image, target=target, seed=seed)
    maps, left_out = {}, {}
    for name, method in EXPLAINERS.items():
        if name not in methods:
            continue
        on_step(name.replace("_", " "))
        try:
            heatmap = method(network, image, target=target, seed=seed)
        except SpecError as error:
            left_out[name] = str(error)
            continue
        maps[name] = ExaminedMap(heatmap, examine(network, image, heatmap, chance=chance, seed=seed))
    activations = forward(network.spec, network.weights, image[None])
    return Explanation(network, seen, activations, target, maps, left_out)
