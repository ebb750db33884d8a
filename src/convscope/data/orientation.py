"""Whether the images of a dataset are transposed (rows and columns exchanged), as EMNIST stores them. Light.

Digits and letters are compared with the mean image of each in all eight orientations. Other classes cannot be compared;
for them the file name decides, because EMNIST is always stored transposed.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from convscope.arrays import Labels
from convscope.data.mapped_pixels import StoredPixels
from convscope.data.resample import resample_many
from convscope.decisions import Decision

TRANSPOSE_OPTIONS = ("auto", "yes", "no")
"""Values of the option ``transpose``."""

SIDE = 14
"""Rows and columns of the mean images."""

MOST_IMAGES = 200
"""The most images that are compared."""

FEWEST_CLASSES = 5
"""With fewer digits or letters, the comparison is not conclusive."""

INK = 0.25
"""A pixel is ink from this fraction of the largest intensity on."""

DIGITS_FILE = Path(__file__).parent / "mnist" / "class_means.npy"
LETTERS_FILE = Path(__file__).parent / "letter_means.npy"

ORIENTATIONS = {
    "upright": lambda image: image,
    "transposed": lambda image: image.T,
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1, ::-1],
    "flipped": lambda image: image[::-1],
    "rotated left": lambda image: np.rot90(image),
    "rotated right": lambda image: np.rot90(image, -1),
    "transposed from the other corner": lambda image: image[::-1, ::-1].T,
}
"""What is done to a mean image before it is compared; the name of the orientation that it undoes."""

THRESHOLDS = {"digits": (0.65, 0.15), "letters": (0.45, 0.1)}
"""The least mean correlation with the templates, and the least lead over every other orientation.

Measured on MNIST's test part, in 100 samples each of 3, 5 and 20 images per digit: all transposed samples are
recognized, and none of those that are upright, rotated, or under permuted labels. With 2 images per digit, 98 of 100
are. Templates of letters are from fonts, and handwriting agrees less with them.
"""

Glyph = Float64[np.ndarray, "side side"]


def decide_orientation(
    pixels: StoredPixels, labels: Labels, names: Mapping[int, str] | None, *, transpose: str, file_name: str = ""
) -> tuple[bool, Decision | None]:
    """Decide whether to exchange rows and columns.

    Args:
        pixels: The training images, as stored.
        labels: Their labels, as stored.
        names: Name of each label; None if there are none.
        transpose: One of `TRANSPOSE_OPTIONS`.
        file_name: The name of the file, folder or dataset; EMNIST's contains emnist.

    Returns:
        Whether to transpose, and what was decided; None if there was nothing to decide.
    """
    if transpose != "auto":
        chosen = "transposed back" if transpose == "yes" else "as stored"
        return transpose == "yes", Decision("orientation", chosen, "as requested", "--transpose auto")
    is_emnist = "emnist" in file_name.lower()
    if pixels.shape[-1] != 1 or pixels.shape[1] != pixels.shape[2]:
        return False, None
    found, kind = detect_orientation(pixels, labels, names)
    if found == "transposed":
        return True, Decision("orientation", "transposed back", f"rows and columns of the {kind} are exchanged")
    if not is_emnist:
        return False, None
    if found:
        return False, Decision("orientation", "as stored", f"the {kind} are {found}, unlike EMNIST's own files")
    return True, Decision("orientation", "transposed back", "EMNIST stores its images transposed")


def detect_orientation(pixels: StoredPixels, labels: Labels, names: Mapping[int, str] | None) -> tuple[str, str]:
    """The orientation of digits or letters: a key of `ORIENTATIONS`, or empty if the comparison is not conclusive.

    Returns:
        The orientation, and ``digits`` or ``letters``.
    """
    for kind, characters in (("digits", _digits(labels, names)), ("letters", _letters(labels, names))):
        if len(characters) < FEWEST_CLASSES:
            continue
        least, lead = THRESHOLDS[kind]
        scores = _scores(pixels, labels, characters)
        first, second = sorted(scores, key=lambda name: -scores[name])[:2] if scores else ("", "")
        if scores and scores[first] >= least and scores[first] - scores[second] >= lead:
            return first, kind
    return "", ""


def normalized(image: np.ndarray) -> Glyph | None:
    """An image as a glyph: light on dark, its ink scaled to fit ``SIDE`` pixels and centered; None if it is blank.

    Args:
        image: uint8 ``(h, w)``.
    """
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    image = 255 - image if np.median(border) > 127 else image
    ink = image > INK * image.max()
    if not ink.any():
        return None
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    cropped = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(side * SIDE / max(cropped.shape))) for side in cropped.shape)
    glyph = np.zeros((SIDE, SIDE))
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    resized = resample_many(np.ascontiguousarray(cropped)[None, :, :, None], height, width)[0, :, :, 0]
    glyph[top : top + height, left : left + width] = resized
    return glyph


def _digits(labels: Labels, names: Mapping[int, str] | None) -> dict[int, str]:
    return {
        int(label): name
        for label in np.unique(labels)
        if len(name := (names or {}).get(int(label), str(label))) == 1 and name in "0123456789"
    }


def _letters(labels: Labels, names: Mapping[int, str] | None) -> dict[int, str]:
    """Letters by name; without names, 26 numbers from 0 or 1 in the order of the alphabet."""
    present = [int(label) for label in np.unique(labels)]
    if names is not None:
        found = {label: names.get(label, "")[:1].upper() for label in present if _is_letter(names.get(label, ""))}
        return {label: name for label, name in found.items() if "A" <= name <= "Z"}
    if present in (list(range(26)), list(range(1, 27))):
        return {label: chr(ord("A") + label - present[0]) for label in present}
    return {}


def _is_letter(name: str) -> bool:
    return bool(name) and len(name) <= 2 and name.isascii() and name.isalpha() and len(set(name.upper())) == 1


def _scores(pixels: StoredPixels, labels: Labels, characters: Mapping[int, str]) -> dict[str, float]:
    """The mean correlation with the templates for each orientation."""
    per_class = max(MOST_IMAGES // len(characters), 1)
    correlations: dict[str, list[float]] = {name: [] for name in ORIENTATIONS}
    for label, character in characters.items():
        chosen = np.flatnonzero(labels == label)
        chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, per_class).astype(int))]
        glyphs = [glyph for index in chosen if (glyph := normalized(pixels[index, :, :, 0])) is not None]
        if not glyphs:
            continue
        mean = np.mean(glyphs, axis=0)
        for name, turn in ORIENTATIONS.items():
            correlations[name].append(max(_correlation(turn(mean), one) for one in templates()[character]))
    filled = len(correlations["upright"]) >= FEWEST_CLASSES
    return {name: float(np.mean(values)) for name, values in correlations.items()} if filled else {}


@functools.cache
def templates() -> dict[str, tuple[Glyph, ...]]:
    """The mean image of each digit of MNIST, and of A to Z in several fonts: upper case, lower case, both."""
    digits = np.load(DIGITS_FILE, allow_pickle=False).astype(np.float64)
    letters = np.load(LETTERS_FILE, allow_pickle=False).astype(np.float64)
    found: dict[str, tuple[Glyph, ...]] = {str(digit): (image,) for digit, image in enumerate(digits)}
    for index, (upper, lower) in enumerate(letters):
        found[chr(ord("A") + index)] = (upper, lower, (upper + lower) / 2)
    return found


def _correlation(one: Glyph, two: Glyph) -> float:
    one, two = one - one.mean(), two - two.mean()
    length = float(np.sqrt((one * one).sum() * (two * two).sum()))
    return float((one * two).sum()) / length if length else 0.0


def means(images: Iterable[np.ndarray]) -> np.ndarray:
    """The mean glyph of some images, uint8, for the files of templates."""
    return np.mean([glyph for image in images if (glyph := normalized(image)) is not None], axis=0).astype(np.uint8)
