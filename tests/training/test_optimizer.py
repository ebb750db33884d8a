"""Our update rules against Keras's own, step by step."""

import numpy as np
import pytest

from convscope.model.tensorflow import keras, tf
from convscope.training.optimizer import Optimizer, orthogonalize
from convscope.training.options import TrainOptions, resolve

SHAPES = [(3, 3, 2, 4), (4,), (7, 5)]
RATES = [0.01, 0.02, 0.005, 0.001]


def gradients(step: int) -> list[np.ndarray]:
    rng = np.random.default_rng(step)
    return [rng.normal(size=shape).astype(np.float32) for shape in SHAPES]


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("adam", lambda: keras.optimizers.Adam(epsilon=1e-7)),
        ("sgd", lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True)),
    ],
)
def test_an_update_is_the_one_that_keras_makes(name: str, reference) -> None:
    ours = [tf.Variable(gradient) for gradient in gradients(99)]
    theirs = [keras.Variable(gradient) for gradient in gradients(99)]
    optimizer = Optimizer(ours, [False] * 3, resolve(TrainOptions(optimizer=name)))
    peer = reference()
    for step, rate in enumerate(RATES):
        optimizer.apply([tf.constant(g) for g in gradients(step)], step=tf.constant(step), rate=tf.constant(rate))
        peer.learning_rate = rate
        peer.apply([tf.constant(g) for g in gradients(step)], theirs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.numpy(), np.asarray(other), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("shape", [(9, 4), (4, 9), (6, 6)])
def test_orthogonalising_brings_the_singular_values_near_one(shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    before = np.linalg.svd(matrix / np.linalg.norm(matrix), compute_uv=False)
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    result = orthogonalize(tf.constant(matrix), steps=5).numpy()
    after = np.linalg.svd(result, compute_uv=False)
    assert after.min() > 0.5 and after.max() < 1.3 and after.min() > before.min()
    # the directions stay: what changed is the lengths
    assert np.allclose(u.T @ result @ v.T, np.diag(np.diag(u.T @ result @ v.T)), atol=1e-4)


def test_muon_holds_the_length_of_a_kernel_and_leaves_the_rest_to_adam() -> None:
    options = resolve(TrainOptions(optimizer="muon", learning_rate=0.02, muon_learning_rate=0.2))
    variables = [tf.Variable(gradient) for gradient in gradients(99)]
    optimizer = Optimizer(variables, [True, False, False], options)
    optimizer.apply([tf.constant(g) for g in gradients(0)], step=tf.constant(0), rate=tf.constant(0.0))
    assert np.linalg.norm(variables[0]) == pytest.approx(2.0, rel=1e-5)
    np.testing.assert_array_equal(variables[1], gradients(99)[1])


def test_weight_decay_shrinks_kernels_and_spares_biases() -> None:
    options = resolve(TrainOptions(optimizer="sgd", weight_decay=0.5))
    variables = [tf.Variable(gradient) for gradient in gradients(99)]
    zeros = [tf.zeros(shape) for shape in SHAPES]
    Optimizer(variables, [False] * 3, options).apply(zeros, step=tf.constant(0), rate=tf.constant(0.1))
    np.testing.assert_allclose(variables[2], gradients(99)[2] * 0.95, rtol=1e-6)
    np.testing.assert_array_equal(variables[1], gradients(99)[1])
