"""The training loop as a whole; what each step computes is in test_step_oracles.py."""

import json
from pathlib import Path

import numpy as np
import pytest
from samples import EVERY_KIND, EveryStep, a_checkpoint, bars, digest, network, options, plain
from values import check_frozen

from convscope.errors import OptionError
from convscope.model.build import build, set_weights
from convscope.model.forward import logits
from convscope.model.model_file import self_test_images
from convscope.model.spec_parser import parse
from convscope.model.tensorflow import keras, tf
from convscope.training import loop as training_loop
from convscope.training.checkpoint import CheckpointManager
from convscope.training.fit import fit
from convscope.training.loop import TrainingLoop
from convscope.training.patch_whitening import whitening_kernel


def test_a_network_learns_to_classify_bars() -> None:
    fitted = fit(network(), bars(400), bars(200, seed=1), options(epochs=10.0, shift=0, learning_rate=0.01))
    assert fitted.outcome == "finished"
    assert fitted.history[-1].validation_accuracy is not None
    assert fitted.history[-1].validation_accuracy > 0.95
    assert fitted.history[-1].loss < fitted.history[0].loss


def test_the_weights_do_not_depend_on_how_many_steps_a_call_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for seconds in (0.0, 0.002, 10.0):
        monkeypatch.setattr(training_loop, "SECONDS_PER_CALL", seconds)
        fitted = fit(network(), bars(100), bars(50, seed=1), options())
        results.append((digest(fitted.weights), [row.loss for row in fitted.history]))
    assert results[0] == results[1] == results[2]


def test_another_seed_gives_other_weights() -> None:
    one, other = (fit(network(), bars(100), bars(50, seed=1), options(seed=seed)) for seed in (0, 1))
    assert digest(one.weights) != digest(other.weights)


def test_the_last_validation_is_that_of_a_plain_keras_model_with_the_final_weights() -> None:
    validation = bars(100, seed=1)
    fitted = fit(network(), bars(60), validation, options(epochs=2.0, learning_rate=0.01))
    model = build(network(), seed=5)
    set_weights(model, fitted.weights)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = model.evaluate(validation.pixels.astype(np.float32) / 255, validation.labels, verbose=0)
    last = fitted.history[-1]
    assert (last.validation_loss, last.validation_accuracy) == (pytest.approx(loss, rel=1e-4), pytest.approx(accuracy))
    logits = keras.Model(model.inputs[0], model.layers[-2].output)(validation.pixels[:4].astype(np.float32) / 255)
    logits = logits @ fitted.weights["dense/kernel"] + fitted.weights["dense/bias"]
    np.testing.assert_allclose(fitted.proof.logits, logits, rtol=1e-4, atol=1e-5)


def test_whitening_is_where_the_first_convolution_starts() -> None:
    data, spec = bars(60), network()
    for whiten in (True, False):
        chosen = plain(epochs=0.3, learning_rate=1e-8, whiten=whiten)
        kernel = fit(spec, data, bars(10, seed=1), chosen).weights["conv2d/kernel"]
        same = np.allclose(kernel, whitening_kernel(spec, data.pixels, seed=0), atol=1e-5)
        assert same == whiten


def test_a_loss_that_explodes_stops_at_once_with_the_weights_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_loop, "SECONDS_PER_CALL", 0.0)
    taken = EveryStep()
    wild = options(optimizer="sgd", learning_rate=1000.0, epochs=50.0, average=0.0)
    spec = network('Conv2D(6, 3)\nFlatten()\nDense(20)\nDense(num_classes, activation="softmax")')
    fitted = fit(spec, bars(200), bars(50, seed=1), wild, checkpoints=taken)
    assert fitted.outcome == "diverged" and fitted.steps == max(taken.snapshots) < 100
    for name, value in taken.weights(fitted.steps, list(fitted.weights)).items():
        assert np.isfinite(value).all()
        np.testing.assert_array_equal(fitted.weights[name], value)


@pytest.mark.parametrize("seconds", [0.0, 1e9], ids=["one step a call", "many steps a call"])
def test_the_weights_left_by_a_loss_that_explodes_give_finite_logits(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_loop, "SECONDS_PER_CALL", seconds)
    spec = parse(
        "Conv2D(4, 3, padding='same')\nFlatten()\nDense(num_classes, activation='softmax')",
        input_shape=bars(1).image_shape,
        num_classes=2,
    )
    for rate in (30.0, 300.0, 1000.0):
        wanted = options(optimizer="sgd", learning_rate=rate, epochs=20.0, whiten=False, average=0.0, weight_decay=0.0)
        fitted = fit(spec, bars(130), bars(40, seed=1), wanted)
        assert fitted.outcome == "diverged"
        assert np.isfinite(logits(spec, fitted.weights, self_test_images(spec))).all()


def test_stopping_keeps_the_weights_and_the_history() -> None:
    calls, taken = [], EveryStep()
    fitted = fit(
        network(), bars(200), bars(50, seed=1), options(epochs=1000.0, average=0.0),
        on_progress=calls.append, is_stopped=lambda: len(calls) >= 3, checkpoints=taken,
    )  # fmt: skip
    assert fitted.outcome == "interrupted"
    assert fitted.steps == calls[-1].step == max(taken.snapshots) < calls[-1].total_steps == 10_000
    assert fitted.history[-1].epoch == pytest.approx(fitted.steps / 10)
    for name, value in taken.weights(fitted.steps, list(fitted.weights)).items():
        np.testing.assert_array_equal(fitted.weights[name], value)


def test_the_seconds_add_up_and_include_those_before_an_interruption() -> None:
    taken, chosen = EveryStep(), plain(epochs=1.0)
    first = fit(network(), bars(40), bars(10, seed=1), chosen, checkpoints=taken).seconds
    assert list(first) == ["build", "trace", "steps", "total"] and min(first.values()) > 0
    assert first["total"] == pytest.approx(first["build"] + first["trace"] + first["steps"]) and first["total"] < 500
    saved = a_checkpoint(2, state=taken.snapshots[2], seconds=1000.0)
    second = fit(network(), bars(40), bars(10, seed=1), chosen, checkpoints=CheckpointManager(resume_from=saved))
    assert second.steps == 2 and 1000 < second.seconds["total"] < 1500
    assert second.seconds["steps"] > 1000 > second.seconds["build"] + second.seconds["trace"]


def test_what_a_training_gives_cannot_be_changed() -> None:
    check_frozen("convscope.training.fit")


def test_a_set_smaller_than_a_batch_still_trains() -> None:
    fitted = fit(network(), bars(7), bars(5, seed=1), options(batch_size=256, epochs=3.0))
    assert (fitted.outcome, fitted.steps) == ("finished", 3)


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_every_optimizer_trains_every_kind_of_layer(optimizer: str) -> None:
    fitted = fit(network(EVERY_KIND), bars(60), bars(20, seed=1), options(optimizer=optimizer, learning_rate=0.01))
    assert fitted.outcome == "finished"


def test_whitening_needs_a_convolution_first() -> None:
    with pytest.raises(OptionError, match=r"begins with a Conv2D.*Received: Flatten"):
        fit(network("Flatten()\nDense(num_classes, activation='softmax')"), bars(20), bars(10), options(whiten=True))


@pytest.mark.long  # tests/cli/test_train.py does the same with the training that it has
def test_two_fresh_processes_with_one_seed_end_with_one_hash(convscope, tmp_path: Path) -> None:
    hashes = []
    for name, hash_seed in (("a", "1"), ("b", "2")):
        done = convscope(
            "train", "--epochs", "0.1", "--shift", "1", "--out", name, "--json", cwd=tmp_path, PYTHONHASHSEED=hash_seed
        )
        assert done.returncode == 0, done.stderr
        hashes.append(json.loads(done.stdout)["run"]["weights_sha256"])
    assert hashes[0] == hashes[1]


def test_functions_of_several_trainings_are_not_reported_as_one_that_is_traced_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    images = np.zeros((1, *network().input_shape), np.float32)
    for _ in range(8):
        TrainingLoop(network(), bars(40), options()).logits(images)
    assert caplog.records == []
    for _ in range(20):
        tf.function(lambda value: value + 1)(tf.constant(1.0))
    assert any("retracing" in record.getMessage() for record in caplog.records), "of others it is reported"
