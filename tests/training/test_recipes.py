"""The recipes and the ranges of the options, as a table: the figures in the docs were measured with these."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from convscope.errors import OptionError
from convscope.training.options import TrainOptions, resolve

COLUMNS = (
    "epochs", "batch_size", "optimizer", "learning_rate", "muon_learning_rate", "warmup", "label_smoothing",
    "weight_decay", "average", "shift", "rotate", "zoom", "shear", "whiten",
)  # fmt: skip
RECIPES = {
    "classic": (4.0, 32, "adam", 0.0015, 0.2, 0.2, 0.0, 0.0, 0.0, 1, 0.0, 0.0, 0.0, False),
    "quick": (1.0, 256, "muon", 0.02, 0.2, 0.2, 0.1, 0.0, 0.0, 0, 0.0, 0.0, 0.0, True),
    "accurate": (10.0, 256, "muon", 0.005, 0.03, 0.15, 0.1, 0.0, 0.0, 2, 9.0, 0.12, 0.12, True),
    "own.txt": (10.0, 128, "adam", 0.003, 0.2, 0.2, 0.1, 0.0, 0.1, 0, 0.0, 0.0, 0.0, False),
}
RANGES = {
    "epochs": (0.01, 10_000), "batch_size": (1, 65_536), "learning_rate": (1e-8, 1000.0),
    "muon_learning_rate": (1e-8, 1000.0), "warmup": (0, 0.95), "label_smoothing": (0, 0.9), "weight_decay": (0, 10),
    "average": (0, 0.9999), "shift": (0, 16), "rotate": (0, 180), "zoom": (0, 0.9), "shear": (0, 1),
    "validation_fraction": (0.001, 0.9), "test_fraction": (0, 0.9), "seed": (0, 2**31 - 1), "size": (1, 1024),
}  # fmt: skip


@pytest.mark.parametrize("model", RECIPES)
def test_the_recipe_of_each_network(model: str) -> None:
    resolved = asdict(resolve(TrainOptions(model=model)))
    assert tuple(resolved[name] for name in COLUMNS) == RECIPES[model]
    others = {name: value for name, value in resolved.items() if name not in COLUMNS}
    expected = {
        "data": "mnist", "model": model, "validation_fraction": 1 / 12, "test_fraction": 0.15, "size": None, "seed": 0,
        "shards": 1,
    }  # fmt: skip
    assert {name: others[name] for name in expected} == expected
    off = (None, 0, False, "none", "auto", "pad", "exact")
    assert all(value in off for name, value in others.items() if name not in expected)


@pytest.mark.parametrize("name", RANGES)
def test_both_ends_of_a_range_are_allowed_and_nothing_beyond(name: str) -> None:
    low, high = RANGES[name]
    for value in (low, high):
        assert getattr(TrainOptions(**{name: value}), name) == value
    step = 1 if isinstance(getattr(TrainOptions(**{name: high}), name), int) else (high - low) * 1e-6
    for value in (low - step, high + step):
        with pytest.raises(OptionError, match=name):
            TrainOptions(**{name: value})


def test_the_steps_of_a_training() -> None:
    options = TrainOptions(epochs=1.5, batch_size=20)
    assert [options.steps_per_epoch(images) for images in (1, 19, 20, 39, 40, 1000)] == [1, 1, 1, 1, 2, 50]
    assert [options.total_steps(images) for images in (1, 40, 1000)] == [2, 3, 75]
    assert TrainOptions(epochs=0.01, batch_size=20).total_steps(40) == 1
