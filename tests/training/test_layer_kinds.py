"""The training loop runs every layer kind, and graphs, as Keras does."""

from __future__ import annotations

import numpy as np
import pytest
from harness import networks_of

from convscope.data.dataset import Dataset
from convscope.model.build import build, set_weights
from convscope.model.layers import LAYERS
from convscope.model.spec import Spec
from convscope.model.spec_parser import parse
from convscope.model.tensorflow import tf
from convscope.training.fit import fit
from convscope.training.loop import TrainingLoop
from convscope.training.options import TrainOptions, resolve
from convscope.training.scale_invariance import is_scale_invariant

RESIDUAL = """
stem = Conv2D(6, 3, padding="same", use_bias=False)
BatchNormalization()
ReLU()
Conv2D(6, 3, padding="same", use_bias=False)
BatchNormalization()
Add()(batch_normalization_1, re_lu)
LayerNormalization()
GlobalMaxPooling2D()
Dense(num_classes, activation="softmax")
"""


def bars(n: int, shape: tuple[int, int, int], classes: int = 2, seed: int = 0) -> Dataset:
    """A bright row for the second class, a bright column for the others."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    pixels = rng.integers(0, 80, (n, *shape)).astype(np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        at = rng.integers(1, min(shape[:2]) - 1)
        image[(at, slice(None)) if label == 1 else (slice(None), at)] = 220
    return Dataset(pixels, labels.astype(np.int64), tuple("abcdef"[:classes]), source="bars")


def options(**changes: object) -> TrainOptions:
    return resolve(TrainOptions(**({"model": "a.txt", "epochs": 2.0, "batch_size": 20, "whiten": False} | changes)))


@pytest.mark.parametrize("kind", sorted(set(LAYERS) - {"Dropout"}))
def test_a_training_step_computes_what_keras_computes_in_training(kind: str) -> None:
    for example in LAYERS[kind].examples():
        for spec in networks_of(example):
            loop = TrainingLoop(spec, bars(20, spec.input_shape, spec.num_classes), options())
            images = tf.constant(np.random.default_rng(0).random((20, *spec.input_shape), np.float32))
            theirs = loop.model(images, training=True).numpy()
            ours = loop.gradients.forward(images, tf.constant(1))[0].numpy()
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4, err_msg=str(spec))


def residual() -> Spec:
    return parse(RESIDUAL, input_shape=(10, 10, 1), num_classes=2)


def test_a_graph_is_trained_and_its_weights_fit_the_keras_model() -> None:
    data = bars(400, (10, 10, 1))
    fitted = fit(residual(), data, bars(100, (10, 10, 1), seed=1), options(epochs=12.0, learning_rate=0.02))
    assert fitted.outcome == "finished"
    model = build(residual(), seed=5)
    set_weights(model, fitted.weights)
    fresh = bars(300, (10, 10, 1), seed=2)
    found = model(fresh.pixels.astype(np.float32) / 255, training=False).numpy().argmax(axis=1)
    assert (found == fresh.labels).mean() > 0.95
    again = fit(residual(), data, bars(100, (10, 10, 1), seed=1), options(epochs=12.0, learning_rate=0.02))
    assert all(np.array_equal(again.weights[name], value) for name, value in fitted.weights.items())


def test_a_graph_may_begin_with_a_whitened_convolution_of_any_name() -> None:
    loop = TrainingLoop(residual(), bars(60, (10, 10, 1)), options(whiten=True))
    kernel = loop.model.get_layer("stem").kernel.numpy()
    np.testing.assert_array_equal(kernel[..., :3], -kernel[..., 3:])


@pytest.mark.parametrize(
    ("text", "invariant", "changes"),
    [
        ("Conv2D(4, 3, use_bias=False)\nBatchNormalization()", True, False),
        (
            "Conv2D(4, 3, use_bias=False)\nLeakyReLU()\nZeroPadding2D()\nMaxPooling2D()\nBatchNormalization()",
            True,
            False,
        ),
        ("Conv2D(4, 3, use_bias=False)\nRescaling(2.0)\nDropout(0.0)\nBatchNormalization()", True, False),
        ("Conv2D(4, 3, use_bias=False)\nConv2D(4, 3, use_bias=False)\nBatchNormalization()", True, False),
        ("Conv2D(4, 3, use_bias=False)\nb = BatchNormalization()\nReLU()\nAdd()(b, re_lu)", True, False),
        # a bias that is still zero changes nothing, and training changes it
        ("Conv2D(4, 3)\nBatchNormalization()", False, False),
        ("Conv2D(4, 3, use_bias=False)\nConv2D(4, 3)\nBatchNormalization()", False, False),
        ("Conv2D(4, 3, use_bias=False)\nRescaling(2.0, 0.5)\nReLU()\nBatchNormalization()", False, True),
        ("Conv2D(4, 3, use_bias=False)\nActivation('tanh')\nBatchNormalization()", False, True),
        ("Conv2D(4, 3, use_bias=False)\nReLU()", False, True),
        ("a = Conv2D(4, 3, use_bias=False)\nBatchNormalization()\nAdd()(batch_normalization, a)", False, True),
        ("a = Conv2D(1, 3, use_bias=False, padding='same')\nAdd()(a, input)\nBatchNormalization()", False, True),
    ],
)
def test_a_kernel_is_scale_invariant_where_a_factor_on_it_changes_no_logit(
    text: str, invariant: bool, changes: bool
) -> None:
    spec = parse(f"{text}\nFlatten()\nDense(2, 'softmax')", input_shape=(9, 9, 1), num_classes=2)
    assert is_scale_invariant(spec, 0) == invariant
    model = build(spec, seed=1, output="logits")
    images = np.random.default_rng(0).random((16, 9, 9, 1), np.float32)
    kernel = model.get_layer(spec.table()[0].name).kernel
    kernel.assign(kernel * 10)  # so large that epsilon in the denominator of batch normalization does not count
    before = model(images, training=True).numpy()
    kernel.assign(kernel * 3)
    after = model(images, training=True).numpy()
    assert np.allclose(before, after, atol=1e-3 * np.abs(before).max()) != changes
