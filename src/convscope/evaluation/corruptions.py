"""Twenty ways in which images get worse, at five strengths each, from a seed. Light (NumPy).

The images are uint8 ``(n, h, w, c)`` as a network receives them. Lengths are fractions of the shorter side, so that a
strength means the same for images of all sizes. Where pixels come from outside an image, its edge is repeated.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

from convscope.arrays import Pixels
from convscope.errors import OptionError

STRENGTHS = (1, 2, 3, 4, 5)
SMALLEST = 1e-6
"""Instead of 0 as a divisor, in images of one pixel."""

Stored = Float32[np.ndarray, "n h w c"]
"""Images, 0 to 255."""

Corruption = Callable[[Stored, float, np.random.Generator], Stored]
"""Images, a level and randomness; at level 0 nothing changes."""


def corrupt(pixels: Pixels, name: str, strength: int, *, seed: int = 0) -> Pixels:
    """Apply one corruption.

    Args:
        pixels: uint8 ``(n, h, w, c)``.
        name: A key of `CORRUPTIONS`.
        strength: 1 (weak) to 5 (strong).
        seed: Of everything random in it.

    Raises:
        OptionError: There is no such corruption or strength.

    Source:
        The idea, and five strengths: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
        corruptions and perturbations", ICLR 2019; for digits: Mu and Gilmer, "MNIST-C", 2019. The corruptions and
        levels here are our own, so that figures are not comparable with theirs.

    Example:
        >>> corrupt(np.full((1, 2, 2, 1), 100, np.uint8), "brighter", 1).ravel().tolist()
        [126, 126, 126, 126]
    """
    if name not in CORRUPTIONS or strength not in STRENGTHS:
        raise OptionError(
            f"Expected one of {', '.join(CORRUPTIONS)}, and a strength from 1 to 5. Received: {name!r}, {strength!r}."
        )
    function, levels = CORRUPTIONS[name]
    rng = np.random.default_rng([seed, list(CORRUPTIONS).index(name), strength])
    found = function(pixels.astype(np.float32), levels[strength - 1], rng)
    return np.clip(np.rint(found), 0, 255).astype(np.uint8)


def _gaussian_noise(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    return images + 255 * level * rng.normal(size=images.shape).astype(np.float32)


def _shot_noise(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    photons = 1 / level
    return (rng.poisson(images / 255 * photons) / photons * 255).astype(np.float32)


def _salt_and_pepper(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    chance = rng.random((*images.shape[:3], 1))
    return np.where(chance < level / 2, 0, np.where(chance > 1 - level / 2, 255, images)).astype(np.float32)


def _convolved(images: Stored, weights: np.ndarray, axis: int) -> Stored:
    half = len(weights) // 2
    width = [(0, 0)] * 4
    width[axis] = (half, half)
    padded = np.pad(images, width, mode="edge")
    size = images.shape[axis]
    moved = (np.take(padded, np.arange(at, at + size), axis=axis) * weight for at, weight in enumerate(weights))
    return sum(moved, np.zeros_like(images)).astype(np.float32)


def _gaussian_blur(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    sigma = level * min(images.shape[1:3])
    half = max(1, int(np.ceil(3 * sigma)))
    weights = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)
    weights /= weights.sum()
    return _convolved(_convolved(images, weights, 1), weights, 2)


def _defocus(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    """A disk: the mean over all offsets within a radius, each weighted by how much of its pixel lies inside."""
    radius = level * min(images.shape[1:3])
    half = int(np.ceil(radius))
    rows, columns = np.mgrid[-half : half + 1, -half : half + 1]
    weights = np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1)
    total = np.zeros_like(images)
    for dy, dx, weight in zip(rows.ravel(), columns.ravel(), weights.ravel(), strict=True):
        if weight:
            total += np.float32(weight) * _moved(images, int(dy), int(dx))
    return total / np.float32(weights.sum())


def _motion_blur(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    length, angles = level * min(images.shape[1:3]), rng.uniform(0, np.pi, len(images))
    steps = np.linspace(-0.5, 0.5, max(3, 2 * int(np.ceil(length)) + 1)) * length
    moved = (_sampled(images, dy=np.sin(angles) * step, dx=np.cos(angles) * step) for step in steps)
    return sum(moved, np.zeros_like(images)) / np.float32(len(steps))


def _pixelation(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    h, w = images.shape[1:3]
    block = max(2, round(level * min(h, w)))
    starts_y, starts_x = np.arange(0, h, block), np.arange(0, w, block)
    sums = np.add.reduceat(np.add.reduceat(images, starts_y, axis=1), starts_x, axis=2)
    areas = np.outer(np.diff([*starts_y, h]), np.diff([*starts_x, w]))[None, :, :, None]
    return (sums / areas)[:, np.arange(h) // block][:, :, np.arange(w) // block].astype(np.float32)


def _brighter(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    return images + 255 * level


def _darker(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    return images * (1 - level)


def _low_contrast(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    means = images.mean(axis=(1, 2, 3), keepdims=True)
    return means + (images - means) * (1 - level)


def _shadow(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    h, w = images.shape[1:3]
    angles = rng.uniform(0, 2 * np.pi, len(images))[:, None, None]
    rows, columns = np.mgrid[:h, :w]
    ramp = np.cos(angles) * (columns / max(1, w - 1) - 0.5) + np.sin(angles) * (rows / max(1, h - 1) - 0.5)
    return images + 255 * level * np.clip(ramp + 0.5, 0, 1)[..., None].astype(np.float32)


def _fog(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    clouds = _smooth(rng, images.shape[:3], 0.15)
    clouds = clouds - clouds.min(axis=(1, 2), keepdims=True)
    clouds = clouds / np.maximum(clouds.max(axis=(1, 2), keepdims=True), SMALLEST)
    return images * (1 - level) + 255 * level * clouds[..., None]


def _few_levels(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    """Gray levels with ordered dithering turned into noise: each pixel is rounded to one of a few levels."""
    steps = max(1, round(1 / level))
    threshold = rng.random((*images.shape[:3], 1))
    return (np.floor(images / 255 * steps + threshold) / steps * 255).astype(np.float32)


def _rotation(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    return _affine(images, angle=np.deg2rad(level) * _signs(rng, len(images)))


def _shear(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    return _affine(images, shear=level * _signs(rng, len(images)))


def _smaller(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    return _affine(images, scale=np.full(len(images), 1 - level))


def _shift(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    angles, distance = rng.uniform(0, 2 * np.pi, len(images)), level * min(images.shape[1:3])
    return _sampled(images, dy=np.sin(angles) * distance, dx=np.cos(angles) * distance)


def _elastic(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    distance = level * min(images.shape[1:3])
    fields = [_smooth(rng, images.shape[:3], 0.12) for _ in range(2)]
    dy, dx = (field / np.maximum(field.std(axis=(1, 2), keepdims=True), SMALLEST) * distance for field in fields)
    return _sampled(images, dy=dy, dx=dx)


def _erased_patch(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    n, h, w, _ = images.shape
    side_y, side_x = max(1, round(level * h)), max(1, round(level * w))
    tops, lefts = rng.integers(0, h - side_y + 1, n), rng.integers(0, w - side_x + 1, n)
    rows, columns = np.arange(h)[None, :, None], np.arange(w)[None, None, :]
    inside = (rows >= tops[:, None, None]) & (rows < tops[:, None, None] + side_y)
    inside = inside & (columns >= lefts[:, None, None]) & (columns < lefts[:, None, None] + side_x)
    return np.where(inside[..., None], _border(images), images).astype(np.float32)


def _struck_through(images: Stored, level: float, rng: np.random.Generator) -> Stored:
    """A straight line across the middle, in the intensity farthest from the border's."""
    n, h, w, _ = images.shape
    angles = rng.uniform(-0.5, 0.5, n)[:, None, None] + np.where(rng.random(n) < 0.5, 0, np.pi / 2)[:, None, None]
    rows, columns = np.mgrid[:h, :w]
    offset = rng.uniform(-0.12, 0.12, n)[:, None, None] * min(h, w)
    distance = np.abs(np.cos(angles) * (rows - h / 2 + 0.5) - np.sin(angles) * (columns - w / 2 + 0.5) - offset)
    amount = np.clip(level * min(h, w) / 2 + 0.5 - distance, 0, 1)[..., None].astype(np.float32)
    ink = np.where(_border(images) < 128, 255, 0)
    return (images * (1 - amount) + ink * amount).astype(np.float32)


def _signs(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.where(rng.random(n) < 0.5, -1.0, 1.0)


def _border(images: Stored) -> Float32[np.ndarray, "n 1 1 c"]:
    """The median intensity of the outermost pixels of each image, ``(n, 1, 1, c)``."""
    n, _, _, c = images.shape
    edges = (images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1])
    return np.median(np.concatenate(edges, axis=1), axis=1).reshape(n, 1, 1, c).astype(np.float32)


def _smooth(rng: np.random.Generator, shape: tuple[int, ...], width: float) -> Float32[np.ndarray, "n h w"]:
    """Noise without details below a width."""
    rough = rng.normal(size=(*shape, 1)).astype(np.float32)
    return _gaussian_blur(rough, width, rng)[..., 0]


def _moved(images: Stored, dy: int, dx: int) -> Stored:
    h, w = images.shape[1:3]
    return images[:, np.clip(np.arange(h) + dy, 0, h - 1)][:, :, np.clip(np.arange(w) + dx, 0, w - 1)]


def _affine(
    images: Stored, *, angle: np.ndarray | None = None, shear: np.ndarray | None = None, scale: np.ndarray | None = None
) -> Stored:
    """Rotate, slant or scale about the center, one value for each image."""
    n, h, w, _ = images.shape
    rows, columns = np.mgrid[:h, :w]
    y, x = (rows - (h - 1) / 2)[None], (columns - (w - 1) / 2)[None]
    new_y, new_x = np.repeat(y, n, axis=0), np.repeat(x, n, axis=0)
    if angle is not None:
        cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
        new_y, new_x = cos * y + sin * x, cos * x - sin * y
    if shear is not None:
        new_x = new_x + shear[:, None, None] * new_y
    if scale is not None:
        new_y, new_x = new_y / scale[:, None, None], new_x / scale[:, None, None]
    return _sampled(images, dy=new_y - y, dx=new_x - x)


def _sampled(images: Stored, *, dy: np.ndarray, dx: np.ndarray) -> Stored:
    """Take each pixel from another place, by bilinear interpolation; offsets of each image or of each pixel."""
    n, h, w, _ = images.shape
    dy, dx = (np.asarray(one, np.float64).reshape(n, *(one.shape[1:] or (1, 1))) for one in (dy, dx))
    ys = np.clip(np.arange(h)[None, :, None] + dy, 0, h - 1) + np.zeros((1, 1, w))
    xs = np.clip(np.arange(w)[None, None, :] + dx, 0, w - 1) + np.zeros((1, h, 1))
    top, left = np.minimum(ys.astype(int), max(h - 2, 0)), np.minimum(xs.astype(int), max(w - 2, 0))
    fy, fx = (ys - top)[..., None].astype(np.float32), (xs - left)[..., None].astype(np.float32)
    which = np.arange(n)[:, None, None]
    bottom, right = np.minimum(top + 1, h - 1), np.minimum(left + 1, w - 1)
    upper = images[which, top, left] * (1 - fx) + images[which, top, right] * fx
    lower = images[which, bottom, left] * (1 - fx) + images[which, bottom, right] * fx
    return upper * (1 - fy) + lower * fy


CORRUPTIONS: dict[str, tuple[Corruption, tuple[float, float, float, float, float]]] = {
    "Gaussian noise": (_gaussian_noise, (0.1, 0.2, 0.3, 0.4, 0.5)),
    "shot noise": (_shot_noise, (0.03, 0.08, 0.2, 0.4, 0.8)),
    "salt and pepper": (_salt_and_pepper, (0.03, 0.08, 0.15, 0.25, 0.4)),
    "Gaussian blur": (_gaussian_blur, (0.025, 0.04, 0.055, 0.075, 0.1)),
    "defocus": (_defocus, (0.04, 0.06, 0.08, 0.11, 0.14)),
    "motion blur": (_motion_blur, (0.12, 0.2, 0.3, 0.4, 0.5)),
    "pixelation": (_pixelation, (0.07, 0.1, 0.14, 0.18, 0.21)),
    "brighter": (_brighter, (0.1, 0.2, 0.3, 0.45, 0.6)),
    "darker": (_darker, (0.3, 0.5, 0.65, 0.8, 0.9)),
    "low contrast": (_low_contrast, (0.3, 0.5, 0.65, 0.8, 0.9)),
    "shadow": (_shadow, (0.15, 0.3, 0.45, 0.6, 0.8)),
    "fog": (_fog, (0.15, 0.3, 0.45, 0.6, 0.75)),
    "few gray levels": (_few_levels, (0.12, 0.2, 0.34, 0.5, 1.0)),
    "rotation": (_rotation, (8.0, 16.0, 24.0, 34.0, 45.0)),
    "shear": (_shear, (0.15, 0.3, 0.45, 0.6, 0.8)),
    "smaller": (_smaller, (0.1, 0.2, 0.3, 0.4, 0.5)),
    "shift": (_shift, (0.05, 0.1, 0.15, 0.2, 0.28)),
    "elastic": (_elastic, (0.02, 0.035, 0.05, 0.07, 0.09)),
    "erased patch": (_erased_patch, (0.2, 0.3, 0.4, 0.5, 0.6)),
    "struck through": (_struck_through, (0.03, 0.055, 0.08, 0.11, 0.15)),
}
"""Name to function and the five levels: fractions, but for the rotation's degrees."""
