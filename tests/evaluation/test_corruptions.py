"""Every corruption: the same from the same seed, stronger at each strength, for images of any size."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.data import mnist
from convscope.errors import OptionError
from convscope.evaluation.corruptions import CORRUPTIONS, STRENGTHS, corrupt


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return mnist.load_part("test").pixels[:60]


def test_there_are_twenty_at_five_strengths() -> None:
    assert len(CORRUPTIONS) == 20 and STRENGTHS == (1, 2, 3, 4, 5)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_stronger_one_changes_more_and_a_seed_gives_the_same(name: str, digits: np.ndarray) -> None:
    changes = []
    for strength in STRENGTHS:
        found = corrupt(digits, name, strength, seed=4)
        assert found.dtype == np.uint8 and found.shape == digits.shape
        np.testing.assert_array_equal(found, corrupt(digits, name, strength, seed=4))
        changes.append(float(np.abs(found.astype(float) - digits).mean()))
    assert changes[0] > 0
    assert changes == sorted(changes)


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("shape", [(2, 1, 1, 1), (1, 3, 9, 3), (2, 64, 48, 3)])
def test_images_of_any_size_and_color_work(name: str, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    for strength in (1, 5):
        assert corrupt(pixels, name, strength).shape == shape


def test_values_that_are_known_by_hand() -> None:
    flat = np.full((1, 4, 4, 1), 200, np.uint8)
    assert (corrupt(flat, "darker", 2) == 100).all()
    assert (corrupt(flat, "Gaussian blur", 5) == 200).all()
    assert (corrupt(flat, "rotation", 5) == 200).all()
    assert (corrupt(flat, "low contrast", 5) == 200).all()
    dot = np.zeros((1, 20, 20, 1), np.uint8)
    dot[0, 10, 10] = 255
    moved = corrupt(dot, "shift", 3)  # 0.15 × 20 = 3 pixels away, split among four pixels
    rows, columns = np.mgrid[:20, :20]
    weight = moved[0, ..., 0] / moved.sum()
    assert np.hypot((weight * rows).sum() - 10, (weight * columns).sum() - 10) == pytest.approx(3, abs=0.1)
    blocks = corrupt(dot, "pixelation", 5)[0, ..., 0]  # 0.21 × 20 is a block of 4
    assert (blocks[8:12, 8:12] == 16).all() and blocks.sum() == 16 * 16


def test_another_seed_gives_other_noise(digits: np.ndarray) -> None:
    assert (corrupt(digits, "shot noise", 3, seed=0) != corrupt(digits, "shot noise", 3, seed=1)).any()


def test_an_unknown_corruption_is_refused(digits: np.ndarray) -> None:
    for name, strength in (("rain", 1), ("shadow", 6)):
        with pytest.raises(OptionError, match="strength from 1 to 5"):
            corrupt(digits, name, strength)
