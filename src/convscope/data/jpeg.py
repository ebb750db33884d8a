"""Decode JPEG files with simplejpeg where it is installed: the pixels of Pillow's decoder in two thirds of its time.

Both use libjpeg-turbo. What simplejpeg refuses, warns about or might reduce otherwise is left to Pillow, so that the
same files can be read, with the same errors. Heavy.
"""

from __future__ import annotations

import functools
from types import ModuleType

from jaxtyping import UInt8
from numpy import ndarray

COLOR_SPACES = {("YCbCr", "RGB"): "RGB", ("Gray", "L"): "GRAY"}
"""What a file holds and Pillow's mode for it, and what it is decoded to. Others (CMYK, Adobe RGB) are rare."""

MIN_SIDE = 64
"""Smaller images may have the same size for two reductions."""


def decode_jpeg(data: bytes, size: tuple[int, int], mode: str, factor: int) -> UInt8[ndarray, "h w c"] | None:
    """Decode a JPEG file as Pillow does.

    Args:
        data: The bytes of the file.
        size: Columns and rows of the image, as Pillow read them.
        mode: Pillow's mode for it.
        factor: By what the decoder reduces both sides, rounding up: 1, 2, 4 or 8.

    Returns:
        None if Pillow has to decode it.
    """
    simplejpeg = _simplejpeg()
    if simplejpeg is None or (factor > 1 and min(size) < MIN_SIDE):
        return None
    width, height = (-(-side // factor) for side in size)
    try:
        stored_height, stored_width, stored, _ = simplejpeg.decode_jpeg_header(data)
        wanted = COLOR_SPACES.get((stored, mode))
        if wanted is None or (stored_width, stored_height) != size:
            return None
        pixels = simplejpeg.decode_jpeg(data, wanted, min_height=height, min_width=width, min_factor=factor)
    except (ValueError, MemoryError):
        return None
    return pixels if pixels.shape[:2] == (height, width) else None


@functools.cache
def _simplejpeg() -> ModuleType | None:
    try:
        import simplejpeg
    except ImportError:
        return None
    return simplejpeg
