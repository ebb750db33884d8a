"""Dark ink on a light background or the reverse."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from convscope.data.ink.background import Counts, Gray, Mask, edge_of
from convscope.data.resample import reduce_to

WORKING_SIDE = 256
"""Larger images are reduced to this before the ink is searched; a digit may be a tenth as high as the photo."""


def border_pixels(picture: UInt8[np.ndarray, "h w *c"]) -> np.ndarray:
    """The outermost pixels of all four sides, each once."""
    if min(picture.shape[:2]) <= 2:
        return picture.reshape(-1, *picture.shape[2:])
    return np.concatenate([picture[0], picture[-1], picture[1:-1, 0], picture[1:-1, -1]])


def has_dark_ink(grey: Gray) -> bool:
    """Whether an image shows dark ink on a light background, decided from its border.

    The border is background: its brightness ranges from its 10 % level to its 90 % level. Ink lies beyond this range.
    The side that reaches further beyond it decides: the 0.2 % level of the whole image, or its 99.8 % level. If both
    reach equally far (a blank image), a median of the border of 128 or more means a light background.

    Images with sides above 256 pixels are reduced first, which removes noise. A level is the sorted pixel at
    ``floor(fraction * (n - 1) + 1e-6)``.

    Example:
        >>> paper = np.full((9, 9), 230, np.uint8)
        >>> paper[3:6, 4] = 20
        >>> has_dark_ink(paper), has_dark_ink(255 - paper)
        (True, False)
    """
    grey = reduce_to(grey[..., None], WORKING_SIDE)[..., 0]
    border = border_pixels(grey)
    if not border.any():  # nothing is darker than black
        return False
    return _is_darker(_counts(border), _counts(grey))


def is_darker(gray: Gray, region: Mask, counts: Counts | None = None) -> bool:
    """The same for the part of an image that a sheet covers; its outermost pixels are the border.

    Args:
        gray: The image.
        region: The sheet.
        counts: How many pixels of it have each gray level; None counts them.
    """
    if region.all():
        border, whole = border_pixels(gray), gray
    else:
        border, whole = gray[edge_of(region)], gray[region]
    return _is_darker(_counts(border), _counts(whole) if counts is None else counts)


def _counts(levels: np.ndarray) -> Counts:
    return np.bincount(levels.reshape(-1), minlength=256)


def _is_darker(border: Counts, whole: Counts) -> bool:
    border, whole = border.cumsum(), whole.cumsum()
    darker = _level(border, 0.1) - _level(whole, 0.002)
    lighter = _level(whole, 0.998) - _level(border, 0.9)
    if darker == lighter:
        return _level(border, 0.5) >= 128
    return darker > lighter


def _level(up_to: np.ndarray, fraction: float) -> int:
    """The level at a fraction of the sorted pixels, from the number of pixels up to each level."""
    return int(up_to.searchsorted(int(fraction * (int(up_to[-1]) - 1) + 1e-6), "right"))
