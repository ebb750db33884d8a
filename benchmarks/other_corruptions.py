"""Corruptions to choose a recipe by: none of them is one of the twenty that it is then measured with.

Each takes uint8 images ``(n, h, w, 1)`` with light ink, a level and randomness; `CHOOSING` has three levels of each.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

Corrupted = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def _sampled(images: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Bilinear interpolation at ``(n, h, w)`` places; black outside."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    h, w = padded.shape[1:3]
    y, x = np.clip(y + 1, 0, h - 1.001), np.clip(x + 1, 0, w - 1.001)
    top, left, which = y.astype(int), x.astype(int), np.arange(len(images))[:, None, None]
    fy, fx = (y - top)[..., None], (x - left)[..., None]
    upper = padded[which, top, left] * (1 - fx) + padded[which, top, left + 1] * fx
    lower = padded[which, top + 1, left] * (1 - fx) + padded[which, top + 1, left + 1] * fx
    return upper * (1 - fy) + lower * fy


def _grid(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n, h, w, _ = images.shape
    rows, columns = np.mgrid[:h, :w].astype(float)
    return np.repeat(rows[None], n, axis=0), np.repeat(columns[None], n, axis=0)


def _boxed(images: np.ndarray, side: int) -> np.ndarray:
    """The mean over a square."""
    for axis in (1, 2):
        width = [(0, 0)] * 4
        width[axis] = (side // 2, side - 1 - side // 2)
        padded = np.pad(images, width, mode="edge")
        count = images.shape[axis]
        images = np.mean([np.take(padded, np.arange(at, at + count), axis=axis) for at in range(side)], axis=0)
    return images


def uniform_noise(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    return images + 255 * level * rng.uniform(-1, 1, images.shape)


def grain(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Noise whose neighbors resemble each other."""
    return images + 255 * level * _boxed(rng.normal(size=images.shape), 2) * 2


def box_blur(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    return _boxed(images, int(level))


def zoom_blur(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    rows, columns = _grid(images)
    middle = (images.shape[1] - 1) / 2
    scales = np.linspace(1, 1 + level, 7)
    parts = [_sampled(images, middle + (rows - middle) / s, middle + (columns - middle) / s) for s in scales]
    return np.mean(parts, axis=0)


def jpeg(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    made = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image[..., 0].astype(np.uint8)).save(file, "JPEG", quality=int(level))
        made.append(np.asarray(Image.open(file))[..., None])
    return np.stack(made)


def few_pixels(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Single pixels of a coarse grid, enlarged with interpolation."""
    side = images.shape[1]
    count = int(level)
    places = ((np.arange(count) + 0.5) * side / count).astype(int)
    small = images[:, places][:, :, places].astype(np.uint8)
    large = [np.asarray(Image.fromarray(one[..., 0]).resize((side, side), Image.Resampling.BILINEAR)) for one in small]
    return np.stack(large)[..., None]


def gamma(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    return 255 * (images / 255) ** level


def spotlight(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Light that falls off with the distance from a random place."""
    rows, columns = _grid(images)
    side = images.shape[1]
    y, x = rng.uniform(0, side, (2, len(images), 1, 1))
    distance = ((rows - y) ** 2 + (columns - x) ** 2) / side**2
    return images + 255 * level * np.exp(-2 * distance)[..., None]


def waves(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Stripes behind the ink."""
    rows, columns = _grid(images)
    angle, phase = rng.uniform(0, 2 * np.pi, (2, len(images), 1, 1))
    along = rows * np.sin(angle) + columns * np.cos(angle)
    return np.maximum(images, 255 * level * (0.5 + 0.5 * np.sin(along * 2 * np.pi / 9 + phase))[..., None])


def gray_paper(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Dark ink on light paper with little contrast."""
    return 200 - images * (1 - level) * 0.7


def perspective(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    rows, columns = _grid(images)
    middle = (images.shape[1] - 1) / 2
    tilt = level * rng.choice([-1, 1], (2, len(images), 1, 1)) * rng.uniform(0.5, 1, (2, len(images), 1, 1))
    scale = 1 + (tilt[0] * (rows - middle) + tilt[1] * (columns - middle)) / middle
    return _sampled(images, middle + (rows - middle) * scale, middle + (columns - middle) * scale)


def wavy(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Rows and columns moved along sines."""
    rows, columns = _grid(images)
    phases = rng.uniform(0, 2 * np.pi, (2, len(images), 1, 1))
    dy = level * np.sin(columns * 2 * np.pi / 14 + phases[0])
    dx = level * np.sin(rows * 2 * np.pi / 14 + phases[1])
    return _sampled(images, rows + dy, columns + dx)


def stretch(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Narrow or low digits."""
    rows, columns = _grid(images)
    middle = (images.shape[1] - 1) / 2
    is_low = rng.random((len(images), 1, 1)) < 0.5
    y, x = np.where(is_low, level, 1), np.where(is_low, 1, level)
    return _sampled(images, middle + (rows - middle) / y, middle + (columns - middle) / x)


def tilt(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Rows that rise to one side."""
    rows, columns = _grid(images)
    middle = (images.shape[1] - 1) / 2
    return _sampled(images, rows + level * rng.choice([-1, 1], (len(images), 1, 1)) * (columns - middle), columns)


def holes(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Small squares without ink."""
    made = images.copy()
    for image in made:
        for _ in range(int(level)):
            y, x = rng.integers(4, 21, 2)
            image[y : y + 4, x : x + 4] = 0
    return made


def spots(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Spots of ink."""
    made = images.copy()
    for image in made:
        for _ in range(int(level)):
            y, x = rng.integers(4, 23, 2)
            image[y : y + 2, x : x + 2] = 255
    return made


def curl(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """An arc of ink across the digit."""
    rows, columns = _grid(images)
    y, x = rng.uniform(-20, 48, (2, len(images), 1, 1))
    radius = np.hypot(y - 14, x - 14) + rng.uniform(-5, 5, (len(images), 1, 1))
    ink = np.clip(level / 2 + 0.5 - np.abs(np.hypot(rows - y, columns - x) - radius), 0, 1)
    return np.maximum(images, 255 * ink[..., None])


def thin(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Ink that is darkest in its middle alone."""
    return np.clip((_boxed(images, 3) - 255 * level) / (1 - level), 0, 255)


CHOOSING: dict[str, tuple[Corrupted, tuple[float, float, float]]] = {
    "uniform noise": (uniform_noise, (0.15, 0.3, 0.4)),
    "grain": (grain, (0.08, 0.15, 0.22)),
    "box blur": (box_blur, (3, 5, 6)),
    "zoom blur": (zoom_blur, (0.3, 0.5, 0.8)),
    "JPEG": (jpeg, (20, 8, 3)),
    "few pixels": (few_pixels, (12, 10, 8)),
    "gamma": (gamma, (0.3, 2.5, 5.0)),
    "spotlight": (spotlight, (0.3, 0.5, 0.7)),
    "waves": (waves, (0.15, 0.25, 0.35)),
    "gray paper": (gray_paper, (0.4, 0.65, 0.8)),
    "perspective": (perspective, (0.15, 0.25, 0.35)),
    "wavy": (wavy, (1.0, 1.6, 2.2)),
    "stretch": (stretch, (0.7, 0.55, 0.45)),
    "tilt": (tilt, (0.25, 0.45, 0.7)),
    "holes": (holes, (4, 7, 11)),
    "spots": (spots, (4, 8, 13)),
    "curl": (curl, (1.2, 2.2, 3.2)),
    "thin": (thin, (0.3, 0.45, 0.6)),
}
"""Name to function and the three levels."""


def corrupted(pixels: np.ndarray, name: str, level: int, *, seed: int = 0) -> np.ndarray:
    """Apply one at level 0, 1 or 2."""
    function, levels = CHOOSING[name]
    rng = np.random.default_rng([seed, list(CHOOSING).index(name), level])
    found = function(pixels.astype(float), levels[level], rng)
    return np.clip(np.rint(found), 0, 255).astype(np.uint8)
