"""Arrays in the data of a page: little-endian bytes in base64."""

from __future__ import annotations

import base64
from typing import TypedDict

import numpy as np


class Array(TypedDict):
    """An array: little-endian bytes in base64, row-major."""

    dtype: str
    shape: list[int]
    base64: str


def array_json(value: np.ndarray) -> Array:
    """An array as its bytes.

    Example:
        >>> array_json(np.array([1.0], np.float32))
        {'dtype': 'float32', 'shape': [1], 'base64': 'AACAPw=='}
    """
    little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
    return Array(
        dtype=str(value.dtype), shape=list(value.shape), base64=base64.b64encode(little.tobytes()).decode("ascii")
    )
