"""Which way each augmentation moves a pixel: an image whose two channels are its own coordinates tells the map."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.model.tensorflow import tf
from convscope.training.augment import augment
from convscope.training.options import TrainOptions

H, W, N = 31, 41, 400
MIDDLE = np.array([(H - 1) / 2, (W - 1) / 2])


def maps(**options: float) -> tuple[np.ndarray, np.ndarray]:
    """For each image the matrix and the offset from output to input, as (row, column).

    Bilinear interpolation is exact on a plane, so that both follow from the middle of the image, where no border
    reaches.
    """
    rows, columns = np.mgrid[:H, :W].astype(np.float32)
    images = np.repeat(np.stack([rows, columns], axis=-1)[None], N, axis=0)
    targets = tf.ones([len(images), 1])
    result = (
        augment(tf.constant(images), targets, tf.constant(5), TrainOptions(**options))[0].numpy().astype(np.float64)
    )
    y, x = (H - 1) // 2, (W - 1) // 2
    down, right = result[:, y + 4, x] - result[:, y - 4, x], result[:, y, x + 4] - result[:, y, x - 4]
    return np.stack([down, right], axis=-1) / 8, result[:, y, x] - MIDDLE


def test_zoom_stretches_rows_and_columns_apart() -> None:
    matrix, offset = maps(zoom=0.2)
    np.testing.assert_allclose(matrix[:, 0, 1], 0, atol=1e-4)
    np.testing.assert_allclose(matrix[:, 1, 0], 0, atol=1e-4)
    np.testing.assert_allclose(offset, 0, atol=1e-3)
    for axis in (0, 1):
        factors = matrix[:, axis, axis]
        assert 0.8 <= factors.min() < 0.82 and 1.18 < factors.max() <= 1.2
        assert factors.mean() == pytest.approx(1, abs=0.02)
    assert abs(np.corrcoef(matrix[:, 0, 0], matrix[:, 1, 1])[0, 1]) < 0.2


def test_rotation_turns_about_the_middle_and_keeps_lengths() -> None:
    matrix, offset = maps(rotate=20.0)
    np.testing.assert_allclose(np.einsum("nij,nik->njk", matrix, matrix), np.tile(np.eye(2), (N, 1, 1)), atol=1e-3)
    np.testing.assert_allclose(np.linalg.det(matrix), 1, atol=1e-3)
    degrees = np.degrees(np.arctan2(matrix[:, 1, 0], matrix[:, 0, 0]))
    assert -20 <= degrees.min() < -18 and 18 < degrees.max() <= 20
    np.testing.assert_allclose(offset, 0, atol=1e-3)


def test_shear_slants_rows_along_the_columns() -> None:
    matrix, offset = maps(shear=0.3)
    np.testing.assert_allclose(matrix[:, 0], np.tile([1, 0], (N, 1)), atol=1e-4)
    np.testing.assert_allclose(matrix[:, 1, 1], 1, atol=1e-4)
    assert -0.3 <= matrix[:, 1, 0].min() < -0.27 and 0.27 < matrix[:, 1, 0].max() <= 0.3
    np.testing.assert_allclose(offset, 0, atol=1e-3)


def test_shift_moves_rows_and_columns_apart_by_every_whole_number() -> None:
    matrix, offset = maps(shift=2)
    np.testing.assert_allclose(matrix, np.tile(np.eye(2), (N, 1, 1)), atol=1e-4)
    for axis in (0, 1):
        values, counts = np.unique(np.rint(offset[:, axis]), return_counts=True)
        assert values.tolist() == [-2, -1, 0, 1, 2] and counts.min() > N / 5 * 0.6
    assert abs(np.corrcoef(offset.T)[0, 1]) < 0.2


def test_the_draws_of_a_seed_are_those_that_the_figures_were_measured_with() -> None:
    """Shear, then zoom, then rotation, then shift, each from its own row of one draw."""
    matrix, offset = maps(rotate=10.0, zoom=0.1, shift=1, shear=0.2, seed=3)
    draw = tf.random.stateless_uniform([6, N], seed=[3 ^ 0x0A06, 5], minval=-1.0, maxval=1.0).numpy().astype(np.float64)
    for n in range(N):
        turn = np.radians(10) * draw[0, n]
        zoom = np.diag([1 + 0.1 * draw[1, n], 1 + 0.1 * draw[2, n]])  # rows, columns
        rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        shear = np.array([[1, 0], [0.2 * draw[5, n], 1]])
        np.testing.assert_allclose(matrix[n], rotation @ zoom @ shear, atol=2e-3)
        np.testing.assert_allclose(offset[n], np.rint(1.5 * draw[3:5, n]), atol=2e-3)
