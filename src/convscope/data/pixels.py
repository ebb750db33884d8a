"""Operations on single pixels: transparency, grayscale, RGB."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from convscope.arrays import Picture

AnyPicture = UInt8[np.ndarray, "rows columns channels"]

BRIGHTNESS = np.array([19595, 38470, 7471], np.float32)
"""The weights of red, green and blue, times 65536 (ITU-R 601)."""

CONTRAST = 64
"""Gray levels between ink and background from which on it can be seen."""


def flatten_alpha(picture: AnyPicture, background: int) -> Picture:
    """Blend an image that has an alpha channel with a gray level: ``(p a + background (255 - a) + 127) // 255``.

    Example:
        >>> flatten_alpha(np.array([[[0, 0], [0, 255]]], np.uint8), 255)[..., 0].tolist()
        [[255, 0]]
    """
    if picture.shape[-1] in (1, 3):
        return picture
    color, alpha = picture[..., :-1].astype(np.uint32), picture[..., -1:].astype(np.uint32)
    return ((color * alpha + background * (255 - alpha) + 127) // 255).astype(np.uint8)


def to_grey(picture: AnyPicture) -> Picture:
    """The brightness of each pixel: ``(19595 R + 38470 G + 7471 B + 32768) >> 16`` (ITU-R 601).

    Example:
        >>> to_grey(np.array([[[255, 0, 0]]], np.uint8)).item()
        76
    """
    if picture.shape[-1] == 1:
        return picture
    wide = picture.reshape(-1, 3).astype(np.float32)  # which is exact up to 2^24; the sum is below
    sums = wide @ BRIGHTNESS
    sums += np.float32(1 << 15)
    sums *= np.float32(1 / (1 << 16))
    return sums.astype(np.uint8).reshape(*picture.shape[:-1], 1)


def to_rgb(picture: AnyPicture) -> Picture:
    """Repeat a grayscale image in three channels; RGB is unchanged."""
    return np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture


def contrasting_background(picture: AnyPicture, background: int) -> int:
    """The gray level to lay ink on that was drawn on a transparent ground.

    It is ``background``, unless at least a quarter of the pixels is mostly transparent and the mean brightness of the
    others, weighted by alpha, is less than 64 levels from it: then it is black for light ink and white for dark ink.

    Example:
        >>> white = np.array([[[255, 0], [255, 255]]], np.uint8)
        >>> contrasting_background(white, 255), contrasting_background(white, 100)
        (0, 100)
    """
    level = _level_of_ink(picture)
    return background if level is None or abs(level - background) >= CONTRAST else 255 * (level < 128)


def stands_out(picture: AnyPicture, background: int) -> bool | None:
    """Whether a drawing on a transparent ground can be seen on a gray level; None if the ground is not transparent.

    Example:
        >>> white = np.array([[[255, 0], [255, 255]]], np.uint8)
        >>> stands_out(white, 255), stands_out(white, 0), stands_out(white[..., :1], 0)
        (False, True, None)
    """
    level = _level_of_ink(picture)
    return None if level is None else abs(level - background) >= CONTRAST


def _level_of_ink(picture: AnyPicture) -> int | None:
    """The mean brightness weighted by alpha; None unless at least a quarter of the pixels is mostly transparent."""
    if picture.shape[-1] in (1, 3):
        return None
    alpha = picture[..., -1].astype(np.int64)
    weight = int(alpha.sum())
    if int((alpha < 128).sum()) * 4 < alpha.size or weight == 0:
        return None
    return int((to_grey(picture[..., :-1])[..., 0] * alpha).sum()) // weight


def opaque(picture: AnyPicture) -> Picture:
    """An image as it is shown: transparent pixels are white, or black behind light ink."""
    return flatten_alpha(picture, contrasting_background(picture, 255))
