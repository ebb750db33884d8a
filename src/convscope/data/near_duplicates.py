"""Find duplicate and near-duplicate images by their content. Light: NumPy only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from convscope.data.pixels import to_grey, to_rgb
from convscope.data.resample import resample

SIDE, COARSE = 32, 8
"""Images are compared by the brightness of 32×32 pixels and the color of 8×8; first by both at 8×8, to find the few
candidates."""

STEP = SIDE // COARSE

SIMILAR, CANDIDATE = 0.995, 0.98
"""Correlation thresholds. An image compressed again as JPEG, reduced or slightly brightened stays above the first; the
coarse correlation of such a pair stays above the second."""

MIN_SHIFT, MAX_SHIFT = 24, 4
"""How far the mean colors of near duplicates may differ: gray levels, and multiples of the contrast."""

FLAT = 2.0
"""Standard deviation, in gray levels, up to which an image counts as blank."""

BLOCK = 512
MAX_COMPARED = 100_000
"""All pairs are compared, which takes about ten seconds for this many images."""

PAIRS_AT_ONCE = 10_000
"""Candidates that are compared in full at a time: 1,152 numbers of each image."""

Fingerprint = UInt8[np.ndarray, "bytes"]


def fingerprint(picture: UInt8[np.ndarray, "h w c"]) -> Fingerprint | None:
    """What `correlating` needs of an image, in 1,280 bytes; None for a blank image.

    1,024 bytes are brightness, and 128 numbers of 16 bits are color (red minus green, blue minus green), at lower
    resolution as in JPEG; they are zero in grayscale. Without color, a red sign and a blue sign of the same shape would
    be near duplicates.

    Args:
        picture: Grayscale or RGB, upright, of any size.

    Example:
        >>> fingerprint(np.full((9, 7, 1), 200, np.uint8)) is None
        True
    """
    small = resample(to_grey(picture), SIDE, SIDE).reshape(-1)
    if small.std(dtype=np.float32) <= FLAT:
        return None
    return np.concatenate([small, _colors(picture).view(np.uint8)])


def correlating(fingerprints: UInt8[np.ndarray, "n bytes"]) -> Float32[np.ndarray, "n numbers"]:
    """Vectors of length 1, of 1,152 numbers, whose product is the correlation of two images.

    Example:
        >>> ramp = fingerprint(np.arange(1024, dtype=np.uint8).reshape(32, 32, 1))
        >>> vector = correlating(np.stack([ramp]))
        >>> vector.shape, round(float(vector[0] @ vector[0]), 5)
        ((1, 1152), 1.0)
    """
    brightness = fingerprints[:, : SIDE * SIDE].astype(np.float32)
    brightness -= brightness.mean(axis=1, keepdims=True)
    # each sum of the differences in STEP·STEP pixels represents as many pixels
    colors = fingerprints[:, SIDE * SIDE :].view(np.int16).astype(np.float32) / STEP
    numbers = np.concatenate([brightness, colors], axis=1)
    return numbers / np.sqrt((numbers * numbers).sum(axis=1, keepdims=True))


class Tone(NamedTuple):
    """Mean red, green and blue of an image, and the standard deviation of its brightness, in gray levels."""

    red: float
    green: float
    blue: float
    contrast: float


def tone(picture: UInt8[np.ndarray, "h w c"]) -> Tone:
    """The mean color and the contrast of an image.

    Example:
        >>> tone(np.full((9, 7, 1), 200, np.uint8))
        Tone(red=200.0, green=200.0, blue=200.0, contrast=0.0)
    """
    small = resample(to_rgb(picture), SIDE, SIDE).astype(np.float64)
    red, green, blue = small.mean(axis=(0, 1)).tolist()
    return Tone(red, green, blue, float(to_grey(small.astype(np.uint8)).std()))


def are_alike(one: Tone, other: Tone) -> bool:
    """Whether mean colors differ by no more than images of this contrast may.

    A correlation says nothing about the level: nearly flat images, such as colored paper, would all be near duplicates.
    """
    limit = max(MIN_SHIFT, MAX_SHIFT * max(one.contrast, other.contrast))
    return all(abs(a - b) <= limit for a, b in zip(one[:3], other[:3], strict=True))


def is_comparable(count: int) -> bool:
    """Whether this many images are few enough to compare all pairs."""
    return count <= MAX_COMPARED


def near_duplicate_pairs(fingerprints: UInt8[np.ndarray, "n bytes"]) -> list[tuple[int, int]]:
    """All pairs of indices of near duplicates, the smaller index first.

    Example:
        >>> ramp = fingerprint(np.arange(1024, dtype=np.uint8).reshape(32, 32, 1))
        >>> near_duplicate_pairs(np.stack([ramp, 255 - ramp, ramp]))
        [(0, 2)]
    """
    coarse = np.empty((len(fingerprints), 3 * COARSE * COARSE), np.float32)
    for start in range(0, len(coarse), BLOCK):
        coarse[start : start + BLOCK] = _coarse(correlating(fingerprints[start : start + BLOCK]))
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(coarse), BLOCK):
        block = coarse[start : start + BLOCK]
        rows, columns = np.nonzero(block @ coarse[start:].T >= CANDIDATE)
        later = columns > rows
        rows, columns = rows[later] + start, columns[later] + start
        for begin in range(0, len(rows), PAIRS_AT_ONCE):
            first, second = rows[begin : begin + PAIRS_AT_ONCE], columns[begin : begin + PAIRS_AT_ONCE]
            one, other = correlating(fingerprints[first]), correlating(fingerprints[second])
            close = np.einsum("np,np->n", one, other) >= SIMILAR
            pairs += zip(first[close].tolist(), second[close].tolist(), strict=True)
    return pairs


def same_groups(keys: Iterable[Hashable]) -> list[tuple[int, ...]]:
    """Groups of indices with equal keys; single ones are not listed.

    Example:
        >>> same_groups("abcab")
        [(0, 3), (1, 4)]
    """
    places: dict[Hashable, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        places[key].append(index)
    return [tuple(found) for found in places.values() if len(found) > 1]


def connected_groups(count: int, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Groups of indices that are connected by pairs, directly or through others.

    Example:
        >>> connected_groups(5, [(0, 3), (3, 4)])
        [(0, 3, 4)]
    """
    parent = list(range(count))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for first, second in pairs:
        parent[root(second)] = root(first)
    return same_groups(root(place) for place in range(count))


def _colors(picture: np.ndarray) -> np.ndarray:
    if picture.shape[-1] == 1:
        return np.zeros(2 * COARSE * COARSE, np.int16)
    small = resample(picture, SIDE, SIDE).astype(np.int16)
    color = (small[..., ::2] - small[..., 1:2]).reshape(COARSE, STEP, COARSE, STEP, 2)
    return color.sum(axis=(1, 3), dtype=np.int16).ravel()


def _coarse(numbers: np.ndarray) -> np.ndarray:
    grey, colors = numbers[:, : SIDE * SIDE], numbers[:, SIDE * SIDE :]
    small = STEP * grey.reshape(-1, COARSE, STEP, COARSE, STEP).mean(axis=(2, 4)).reshape(-1, COARSE * COARSE)
    small = np.concatenate([small, colors], axis=1)
    length = np.sqrt((small * small).sum(axis=1, keepdims=True))
    return small / np.maximum(length, 1e-12)
