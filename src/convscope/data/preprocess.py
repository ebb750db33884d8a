"""Preprocessing: how any image becomes the network's input.

The preprocessing is a value. Training stores it in the model file; `predict`, `explain` and the HTML page read it from
there, so that all of them give the network the same pixels. The page repeats it in JavaScript, so each step is integer
arithmetic or has a stated rounding (``tests/cases/preprocess.json`` holds both to the same pixels).

Light: NumPy and the standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import UInt8

from convscope.arrays import Picture
from convscope.data import digit_normalization
from convscope.data.resample import nearest, resample
from convscope.errors import DataError

MAX_SIDE = 1024
"""The largest input of a network; a model file with a larger one is damaged or malicious."""

Grey = UInt8[np.ndarray, "h w"]
AnyPicture = UInt8[np.ndarray, "rows columns channels"]

POLARITIES = ("as_is", "invert", "auto")


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the network's input.

    `apply` performs these steps:

    1. Transparency: pixels are blended with gray level ``background``.
    2. Channels: RGB to grayscale as ``(19595 R + 38470 G + 7471 B + 32768) >> 16``; grayscale to RGB by repetition.
    3. Polarity: ``"as_is"`` keeps the intensities; ``"invert"`` uses 255 - p; ``"auto"`` inverts dark ink on a light
       background, so that ink is always light (see `has_dark_ink`).
    4. Fit, to ``height``×``width``:
       ``"stretch"`` resizes without keeping the proportions;
       ``"pad"`` resizes to the largest size of the same proportions that fits, centers it, and fills the rest with the
       border color of the image (the median of its outermost pixels, for each channel);
       ``"crop"`` resizes to the smallest size of the same proportions that covers, and crops to the center;
       ``"mnist"`` is MNIST's own preprocessing: the ink is fitted into 20×20 and centered by mass in 28×28
       (`digit_normalization.frame_ink`).

    Attributes:
        height: Rows of the result, 1..1024.
        width: Columns of the result, 1..1024.
        channels: 1 (grayscale) or 3 (RGB).
        fit: ``"stretch"``, ``"pad"``, ``"crop"`` or ``"mnist"``.
        polarity: ``"as_is"``, ``"invert"`` or ``"auto"``.
        background: Gray level behind transparent pixels, 0..255; white by default.

    Raises:
        DataError: A value is of the wrong type or out of range.

    Example:
        >>> contract = Preprocessing(28, 28, 1, fit="mnist", polarity="auto")
        >>> contract.apply(np.full((100, 80, 3), 250, np.uint8)).shape
        (28, 28, 1)
        >>> Preprocessing.from_json(contract.to_json()) == contract
        True
    """

    height: int
    width: int
    channels: int
    fit: str = "pad"
    polarity: str = "as_is"
    background: int = 255

    def __post_init__(self) -> None:
        _check(asdict(self))

    def to_json(self) -> dict[str, int | str]:
        """The preprocessing as plain JSON values, for the model file."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Preprocessing:
        """Read what `to_json` returned, strictly.

        Args:
            value: Exactly the keys of `to_json`, each of its type and in its range.

        Raises:
            DataError: A key is missing or unknown, or a value is of the wrong type or out of its range.
        """
        expected = {field.name for field in fields(cls)}
        if not isinstance(value, Mapping) or set(value) != expected:
            received = sorted(map(str, value)) if isinstance(value, Mapping) else type(value).__name__
            raise DataError(
                f"Expected a preprocessing contract with exactly the keys {sorted(expected)}. "
                f"Received: preprocessing={str(received)[:200]}."
            )
        _check(value)  # before the constructor, which a type checker may wrap
        return cls(**value)

    def apply(self, picture: AnyPicture) -> Picture:
        """Convert an image to the network's input; the class lists the steps.

        Args:
            picture: uint8, 0..255, shape ``(h, w, c)``: c is 1 (grayscale), 2 (grayscale and
                alpha), 3 (RGB) or 4 (RGBA).

        Returns:
            uint8, 0..255, shape ``(height, width, channels)``.

        Raises:
            DataError: Another dtype or shape, or an empty array.
        """
        if picture.dtype != np.uint8 or picture.ndim != 3 or not 1 <= picture.shape[-1] <= 4 or 0 in picture.shape:
            raise DataError(
                "Expected an image of dtype uint8 and shape (h, w, c) with 1 to 4 channels. "
                f"Received: dtype={picture.dtype}, shape={picture.shape}."
            )
        flat = flatten_alpha(picture, self.background)
        flat = to_grey(flat) if self.channels == 1 else to_rgb(flat)
        if self.polarity == "invert" or (self.polarity == "auto" and has_dark_ink(to_grey(flat)[..., 0])):
            flat = 255 - flat
        return np.ascontiguousarray(FITS[self.fit](flat, self.height, self.width))


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
    wide = picture.astype(np.uint32)
    return ((19595 * wide[..., :1] + 38470 * wide[..., 1:2] + 7471 * wide[..., 2:] + 32768) >> 16).astype(np.uint8)


def to_rgb(picture: AnyPicture) -> Picture:
    """Repeat a grayscale image in three channels; RGB is unchanged."""
    return np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture


def border_pixels(picture: UInt8[np.ndarray, "h w *c"]) -> np.ndarray:
    """The outermost pixels of all four sides, each once."""
    if min(picture.shape[:2]) <= 2:
        return picture.reshape(-1, *picture.shape[2:])
    return np.concatenate([picture[0], picture[-1], picture[1:-1, 0], picture[1:-1, -1]])


def has_dark_ink(grey: Grey) -> bool:
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
    grey = digit_normalization.reduce_to(grey, digit_normalization.WORKING_SIDE)
    border = np.sort(border_pixels(grey), axis=None)
    whole = np.sort(grey, axis=None)
    darker = _level(border, 0.1) - _level(whole, 0.002)
    lighter = _level(whole, 0.998) - _level(border, 0.9)
    if darker == lighter:
        return _level(border, 0.5) >= 128
    return darker > lighter


def _level(ordered: np.ndarray, fraction: float) -> int:
    return int(ordered[int(fraction * (len(ordered) - 1) + 1e-6)])


def _stretch(picture: AnyPicture, height: int, width: int) -> Picture:
    return resample(picture, height, width)


def _pad(picture: AnyPicture, height: int, width: int) -> Picture:
    h, w, _ = picture.shape
    scale = min(height / h, width / w)
    inner = _scaled(picture, scale, (height, width), largest=True)
    if inner.shape[:2] == (height, width):
        return inner
    border = np.sort(border_pixels(picture), axis=0)
    out = np.empty((height, width, picture.shape[-1]), np.uint8)
    out[:] = border[(len(border) - 1) // 2]
    top, left = (height - inner.shape[0]) // 2, (width - inner.shape[1]) // 2
    out[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return out


def _crop(picture: AnyPicture, height: int, width: int) -> Picture:
    h, w, _ = picture.shape
    inner = _scaled(picture, max(height / h, width / w), (height, width), largest=False)
    top, left = (inner.shape[0] - height) // 2, (inner.shape[1] - width) // 2
    return inner[top : top + height, left : left + width]


def _scaled(picture: AnyPicture, scale: float, limit: tuple[int, int], *, largest: bool) -> Picture:
    """Resize by ``scale``, with sides rounded half up and clipped to at most (or at least) the limit."""
    sides = [max(1, nearest(side * scale)) for side in picture.shape[:2]]
    clip = min if largest else max
    return resample(picture, clip(sides[0], limit[0]), clip(sides[1], limit[1]))


def _mnist(picture: AnyPicture, height: int, width: int) -> Picture:
    return digit_normalization.frame_ink(picture[..., 0], height, width)[..., None]


FITS: dict[str, Callable[[Picture, int, int], Picture]] = {
    "stretch": _stretch,
    "pad": _pad,
    "crop": _crop,
    "mnist": _mnist,
}
"""The ways to bring an image to the network's size."""


def _check(values: Mapping[str, Any]) -> None:
    _check_whole("height", values["height"], 1, MAX_SIDE)
    _check_whole("width", values["width"], 1, MAX_SIDE)
    _check_choice("channels", values["channels"], (1, 3))
    _check_choice("fit", values["fit"], tuple(FITS))
    _check_choice("polarity", values["polarity"], POLARITIES)
    _check_whole("background", values["background"], 0, 255)
    if values["fit"] == "mnist" and values["channels"] != 1:
        raise DataError(
            "Expected 1 channel with fit 'mnist', which is for grayscale digits. "
            f"Received: fit='mnist', channels={values['channels']}."
        )


def _check_whole(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise DataError(f"Expected {name} as an integer from {low} to {high}. Received: {name}={value!r}.")


def _check_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    if isinstance(value, bool) or not isinstance(value, int | str) or value not in choices:
        listed = ", ".join(map(str, choices))
        raise DataError(f"Expected {name} to be one of {listed}. Received: {name}={value!r}.")
