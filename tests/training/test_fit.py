import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from convscope.data.dataset import Dataset, epoch_order
from convscope.errors import OptionError
from convscope.model.build import build, set_weights
from convscope.model.presets import load_spec
from convscope.model.spec import Spec
from convscope.model.spec_parser import parse
from convscope.model.tensorflow import keras, tf
from convscope.training import fit as fit_module
from convscope.training.fit import fit
from convscope.training.options import TrainOptions, resolve
from convscope.training.patch_whitening import whitening_kernel

NETWORK = """
Conv2D(6, 3, strides=2, use_bias=False)
BatchNormalization(momentum=0.7)
ReLU()
Dropout(0.2)
Flatten()
Dense(num_classes, activation="softmax")
"""


def bars(n: int, seed: int = 0) -> Dataset:
    """Horizontal and vertical bars: easy to tell apart, not solved by chance."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    pixels = rng.integers(0, 80, (n, 10, 10, 1)).astype(np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        at = rng.integers(1, 9)
        image[(at, slice(None)) if label else (slice(None), at)] = 220
    return Dataset(pixels, labels.astype(np.int64), ("vertical", "horizontal"), source="bars")


def network(text: str = NETWORK) -> Spec:
    return parse(text, input_shape=(10, 10, 1), num_classes=2)


def options(**changes) -> TrainOptions:
    small = {"model": "a.txt", "epochs": 3.0, "batch_size": 20, "shift": 1, "average": 0.3}
    return resolve(TrainOptions(**(small | changes)))


def digest(weights) -> str:
    return hashlib.sha256(b"".join(weights[name].tobytes() for name in sorted(weights))).hexdigest()


def test_a_network_learns_to_tell_bars_apart() -> None:
    fitted = fit(network(), bars(400), bars(200, seed=1), options(epochs=10.0, shift=0, learning_rate=0.01))
    assert fitted.outcome == "finished"
    assert fitted.history[-1].validation_accuracy is not None
    assert fitted.history[-1].validation_accuracy > 0.95
    assert fitted.history[-1].loss < fitted.history[0].loss


def test_the_weights_do_not_depend_on_how_many_steps_a_call_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for seconds in (0.0, 0.002, 10.0):
        monkeypatch.setattr(fit_module, "SECONDS_PER_CALL", seconds)
        fitted = fit(network(), bars(100), bars(50, seed=1), options())
        results.append((digest(fitted.weights), [row.loss for row in fitted.history]))
    assert results[0] == results[1] == results[2]


def test_another_seed_gives_other_weights() -> None:
    one, other = (fit(network(), bars(100), bars(50, seed=1), options(seed=seed)) for seed in (0, 1))
    assert digest(one.weights) != digest(other.weights)


def test_one_step_is_the_step_that_keras_takes() -> None:
    """No dropout, no augmentation, no averaging: one batch through Keras's own `train_on_batch`."""
    spec = network(
        'Conv2D(4, 3, activation="relu")\nMaxPooling2D(2)\nFlatten()\nDense(num_classes, activation="softmax")'
    )
    data = bars(20)
    chosen = options(
        epochs=1.0, shift=0, average=0.0, label_smoothing=0.2, optimizer="sgd", warmup=0.0, learning_rate=0.1
    )
    fitted = fit(spec, data, bars(10, seed=1), chosen)
    model = build(spec, seed=0)
    model.compile(
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.2),
    )
    order = epoch_order(20, seed=0, epoch=0)
    images = data.pixels[order].astype(np.float32) / 255
    loss = model.train_on_batch(images, np.eye(2, dtype=np.float32)[data.labels[order]])
    assert fitted.history[0].loss == pytest.approx(float(loss), rel=1e-5)
    for ours, theirs in zip(fitted.weights.values(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_the_weights_fit_the_plain_keras_model() -> None:
    data = bars(200)
    fitted = fit(network(), data, bars(100, seed=1), options(epochs=15.0, learning_rate=0.01))
    model = build(network(), seed=5)
    set_weights(model, fitted.weights)
    probabilities = model(data.pixels.astype(np.float32) / 255, training=False).numpy()
    assert (probabilities.argmax(axis=1) == data.labels).mean() > 0.9


def test_a_loss_that_explodes_stops_at_once_and_keeps_finite_weights() -> None:
    wild = options(optimizer="sgd", learning_rate=1000.0, epochs=50.0, average=0.0)
    spec = network('Conv2D(6, 3)\nFlatten()\nDense(20)\nDense(num_classes, activation="softmax")')
    fitted = fit(spec, bars(200), bars(50, seed=1), wild)
    assert fitted.outcome == "diverged"
    assert fitted.steps < 500
    assert all(np.isfinite(weight).all() for weight in fitted.weights.values())


def test_a_wish_to_stop_keeps_what_was_learned() -> None:
    calls = []
    fitted = fit(
        network(),
        bars(200),
        bars(50, seed=1),
        options(epochs=1000.0),
        on_progress=calls.append,
        is_stopped=lambda: len(calls) >= 3,
    )
    assert fitted.outcome == "interrupted"
    assert fitted.steps == calls[-1].step < calls[-1].total_steps
    assert fitted.history


def test_a_set_smaller_than_a_batch_still_trains() -> None:
    fitted = fit(network(), bars(7), bars(5, seed=1), options(batch_size=256, epochs=3.0))
    assert (fitted.outcome, fitted.steps) == ("finished", 3)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "muon"])
@pytest.mark.parametrize("dense_norm", [False, True])
def test_every_optimizer_trains_every_kind_of_layer(optimizer: str, dense_norm: bool) -> None:
    text = """
    Conv2D(8, 3, padding="same", groups=1, use_bias=False)
    BatchNormalization(center=False)
    Activation("silu")
    SeparableConv2D(8, 3, dilation_rate=2, padding="same")
    DepthwiseConv2D(3, strides=2)
    AveragePooling2D(2)
    Flatten()
    Dense(16, activation="leaky_relu")
    """ + ("BatchNormalization(scale=False)\n" if dense_norm else "")
    spec = network("\n".join(line.strip() for line in text.splitlines()) + '\nDense(num_classes, activation="softmax")')
    fitted = fit(spec, bars(60), bars(20, seed=1), options(optimizer=optimizer, learning_rate=0.01))
    assert fitted.outcome == "finished"


def test_a_whitened_stem_decorrelates_patches() -> None:
    spec = load_spec("quick", input_shape=(28, 28, 1), num_classes=2)
    rng = np.random.default_rng(0)
    smooth = np.cumsum(np.cumsum(rng.normal(size=(300, 28, 28, 1)), axis=1), axis=2)
    pixels = np.clip(smooth * 4 + 128, 0, 255).astype(np.uint8)
    kernel = whitening_kernel(spec, pixels, seed=0)
    windows = np.lib.stride_tricks.sliding_window_view(pixels / 255.0, (5, 5), axis=(1, 2)).reshape(-1, 25)
    seen = windows @ kernel.reshape(25, -1)[:, :16]
    moment = seen.T @ seen / len(seen)
    assert np.abs(moment - np.diag(np.diag(moment))).max() < 0.15
    np.testing.assert_array_equal(kernel[..., :16], -kernel[..., 16:])


def test_a_whitened_stem_needs_a_convolution_first() -> None:
    with pytest.raises(OptionError, match=r"begins with a Conv2D.*Received: Flatten"):
        fit(network("Flatten()\nDense(num_classes, activation='softmax')"), bars(20), bars(10), options(whiten=True))


def test_dropout_in_the_loop_is_a_function_of_the_step() -> None:
    spec = network("Flatten()\nDropout(0.5)\nDense(num_classes, activation='softmax')")
    loop = fit_module._Loop(spec, bars(20), options())
    images = tf.ones([20, 10, 10, 1])
    one, again, other = (loop._forward(images, tf.constant(step)).numpy() for step in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_two_fresh_processes_with_one_seed_end_with_one_hash(convscope, tmp_path: Path) -> None:
    hashes = []
    for name, hash_seed in (("a", "1"), ("b", "2")):
        done = convscope(
            "train", "--epochs", "0.1", "--shift", "1", "--out", name, "--json", cwd=tmp_path, PYTHONHASHSEED=hash_seed
        )
        assert done.returncode == 0, done.stderr
        hashes.append(json.loads(done.stdout)["run"]["weights_sha256"])
    assert hashes[0] == hashes[1]
