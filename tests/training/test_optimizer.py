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
def test_orthogonalizing_brings_the_singular_values_near_one(shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    before = np.linalg.svd(matrix / np.linalg.norm(matrix), compute_uv=False)
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    result = orthogonalize(tf.constant(matrix), steps=5).numpy()
    after = np.linalg.svd(result, compute_uv=False)
    assert after.min() > 0.5 and after.max() < 1.3 and after.min() > before.min()
    # the directions stay: what changed is the lengths
    assert np.allclose(u.T @ result @ v.T, np.diag(np.diag(u.T @ result @ v.T)), atol=1e-4)


def newton_schulz(matrix: np.ndarray) -> np.ndarray:
    """Three steps of Jordan's quintic, written out in float64: a X + b (X Xt) X + c (X Xt)^2 X."""
    x = matrix.astype(np.float64) / np.linalg.norm(matrix)
    for _ in range(3):
        square = x @ x.T
        x = 3.4445 * x - 4.7750 * square @ x + 2.0315 * square @ square @ x
    return x


@pytest.mark.parametrize("shape", [(9, 4), (4, 9), (6, 6)])
def test_orthogonalizing_is_three_newton_schulz_steps_on_either_side(shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    np.testing.assert_allclose(orthogonalize(tf.constant(matrix)).numpy(), newton_schulz(matrix), atol=2e-5)


@pytest.mark.parametrize("shape", [(3, 3, 2, 4), (1, 1, 3, 8)])
def test_muon_steps_are_those_of_numpy(shape: tuple[int, ...]) -> None:
    """Momentum 0.7 in Nesterov's form, the kernel held at the square root of its filters, and minus the update."""
    options = resolve(TrainOptions(optimizer="muon", learning_rate=0.02, muon_learning_rate=0.2))
    rng = np.random.default_rng(3)
    kernel = rng.normal(size=shape).astype(np.float32)
    variable, velocity = tf.Variable(kernel), np.zeros(shape)
    optimizer = Optimizer([variable], [True], options)
    for step, rate in enumerate(RATES):
        gradient = rng.normal(size=shape).astype(np.float32)
        optimizer.apply([tf.constant(gradient)], step=tf.constant(step), rate=tf.constant(rate))
        velocity = 0.7 * velocity + gradient
        update = newton_schulz((gradient + 0.7 * velocity).reshape(-1, shape[-1])).reshape(shape)
        kernel = kernel * np.sqrt(shape[-1]) / np.linalg.norm(kernel) - rate * 0.2 / 0.02 * update
    np.testing.assert_allclose(variable.numpy(), kernel, rtol=1e-4, atol=1e-4)


def test_muon_descends_a_quadratic() -> None:
    """Half the squared distance to a kernel of the length that muon holds: its gradient is the difference."""
    options = resolve(TrainOptions(optimizer="muon", learning_rate=0.02, muon_learning_rate=0.2))
    rng = np.random.default_rng(0)
    goal, kernel = (rng.normal(size=(3, 3, 2, 4)).astype(np.float32) for _ in range(2))
    goal *= 2 / np.linalg.norm(goal)
    variable = tf.Variable(kernel * np.float32(2 / np.linalg.norm(kernel)))
    optimizer = Optimizer([variable], [True], options)
    distances = [np.linalg.norm(variable.numpy() - goal)]
    for step in range(30):
        gradient = variable - goal
        optimizer.apply([gradient], step=tf.constant(step), rate=tf.constant(0.02 * (1 - step / 30), tf.float32))
        distances.append(np.linalg.norm(variable.numpy() - goal))
    assert distances[1] < distances[0] and distances[-1] < 0.3 * distances[0]


def test_what_muon_leaves_to_adam_takes_the_steps_of_keras_s_adam() -> None:
    """Biases, normalization and kernels with a length of their own: Adam with decay rates 0.8 and 0.95."""
    ours, theirs = ([kind(g) for g in gradients(99)] for kind in (tf.Variable, keras.Variable))
    optimizer = Optimizer(ours, [False] * 3, resolve(TrainOptions(optimizer="muon", learning_rate=0.02)))
    peer = keras.optimizers.Adam(beta_1=0.8, beta_2=0.95, epsilon=1e-7)
    for step, rate in enumerate(RATES):
        optimizer.apply([tf.constant(g) for g in gradients(step)], step=tf.constant(step), rate=tf.constant(rate))
        peer.learning_rate = rate
        peer.apply([tf.constant(g) for g in gradients(step)], theirs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.numpy(), np.asarray(other), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("adam", lambda: keras.optimizers.AdamW(weight_decay=0.1, epsilon=1e-7)),
        ("sgd", lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True, weight_decay=0.1)),
    ],
)
def test_weight_decay_is_the_one_that_keras_makes_of_kernels_alone(name: str, reference) -> None:
    ours = [tf.Variable(gradient) for gradient in gradients(99)]
    theirs = [keras.Variable(gradient, name=str(index)) for index, gradient in enumerate(gradients(99))]
    optimizer = Optimizer(ours, [True] * 3, resolve(TrainOptions(optimizer=name, weight_decay=0.1)))
    peer = reference()
    peer.exclude_from_weight_decay(var_list=[theirs[1]])  # the one with a single axis
    for step, rate in enumerate(RATES):
        optimizer.apply([tf.constant(g) for g in gradients(step)], step=tf.constant(step), rate=tf.constant(rate))
        peer.learning_rate = rate
        peer.apply([tf.constant(g) for g in gradients(step)], theirs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.numpy(), np.asarray(other), rtol=2e-5, atol=2e-6)


def test_muon_holds_the_length_of_a_kernel_and_leaves_the_rest_to_adam() -> None:
    options = resolve(TrainOptions(optimizer="muon", learning_rate=0.02, muon_learning_rate=0.2))
    variables = [tf.Variable(gradient) for gradient in gradients(99)]
    optimizer = Optimizer(variables, [True, False, False], options)
    optimizer.apply([tf.constant(g) for g in gradients(0)], step=tf.constant(0), rate=tf.constant(0.0))
    assert np.linalg.norm(variables[0]) == pytest.approx(2.0, rel=1e-5)
    np.testing.assert_array_equal(variables[1], gradients(99)[1])


def test_muon_decays_no_kernel_whose_length_it_holds() -> None:
    options = resolve(TrainOptions(optimizer="muon", weight_decay=0.5))
    variables = [tf.Variable(gradient) for gradient in gradients(99)]
    zeros = [tf.zeros(shape) for shape in SHAPES]
    Optimizer(variables, [True, False, False], options).apply(zeros, step=tf.constant(0), rate=tf.constant(0.1))
    length = 2 / np.linalg.norm(gradients(99)[0])
    np.testing.assert_allclose(variables[0], gradients(99)[0] * length, rtol=1e-5)
    np.testing.assert_allclose(variables[2], gradients(99)[2] * 0.95, rtol=1e-6)


def test_weight_decay_shrinks_kernels_and_spares_biases() -> None:
    options = resolve(TrainOptions(optimizer="sgd", weight_decay=0.5))
    variables = [tf.Variable(gradient) for gradient in gradients(99)]
    zeros = [tf.zeros(shape) for shape in SHAPES]
    Optimizer(variables, [False] * 3, options).apply(zeros, step=tf.constant(0), rate=tf.constant(0.1))
    np.testing.assert_allclose(variables[2], gradients(99)[2] * 0.95, rtol=1e-6)
    np.testing.assert_array_equal(variables[1], gradients(99)[1])
