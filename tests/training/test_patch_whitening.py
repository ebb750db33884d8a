"""The whitening kernel against patches cut out one by one: filtered, they are uncorrelated and of variance one."""

from __future__ import annotations

import numpy as np
import pytest
from samples import network

from convscope.errors import OptionError
from convscope.model.spec import Spec
from convscope.model.spec_parser import parse
from convscope.training.patch_whitening import whitening_kernel

SHAPE = (17, 15, 3)


def one_image() -> np.ndarray:
    """The same image many times: whichever of them are drawn, the patches are known."""
    rng = np.random.default_rng(0)
    smooth = np.cumsum(np.cumsum(rng.normal(size=SHAPE), axis=0), axis=1)
    pixels = np.clip(smooth * 12 + 128, 0, 255).astype(np.uint8)
    return np.repeat(pixels[None], 9, axis=0)


def spec(filters: int, strides: tuple[int, int]) -> Spec:
    text = f"Conv2D({filters}, (3, 2), strides={strides})\nFlatten()\nDense(num_classes, activation='softmax')"
    return parse(text, input_shape=SHAPE, num_classes=2)


def patches(image: np.ndarray, strides: tuple[int, int]) -> np.ndarray:
    """Every patch of 3 by 2 pixels at steps of the strides plus two, in [0, 1], row by row, channels last."""
    return np.array(
        [
            image[y : y + 3, x : x + 2].reshape(-1) / 255
            for y in range(0, SHAPE[0] - 2, 2 + strides[0])
            for x in range(0, SHAPE[1] - 1, 2 + strides[1])
        ]
    )


@pytest.mark.parametrize("strides", [(1, 1), (2, 1), (1, 3)])
def test_what_the_filters_make_of_the_patches_is_white(strides: tuple[int, int]) -> None:
    images = one_image()
    kernel = whitening_kernel(spec(36, strides), images, seed=0)
    assert kernel.shape == (3, 2, 3, 36) and kernel.dtype == np.float32
    rows = patches(images[0], strides)
    filtered = rows @ kernel.reshape(18, 36)[:, :18]
    moment = filtered.T @ filtered / len(rows)
    variances = np.linalg.eigvalsh(rows.T @ rows / len(rows))[::-1]
    np.testing.assert_allclose(moment, np.diag(variances / (variances + 0.01)), atol=2e-4)
    assert (np.diff(np.diag(moment)) <= 1e-4).all(), "the direction of largest variance comes first"


def test_the_second_half_of_the_filters_are_the_first_with_the_other_sign() -> None:
    kernel = whitening_kernel(spec(20, (1, 1)), one_image(), seed=0)
    np.testing.assert_array_equal(kernel[..., :10], -kernel[..., 10:])
    odd = whitening_kernel(spec(7, (1, 1)), one_image(), seed=0)
    np.testing.assert_array_equal(odd[..., :3], -odd[..., 4:])


def test_filters_beyond_the_directions_are_mixes_of_length_one() -> None:
    images = one_image()
    kernel = whitening_kernel(spec(50, (1, 1)), images, seed=0)
    np.testing.assert_array_equal(kernel[..., :25], -kernel[..., 25:])
    directions, more = kernel.reshape(18, 50)[:, :18], kernel.reshape(18, 50)[:, 18:25]
    mix = np.linalg.solve(directions.astype(np.float64), more)
    np.testing.assert_allclose(np.linalg.norm(mix, axis=0), 1, rtol=1e-4)
    other = whitening_kernel(spec(50, (1, 1)), images, seed=1)
    np.testing.assert_allclose(other[..., :18], kernel[..., :18], rtol=1e-4, atol=1e-5)
    assert not np.allclose(other[..., 18:25], kernel[..., 18:25], atol=1e-2), "the seed draws the mix"


def test_the_seed_decides_which_images_are_looked_at() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5000, *SHAPE)).astype(np.uint8)
    one, again, other = (whitening_kernel(spec(8, (1, 1)), pixels, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_the_sample_is_the_one_that_the_figures_were_measured_with() -> None:
    """2,000 images drawn with replacement; two of the three are gray, so that their number shows in the variance."""
    pixels = np.zeros((3, *SHAPE), np.uint8)
    pixels[0] = one_image()[0]
    drawn = np.random.default_rng([7, 0x57E3]).integers(0, 3, 2000)
    rows = patches(pixels[0], (1, 1))
    moment = rows.T @ rows / len(rows) * np.mean(drawn == 0)
    kernel = whitening_kernel(spec(36, (1, 1)), pixels, seed=7).reshape(18, 36)[:, :18].astype(np.float64)
    variances = np.linalg.eigvalsh(moment)[::-1]
    np.testing.assert_allclose((kernel**2).sum(axis=0), 1 / (variances + 0.01), rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Flatten()", "Flatten"),
        ("DepthwiseConv2D(3)\nFlatten()", "DepthwiseConv2D"),
    ],
)
def test_a_network_that_does_not_begin_with_a_convolution_is_refused(text: str, named: str) -> None:
    spec = network(f"{text}\nDense(num_classes, activation='softmax')")
    with pytest.raises(OptionError, match=rf"begins with a Conv2D without groups\. Received: .*{named}.*no-whiten"):
        whitening_kernel(spec, np.zeros((3, 10, 10, 1), np.uint8), seed=0)


def test_groups_are_refused() -> None:
    grouped = parse(
        "Conv2D(6, 3, groups=3)\nFlatten()\nDense(num_classes, activation='softmax')",
        input_shape=SHAPE,
        num_classes=2,
    )
    with pytest.raises(OptionError, match="without groups"):
        whitening_kernel(grouped, one_image(), seed=0)
