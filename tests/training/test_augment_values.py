"""The augmentations of photos: flip, crop, color, erasing, mixing; each against what NumPy computes."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.errors import OptionError
from convscope.model.tensorflow import tf
from convscope.training.augment import augment
from convscope.training.options import TrainOptions

N, H, W = 200, 8, 12


def photos() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.2, 0.8, (N, H, W, 3)).astype(np.float32)


def one_hot() -> np.ndarray:
    return np.eye(5, dtype=np.float32)[np.arange(N) % 5]


def applied(images: np.ndarray, *, step: int = 3, **options) -> tuple[np.ndarray, np.ndarray]:
    done = augment(tf.constant(images), tf.constant(one_hot()), tf.constant(step), TrainOptions(**options))
    return done[0].numpy(), done[1].numpy()


def test_flip_mirrors_about_half_of_the_images_and_changes_no_other() -> None:
    images = photos()
    after, targets = applied(images, flip=True)
    same = np.isclose(after, images, atol=1e-5).all(axis=(1, 2, 3))
    np.testing.assert_allclose(after[~same], images[~same][:, :, ::-1], atol=1e-5)
    assert 70 < same.sum() < 130 and (targets == one_hot()).all()


def test_crop_takes_a_part_inside_the_image_of_the_stated_area_and_shape() -> None:
    ramp = np.zeros((N, H, W, 2), np.float32)
    ramp[..., 0], ramp[..., 1] = np.arange(H)[:, None], np.arange(W)
    after, _ = applied(ramp, crop=0.6)
    top, bottom = after[:, 0, 0, 0], after[:, -1, -1, 0]
    left, right = after[:, 0, 0, 1], after[:, -1, -1, 1]
    assert min(top.min(), left.min()) >= -1e-4 and bottom.max() <= H - 1 + 1e-4 and right.max() <= W - 1 + 1e-4
    tall, wide = (bottom - top) / (H - 1), (right - left) / (W - 1)
    area = tall * wide
    assert 0.34 < area.min() < 0.5 and area.max() > 0.9 and np.ptp(top) > 2 and np.ptp(left) > 3
    inside = (tall < 0.999) & (wide < 0.999)
    assert ((tall / wide)[inside] > 0.74).all() and ((tall / wide)[inside] < 1.34).all()


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_colors_change_as_described_within_the_stated_range(name: str) -> None:
    images = photos()
    after, targets = applied(images, **{name: 0.2})
    gray = (images @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    center = {"brightness": 0.0, "contrast": images.mean(axis=(1, 2, 3), keepdims=True), "saturation": gray}[name]
    factors = np.median((after - center) / (images - center), axis=(1, 2, 3))
    expected = np.clip(center + (images - center) * factors[:, None, None, None], 0, 1)
    np.testing.assert_allclose(after, expected, atol=1e-4)
    assert 0.8 <= factors.min() < 0.85 and 1.15 < factors.max() <= 1.2001
    assert (targets == one_hot()).all()


def test_saturation_leaves_grayscale_images_alone() -> None:
    gray = photos()[..., :1]
    np.testing.assert_array_equal(applied(gray, saturation=0.5)[0], gray)


def test_erase_replaces_a_square_by_the_mean_color() -> None:
    images = photos()
    after, targets = applied(images, erase=0.5)
    changed = (after != images).any(axis=-1)
    mean = np.broadcast_to(images.mean(axis=(1, 2), keepdims=True), images.shape)
    np.testing.assert_allclose(after[changed], mean[changed], atol=1e-5)
    for one in changed:
        rows, columns = np.flatnonzero(one.any(axis=1)), np.flatnonzero(one.any(axis=0))
        assert one[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        assert len(rows) <= H // 2 and len(columns) <= W // 2
    assert changed.sum(axis=(1, 2)).max() == (H // 2) * (W // 2) and (targets == one_hot()).all()


def test_mixup_averages_images_and_labels_with_the_same_weights() -> None:
    images = photos()
    after, targets = applied(images, mixup=1.0)
    weight = targets[np.arange(N), np.arange(N) % 5]
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    other = np.roll(images, -1, axis=0)
    expected = images * weight[:, None, None, None] + other * (1 - weight)[:, None, None, None]
    np.testing.assert_allclose(after, expected, atol=1e-5)
    assert weight.min() < 0.05 and weight.max() > 0.95 and abs(weight.mean() - 0.5) < 0.1
    few = applied(images, mixup=0.25)[1].max(axis=1) < 1
    assert 30 < few.sum() < 70


def test_cutmix_mixes_labels_by_the_area_that_was_replaced() -> None:
    images = photos()
    after, targets = applied(images, cutmix=1.0)
    replaced = (after == np.roll(images, -1, axis=0)).all(axis=-1)
    assert (replaced | (after == images).all(axis=-1)).all()
    np.testing.assert_allclose(targets[np.arange(N), np.arange(N) % 5], 1 - replaced.mean(axis=(1, 2)), atol=1e-6)
    assert replaced.mean(axis=(1, 2)).max() > 0.7 and np.ptp(replaced.mean(axis=(1, 2))) > 0.6
    few = applied(images, cutmix=0.25)[1].max(axis=1) < 1
    assert 20 < few.sum() < 70


def test_everything_together_depends_on_seed_and_step_only() -> None:
    every = {"flip": True, "crop": 0.3, "brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "erase": 0.2,
             "mixup": 0.5, "cutmix": 0.5, "shift": 1, "rotate": 5.0}  # fmt: skip
    one, two = applied(photos(), **every), applied(photos(), **every)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(one, two, strict=True))
    assert applied(photos(), step=4, **every)[0].tobytes() != one[0].tobytes()
    assert one[0].min() >= 0 and one[0].max() <= 1


@pytest.mark.parametrize("option", [{"crop": 1.0}, {"mixup": 1.5}, {"flip": 1}, {"brightness": -0.1}])
def test_what_is_out_of_range_is_refused(option: dict) -> None:
    with pytest.raises(OptionError, match="must be"):
        TrainOptions(**option)


def test_thickness_moves_the_edges_of_some_images_by_one_pixel_either_way() -> None:
    bar = np.zeros((N, H, W, 1), np.float32)
    bar[:, 2:6, 4:8] = 1
    after, targets = applied(bar, thickness=0.45)
    ink = after.sum(axis=(1, 2, 3)).astype(int)
    assert set(ink.tolist()) == {9, 16, 25}  # 3×3, 4×4 and 5×5 pixels
    changed = ink != 16
    assert 0.3 < changed.mean() < 0.6 and 0.3 < (ink[changed] == 25).mean() < 0.7
    for index in (np.argmax(ink == 9), np.argmax(ink == 25)):
        near = [np.roll(bar[index], (-down, -right), (0, 1)) for down in (0, 1) for right in (0, 1)]
        expected = (np.min if ink[index] == 9 else np.max)(near, axis=0)
        np.testing.assert_array_equal(after[index], expected)
    assert (targets == one_hot()).all()
