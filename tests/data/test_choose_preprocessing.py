"""Which images are framed as MNIST's."""

from __future__ import annotations

import numpy as np

from convscope.data.choose_preprocessing import follows_mnist
from convscope.data.mnist import load_part


def test_the_framing_rule_knows_mnist_from_others() -> None:
    pixels = load_part("test").pixels[:500]
    assert follows_mnist(pixels)
    assert not follows_mnist(255 - pixels)
    assert not follows_mnist(np.roll(pixels, 3, axis=1))
    assert not follows_mnist(np.repeat(pixels, 3, axis=-1))
    assert not follows_mnist(np.zeros((50, 28, 28, 1), np.uint8))
    rng = np.random.default_rng(0)
    assert not follows_mnist(rng.integers(0, 256, (50, 28, 28, 1), np.uint8))
