"""The total variation against a loop, and its limit."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.errors import ModelFileError
from convscope.evaluation.total_variation import VariationLimit, fit_variation_limit, total_variation


def test_the_total_variation_is_that_of_a_loop() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 4, 2), np.uint8)
    for image, found in zip(pixels.astype(int), total_variation(pixels), strict=True):
        expected = sum(abs(image[r, c, k] - image[r + 1, c, k]) for r in range(4) for c in range(4) for k in range(2))
        expected += sum(abs(image[r, c, k] - image[r, c + 1, k]) for r in range(5) for c in range(3) for k in range(2))
        assert found == pytest.approx(expected / 255)


def test_images_up_to_the_limit_have_no_excess_and_others_in_proportion() -> None:
    limit = VariationLimit(2.0, 3.0)
    pixels = np.zeros((3, 2, 2, 1), np.uint8)
    pixels[1, 0, 0], pixels[2, 0, 0], pixels[2, 1, 1] = 255, 255, 255
    assert limit.excess(pixels).tolist() == [0, 0, 3]


def test_there_is_no_limit_where_images_do_not_vary_or_have_no_neighbors() -> None:
    distances = np.ones(4, np.float32)
    assert fit_variation_limit(0.0, distances, (5, 5, 1)) is None
    assert fit_variation_limit(3.0, distances, (1, 5, 1)) is None
    assert fit_variation_limit(3.0, distances * 0, (5, 5, 1)) is None
    assert fit_variation_limit(3.0, distances, (5, 5, 1)) is not None


@pytest.mark.parametrize("change", [{"largest": 0}, {"weight": -1}, {"weight": "1"}, {"largest": None}, {"x": 1}])
def test_other_values_than_training_writes_are_refused(change: dict) -> None:
    value = VariationLimit(150.0, 20.0).to_json()
    assert VariationLimit.from_json(value) == VariationLimit(150.0, 20.0)
    for wrong in (value | change, [1], None):
        with pytest.raises(ModelFileError):
            VariationLimit.from_json(wrong)
