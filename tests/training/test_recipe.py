"""What is chosen to fit the data, early stopping, class weights, and a limited time."""

from __future__ import annotations

import numpy as np
import pytest
from samples import IDENTITY, a_checkpoint, bars, digest, network, options

from convscope.data.dataset import Dataset
from convscope.model.build import build, set_weights
from convscope.model.presets import SIZED, load_spec
from convscope.training.checkpoint import CheckpointManager, latest_checkpoint
from convscope.training.fit import fit, seconds_per_step
from convscope.training.options import TrainOptions, resolve
from convscope.training.preset_recipes import ROBUST, ROBUST_EPOCHS
from convscope.training.recipe import DataFacts, choose


def facts(**changes) -> DataFacts:
    return DataFacts(
        **{"height": 64, "width": 64, "channels": 3, "images": 5000, "classes": 9, "is_framed": False} | changes
    )


def test_digits_keep_quick_and_other_images_get_compact() -> None:
    digits = facts(height=28, width=28, channels=1, images=60_000, is_framed=True)
    assert choose(TrainOptions(), digits)[0] == TrainOptions(model="quick")
    assert choose(TrainOptions(time="10m"), digits)[0].model == "accurate"
    chosen, decision = choose(TrainOptions(), facts())
    assert chosen.model == "compact" and decision and "5,000 color images of 64×64" in decision.because
    assert all(
        words in decision.chosen for words in (f"{chosen.epochs:g} epochs", "batches of 128", "flip", "crop 0.3")
    )


def test_small_datasets_are_seen_more_often_and_what_is_given_stays() -> None:
    epochs = [choose(TrainOptions(), facts(images=n))[0].epochs for n in (100, 1000, 10_000, 100_000)]
    assert all(one and one >= 1 for one in epochs) and epochs == sorted(epochs, reverse=True) and len(set(epochs)) > 2
    given = TrainOptions(epochs=2, batch_size=7, shift=0)
    chosen, _ = choose(given, facts())
    assert (chosen.epochs, chosen.batch_size, chosen.shift) == (2, 7, 0)
    assert choose(TrainOptions(model="classic"), facts()) == (TrainOptions(model="classic"), None)


def test_classes_of_very_different_size_are_weighted_unless_the_user_says_otherwise() -> None:
    rare = facts(largest=921, smallest=9)
    chosen, decision = choose(TrainOptions(), rare)
    assert chosen.class_weight == "balanced" and decision
    assert "balanced class weights" in decision.chosen and decision.because.endswith("9 classes of 9 to 921")
    assert choose(TrainOptions(class_weight="none"), rare)[0].class_weight == "none"
    assert choose(TrainOptions(), facts(largest=921, smallest=93))[0].class_weight is None


def test_robust_names_what_it_adds_and_keeps_what_is_given_or_part_of_the_recipe() -> None:
    digits = facts(height=28, width=28, channels=1, images=60_000, is_framed=True)
    chosen, decision = choose(TrainOptions(robust=True, blur=0.01, noise=0.0), digits)
    added = {name: value for name, value in (ROBUST | {"blur": 0.01}).items() if name != "noise"}
    listed = ", ".join(f"{name} {value:g}" for name, value in added.items())
    assert decision and decision.chosen == f"quick, robust: {ROBUST_EPOCHS:g} epochs, {listed}"
    assert "MNIST" in decision.because and "--robust" in decision.because
    resolved = resolve(chosen)
    assert {name: getattr(resolved, name) for name in ROBUST} == added | {"noise": 0.0}
    assert resolved.epochs == ROBUST_EPOCHS and resolve(TrainOptions(robust=True, epochs=1)).epochs == 1
    accurate = resolve(TrainOptions(model="accurate", robust=True))
    assert (accurate.epochs, accurate.rotate, accurate.thickness) == (10, 9, ROBUST["thickness"])
    named = choose(TrainOptions(model="classic", robust=True), digits)[1]
    assert named and named.chosen.startswith("classic, robust: 4 epochs, thickness") and named.because == "--robust"
    assert named.option == "--model, --robust"
    nothing = choose(TrainOptions(model="classic", epochs=1, robust=True, **dict.fromkeys(ROBUST, 0)), digits)[1]
    assert nothing and nothing.chosen == "classic, robust: all strengths are 0"
    photos = choose(TrainOptions(robust=True), facts())[1]
    assert photos and "crop 0.3, robust: thickness" in photos.chosen and "64×64, 9 classes, --robust" in photos.because


def test_the_record_of_an_older_robust_training_gets_no_augmentation_that_is_new() -> None:
    older = {"model": "quick", "robust": True, "thickness": 0.45, "epochs": 1.0, "shift": 0, "rotate": 0.0}
    resolved = resolve(TrainOptions.from_record(older))
    off = {"rotate", "zoom", "shear", "lines", "blur", "noise"}
    assert resolved.thickness == 0.45 and resolved.epochs == 1 and not any(getattr(resolved, name) for name in off)


def test_a_preset_for_any_images_that_the_user_names_gets_the_recipe_for_these_images() -> None:
    chosen, decision = choose(TrainOptions(model="residual", flip=False), facts())
    assert decision and decision.chosen.startswith("residual, ") and not chosen.flip and chosen.crop
    automatic, _ = choose(TrainOptions(), facts())
    assert choose(TrainOptions(model="compact"), facts())[0] == automatic
    assert (chosen.epochs or 0) > (automatic.epochs or 0)


@pytest.mark.parametrize("preset", ["compact", "residual"])
@pytest.mark.parametrize(
    "size", [(1, 1), (2, 3), (5, 5), (8, 8), (16, 16), (19, 40), (28, 28), (48, 32), (32, 512), (224, 224)]
)
def test_presets_for_any_images_fit_every_size(size: tuple[int, int], preset: str) -> None:
    spec = load_spec(preset, input_shape=(*size, 3), num_classes=7)
    assert spec.table()[-1].output_shape == (7,)
    assert spec.parameters < 4_000_000
    places = [row.output_shape for row in spec.table() if row.name.startswith("conv2d")][-1]
    assert min(places[:2]) <= 12
    assert SIZED[preset](*size).startswith("# ")


def test_training_stops_after_patience_and_keeps_the_best_weights() -> None:
    data, validation = bars(100), bars(60, seed=1)
    how = {"epochs": 40.0, "average": 0.0, "learning_rate": 0.05, "warmup": 0.02}
    stopped = fit(network(), data, validation, options(**how, patience=3))
    measured = [
        (row.epoch, row.validation_accuracy, row.validation_loss) for row in stopped.history if row.validation_loss
    ]
    best = max(measured, key=lambda row: (row[1], -row[2]))
    assert stopped.best_epoch == best[0] and stopped.history[-1].epoch < 40
    assert [row[0] for row in measured if row[0] > best[0]] == [best[0] + 1, best[0] + 2, best[0] + 3]
    shortened = fit(network(), data, validation, options(**how, patience=40))
    assert shortened.best_epoch is not None and len(shortened.history) > len(stopped.history)
    model = build(network(), seed=1)
    set_weights(model, stopped.weights)
    accuracy = (model(validation.pixels.astype(np.float32) / 255).numpy().argmax(axis=1) == validation.labels).mean()
    assert accuracy == pytest.approx(best[1])


def test_early_stopping_is_resumed_to_the_bit(tmp_path) -> None:
    data, validation = bars(100), bars(60, seed=1)
    how = options(epochs=12.0, average=0.0, learning_rate=0.05, patience=4)
    whole = fit(network(), data, validation, how)
    calls: list[int] = []
    fit(
        network(), data, validation, how, checkpoints=CheckpointManager(tmp_path, IDENTITY),
        on_progress=lambda now: calls.append(now.step), is_stopped=lambda: bool(calls and calls[-1] >= 25),
    )  # fmt: skip
    cut = latest_checkpoint(tmp_path).checkpoint
    assert 20 < cut.step < how.total_steps(len(data)) and any(name.startswith("best/") for name in cut.state)
    resumed = fit(network(), data, validation, how, checkpoints=CheckpointManager(resume_from=cut))
    assert digest(resumed.weights) == digest(whole.weights) and resumed.best_epoch == whole.best_epoch


def rare(n: int = 300) -> Dataset:
    """Bars of which one in thirty is of the second class."""
    data = bars(3000)
    common, few = np.flatnonzero(data.labels == 0)[: n - n // 30], np.flatnonzero(data.labels == 1)[: n // 30]
    return data.take(np.sort(np.concatenate([common, few])))


def test_balanced_class_weights_find_a_rare_class() -> None:
    validation = bars(200, seed=1)
    how = {"epochs": 6.0, "average": 0.0, "shift": 0, "learning_rate": 0.005}
    recalls = []
    for weights in ("none", "balanced"):
        fitted = fit(network(), rare(), validation, options(**how, class_weight=weights))
        model = build(network(), seed=1)
        set_weights(model, fitted.weights)
        predicted = model(validation.pixels.astype(np.float32) / 255).numpy().argmax(axis=1)
        recalls.append((predicted == 1)[validation.labels == 1].mean())
    assert recalls[1] > recalls[0] + 0.2


def test_balanced_weights_of_balanced_classes_change_nothing() -> None:
    data = bars(400)
    even = data.take(np.sort(np.concatenate([np.flatnonzero(data.labels == k)[:60] for k in (0, 1)])))
    one, two = (fit(network(), even, bars(50, seed=1), options(class_weight=w)) for w in ("none", "balanced"))
    assert digest(one.weights) == digest(two.weights)


def test_the_measured_speed_is_that_of_a_training() -> None:
    how = options(epochs=8.0)
    trace, each = seconds_per_step(network(), bars(400), how)
    fitted = fit(network(), bars(400), bars(20, seed=1), how)
    assert trace > 0 and 0.1 < each / (fitted.seconds["steps"] / fitted.steps) < 10


def test_resolved_options_have_every_augmentation() -> None:
    assert all(getattr(resolve(TrainOptions(model="x")), name) is not None for name in ("flip", "crop", "mixup"))


def test_checkpoints_without_early_stopping_hold_no_best_weights() -> None:
    assert not any(name.startswith("best/") for name in a_checkpoint().state)
