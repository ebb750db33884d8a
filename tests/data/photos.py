"""MNIST digits made into photos of paper: enlarged, off-centre, unevenly lit, noisy, through JPEG."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def photograph(
    digit: np.ndarray,
    seed: int,
    *,
    invert: bool = True,
    light: float = 0.35,
    noise: float = 4.0,
    quality: int = 75,
    shadow: bool = False,
) -> np.ndarray:
    """A 28×28 digit as an RGB photo: dark ink (70 % of the way to black) on off-white paper unless ``invert=False``."""
    rng = np.random.default_rng([seed, 77])
    side = int(rng.integers(3 * 28, 10 * 28))
    big = np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC), np.float64) / 255
    h, w = (int(side * rng.uniform(1.0, 1.8)) for _ in range(2))
    canvas = np.zeros((h, w))
    y, x = int(rng.integers(0, h - side + 1)), int(rng.integers(0, w - side + 1))
    canvas[y : y + side, x : x + side] = big
    yy, xx = np.mgrid[0:h, 0:w] / max(h, w)
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * (xx - 0.5) + np.sin(angle) * (yy - 0.5)
    lighting = 1 - light * (slope + 0.5)
    if shadow:
        lighting = lighting * np.where(
            np.cos(angle + 1) * (xx - 0.5) + np.sin(angle + 1) * (yy - 0.5) > 0.05, 0.65, 1.0
        )
    paper = 235 * (1 - 0.75 * canvas) if invert else 25 + 200 * canvas
    photo = paper * lighting + rng.normal(0, noise, (h, w))
    tint = np.array([1.0, 0.98, 0.92])
    rgb = np.clip(photo[..., None] * tint, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality)
    file.seek(0)
    return np.asarray(Image.open(file))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.reshape(-1).astype(np.float64), b.reshape(-1).astype(np.float64)
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def best_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """The best correlation over shifts by at most one pixel: MNIST rounded its own centre of mass, too."""
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(correlation(np.roll(a, shift, (0, 1)), b) for shift in shifts)
