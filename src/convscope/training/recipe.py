"""The recipe that fits the data: network, epochs, batch size, augmentation. Light.

`choose` is the one place where these are decided; docs/recipes.md has the ablation behind each number.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from convscope.decisions import Decision
from convscope.training.options import AUTO, TrainOptions, parse_time

IMAGES_SEEN = 60_000
"""How many images a training sees in all, repeated ones counted; small datasets are seen more often."""

LONG_SECONDS = 60
"""From this time on, digits get the network that reaches the higher accuracy."""

MIN_EPOCHS, MAX_EPOCHS = 5, 60


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
    """

    height: int
    width: int
    channels: int
    images: int
    classes: int
    is_framed: bool


def choose(options: TrainOptions, facts: DataFacts) -> tuple[TrainOptions, Decision | None]:
    """Fill in what a recipe decides and the user did not.

    Args:
        options: As given; with another model than ``"auto"`` they are returned as they are.
        facts: About the data.

    Returns:
        The options with a model, and the decision; None if the user chose the model.

    Example:
        >>> choose(TrainOptions(), DataFacts(28, 28, 1, 60_000, 10, is_framed=True))[0].model
        'quick'
    """
    if options.model != AUTO:
        return options, None
    if facts.is_framed and facts.height == facts.width == 28:
        is_long = options.time is not None and parse_time(options.time) >= LONG_SECONDS
        model = "accurate" if is_long else "quick"
        return replace(options, model=model), Decision("recipe", model, "images framed as MNIST's")
    chosen = replace(options, model="compact")
    recipe = _compact(facts)
    if options.time is not None:
        recipe.pop("epochs")
    given = {field.name for field in fields(TrainOptions) if getattr(options, field.name) is not None}
    chosen = replace(chosen, **{name: value for name, value in recipe.items() if name not in given})
    kind = "color" if facts.channels == 3 else "grayscale"
    because = f"{facts.images:,} {kind} images of {facts.height}×{facts.width}, {facts.classes} classes"
    length = f"{chosen.epochs:g} epochs" if chosen.epochs else f"in {chosen.time}"
    return chosen, Decision("recipe", f"compact, {length}", because)


def _compact(facts: DataFacts) -> dict[str, object]:
    """Epochs, batch size and augmentation for `compact`."""
    epochs = min(max(round(IMAGES_SEEN / facts.images), MIN_EPOCHS), MAX_EPOCHS)
    recipe: dict[str, object] = {"epochs": float(epochs), "batch_size": 128 if facts.images >= 2000 else 32}
    shortest = min(facts.height, facts.width)
    if shortest >= 24:
        recipe["shift"] = max(1, shortest // 16)
    return recipe
