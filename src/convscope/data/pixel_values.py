"""How arrays of numbers become uint8 pixels: one rule for files, arrays in memory, training and prediction.

Light: NumPy only.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from convscope.errors import DataError

HINT = "Use uint8 from 0 to 255, or floats from 0 to 1."


class PixelValues(NamedTuple):
    """Pixels, and how their values were interpreted.

    Attributes:
        pixels: uint8, 0..255, the shape of the input.
        interpretation: For display, such as ``"float32 from 0 to 1, multiplied by 255"``.
    """

    pixels: np.ndarray
    interpretation: str


def as_pixels(values: np.ndarray, name: str) -> PixelValues:
    """Convert an array of brightness values to uint8 pixels, and refuse what could mean two things.

    | values | meaning |
    |---|---|
    | uint8 | 0..255, unchanged |
    | bool | 0 and 255 |
    | integers 0..255 with one above 1 | 0..255 |
    | integers, all 0 | black |
    | integers 0 and 1 only | refused: a mask, or nearly black |
    | floats in [0, 1] | multiplied by 255 and rounded half up |
    | floats, all whole numbers 0..255 with one above 1 | 0..255 |
    | floats with fractions above 1 | refused: unknown range |
    | negative, above 255, NaN or infinite | refused |
    | another dtype | refused |

    The array is judged as a whole, so pass all images of a batch together.

    Args:
        values: Any shape.
        name: The name used in error messages.

    Returns:
        The pixels and how the values were interpreted.

    Raises:
        DataError: See the table.

    Example:
        >>> as_pixels(np.array([0.0, 0.5, 1.0]), "example").pixels.tolist()
        [0, 128, 255]
        >>> as_pixels(np.array([0.0, 128.0, 255.0]), "example")
        PixelValues(pixels=array([  0, 128, 255], dtype=uint8), interpretation='float64 whole numbers from 0 to 255')
    """
    if values.dtype == np.uint8:
        return PixelValues(values, "uint8 from 0 to 255")
    if values.dtype == np.bool_:
        return PixelValues(values.astype(np.uint8) * np.uint8(255), "bool, False is 0 and True is 255")
    if values.dtype.kind not in "iuf":
        raise DataError(f"Expected pixels as numbers in {name}. Received: dtype={values.dtype}.", hint=HINT)
    if values.size == 0:
        return PixelValues(np.zeros(values.shape, np.uint8), "no values")
    return _from_floats(values, name) if values.dtype.kind == "f" else _from_integers(values, name)


def as_batch(array: np.ndarray, name: str) -> np.ndarray:
    """Arrange an array of images as ``(n, h, w, c)``.

    Accepts ``(n, h, w)``, ``(n, h, w, 1 or 3)``, ``(n, 1 or 3, h, w)``, and flat ``(n, h·w)`` with a square number of
    pixels.

    Raises:
        DataError: Another shape.

    Example:
        >>> as_batch(np.zeros((5, 784)), "example").shape
        (5, 28, 28, 1)
    """
    shape = array.shape
    if array.ndim == 4 and shape[-1] in (1, 3):
        return array
    if array.ndim == 4 and shape[1] in (1, 3):
        return np.ascontiguousarray(array.transpose(0, 2, 3, 1))
    if array.ndim == 3:
        return array[..., None]
    if array.ndim == 2 and shape[1] and math.isqrt(shape[1]) ** 2 == shape[1]:
        side = math.isqrt(shape[1])
        return array.reshape(-1, side, side, 1)
    raise DataError(f"Expected images of shape (n, h, w) or (n, h, w, 1 or 3) in {name}. Received: shape={shape}.")


def _from_integers(values: np.ndarray, name: str) -> PixelValues:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 255:
        raise DataError(f"Expected pixels from 0 to 255 in {name}. Received: {low} to {high}.", hint=HINT)
    if high == 1:
        raise DataError(
            f"Expected pixels from 0 to 255 in {name}. Received: {values.dtype} with only {low} to 1, which may be a "
            "mask or nearly black.",
            hint="Convert a mask to bool, pixels to uint8.",
        )
    return PixelValues(values.astype(np.uint8), f"{values.dtype} from 0 to 255")


def _from_floats(values: np.ndarray, name: str) -> PixelValues:
    finite = np.isfinite(values)
    if not finite.all():
        place = tuple(int(axis[0]) for axis in np.nonzero(~finite))
        raise DataError(f"Expected finite pixels in {name}. Received: {values[place]} at position {place}.", hint=HINT)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        scaled = np.floor(values.astype(np.float64, copy=False) * 255 + 0.5).astype(np.uint8)
        return PixelValues(scaled, f"{values.dtype} from 0 to 1, multiplied by 255")
    if low >= 0 and high <= 255 and bool((values == np.floor(values)).all()):
        return PixelValues(values.astype(np.uint8), f"{values.dtype} whole numbers from 0 to 255")
    raise DataError(
        f"Expected pixels as floats in 0..1, or whole numbers in 0..255, in {name}. Received: {low:g} to {high:g}"
        f"{', with fractions' if low >= 0 and high <= 255 else ''}.",
        hint=HINT,
    )
