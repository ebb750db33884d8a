"""Lines, blur and noise, each against NumPy with the same random numbers."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.model.tensorflow import tf
from convscope.training.augment import augment
from convscope.training.augmentations import AUGMENTATIONS
from convscope.training.options import TrainOptions

N, H, W, STEP = 60, 11, 14, 3
ALL = {"lines": 0.5, "blur": 0.1, "noise": 0.2}


def photos(channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.1, 0.9, (N, H, W, channels)).astype(np.float32)


def applied(images: np.ndarray, *, step: int = STEP, shard: int | None = None, **options) -> np.ndarray:
    targets = tf.ones([len(images), 2])
    number = None if shard is None else tf.constant(shard)
    return augment(tf.constant(images), targets, tf.constant(step), TrainOptions(**options), shard=number)[0].numpy()


def draws(name: str) -> np.ndarray:
    """The random numbers of one augmentation, uniform in 0..1."""
    names = list(AUGMENTATIONS)
    total = sum(one.draws for one in AUGMENTATIONS.values())
    first = sum(AUGMENTATIONS[one].draws for one in names[: names.index(name)])
    rows = tf.random.stateless_uniform([total, N], seed=[0x0A06, STEP], minval=-1.0, maxval=1.0).numpy()
    return (rows[first : first + AUGMENTATIONS[name].draws].astype(np.float64) + 1) / 2


@pytest.mark.parametrize("channels", [1, 3])
def test_blur_is_a_gaussian_mean_over_the_pixels_of_half_of_the_images(channels: int) -> None:
    images, amount = photos(channels), 2 * draws("blur")[0] - 1
    after = applied(images, blur=0.1)
    rows, columns = np.mgrid[:H, :W]
    for n in np.flatnonzero(amount < 0):
        assert after[n].tobytes() == images[n].tobytes()
    for n in np.flatnonzero(amount > 0.1):
        sigma = amount[n] * 0.1 * min(H, W)
        for y, x in ((0, 0), (5, 6), (H - 1, 3)):
            weights = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * sigma**2))
            expected = (weights[..., None] * images[n]).sum(axis=(0, 1)) / weights.sum()
            np.testing.assert_allclose(after[n, y, x], expected, atol=2e-5)
    assert 15 < (amount < 0).sum() < 45 and amount.max() > 0.9


def test_noise_in_half_of_the_images_has_the_standard_deviation_that_was_drawn_for_each() -> None:
    gray, amount = np.full((N, 40, 40, 3), 0.5, np.float32), np.maximum(2 * draws("noise")[0] - 1, 0)
    noise = applied(gray, noise=0.1) - gray
    np.testing.assert_allclose(noise.std(axis=(1, 2, 3)), amount * 0.1, rtol=0.06, atol=1e-6)
    np.testing.assert_allclose(noise.mean(axis=(1, 2, 3)), 0, atol=0.006)
    assert 15 < (amount == 0).sum() < 45
    unit = (noise / np.maximum(noise.std(axis=(1, 2, 3), keepdims=True), 1e-6))[amount > 0]
    for a, b in ((unit[:-1], unit[1:]), (unit[:, :-1], unit[:, 1:]), (unit[..., 0], unit[..., 1])):
        assert abs((a * b).mean()) < 0.02
    assert abs((noise * (applied(gray, noise=0.1, step=4) - gray)).mean()) < 1e-4
    bright = applied(np.ones_like(gray), noise=1.0)
    assert bright.min() >= 0 and bright.max() <= 1


@pytest.mark.parametrize("level", [0.2, 0.8])
def test_lines_are_straight_white_on_dark_images_and_black_on_light_ones(level: float) -> None:
    images = np.full((N, H, W, 3), level, np.float32)
    chance, turn, place, width = draws("lines")
    after, ink = applied(images, lines=0.5), 1.0 if level < 0.5 else 0.0
    rows, columns = np.mgrid[:H, :W]
    for n in range(N):
        angle, half = (2 * turn[n] - 1) * np.pi, width[n] * min(H, W) / 20
        across = np.cos(angle) * (rows - (H - 1) / 2) - np.sin(angle) * (columns - (W - 1) / 2)
        distance = np.abs(across - (2 * place[n] - 1) * min(H, W) / 5)
        amount = np.clip(half + 0.5 - distance, 0, 1) if chance[n] < 0.5 else np.zeros((H, W))
        np.testing.assert_allclose(after[n], (level + (ink - level) * amount)[..., None] * np.ones(3), atol=1e-4)
    assert 15 < (after != images).any(axis=(1, 2, 3)).sum() < 45


@pytest.mark.parametrize("name", ALL)
def test_a_shard_depends_on_its_number_only_and_is_the_part_of_the_batch_that_it_was(name: str) -> None:
    images, options = photos(1), {name: ALL[name]}
    parts = [applied(images[at * 20 :][:20], shard=at, shards=3, **options) for at in range(3)]
    again = applied(images[20:40], shard=1, shards=3, **options)
    assert again.tobytes() == parts[1].tobytes()
    if name == "noise":  # only its strength is that of the whole batch
        assert applied(images[20:40], shard=2, shards=3, **options).tobytes() != again.tobytes()
    else:
        np.testing.assert_allclose(np.concatenate(parts), applied(images, **options), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_all_of_them_together_follow_from_seed_and_step_and_stay_in_range(channels: int) -> None:
    one, two = (applied(photos(channels), **ALL) for _ in range(2))
    assert one.tobytes() == two.tobytes() and one.shape == (N, H, W, channels)
    assert one.min() >= 0 and one.max() <= 1
    assert applied(photos(channels), **ALL, seed=1).tobytes() != one.tobytes()
    single = applied(np.full((5, 1, 1, channels), 0.5, np.float32), **ALL)
    assert single.shape == (5, 1, 1, channels) and np.isfinite(single).all()
