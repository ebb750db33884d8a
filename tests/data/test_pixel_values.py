"""One rule turns numbers into pixels: what is unambiguous is converted, the rest is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convscope.data.pixel_values import as_batch, as_pixels
from convscope.errors import DataError

LEVELS = np.arange(256)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", ">u2", "float16", "float32", "float64", ">f4"])
def test_the_numbers_from_0_to_255_keep_their_value_in_every_dtype(dtype: str) -> None:
    assert as_pixels(LEVELS.astype(dtype), "x").pixels.tolist() == LEVELS.tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4"])
def test_every_level_comes_back_from_fractions(dtype: str) -> None:
    assert as_pixels((LEVELS / 255).astype(dtype), "x").pixels.tolist() == LEVELS.tolist()


@given(hnp.arrays(np.float64, st.integers(1, 20), elements=st.floats(0, 1)))
def test_fractions_are_scaled_and_rounded_half_up(values: np.ndarray) -> None:
    assert as_pixels(values, "x").pixels.tolist() == [int(value * 255 + 0.5) for value in values.tolist()]


@pytest.mark.parametrize(
    ("values", "pixels", "interpretation"),
    [
        (np.array([0.0, 1.0]), [0, 255], "float64 from 0 to 1, multiplied by 255"),
        (np.array([0.0, 0.0]), [0, 0], "float64 from 0 to 1, multiplied by 255"),
        (np.array([0.0, 2.0]), [0, 2], "float64 whole numbers from 0 to 255"),
        (np.array([0, 2]), [0, 2], "int64 from 0 to 255"),
        (np.array([0, 0]), [0, 0], "int64 from 0 to 255"),
        (np.array([0, 1], np.uint8), [0, 1], "uint8 from 0 to 255"),
        (np.array([False, True]), [0, 255], "bool, False is 0 and True is 255"),
    ],
)
def test_what_was_decided_is_reported(values: np.ndarray, pixels: list[int], interpretation: str) -> None:
    found = as_pixels(values, "x")
    assert found.pixels.dtype == np.uint8
    assert (found.pixels.tolist(), found.interpretation) == (pixels, interpretation)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([0.0, 127.5]), r"Received: 0 to 127\.5, with fractions"),
        (np.array([-0.5, 0.5]), r"Received: -0\.5 to 0\.5"),
        (np.array([-1.0, 1.0]), r"Received: -1 to 1"),
        (np.array([0.0, 256.0]), r"Received: 0 to 256"),
        (np.array([0.5, np.nan]), r"Expected finite pixels in x\. Received: nan at position \(1,\)"),
        (np.array([0.5, np.inf]), r"Received: inf at position \(1,\)"),
        (np.array([0, 1]), r"Received: int64 with only 0 to 1, which may be a mask"),
        (np.array([-1, 5]), r"Received: -1 to 5"),
        (np.array([0, 256]), r"Received: 0 to 256"),
        (np.array(["a"]), r"Received: dtype=<U1"),
        (np.array([1j]), r"Received: dtype=complex128"),
    ],
)
def test_what_is_ambiguous_is_refused_with_a_hint(values: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        as_pixels(values, "x")
    assert caught.value.hint and str(caught.value).startswith("Expected ")


def test_batches_are_put_into_one_order() -> None:
    image = np.arange(60).reshape(1, 4, 5, 3)
    assert (as_batch(image, "x") == image).all()
    assert (as_batch(np.moveaxis(image, -1, 1), "x") == image).all()
    assert as_batch(np.zeros((7, 4, 5)), "x").shape == (7, 4, 5, 1)
    with pytest.raises(DataError, match=r"in x\. Received: shape=\(7, 10\)"):
        as_batch(np.zeros((7, 10)), "x")
