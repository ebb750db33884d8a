"""The options of a training: one declaration each, from which everything else follows."""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest

import convscope
from convscope.errors import OptionError
from convscope.model.presets import PRESETS
from convscope.training.augmentations import AugmentationOptions
from convscope.training.config import load_config, to_toml
from convscope.training.option import AUGMENTATION, DATA, GROUPS, OPTIMIZATION, Option, option_fields
from convscope.training.options import TrainOptions, option_help, resolve
from convscope.training.preset_recipes import DEFAULTS, RECIPES, ROBUST

PACKAGE = Path(convscope.__file__).parent


@dataclass(frozen=True)
class MoreOptions(TrainOptions):
    """The options, and one more: all that a new one takes."""

    momentum: Annotated[float | None, Option("Momentum.", OPTIMIZATION, 0, 0.99)] = None


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
        {"whiten": 1},
        {"data": ""},
        {"model": 3},
        {"shear": 1.01},
    ],
)
def test_a_value_outside_its_range_is_refused_by_name(wrong: dict) -> None:
    with pytest.raises(OptionError, match=rf"{next(iter(wrong))} must be .* Received: {next(iter(wrong))}="):
        TrainOptions(**wrong)


def test_both_ends_of_a_range_are_allowed_and_nothing_beyond() -> None:
    for field in option_fields(TrainOptions):
        if field.kind not in (int, float):
            continue
        low, high = field.kind(field.option.low), field.kind(field.option.high)
        for value in (low, high):
            assert getattr(TrainOptions(**{field.name: value}), field.name) == value
        step = 1 if field.kind is int else 1e-9
        for value in (low - step, high + step):
            with pytest.raises(OptionError, match=re.escape(f"from {low:.10g} to {high:.10g}")):
                TrainOptions(**{field.name: value})


def test_values_are_stored_in_their_own_type() -> None:
    options = TrainOptions(epochs=3, rotate=10, batch_size=32, data=Path("photos"), test_fraction=0)
    assert [type(value) for value in (options.epochs, options.rotate, options.batch_size)] == [float, float, int]
    assert options.data == "photos" and type(options.test_fraction) is float


def test_every_option_says_what_it_is() -> None:
    for field in option_fields(TrainOptions):
        assert re.fullmatch(r"[A-Z].*\.", field.option.help) and field.option.group in GROUPS
        assert field.kind in (str, bool) or field.option.low < field.option.high


def test_the_help_of_an_option_has_its_range_choices_and_default() -> None:
    assert option_help("batch_size") == "Batch size (1 to 65536)."
    assert option_help("optimizer") == "Optimizer (adam, sgd, muon)."
    assert option_help("seed").endswith("(0 to 2147483647). Default: 0.")


def test_options_are_listed_by_group() -> None:
    groups = [field.option.group for field in option_fields(TrainOptions)]
    assert groups == sorted(groups, key=GROUPS.index) and set(groups) == {DATA, OPTIMIZATION, AUGMENTATION}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_a_recipe_that_leaves_nothing_open(preset: str) -> None:
    assert preset in RECIPES
    resolved = resolve(TrainOptions(model=preset))
    assert [name for name, value in dataclasses.asdict(resolved).items() if value is None] == [
        "time",
        "threads",
        "group",
        "size",
        "class_names",
        "cache",
    ]


def test_what_is_given_wins_over_the_recipe() -> None:
    assert resolve(TrainOptions(model="quick", epochs=3.0, shift=1)).epochs == 3.0


def test_every_augmentation_is_off_unless_a_recipe_has_it() -> None:
    names = [field.name for field in option_fields(AugmentationOptions)]
    resolved, recorded = resolve(TrainOptions(model="custom.txt")), TrainOptions.from_record({})
    assert len(names) == 16
    for options in (resolved, recorded):
        assert [getattr(options, name) for name in names] == [0] * len(names)
    assert (resolved.flip, type(resolved.shift), type(resolved.noise)) == (False, int, float)


def test_recipes_only_change_what_the_defaults_name() -> None:
    assert all(set(recipe) <= set(DEFAULTS) for recipe in RECIPES.values())


def test_resolved_options_survive_the_config_file(tmp_path) -> None:
    options = resolve(TrainOptions(data='a "quoted" näme\n', model="accurate", seed=7))
    (tmp_path / "config.toml").write_text(to_toml(dataclasses.asdict(options)), encoding="utf-8")
    assert TrainOptions(**load_config(tmp_path / "config.toml")) == options


def test_the_config_of_an_older_robust_training_gets_no_augmentation_that_is_new(tmp_path) -> None:
    older = dataclasses.asdict(resolve(TrainOptions(model="quick", epochs=1, thickness=0.45))) | {"robust": True}
    for name in ("lines", "blur", "noise"):
        del older[name]
    (tmp_path / "config.toml").write_text(to_toml(older), encoding="utf-8")
    opened = resolve(TrainOptions.from_mapping(load_config(tmp_path / "config.toml")))
    assert (opened.robust, opened.thickness, opened.lines, opened.blur, opened.noise) == (True, 0.45, 0, 0, 0)
    (tmp_path / "config.toml").write_text("robust = true\nthickness = 0.2\n", encoding="utf-8")  # of today, by hand
    written = resolve(TrainOptions.from_mapping(load_config(tmp_path / "config.toml")))
    assert written.thickness == 0.2 and written.lines == ROBUST["lines"] and written.noise == ROBUST["noise"]


def test_the_options_of_0_1_still_open() -> None:
    written_by_0_1 = {
        "data": "mnist", "model": "accurate", "epochs": 12.0, "batch_size": 256, "optimizer": "muon",
        "learning_rate": 0.01, "muon_learning_rate": 0.1, "warmup": 0.15, "label_smoothing": 0.1, "weight_decay": 0.0,
        "average": 0.0, "shift": 2, "rotate": 9.0, "zoom": 0.12, "shear": 0.12, "whiten": True,
        "validation_fraction": 0.08333333333333333, "test_fraction": 0.15, "size": None, "seed": 0,
    }  # fmt: skip
    now = dataclasses.asdict(TrainOptions.from_mapping(written_by_0_1))
    assert {name: now[name] for name in written_by_0_1} == written_by_0_1
    assert resolve(TrainOptions.from_mapping(written_by_0_1)) == resolve(
        TrainOptions(model="accurate", epochs=12, learning_rate=0.01, muon_learning_rate=0.1)
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epohcs = 3", r"unknown option\. Received: epohcs\. Did you mean epochs\?"),
        ("zzz = 3", r"unknown option\. Received: zzz\. The options are data, "),
        ("epochs = ", "not TOML"),
        ("\xff", "not TOML"),
    ],
)
def test_a_config_file_that_is_not_understood_is_refused(tmp_path, text: str, message: str) -> None:
    (tmp_path / "c.toml").write_text(text, encoding="latin-1")
    with pytest.raises(OptionError, match=message):
        load_config(tmp_path / "c.toml")


def test_a_misspelt_keyword_or_choice_is_refused_with_the_nearest() -> None:
    with pytest.raises(OptionError, match=r"Received: learning_rat\. Did you mean learning_rate\?"):
        TrainOptions.from_mapping({"learning_rat": 0.1})
    with pytest.raises(OptionError, match=r"Received: optimizer='adma'\. Did you mean adam\?"):
        TrainOptions.from_mapping({"optimizer": "adma"})


def test_a_config_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(OptionError, match=r"nowhere\.toml cannot be read"):
        load_config(tmp_path / "nowhere.toml")


def test_the_last_incomplete_batch_of_an_epoch_is_dropped() -> None:
    options = TrainOptions(epochs=2.0, batch_size=256)
    assert options.steps_per_epoch(55_000) == 214
    assert options.total_steps(55_000) == 428
    assert TrainOptions(epochs=1.0, batch_size=256).total_steps(100) == 1


@pytest.mark.parametrize("name", ["seed", "validation_fraction", "test_fraction"])
def test_an_option_with_a_default_cannot_be_none(name: str) -> None:
    with pytest.raises(OptionError, match=f"{name} must be"):
        TrainOptions(**{name: None})


def test_a_new_option_is_one_field(tmp_path) -> None:
    """It is checked, has help, is written to and read from config files, and stands in the values of a record."""
    assert MoreOptions(momentum=0.5).momentum == 0.5
    with pytest.raises(OptionError, match=r"momentum must be a number from 0 to 0.99\. Received: momentum=1\."):
        MoreOptions(momentum=1)
    (field,) = (one for one in option_fields(MoreOptions) if one.name == "momentum")
    assert (field.flag, field.help_text) == ("--momentum", "Momentum (0 to 0.99).")
    values = dataclasses.asdict(MoreOptions(momentum=0.5))
    assert MoreOptions.from_mapping(values) == MoreOptions(momentum=0.5)
    assert "momentum = 0.5\n" in to_toml(values)
    with pytest.raises(OptionError, match="Did you mean momentum"):
        MoreOptions.from_mapping({"momentun": 0.5})


@pytest.mark.parametrize("name", ["label_smoothing", "weight_decay", "rotate", "zoom", "shear"])
def test_no_other_module_names_an_option_but_the_one_that_uses_it(name: str) -> None:
    users = {"label_smoothing": ["options.py", "gradients.py"], "weight_decay": ["options.py", "optimizer.py"]}
    own = users.get(name, ["augmentations/__init__.py", "augmentations/geometry.py"])
    expected = {f"training/{file}" for file in [*own, "preset_recipes.py"]}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE).as_posix()
        code = re.sub(r'"""(?s:.*?)"""', "", path.read_text(encoding="utf-8"))
        if place.startswith(("training/", "api/", "cli/", "__init__")) and re.search(rf"\b{name}\b", code):
            found.add(place)
    assert found == expected
