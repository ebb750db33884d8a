import numpy as np
import pytest

from convscope.model.tensorflow import tf
from convscope.training.augment import augment, is_wanted
from convscope.training.options import TrainOptions


def some_images(n: int = 64) -> np.ndarray:
    images = np.zeros((n, 12, 10, 2), np.float32)
    images[:, 4:8, 3:7] = np.random.default_rng(0).random((n, 4, 4, 2), dtype=np.float32)
    return images


def moved(images: np.ndarray, step: int = 3, **options) -> np.ndarray:
    return augment(tf.constant(images), tf.constant(step), TrainOptions(**options)).numpy()


def test_a_shift_moves_whole_pixels_and_changes_none() -> None:
    images = some_images()
    result, shifts = moved(images, shift=2), set()
    for before, after in zip(images, result, strict=True):
        found = [
            (dy, dx)
            for dy in range(-2, 3)
            for dx in range(-2, 3)
            if np.array_equal(np.roll(before, (dy, dx), axis=(0, 1)), after)
        ]
        assert len(found) == 1
        shifts.add(found[0])
    assert len(shifts) > 15


def test_the_same_seed_and_step_give_the_same_pictures_and_others_do_not() -> None:
    images = some_images()
    one = moved(images, shift=2, rotate=10, zoom=0.1)
    np.testing.assert_array_equal(one, moved(images, shift=2, rotate=10, zoom=0.1))
    assert not np.array_equal(one, moved(images, step=4, shift=2, rotate=10, zoom=0.1))
    assert not np.array_equal(one, moved(images, seed=1, shift=2, rotate=10, zoom=0.1))


def test_a_small_rotation_keeps_the_mass_and_the_middle() -> None:
    images = np.zeros((256, 21, 21, 1), np.float32)
    images[:, 7:14, 7:14] = 1
    turned = moved(images, rotate=45)
    np.testing.assert_allclose(turned.sum(axis=(1, 2, 3)), 49, rtol=0.03)
    rows = (turned * np.arange(21)[:, None, None]).sum(axis=(1, 2, 3)) / turned.sum(axis=(1, 2, 3))
    np.testing.assert_allclose(rows, 10, atol=0.05)


def test_zoom_changes_the_mass_both_ways() -> None:
    images = np.zeros((256, 41, 41, 1), np.float32)
    images[:, 15:26, 15:26] = 1
    mass = moved(images, zoom=0.2).sum(axis=(1, 2, 3)) / 121
    assert mass.min() < 0.8 and mass.max() > 1.2
    assert mass.min() > 1 / 1.25**2 and mass.max() < 1 / 0.75**2


@pytest.mark.parametrize("option", [{"shift": 1}, {"rotate": 1.0}, {"zoom": 0.1}])
def test_augmentation_is_off_unless_asked_for(option: dict) -> None:
    assert not is_wanted(TrainOptions())
    assert is_wanted(TrainOptions(**option))
