"""The gradients of convolutions are their adjoints: for all x and g, ⟨g, conv(x)⟩ = ⟨gradient(g), x⟩."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.model import gradient_ops, ops
from convscope.model.window import Window

WINDOWS = [
    Window((3, 3)),
    Window((3, 2), (2, 1), "same"),
    Window((2, 3), (1, 3), "valid", (2, 1)),
    Window((4, 4), (3, 3), "same"),
]
SHAPE = (2, 9, 8, 4)


def numbers(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("groups", [None, 1, 2, 4])
def test_the_gradient_of_a_convolution_is_its_adjoint(window: Window, groups: int | None) -> None:
    more = {} if groups is None else {"groups": groups}
    kernel, x = numbers((*window.kernel_size, 4 // (groups or 1), 8), 0), numbers(SHAPE, 1)
    y = ops.conv2d(x, kernel, None, window=window, **more)
    g = numbers(y.shape, 2)
    back = gradient_ops.conv2d_gradient(g, SHAPE, kernel, window=window, **more)
    assert back.dtype == np.float32 and back.shape == SHAPE
    assert np.vdot(g, y) == pytest.approx(np.vdot(back, x), rel=1e-4)


@pytest.mark.parametrize("window", WINDOWS)
def test_the_gradient_of_a_depthwise_convolution_is_its_adjoint(window: Window) -> None:
    if window.strides[0] != window.strides[1]:
        window = Window(window.kernel_size, (2, 2), window.padding)
    kernel, x = numbers((*window.kernel_size, 4, 3), 0), numbers(SHAPE, 1)
    y = ops.depthwise_conv2d(x, kernel, None, window=window)
    g = numbers(y.shape, 2)
    back = gradient_ops.depthwise_conv2d_gradient(g, SHAPE, kernel, window=window)
    assert np.vdot(g, y) == pytest.approx(np.vdot(back, x), rel=1e-4)
