"""Pixels of a Pillow image, by its mode: grayscale or RGB, then upright.

Heavy: uses Pillow.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from convscope.arrays import Picture
from convscope.data.pixel_values import as_pixels
from convscope.data.pixels import flatten_alpha

GRAY_ROWS = 64
MORE_GRAY_ROWS = 512
"""Rows that are compared at a time, the first time and then: most colored images show it in the first ones."""


def to_array(image: Image.Image, name: str, background: int | None) -> Picture:
    """Grayscale or RGB pixels, by the image's mode; see `decode.decode` for the rules.

    Args:
        image: Loaded.
        name: The name used in error messages.
        background: Gray level behind transparent pixels, 0..255; None keeps them, as a second or fourth channel.

    Raises:
        DataError: Numbers of mode F that cannot be read as gray levels.
    """
    if image.mode in ("I", "I;16", "I;16B", "I;16L", "I;16N"):
        wide = np.asarray(image).astype(np.int64)
        gray = _from_wide(np.maximum(wide, 0))
        clear = image.info.get("transparency")
        if isinstance(clear, int):
            gray[wide == clear] = 255 if background is None else background
        return gray[..., None]
    if image.mode == "F":
        return as_pixels(np.asarray(image), name).pixels[..., None]
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or image.has_transparency_data:
        wanted = "LA" if image.mode in ("LA", "La") else "RGBA"
        with_alpha = np.asarray(image if image.mode == wanted else image.convert(wanted))
        return with_alpha if background is None else flatten_alpha(with_alpha, background)
    if image.mode in ("1", "L"):
        return np.asarray(image if image.mode == "L" else image.convert("L"))[..., None]
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _from_wide(values: np.ndarray) -> UInt8[np.ndarray, "h w"]:
    high = int(values.max())
    top = next((limit for limit in (255, 1023, 4095, 16383, 65535) if high <= limit), high)
    return ((values * 510 + top) // (2 * top)).astype(np.uint8)


def finished(pixels: Picture, orientation: int) -> UInt8[np.ndarray, "h2 w2 c2"]:
    """Upright pixels, grayscale where red, green and blue are equal everywhere.

    Args:
        pixels: uint8 ``(h, w, c)``.
        orientation: The EXIF orientation, 1..8.
    """
    if pixels.shape[-1] == 3 and _is_gray(pixels):
        pixels = pixels[..., :1]
    return np.ascontiguousarray(_upright(pixels, orientation))


def _upright(pixels: Picture, orientation: int) -> UInt8[np.ndarray, "h2 w2 c"]:
    """Undo the EXIF orientation: 2..4 are mirrored or upside down, 5..8 are rotated by 90 degrees."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _is_gray(pixels: Picture) -> bool:
    rows = pixels.reshape(len(pixels), -1)
    start, count = 0, GRAY_ROWS
    while start < len(rows):
        part = rows[start : start + count]
        differ = np.bitwise_or.reduce(part[:, 1:] ^ part[:, :-1], axis=0)  # values side by side: 0 1 2 0 1 2
        if differ[::3].any() or differ[1::3].any():
            return False
        start, count = start + count, MORE_GRAY_ROWS
    return True
