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
from convscope.data.digit_normalization import frame_ink
from convscope.data.image_size import MAX_SIDE
from convscope.data.ink.ink_report import InkReport
from convscope.data.ink.polarity import border_pixels, has_dark_ink
from convscope.data.pixels import AnyPicture, contrasting_background, flatten_alpha, to_grey, to_rgb
from convscope.data.resample import nearest, resample
from convscope.errors import DataError

Grey = UInt8[np.ndarray, "h w"]

POLARITIES = ("as_is", "invert", "auto")

DECODINGS = ("exact", "draft", "fast")
"""Values of the option ``decoding``."""

BACKGROUNDS = {"white": 255, "gray": 128, "black": 0}
"""Values of the option ``background`` but ``auto``, and the gray level of each."""

DRAFT_FACTORS = (8, 4, 2)
"""By what the decoder of a JPEG file can reduce it."""

DRAFT_MARGINS = {"draft": 2, "fast": 1}
"""An image reduced while it is decoded has at least this many times as many rows and columns as it is resized to."""


@dataclass(frozen=True, eq=False)
class Framing:
    """The network's input for one image, and what preprocessing found on it.

    Attributes:
        pixels: uint8 ``(height, width, channels)``.
        report: What was found, from which warnings follow.
        digits: With fit ``"mnist"``: the input for each digit alone, left to right.
    """

    pixels: Picture
    report: InkReport
    digits: tuple[Picture, ...] = ()


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
        decoding: How JPEG files are decoded before all steps: ``"exact"`` in full, ``"draft"`` and ``"fast"``
            reduced by `draft_factor`, which is faster and changes the result (photos of 256×256 at 64×64 by 0.3 and
            by 1.1 gray levels on average).

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
    decoding: str = "exact"

    def __post_init__(self) -> None:
        _check(asdict(self))

    def to_json(self) -> dict[str, int | str]:
        """The preprocessing as plain JSON values, for the model file; without ``decoding`` if it is exact."""
        values = asdict(self)
        return {name: value for name, value in values.items() if (name, value) != ("decoding", "exact")}

    @classmethod
    def from_json(cls, value: object) -> Preprocessing:
        """Read what `to_json` returned, strictly.

        Args:
            value: Exactly the keys of `to_json`, each of its type and in its range. Without ``decoding``, as in files
                of versions that did not have it, decoding is exact.

        Raises:
            DataError: A key is missing or unknown, or a value is of the wrong type or out of its range.
        """
        expected = {field.name for field in fields(cls)}
        if not isinstance(value, Mapping) or {*value, "decoding"} != expected:
            received = sorted(map(str, value)) if isinstance(value, Mapping) else type(value).__name__
            raise DataError(
                f"Expected a preprocessing contract with exactly the keys {sorted(expected)}. "
                f"Received: preprocessing={str(received)[:200]}."
            )
        values = {"decoding": "exact", **value}
        _check(values)  # before the constructor, which a type checker may wrap
        return cls(**values)

    def draft_factor(self, height: int, width: int) -> int:
        """By how much the decoder of a JPEG file may reduce an image of this size: 8, 4, 2, or 1 for not at all.

        A draft keeps at least twice the rows and columns that the image is resized to, ``"fast"`` at least as many. It
        is 1 with exact decoding, and with fit ``"mnist"``, which looks for ink first.

        Example:
            >>> drafts = Preprocessing(64, 64, 3, decoding="draft")
            >>> drafts.draft_factor(256, 256), drafts.draft_factor(250, 250), drafts.draft_factor(3000, 4000)
            (2, 1, 8)
        """
        margin = DRAFT_MARGINS.get(self.decoding)
        if margin is None or self.fit == "mnist":
            return 1
        reductions = height / self.height, width / self.width
        reduction = max(reductions) if self.fit == "pad" else min(reductions)
        return next((factor for factor in DRAFT_FACTORS if reduction >= factor * margin), 1)

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
        return self.frame(picture).pixels

    def frame(self, picture: AnyPicture) -> Framing:
        """Convert an image as `apply` does, and report what was found on it.

        Args:
            picture: As for `apply`.

        Raises:
            DataError: As `apply`.
        """
        if picture.dtype != np.uint8 or picture.ndim != 3 or not 1 <= picture.shape[-1] <= 4 or 0 in picture.shape:
            raise DataError(
                "Expected an image of dtype uint8 and shape (h, w, c) with 1 to 4 channels. "
                f"Received: dtype={picture.dtype}, shape={picture.shape}."
            )
        if self.fit == "mnist":
            return self._frame_ink(picture)
        flat = flatten_alpha(picture, self.background)
        flat = to_grey(flat) if self.channels == 1 else to_rgb(flat)
        dark = self.polarity == "invert" or (self.polarity == "auto" and has_dark_ink(to_grey(flat)[..., 0]))
        constant = bool((flat[0] == flat[0, 0]).all() and (flat == flat[0, 0]).all())  # most differ in the first row
        fitted = FITS[self.fit](255 - flat if dark else flat, self.height, self.width)
        return Framing(np.ascontiguousarray(fitted), InkReport(dark=dark, searched=False, constant=constant))

    def _frame_ink(self, picture: AnyPicture) -> Framing:
        flat = flatten_alpha(picture, contrasting_background(picture, self.background))
        polarity = {"as_is": "light", "invert": "dark", "auto": "auto"}[self.polarity]
        framed = frame_ink(flat, self.height, self.width, polarity=polarity)
        digits = tuple(np.ascontiguousarray(one[..., None]) for one in framed.digits)
        return Framing(np.ascontiguousarray(framed.pixels[..., None]), framed.report, digits)


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


FITS: dict[str, Callable[[Picture, int, int], Picture]] = {
    "stretch": _stretch,
    "pad": _pad,
    "crop": _crop,
}
"""The ways to bring an image to the network's size that look at no ink."""

FIT_NAMES = (*FITS, "mnist")


def _check(values: Mapping[str, Any]) -> None:
    _check_whole("height", values["height"], 1, MAX_SIDE)
    _check_whole("width", values["width"], 1, MAX_SIDE)
    _check_choice("channels", values["channels"], (1, 3))
    _check_choice("fit", values["fit"], FIT_NAMES)
    _check_choice("polarity", values["polarity"], POLARITIES)
    _check_whole("background", values["background"], 0, 255)
    _check_choice("decoding", values["decoding"], DECODINGS)
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
