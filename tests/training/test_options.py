import dataclasses

import pytest

from convscope.errors import OptionError
from convscope.model.presets import PRESETS
from convscope.training.config import load_config, to_toml
from convscope.training.options import DEFAULTS, RANGES, RECIPES, TrainOptions, resolve


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"epochs": float("nan")},
        {"epochs": "many"},
        {"batch_size": 0},
        {"batch_size": 1.5},
        {"batch_size": True},
        {"learning_rate": -1.0},
        {"learning_rate": float("inf")},
        {"optimizer": "magic"},
        {"seed": -1},
        {"validation_fraction": 0},
        {"validation_fraction": 1.0},
        {"size": 0},
        {"whiten": "yes"},
        {"data": ""},
        {"model": 3},
    ],
)
def test_a_value_outside_its_range_is_refused_by_name(wrong: dict) -> None:
    with pytest.raises(OptionError, match=rf"{next(iter(wrong))} must be .* Received: {next(iter(wrong))}="):
        TrainOptions(**wrong)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_a_recipe_that_leaves_nothing_open(preset: str) -> None:
    assert preset in RECIPES
    resolved = resolve(TrainOptions(model=preset))
    assert [name for name, value in dataclasses.asdict(resolved).items() if value is None] == ["size"]


def test_what_the_person_says_wins_over_the_recipe() -> None:
    assert resolve(TrainOptions(model="quick", epochs=3.0, shift=1)).epochs == 3.0


def test_recipes_only_change_what_the_defaults_name() -> None:
    assert all(set(recipe) <= set(DEFAULTS) for recipe in RECIPES.values())
    assert set(RANGES) <= set(TrainOptions.__dataclass_fields__)


def test_resolved_options_survive_the_config_file(tmp_path) -> None:
    options = resolve(TrainOptions(data='a "quoted" näme\n', model="accurate", seed=7))
    (tmp_path / "config.toml").write_text(to_toml(dataclasses.asdict(options)), encoding="utf-8")
    assert TrainOptions(**load_config(tmp_path / "config.toml")) == options


@pytest.mark.parametrize(
    ("text", "message"),
    [("epohcs = 3", "no option.*epohcs"), ("epochs = ", "not TOML"), ("\xff", "not TOML")],
)
def test_a_config_file_that_says_nonsense_is_refused(tmp_path, text: str, message: str) -> None:
    (tmp_path / "c.toml").write_text(text, encoding="latin-1")
    with pytest.raises(OptionError, match=message):
        load_config(tmp_path / "c.toml")


def test_a_config_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(OptionError, match=r"nowhere\.toml cannot be read"):
        load_config(tmp_path / "nowhere.toml")


def test_steps_leave_out_what_does_not_fill_a_batch() -> None:
    options = TrainOptions(epochs=2.0, batch_size=256)
    assert options.steps_per_epoch(55_000) == 214
    assert options.total_steps(55_000) == 428
    assert TrainOptions(epochs=1.0, batch_size=256).total_steps(100) == 1


@pytest.mark.parametrize("name", ["seed", "validation_fraction", "test_fraction"])
def test_what_has_a_default_cannot_be_left_open(name: str) -> None:
    with pytest.raises(OptionError, match=f"{name} must be"):
        TrainOptions(**{name: None})
