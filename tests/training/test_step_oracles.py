"""What a training step computes, against Keras's layers, losses and optimizers and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from samples import EVERY_KIND, EveryStep, bars, network, options, plain

from convscope.data.dataset import Dataset
from convscope.data.splits import epoch_order
from convscope.model.build import build
from convscope.model.spec_parser import parse
from convscope.model.tensorflow import keras
from convscope.training import loop as training_loop
from convscope.training.fit import fit
from convscope.training.schedule import one_cycle

NORMALIZED = """
Conv2D(4, 3, use_bias=False)
BatchNormalization(momentum=0.8)
ReLU()
MaxPooling2D(2)
Flatten()
Dense(num_classes, activation="softmax")
"""


@pytest.mark.parametrize("text", [NORMALIZED, EVERY_KIND], ids=["small", "every kind of layer"])
def test_the_steps_of_two_epochs_are_those_of_keras(text: str) -> None:
    """Epoch order, batches, label smoothing, schedule and Nesterov momentum, without a threshold on accuracy."""
    data, spec = bars(50), network(text)
    chosen = plain(epochs=2.0, batch_size=20, label_smoothing=0.2, warmup=0.3, learning_rate=0.05)
    fitted = fit(spec, data, bars(10, seed=1), chosen)

    model = build(spec, seed=0)
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)
    model.compile(optimizer=optimizer, loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.2))
    rates, losses = one_cycle(4, peak=0.05, warmup=0.3), []
    for step in range(4):
        order = epoch_order(50, seed=0, epoch=step // 2)
        batch = order[step % 2 * 20 : step % 2 * 20 + 20]  # 50 images are two whole batches; ten images wait
        optimizer.learning_rate.assign(rates[step])
        images = data.pixels[batch].astype(np.float32) / 255
        losses.append(float(model.train_on_batch(images, np.eye(2, dtype=np.float32)[data.labels[batch]])))

    assert [row.loss for row in fitted.history] == pytest.approx(losses, rel=1e-4)
    assert [row.learning_rate for row in fitted.history] == pytest.approx(rates.tolist(), rel=1e-6)
    for (name, ours), theirs in zip(fitted.weights.items(), model.get_weights(), strict=True):
        # TensorFlow's fused kernel corrects the batch variance by n / (n - 1), n = 20 * 8 * 8; Keras does not.
        rtol = 1e-3 if name.endswith("moving_variance") else 2e-4
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=2e-6, err_msg=name)


@pytest.mark.parametrize("momentum", [0.99, 0.6])
def test_moving_statistics_follow_the_momentum_of_batch_normalization(momentum: float) -> None:
    """Weights that stand still: after k steps the statistics are those that Keras's layer has seen."""
    spec = parse(
        f"Flatten()\nBatchNormalization(momentum={momentum})\nDense(num_classes, activation='softmax')",
        input_shape=(10, 10, 1),
        num_classes=2,
    )
    data = bars(60)
    fitted = fit(spec, data, bars(10, seed=1), plain(epochs=3.0, batch_size=20, learning_rate=1e-8))
    layer = keras.layers.BatchNormalization(momentum=momentum)
    for step in range(9):
        batch = epoch_order(60, seed=0, epoch=step // 3)[step % 3 * 20 : step % 3 * 20 + 20]
        layer(data.pixels[batch].reshape(20, -1).astype(np.float32) / 255, training=True)
    moved = fitted.weights["batch_normalization/moving_mean"]
    np.testing.assert_allclose(moved, np.asarray(layer.moving_mean), rtol=1e-4, atol=1e-6)
    start, corrected = momentum**9, 20 / 19  # the first value, 1, has lost all but momentum**9 of its weight
    variance = (np.asarray(layer.moving_variance) - start) * corrected + start
    np.testing.assert_allclose(fitted.weights["batch_normalization/moving_variance"], variance, rtol=1e-4, atol=1e-6)


def white(n: int, side: int = 40) -> Dataset:
    """Images of nothing but ones, all of one class, so that the gradient shows the mask of dropout."""
    return Dataset(np.full((n, side, side, 1), 255, np.uint8), np.zeros(n, np.int64), ("a", "b"), source="white")


def one_dropout(rate: float, **changes: object) -> tuple[np.ndarray, np.ndarray]:
    """Kernel before and after training ``Dense`` behind ``Dropout(rate)`` on 1,600 ones."""
    spec = parse(
        f"Flatten()\nDropout({rate})\nDense(num_classes, use_bias=False, activation='softmax')",
        input_shape=(40, 40, 1),
        num_classes=2,
    )
    before = build(spec, seed=0).layers[-1].get_weights()[0]
    data = white(changes.pop("images", 1))
    fitted = fit(spec, data, white(1), plain(**({"epochs": 1.0, "batch_size": 1, "learning_rate": 0.1} | changes)))
    return before, fitted.weights["dense/kernel"]


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.8])
def test_dropout_zeroes_its_rate_and_scales_the_rest_as_keras_does(rate: float) -> None:
    before, after = one_dropout(rate)
    kept = (before != after).any(axis=1)
    assert (~kept).mean() == pytest.approx(rate, abs=4 * np.sqrt(rate * (1 - rate) / 1600))
    by_keras = np.asarray(keras.layers.Dropout(rate, seed=0)(np.ones((1, 1600), np.float32), training=True))
    scale = by_keras.max()
    assert set(np.unique(by_keras)) == {np.float32(0), scale}
    # One step of Nesterov momentum by hand: W - (1 + 0.9) * rate * x (p - t), x being 0 or the scale.
    logits = before[kept].astype(np.float64).sum(axis=0) * scale
    p = np.exp(logits) / np.exp(logits).sum()
    expected = before - 1.9 * 0.1 * np.outer(kept * scale, p - [1, 0])
    np.testing.assert_allclose(after, expected, rtol=1e-3, atol=1e-5)


def test_dropout_draws_another_mask_for_each_step_and_each_image() -> None:
    """An input is left alone only if both masks dropped it: 0.5 squared, were the masks independent."""
    tolerance = 4 * np.sqrt(0.25 * 0.75 / 1600)
    for more in ({"epochs": 2.0}, {"images": 2, "batch_size": 2}):
        before, after = one_dropout(0.5, learning_rate=1e-3, **more)
        assert (before == after).all(axis=1).mean() == pytest.approx(0.25, abs=tolerance)


@pytest.mark.parametrize(("average", "window"), [(0.5, 6), (0.25, 3), (0.1, 2), (0.0, 1)])
def test_the_final_weights_are_the_mean_over_the_last_fraction_of_steps(
    average: float, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_loop, "SECONDS_PER_CALL", 0.0)  # one step a call after the first epoch
    taken = EveryStep()
    chosen = options(epochs=4.0, batch_size=20, average=average, optimizer="adam", learning_rate=0.02, shift=0)
    fitted = fit(network(NORMALIZED), bars(60), bars(10, seed=1), chosen, checkpoints=taken)
    assert fitted.steps == 12 and sorted(taken.snapshots) == list(range(13))
    assert taken.ends_epoch == {step: step % 3 == 0 for step in range(1, 13)}
    for kind in ("weight", "moving"):
        names = [name for name in fitted.weights if ("moving" in name) == (kind == "moving")]
        assert names
        for index, name in enumerate(names):
            last = [taken.snapshots[step][f"{kind}/{index}"] for step in range(13 - window, 13)]
            np.testing.assert_allclose(fitted.weights[name], np.mean(last, axis=0), rtol=1e-5, atol=1e-6, err_msg=name)
            if window > 1:
                assert not np.allclose(fitted.weights[name], last[-1], rtol=1e-4), "a window of one step"


def test_pixels_come_in_as_fractions_of_255_and_a_remainder_waits() -> None:
    """With zero weights the first loss is ln 2 whatever the images; the bias gradient counts the labels of a batch."""
    spec = network("Flatten()\nDense(num_classes, kernel_initializer='glorot_uniform', activation='softmax')")
    data = bars(25)
    fitted = fit(spec, data, bars(10, seed=1), plain(epochs=1.0, batch_size=20, learning_rate=0.1))
    assert fitted.steps == 1
    kernel = build(spec, seed=0).layers[-1].get_weights()[0]
    batch = epoch_order(25, seed=0, epoch=0)[:20]
    x, t = data.pixels[batch].reshape(20, -1) / 255, np.eye(2)[data.labels[batch]]
    logits = x @ kernel
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert fitted.history[-1].loss == pytest.approx(-np.log((p * t).sum(axis=1)).mean(), rel=1e-5)
    np.testing.assert_allclose(fitted.weights["dense/bias"], -0.19 * (p - t).mean(axis=0), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(fitted.weights["dense/kernel"], kernel - 0.19 * x.T @ (p - t) / 20, rtol=1e-3, atol=1e-6)
