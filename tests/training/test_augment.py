from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import pytest

from convscope.model.tensorflow import tf
from convscope.training.augment import augment, is_wanted
from convscope.training.augmentations import AUGMENTATIONS, Augmentation, AugmentationOptions
from convscope.training.option import AUGMENTATION, Option, option_fields
from convscope.training.options import TrainOptions

ALL_FOUR = {"shift": 2, "rotate": 9.0, "zoom": 0.12, "shear": 0.12}


class Mirror(Augmentation):
    """A geometric augmentation, as somebody would add it."""

    @dataclass(frozen=True)
    class Options:
        mirror: Annotated[bool | None, Option("Flip left and right at random.", AUGMENTATION)] = None

    def move(self, placement, draw, options, tf):
        sign = tf.sign(draw[0])
        return replace(placement, xx=placement.xx * sign, yx=placement.yx * sign)


class Offset(Augmentation):
    """One that changes values."""

    @dataclass(frozen=True)
    class Options:
        offset: Annotated[float | None, Option("Maximum change.", AUGMENTATION, 0, 1)] = None

    def adjust(self, images, draw, options, tf):
        return images + (draw[0] * options.offset)[:, None, None, None]


@dataclass(frozen=True)
class MoreOptions(Mirror.Options, Offset.Options, TrainOptions):
    """The options with those of two more augmentations."""


def some_images(n: int = 64) -> np.ndarray:
    images = np.zeros((n, 12, 10, 2), np.float32)
    images[:, 4:8, 3:7] = np.random.default_rng(0).random((n, 4, 4, 2), dtype=np.float32)
    return images


def moved(images: np.ndarray, step: int = 3, *, kind: type = TrainOptions, **options) -> np.ndarray:
    targets = tf.ones([len(images), 1])
    return augment(tf.constant(images), targets, tf.constant(step), kind(**options))[0].numpy()


def as_in_0_1(images: np.ndarray, step: int, options: TrainOptions) -> np.ndarray:
    """All four as convscope 0.1 computed them, in one go; weights of that time depend on each bit."""
    n, h, w = images.shape[:3]
    seed = tf.stack([options.seed ^ 0x0A06, tf.constant(step)])
    draw = tf.random.stateless_uniform([6, n], seed=seed, minval=-1.0, maxval=1.0)
    angle = draw[0] * np.deg2rad(options.rotate or 0)
    rows, columns = 1 + draw[1] * (options.zoom or 0), 1 + draw[2] * (options.zoom or 0)
    reach = (options.shift or 0) + 0.5 - 1e-4
    down, right = tf.round(draw[3] * reach), tf.round(draw[4] * reach)
    slant, cos, sin = draw[5] * (options.shear or 0), tf.cos(angle), tf.sin(angle)
    a0, b0 = cos * columns, sin * columns
    a1, b1 = a0 * slant - sin * rows, b0 * slant + cos * rows
    middle_x, middle_y = (w - 1) / 2, (h - 1) / 2
    a2 = middle_x + right - a0 * middle_x - a1 * middle_y
    b2 = middle_y + down - b0 * middle_x - b1 * middle_y
    zero = tf.zeros_like(angle)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=1),
        output_shape=tf.constant([h, w]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    ).numpy()


@pytest.mark.parametrize("names", [(), ("shift",), ("rotate",), ("zoom",), ("shear",), ("zoom", "shear"), (*ALL_FOUR,)])
def test_the_same_seed_gives_the_images_of_0_1_bit_by_bit(names: tuple[str, ...]) -> None:
    images, options = some_images(), {name: ALL_FOUR[name] for name in names}
    for step in (0, 3, 1000):
        expected = as_in_0_1(images, step, TrainOptions(seed=5, **options))
        assert moved(images, step, seed=5, **options).tobytes() == expected.tobytes()


def test_every_option_of_an_augmentation_belongs_to_one_class() -> None:
    own = [field.name for one in AUGMENTATIONS.values() for field in option_fields(one.Options)]
    assert sorted(own) == sorted(field.name for field in option_fields(AugmentationOptions))
    assert len(own) == len(set(own))


def test_a_new_augmentation_is_one_class_and_leaves_the_others_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    images = some_images()
    before = moved(images, **ALL_FOUR)
    for name, one in (("mirror", Mirror()), ("offset", Offset())):
        monkeypatch.setitem(AUGMENTATIONS, name, one)
    assert moved(images, kind=MoreOptions, **ALL_FOUR).tobytes() == before.tobytes()
    flipped = moved(images, kind=MoreOptions, mirror=True)
    same = (flipped == images).all(axis=(1, 2, 3))
    np.testing.assert_allclose(flipped[~same], images[~same][:, :, ::-1], atol=1e-6)
    assert 10 < same.sum() < 54
    change = moved(images, kind=MoreOptions, offset=0.25) - images
    assert np.ptp(change, axis=(1, 2, 3)).max() < 1e-6 and 0.2 < np.abs(change).max() <= 0.25
    assert {"mirror", "offset"} <= {field.name for field in option_fields(MoreOptions)}


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


def test_the_same_seed_and_step_give_the_same_images_and_others_do_not() -> None:
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


def extents(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The standard deviation of the mass along rows and along columns, in pixels."""
    found = []
    for axis in (1, 2):
        profile = images.sum(axis=(3 - axis, 3))
        places = np.arange(profile.shape[1])
        mean = (profile * places).sum(axis=1) / profile.sum(axis=1)
        spread = (profile * (places - mean[:, None]) ** 2).sum(axis=1) / profile.sum(axis=1)
        found.append(np.sqrt(spread))
    return found[0], found[1]


def test_zoom_draws_one_number_for_rows_and_another_for_columns_in_this_order() -> None:
    """The first number of the zoom is for rows: a zoom that swapped them would give other weights for the same seed."""
    images = np.zeros((64, 41, 41, 1), np.float32)
    images[:, 15:26, 15:26] = 1
    draw = tf.random.stateless_uniform([6, 64], seed=[0x0A06, 3], minval=-1.0, maxval=1.0).numpy()
    rows, columns = extents(moved(images, zoom=0.3))
    assert np.corrcoef(rows, 1 / (1 + 0.3 * draw[1]))[0, 1] > 0.99
    assert np.corrcoef(columns, 1 / (1 + 0.3 * draw[2]))[0, 1] > 0.99


@pytest.mark.parametrize("option", [{"shift": 1}, {"rotate": 1.0}, {"zoom": 0.1}, {"shear": 0.1}])
def test_augmentation_is_off_unless_asked_for(option: dict) -> None:
    assert not is_wanted(TrainOptions())
    assert is_wanted(TrainOptions(**option))
