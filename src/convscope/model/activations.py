"""The activation functions in plain NumPy, with the constants of Keras 3, and their derivatives: float32 in and out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

Tensor = Float32[np.ndarray, "..."]


def softmax(logits: Tensor) -> Tensor:
    """Exponentials that sum to one over the last axis; the largest logit is subtracted first against overflow.

    Example:
        >>> softmax(np.array([[1000.0, 1000.0]], np.float32)).tolist()
        [[0.5, 0.5]]
    """
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _leaky_relu(x: Tensor) -> Tensor:
    return np.maximum(x, np.float32(0.2) * x)


def _elu(x: Tensor) -> Tensor:
    below = np.minimum(x, np.float32(0))
    return np.where(x > 0, x, np.expm1(below, out=below))


SELU_SCALE, SELU_ALPHA = np.float32(1.0507009873554805), np.float32(1.6732632423543772)
"""Source: Klambauer et al., "Self-normalizing neural networks", 2017."""


def _selu(x: Tensor) -> Tensor:
    below = np.minimum(x, np.float32(0))
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(below, out=below))


def _sigmoid(x: Tensor) -> Tensor:
    # exp of a negative number only: it may underflow but cannot overflow
    power = -np.abs(x)
    np.exp(power, out=power)
    above = np.where(x >= 0, np.float32(1), power)
    return np.divide(above, np.add(power, 1, out=power), out=above)


def _hard_sigmoid(x: Tensor) -> Tensor:
    return np.clip(x / np.float32(6) + np.float32(0.5), np.float32(0), np.float32(1))


def _softplus(x: Tensor) -> Tensor:
    return np.logaddexp(x, np.float32(0))


_TAIL = [
    np.float32(factor)
    for factor in (
        0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
        -1.26551223,
    )
]  # fmt: skip
_FAR = np.float32(20)


def _normal_cdf(x: Tensor) -> Tensor:
    """The fraction of a normal distribution below x.

    Source:
        Press et al., "Numerical recipes", section 6.2: a Chebyshev fit of erfc whose relative error is below 1.2e-7.
    """
    size = np.minimum(np.abs(x) / np.float32(math.sqrt(2)), _FAR)
    t = 1 / (1 + size / 2)
    series = np.zeros_like(t)
    for factor in _TAIL:
        series = series * t + factor
    tail = t * np.exp(series - size * size) / 2
    return np.where(x < 0, tail, 1 - tail)


def _gelu_slope(x: Tensor, y: Tensor) -> Tensor:
    near = np.clip(x, -_FAR, _FAR)
    return _normal_cdf(x) + near * np.exp(-near * near / 2) * np.float32(1 / math.sqrt(2 * math.pi))


def _mish_slope(x: Tensor, y: Tensor) -> Tensor:
    bent = np.tanh(_softplus(x))
    return bent + x * _sigmoid(x) * (1 - bent * bent)


ACTIVATION_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, np.float32(0)),
    "relu6": lambda x: np.clip(x, np.float32(0), np.float32(6)),
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "gelu": lambda x: x * _normal_cdf(x),
    "silu": lambda x: x * _sigmoid(x),
    "hard_silu": lambda x: x * _hard_sigmoid(x),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sigmoid": _sigmoid,
    "hard_sigmoid": _hard_sigmoid,
    "tanh": np.tanh,
    "softmax": softmax,
}
"""Every activation of the vocabulary: leaky_relu's slope is 0.2, elu's alpha is 1, gelu is the exact one."""


def _silu_slope(x: Tensor, y: Tensor) -> Tensor:
    probability = (0.5 + 0.5 * np.tanh(0.5 * x)).astype(np.float32)
    return probability * (1 + x * (1 - probability))


def _inside(x: Tensor, low: float, high: float) -> Tensor:
    return ((x > low) & (x < high)).astype(np.float32)


SLOPES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "linear": lambda x, y: np.ones_like(x),
    "relu": lambda x, y: (x > 0).astype(np.float32),
    "relu6": lambda x, y: _inside(x, 0, 6),
    "leaky_relu": lambda x, y: np.where(x > 0, np.float32(1), np.float32(0.2)),
    "elu": lambda x, y: np.where(x > 0, np.float32(1), y + 1),
    "selu": lambda x, y: np.where(x > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
    "gelu": _gelu_slope,
    "silu": _silu_slope,
    "hard_silu": lambda x, y: _hard_sigmoid(x) + x * _inside(x, -3, 3) / np.float32(6),
    "mish": _mish_slope,
    "softplus": lambda x, y: _sigmoid(x),
    "softsign": lambda x, y: (1 - np.abs(y)) ** 2,
    "sigmoid": lambda x, y: y * (1 - y),
    "hard_sigmoid": lambda x, y: _inside(x, -3, 3) / np.float32(6),
    "tanh": lambda x, y: 1 - y * y,
}
"""The derivative of each activation but softmax, from its input and its output; at the corner of a ReLU it is 0."""

HOMOGENEOUS = ("linear", "relu", "leaky_relu")
"""The activations that turn a positive factor on their input into the same factor on their output."""
