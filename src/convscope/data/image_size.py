"""The size to which all images of a dataset are brought, as given or as the images suggest. Light: no NumPy."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from convscope.decisions import Decision
from convscope.errors import OptionError

MAX_SIDE = 1024
"""The largest input of a network; a model file with a larger one is damaged or malicious."""

DEFAULT_SIDE = 64
"""The longer side of images whose size nobody chose; larger images are reduced to it."""

SHORT_SIDE = 16
"""The shorter side that long images keep, as far as they have as many pixels as a square of `DEFAULT_SIDE`."""

FIT_OPTIONS = ("auto", "pad", "crop", "stretch")
"""Values of the option ``fit``: how images of other proportions are brought to the size."""

Size = tuple[int, int]


def parse_size(size: object) -> Size | None:
    """Rows and columns from an option.

    Args:
        size: One number for both, a pair, or a text such as ``"64"`` or ``"32x512"`` (rows first); None stays None.

    Raises:
        OptionError: None of these, or a side is not 1..1024.

    Example:
        >>> parse_size(28), parse_size("32x512"), parse_size((8, 9)), parse_size(None)
        ((28, 28), (32, 512), (8, 9), None)
    """
    if size is None:
        return None
    sides: object = size
    if isinstance(size, str):
        found = re.fullmatch(r"\s*([0-9]{1,5})(?:\s*[x×*,]\s*([0-9]{1,5}))?\s*", size, re.IGNORECASE | re.ASCII)
        sides = (int(found[1]), int(found[2] or found[1])) if found else None
    elif _is_side(size):
        sides = (size, size)
    if not (isinstance(sides, tuple | list) and len(sides) == 2 and all(_is_side(side) for side in sides)):
        raise OptionError(
            f"size must be 1 to {MAX_SIDE} rows and columns: a number such as 64, or text such as 32x512. "
            f"Received: size={size if isinstance(size, int) else str(size)[:60]!r}."
        )
    height, width = sides
    return int(height), int(width)  # type: ignore[arg-type]


def size_text(size: Size) -> int | str:
    """A size as the options of a training record it: one number if it is square, else text.

    Example:
        >>> size_text((28, 28)), size_text((32, 512))
        (28, '32x512')
    """
    return size[0] if size[0] == size[1] else f"{size[0]}x{size[1]}"


def choose_size(sizes: Sequence[Size]) -> Size:
    """The size for images of these sizes: their median, its longer side reduced to at most 64 pixels.

    Long images (a line of text, a strip) keep a shorter side of 16 if they have one and the area stays below 64×64.

    Example:
        >>> choose_size([(480, 640)]), choose_size([(20, 30)]), choose_size([(32, 512)])
        ((48, 64), (20, 30), (16, 256))
    """
    if not sizes:
        return 1, 1  # nothing is readable; the error that follows names the files
    height, width = (sorted(sides)[(len(sizes) - 1) // 2] for sides in zip(*sizes, strict=True))
    scale = min(1.0, DEFAULT_SIDE / max(height, width))
    keeping = min(1.0, SHORT_SIDE / min(height, width), DEFAULT_SIDE / math.sqrt(height * width))
    scale = max(scale, keeping)
    return _scaled(height, scale), _scaled(width, scale)


def size_decision(sizes: Sequence[Size], chosen: Size) -> Decision:
    """Why a size was chosen for images of these sizes."""
    if len(set(sizes)) <= 1:
        is_kept = not sizes or sizes[0] == chosen
        because = "the size of all images" if is_kept else f"all images are {sizes[0][0]}×{sizes[0][1]}"
    else:
        low, high = (pick(sizes, key=lambda size: size[0] * size[1]) for pick in (min, max))
        because = f"the images are {low[0]}×{low[1]} to {high[0]}×{high[1]}"
    return Decision("image size", f"{chosen[0]}×{chosen[1]}", because)


def fit_decision(sizes: Sequence[Size], chosen: Size, fit: str) -> tuple[Decision, ...]:
    """How images of other proportions are brought to the size; empty if there are none and nobody chose.

    Args:
        sizes: Rows and columns of each image.
        chosen: Those of the dataset.
        fit: One of `FIT_OPTIONS`.

    Example:
        >>> print(fit_decision([(10, 10), (10, 20)], (8, 8), "auto")[0])
        fit: pad (1 of 2 images has other proportions than 8×8; change with --fit)
    """
    count = sum(has_other_proportions(size, chosen) for size in sizes)
    if not count:
        return ()
    if len(set(sizes)) == 1:
        because = f"all images are {sizes[0][0]}×{sizes[0][1]}"
    else:
        have = "has" if count == 1 else "have"
        because = f"{count:,} of {len(sizes):,} images {have} other proportions than {chosen[0]}×{chosen[1]}"
    return (Decision("fit", "pad" if fit == "auto" else fit, because),)


def has_other_proportions(size: Size, target: Size) -> bool:
    """Whether an image that is resized into a target, in its own proportions, leaves a row or column of it empty."""
    scale = min(target[0] / size[0], target[1] / size[1])
    return any(math.floor(side * scale + 0.5 + 1e-6) < whole for side, whole in zip(size, target, strict=True))


def _is_side(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SIDE


def _scaled(side: int, scale: float) -> int:
    return min(max(1, int(side * scale + 0.5)), MAX_SIDE)
