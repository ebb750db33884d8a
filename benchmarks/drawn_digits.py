"""Digits as strokes: three ways to write each, in four hands, to be drawn on the page's pad by a pointer.

A point is (x, y) in a box of width and height 1, y downwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

Stroke = list[tuple[float, float]]
Strokes = list[Stroke]


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> Stroke:
    """Part of an ellipse; angles in degrees, 0 to the right, growing clockwise."""
    steps = max(3, int(abs(end - start) / 15))
    angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


WAYS: dict[int, list[Strokes]] = {
    0: [
        [arc(0.5, 0.5, 0.34, 0.48, -90, -450)],
        [arc(0.5, 0.5, 0.42, 0.48, -60, 300)],
        [arc(0.5, 0.5, 0.28, 0.48, -120, -490)],
    ],
    1: [
        [[(0.5, 0.02), (0.5, 0.98)]],
        [[(0.56, 0.02), (0.44, 0.98)]],
        [[(0.36, 0.2), (0.54, 0.02), (0.54, 0.98)]],
    ],
    2: [
        [[*arc(0.48, 0.3, 0.3, 0.28, -170, 40), (0.2, 0.96), (0.85, 0.96)]],
        [[*arc(0.45, 0.28, 0.32, 0.26, -150, 50), (0.12, 0.94), (0.5, 0.88), (0.9, 0.95)]],
        [[*arc(0.48, 0.3, 0.32, 0.28, -180, 60), (0.3, 0.8), *arc(0.27, 0.86, 0.12, 0.1, -90, -330), (0.88, 0.96)]],
    ],
    3: [
        [[*arc(0.45, 0.27, 0.3, 0.25, -150, 90), *arc(0.45, 0.74, 0.36, 0.24, -90, 150)]],
        [[(0.15, 0.05), (0.75, 0.05), (0.42, 0.42), *arc(0.42, 0.7, 0.36, 0.28, -90, 140)]],
        [[*arc(0.42, 0.26, 0.34, 0.22, -140, 80), (0.38, 0.49), *arc(0.42, 0.75, 0.38, 0.24, -80, 155)]],
    ],
    4: [
        [[(0.3, 0.04), (0.18, 0.55), (0.85, 0.55)], [(0.68, 0.06), (0.64, 0.97)]],
        [[(0.22, 0.06), (0.22, 0.5), (0.74, 0.5)], [(0.74, 0.03), (0.74, 0.97)]],
        [[(0.62, 0.98), (0.62, 0.03), (0.12, 0.64), (0.9, 0.64)]],
    ],
    5: [
        [[(0.28, 0.06), (0.24, 0.46), *arc(0.44, 0.69, 0.34, 0.27, -120, 140)], [(0.28, 0.06), (0.8, 0.06)]],
        [[(0.8, 0.05), (0.3, 0.05), (0.26, 0.45), *arc(0.44, 0.68, 0.36, 0.28, -110, 150)]],
        [[(0.78, 0.04), (0.28, 0.08), (0.24, 0.42), (0.55, 0.42), *arc(0.46, 0.69, 0.32, 0.27, -60, 145)]],
    ],
    6: [
        [[(0.66, 0.04), (0.36, 0.32), (0.22, 0.66), *arc(0.48, 0.72, 0.28, 0.24, 180, -180)]],
        [[(0.6, 0.02), (0.3, 0.4), *arc(0.47, 0.72, 0.3, 0.25, 190, -160)]],
        [[*arc(0.62, 0.55, 0.42, 0.53, -80, -200), *arc(0.48, 0.73, 0.27, 0.23, 160, -190)]],
    ],
    7: [
        [[(0.14, 0.06), (0.84, 0.06), (0.4, 0.97)]],
        [[(0.14, 0.08), (0.84, 0.06), (0.52, 0.5), (0.42, 0.97)], [(0.28, 0.52), (0.78, 0.5)]],
        [[(0.16, 0.2), (0.16, 0.06), (0.84, 0.06), (0.5, 0.45), (0.4, 0.97)]],
    ],
    8: [
        [[*arc(0.5, 0.26, 0.26, 0.24, 20, -250), *arc(0.5, 0.74, 0.32, 0.25, -90, 260), (0.74, 0.34)]],
        [arc(0.5, 0.26, 0.27, 0.23, 90, -270), arc(0.5, 0.74, 0.33, 0.25, -90, 270)],
        [[(0.74, 0.14), *arc(0.5, 0.26, 0.28, 0.22, -40, -230), (0.62, 0.56), *arc(0.5, 0.76, 0.28, 0.22, -30, 210),
          (0.74, 0.22)]],
    ],
    9: [
        [[*arc(0.48, 0.3, 0.28, 0.26, 0, -340), (0.76, 0.2), (0.72, 0.97)]],
        [[*arc(0.46, 0.28, 0.3, 0.25, -20, -350), (0.75, 0.3), (0.58, 0.97)]],
        [[*arc(0.48, 0.3, 0.28, 0.27, 10, -350), (0.77, 0.3), (0.72, 0.75), *arc(0.48, 0.76, 0.24, 0.21, 0, 110)]],
    ],
}  # fmt: skip
"""Ways to write each digit."""

HANDS = ((0.0, 0.0, 1.0, 0.0), (0.4, -6.0, 0.85, 0.012), (-0.2, 10.0, 1.25, 0.02), (0.15, -10.0, 0.7, 0.035))
"""Slant (shift of the top against the bottom), rotation in degrees, width, and tremor (standard deviation)."""

STYLES = 12
"""Ways times hands."""


@dataclass(frozen=True)
class Shape:
    """Where a digit lies on the pad, as fractions of its side."""

    name: str
    left: float
    top: float
    width: float
    height: float


SHAPES = (
    Shape("large", 0.2, 0.12, 0.6, 0.76),
    Shape("tiny", 0.72, 0.1, 0.1, 0.14),
    Shape("wide", 0.04, 0.4, 0.7, 0.5),
)


def digit(label: int, style: int) -> Strokes:
    """One digit in one style, 0 to 11, in the unit box; the tremor is the same each time."""
    way, hand = WAYS[label][style % 3], HANDS[style // 3]
    slant, degrees, width, tremor = hand
    rng = np.random.default_rng([label, style])
    turn = np.array([[math.cos(math.radians(degrees)), -math.sin(math.radians(degrees))],
                     [math.sin(math.radians(degrees)), math.cos(math.radians(degrees))]])  # fmt: skip
    moved = []
    for stroke in way:
        points = dense(np.array(stroke)) - 0.5
        points[:, 0] = points[:, 0] * width - slant * points[:, 1]
        points = points @ turn.T + 0.5 + smooth_noise(rng, len(points)) * tremor
        moved.append([(float(x), float(y)) for x, y in np.clip(points, -0.1, 1.1)])
    return moved


def on_pad(strokes: Strokes, shape: Shape) -> Strokes:
    """The same strokes as fractions of the pad's sides."""
    return [[(shape.left + x * shape.width, shape.top + y * shape.height) for x, y in stroke] for stroke in strokes]


def dense(points: np.ndarray, step: float = 0.06) -> np.ndarray:
    """Points in between, as a pointer reports them."""
    found = [points[:1]]
    for one, two in pairwise(points):
        count = max(1, int(np.hypot(*(two - one)) / step))
        found.append(one + (two - one) * np.arange(1, count + 1)[:, None] / count)
    return np.concatenate(found)


def smooth_noise(rng: np.random.Generator, count: int) -> np.ndarray:
    """A tremor that neighboring points share."""
    raw = rng.normal(size=(count + 4, 2))
    return np.stack([np.convolve(raw[:, axis], np.ones(5) / 5**0.5, "valid")[:count] for axis in (0, 1)], axis=1)
