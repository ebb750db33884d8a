"""The explanation of one image: activations of every layer, and every attribution map with its sanity checks."""

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
    """An attribution map with its sanity checks."""

    attribution: Attribution
    sanity_checks: SanityChecks


@dataclass(frozen=True, eq=False)
class Explanation:
    """What a network computes for one image, and why.

    Attributes:
        network: The network.
        pixels: The network's input, uint8.
        activations: Output of every layer, for this one image.
        target: The class that the maps explain.
        maps: Attribution maps by method, in the order of `EXPLAINERS`.
        skipped: Methods that cannot be applied to this network, with the reason.
    """

    network: Model
    pixels: Picture
    activations: Activations
    target: int
    maps: dict[str, CheckedAttribution]
    skipped: dict[str, str]

    @property
    def logit(self) -> float:
        """The logit of the target class."""
        return float(self.activations.logits[0, self.target])

    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name, for an ``.npz`` file."""
        arrays = {"input": self.pixels, "logits": self.activations.logits[0]}
        for layer in self.activations.layers:
            arrays[f"activation/{layer.name}"] = layer.output[0]
        for name, weight in self.network.weights.items():
            arrays[f"weight/{name}"] = np.asarray(weight)
        for name, one in self.maps.items():
            curve = one.sanity_checks.deletion
            arrays[f"map/{name}"] = one.attribution.values
            arrays[f"map_without_training/{name}"] = one.sanity_checks.parameter_randomization.attribution.values
            arrays[f"deletion/{name}"] = curve.logit
            arrays |= {"deletion_shares": curve.fractions, "deletion_in_random_orders": curve.random}
        return arrays

    def to_json(self) -> dict[str, object]:
        """Convert to plain values; see `arrays` for the arrays."""
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
            "left_out": self.skipped,
        }


def explain_picture(
    network: Model,
    pixels: Picture,
    *,
    methods: Sequence[str] = tuple(EXPLAINERS),
    target: int | None = None,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda step: None,
) -> Explanation:
    """Explain one image by one or more methods, and check each map.

    Args:
        network: Not changed.
        pixels: With the network's input shape.
        methods: Keys of `EXPLAINERS`.
        target: The class; None takes the predicted one.
        seed: Seed of the noise, of the random orders and of the random weights.
        on_step: Called with a short description before each step.

    Raises:
        OptionError: There is no such class.
        DataError: The image has another shape.

    Example:
        >>> from convscope.explanation.parameter_randomization import initial_weights
        >>> from convscope.model.presets import load_spec
        >>> spec = load_spec("quick", input_shape=(28, 28, 1), num_classes=2)
        >>> network = Model(spec, initial_weights(spec, seed=0), ("no", "yes"))
        >>> explained = explain_picture(network, np.zeros((28, 28, 1), np.uint8), methods=["gradient"])
        >>> explained.maps["gradient"].attribution.unit
        'logits per unit of intensity'
    """
    image = to_images(pixels[None])[0]
    _, target = attribution_target(network, image, target)
    on_step("removing pixels in random order")
    random = random_baseline(network, image, target=target, seed=seed)
    maps, skipped = {}, {}
    for name, method in EXPLAINERS.items():
        if name not in methods:
            continue
        on_step(name.replace("_", " "))
        try:
            attribution = method(network, image, target=target, seed=seed)
        except SpecError as error:
            skipped[name] = str(error)
            continue
        maps[name] = CheckedAttribution(
            attribution, check_attribution(network, image, attribution, random=random, seed=seed)
        )
    activations = forward(network.spec, network.weights, image[None])
    return Explanation(network, pixels, activations, target, maps, skipped)
