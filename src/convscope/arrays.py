"""Array types shared by all packages: one name for each dtype, shape and range; and the rules for class names.

Axis letters: ``n`` images, ``h`` rows, ``w`` columns, ``c`` channels, ``k`` classes. Channels last, always.
The aliases are checked under pytest (jaxtyping with beartype) and cost nothing in production.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Int64, UInt8

Pixels = UInt8[np.ndarray, "n h w c"]
"""Stored images, 0..255."""

Picture = UInt8[np.ndarray, "h w c"]
"""One stored image, 0..255."""

Images = Float32[np.ndarray, "n h w c"]
"""The network's input: ``pixels / 255``, in [0, 1]."""

Labels = Int64[np.ndarray, " n"]
"""The index of each image's class, 0..k-1."""

Logits = Float32[np.ndarray, "n k"]
"""The input of the softmax: unbounded, higher is more likely."""

Probabilities = Float32[np.ndarray, "n k"]
"""Softmax of the logits: each row sums to 1."""


MAX_CLASSES = 1000
"""The most classes that a dataset or a network may have."""

MAX_CLASS_NAME = 200
"""The most characters in a class name."""


def is_class_name(name: object) -> bool:
    r"""Whether a value is a valid class name: 1 to 200 printable characters.

    Example:
        >>> [is_class_name(name) for name in ("café", "", "two\nlines", 3)]
        [True, False, False, False]
    """
    return isinstance(name, str) and 0 < len(name) <= MAX_CLASS_NAME and name.isprintable()


def is_number(value: object, low: int | float = -math.inf, high: int | float = math.inf) -> bool:
    """Whether a JSON value is a finite number in a range; true and false are not numbers.

    Example:
        >>> [is_number(value, 0, 1) for value in (0.5, 1, 2, True, "0.5", float("nan"))]
        [True, True, False, False, False, False]
    """
    return type(value) in (int, float) and math.isfinite(value) and low <= value <= high  # type: ignore[arg-type,operator]


def to_images(pixels: Pixels) -> Images:
    """Scale stored pixels to the network's input.

    Args:
        pixels: uint8, 0..255, shape ``(n, h, w, c)``.

    Returns:
        float32 in [0, 1], the same shape.

    Example:
        >>> to_images(np.full((1, 1, 1, 1), 255, np.uint8)).item()
        1.0
    """
    return pixels.astype(np.float32) * np.float32(1 / 255)
