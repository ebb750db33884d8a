"""The recipe that fits the data: network, epochs, batch size, augmentation, class weights. Light.

`choose` is the one place where these are decided; docs/speed.md has the ablation (`scripts/bench recipe`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from convscope.decisions import Decision
from convscope.model.presets import load_spec
from convscope.training.duration import parse_time
from convscope.training.options import AUTO, TrainOptions, resolve
from convscope.training.preset_recipes import ROBUST

MULTIPLY_ADDS = {"compact": 1e12, "residual": 5e13}
"""Multiply-adds of all forward passes of a training by default, about a minute of processor time and half an hour on
two cores: small datasets are seen more often than large ones, and large images less often than small ones."""

LONG_SECONDS = 60
"""From this time on, digits get the network that reaches the higher accuracy."""

SMALLEST_CROPPED = 24
"""Smaller images lose too much by a random crop."""

IMBALANCED = 10
"""If the largest class has so many times the images of the smallest, classes are weighted: rare ones are found more
often, at the cost of a little accuracy on images that are as imbalanced."""

EPOCHS = {"compact": (5, 60), "residual": (12, 120)}
"""Fewest and most epochs."""


@dataclass(frozen=True)
class DataFacts:
    """What a recipe depends on.

    Attributes:
        height: Rows of an image.
        width: Columns of an image.
        channels: 1 (grayscale) or 3 (RGB).
        images: Training images, validation images included.
        classes: Number of classes.
        is_framed: Whether the images are framed as MNIST's.
        largest: Training images of the largest class.
        smallest: Training images of the smallest class.
    """

    height: int
    width: int
    channels: int
    images: int
    classes: int
    is_framed: bool
    largest: int = 1
    smallest: int = 1


def choose(options: TrainOptions, facts: DataFacts) -> tuple[TrainOptions, Decision | None]:
    """Fill in what a recipe decides and the user did not.

    Args:
        options: As given; with a model that has a recipe of its own they are returned as they are.
        facts: About the data.

    Returns:
        The options with a model, and the decision; None if the model has a recipe of its own and ``robust`` is off.

    Example:
        >>> choose(TrainOptions(), DataFacts(28, 28, 1, 60_000, 10, is_framed=True))[0].model
        'quick'
    """
    chosen, decision = _chosen(options, facts)
    if not chosen.robust:
        return chosen, decision
    resolved = resolve(chosen)
    parts = [f"{name} {value:g}" for name in ROBUST if (value := getattr(resolved, name))]
    if chosen.epochs is None and chosen.time is None:
        parts.insert(0, f"{resolved.epochs:g} epochs")
    robust = f"{decision.chosen if decision else chosen.model}, robust: {', '.join(parts) or 'all strengths are 0'}"
    because = f"{decision.because}, --robust" if decision else "--robust"
    return chosen, Decision("recipe", robust, because)


def _chosen(options: TrainOptions, facts: DataFacts) -> tuple[TrainOptions, Decision | None]:
    if options.model not in (AUTO, *MULTIPLY_ADDS):
        return options, None
    if options.model == AUTO and facts.is_framed and facts.height == facts.width == 28:
        is_long = options.time is not None and parse_time(options.time) >= LONG_SECONDS
        model = "accurate" if is_long else "quick"
        return replace(options, model=model), Decision("recipe", model, "images framed as MNIST's")
    chosen = replace(options, model="compact") if options.model == AUTO else options
    recipe = _fitted(facts, chosen.model)
    if options.time is not None:
        recipe.pop("epochs")
    given = {field.name for field in fields(TrainOptions) if getattr(options, field.name) is not None}
    chosen = replace(chosen, **{name: value for name, value in recipe.items() if name not in given})
    kind = "color" if facts.channels == 3 else "grayscale"
    because = f"{facts.images:,} {kind} images of {facts.height}×{facts.width}, {facts.classes} classes"
    unit = "epoch" if chosen.epochs == 1 else "epochs"
    length = f"{chosen.epochs:g} {unit}" if chosen.epochs else f"in {chosen.time}"
    parts = [chosen.model, length, f"batches of {chosen.batch_size}"]
    if chosen.flip:
        parts.append("flip")
    if chosen.crop:
        parts.append(f"crop {chosen.crop:g}")
    if chosen.class_weight == "balanced":
        parts.append("balanced class weights")
        because += f" of {facts.smallest:,} to {facts.largest:,}"
    return chosen, Decision("recipe", ", ".join(parts), because)


def _fitted(facts: DataFacts, model: str) -> dict[str, object]:
    """Epochs, batch size, augmentation and class weights for a preset that takes any images."""
    shape = (facts.height, facts.width, facts.channels)
    spec = load_spec(model, input_shape=shape, num_classes=max(facts.classes, 2))
    fewest, most = EPOCHS[model]
    epochs = min(max(round(MULTIPLY_ADDS[model] / (facts.images * spec.multiply_adds)), fewest), most)
    recipe: dict[str, object] = {"epochs": float(epochs), "batch_size": 128 if facts.images >= 1500 else 32}
    if min(facts.height, facts.width) >= SMALLEST_CROPPED:
        recipe["crop"] = 0.3
    if facts.channels == 3:  # grayscale images are often characters, which a flip changes
        recipe["flip"] = True
    if facts.largest >= IMBALANCED * facts.smallest:
        recipe["class_weight"] = "balanced"
    return recipe
