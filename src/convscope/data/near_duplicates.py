"""Pictures that are the same, or nearly: found by what they show, whatever their files are called.

Cool: NumPy only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from jaxtyping import Float32, UInt8

from convscope.data.preprocess import to_grey
from convscope.data.resample import resample

SIDE, COARSE = 32, 8
"""Pictures are compared by the grey of 32×32 pixels and the colour of 8×8; by both at 8×8 first, to find the few pairs
worth it."""

STEP = SIDE // COARSE

ALIKE, MAYBE = 0.995, 0.98
"""Correlations: what a picture keeps that was stored as JPEG again, made smaller or a little brighter; and the coarse
one that no such pair falls below."""

FLAT = 2.0
"""Standard deviation, in grey levels, up to which a picture shows nothing."""

BLOCK = 512
MAX_COMPARED = 100_000
"""Each picture is compared with each: some ten seconds for as many as this."""

Fingerprint = Float32[np.ndarray, "pixels"]


def fingerprint(picture: UInt8[np.ndarray, "h w c"]) -> Fingerprint | None:
    """A picture as 1,152 numbers that correlate with those of one that looks the same; None for a blank one.

    1,024 are brightness, 128 are colour (red less green and blue less green), as in JPEG with fewer places; a grey
    picture has zeros there. Without them a red sign and a blue one of one shape would look the same.

    Args:
        picture: Grey or RGB, upright, of any size.

    Example:
        >>> fingerprint(np.full((9, 7, 1), 200, np.uint8)) is None
        True
    """
    small = resample(to_grey(picture), SIDE, SIDE)[..., 0].astype(np.float32)
    centred = (small - small.mean()).ravel()
    if np.sqrt((centred * centred).sum()) <= FLAT * SIDE:
        return None
    numbers = np.concatenate([centred, _colours(picture)])
    return (numbers / np.sqrt((numbers * numbers).sum())).astype(np.float32)


def near_duplicate_pairs(fingerprints: Float32[np.ndarray, "n pixels"]) -> list[tuple[int, int]]:
    """All pairs of positions whose pictures look the same, the smaller position first.

    Example:
        >>> ramp = fingerprint(np.arange(1024, dtype=np.uint8).reshape(32, 32, 1))
        >>> near_duplicate_pairs(np.stack([ramp, -ramp, ramp]))
        [(0, 2)]
    """
    coarse = _coarse(fingerprints)
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(coarse), BLOCK):
        block = coarse[start : start + BLOCK]
        rows, columns = np.nonzero(block @ coarse[start:].T >= MAYBE)
        later = columns > rows
        rows, columns = rows[later] + start, columns[later] + start
        for begin in range(0, len(rows), 100_000):
            first, second = rows[begin : begin + 100_000], columns[begin : begin + 100_000]
            close = np.einsum("np,np->n", fingerprints[first], fingerprints[second]) >= ALIKE
            pairs += zip(first[close].tolist(), second[close].tolist(), strict=True)
    return pairs


def same_groups(keys: Iterable[Hashable]) -> list[tuple[int, ...]]:
    """Positions that have one key, where there are several.

    Example:
        >>> same_groups("abcab")
        [(0, 3), (1, 4)]
    """
    places: dict[Hashable, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        places[key].append(index)
    return [tuple(found) for found in places.values() if len(found) > 1]


def joined(count: int, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Groups of positions that pairs hold together, directly or through others.

    Example:
        >>> joined(5, [(0, 3), (3, 4)])
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


def _colours(picture: np.ndarray) -> np.ndarray:
    if picture.shape[-1] == 1:
        return np.zeros(2 * COARSE * COARSE, np.float32)
    small = resample(picture, SIDE, SIDE).astype(np.float32)
    colour = (small[..., ::2] - small[..., 1:2]).reshape(COARSE, STEP, COARSE, STEP, 2).mean(axis=(1, 3))
    return STEP * colour.ravel()  # each stands for STEP·STEP pixels


def _coarse(fingerprints: np.ndarray) -> np.ndarray:
    grey, colours = fingerprints[:, : SIDE * SIDE], fingerprints[:, SIDE * SIDE :]
    small = STEP * grey.reshape(-1, COARSE, STEP, COARSE, STEP).mean(axis=(2, 4)).reshape(-1, COARSE * COARSE)
    small = np.concatenate([small, colours], axis=1)
    length = np.sqrt((small * small).sum(axis=1, keepdims=True))
    return small / np.maximum(length, 1e-12)
