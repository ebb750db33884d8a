"""The recipes of the presets: options that differ from those of a custom network. Light."""

from __future__ import annotations

from collections.abc import Mapping

from convscope.training.augmentations import AugmentationOptions
from convscope.training.option import option_fields

OFF: dict[str, object] = {field.name: field.kind() for field in option_fields(AugmentationOptions)}
"""Every augmentation, switched off: 0 or False."""

DEFAULTS: dict[str, object] = OFF | {
    "epochs": 10.0,
    "batch_size": 128,
    "optimizer": "adam",
    "learning_rate": 0.003,
    "muon_learning_rate": 0.2,
    "warmup": 0.2,
    "label_smoothing": 0.1,
    "weight_decay": 0.0,
    "average": 0.1,
    "whiten": False,
    "patience": 0,
    "class_weight": "none",
}
"""The recipe of a custom network."""

FITTED: dict[str, object] = {
    "batch_size": 128,
    "optimizer": "muon",
    "learning_rate": 0.01,
    "muon_learning_rate": 0.1,
    "warmup": 0.15,
    "average": 0.0,
    "whiten": True,
}
"""The presets that take images of any size; `recipe.choose` adds epochs and augmentation for the data."""

RECIPES: dict[str, dict[str, object]] = {
    "classic": {
        "epochs": 4.0,
        "batch_size": 32,
        "learning_rate": 0.0015,
        "label_smoothing": 0.0,
        "average": 0.0,
        "shift": 1,
    },
    "quick": {
        "epochs": 1.0,
        "batch_size": 256,
        "optimizer": "muon",
        "learning_rate": 0.02,
        "muon_learning_rate": 0.2,
        "average": 0.0,
        "whiten": True,
    },
    "compact": FITTED,
    "residual": FITTED,
    "accurate": {
        "epochs": 10.0,
        "batch_size": 256,
        "optimizer": "muon",
        "learning_rate": 0.005,
        "muon_learning_rate": 0.03,
        "warmup": 0.15,
        "average": 0.0,
        "shift": 2,
        "rotate": 9.0,
        "zoom": 0.12,
        "shear": 0.12,
        "whiten": True,
    },
}
"""How the recipe of each preset differs from `DEFAULTS`; docs/speed.md has the ablation of `quick`."""

ROBUST: dict[str, float] = {
    "thickness": 0.45,
    "lines": 0.1,
    "blur": 0.05,
    "noise": 0.25,
    "rotate": 5.0,
    "zoom": 0.12,
    "shear": 0.1,
}
"""What `--robust` adds; docs/trust.md has figures with and without it."""

NEWER = {"lines", "blur", "noise"}
"""Those that came later."""

ROBUST_EPOCHS = 3.0
"""Fewest epochs with `--robust`: images that differ each time take longer to learn."""


def is_older_robust(values: Mapping[str, object]) -> bool:
    """Whether these are all options of a training with ``robust`` before it had those of `NEWER`."""
    return values.get("robust") is True and values.keys() >= ROBUST.keys() - NEWER and not values.keys() & NEWER


def robust_recipe(recipe: dict[str, object]) -> dict[str, object]:
    """A recipe with the augmentations of `ROBUST`; those that it has already keep their strength.

    Example:
        >>> robust_recipe(DEFAULTS | RECIPES["quick"])["thickness"]
        0.45
    """
    added = {name: recipe.get(name) or value for name, value in ROBUST.items()}
    return recipe | added | {"epochs": max(float(str(recipe["epochs"])), ROBUST_EPOCHS)}
