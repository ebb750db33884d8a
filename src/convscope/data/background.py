"""What transparent images are laid on, decided by looking at some of them. Heavy: reads files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convscope.data.decode import decode, has_transparency
from convscope.data.image_tree import ImageFile
from convscope.data.pixels import stands_out
from convscope.data.preprocess import BACKGROUNDS
from convscope.decisions import Decision
from convscope.errors import DataError

SAMPLE = 50
"""The most files that are looked at; of those with transparency, all pixels."""


def decide_background(files: Sequence[ImageFile], background: str) -> tuple[str, tuple[Decision, ...]]:
    """Decide the gray level behind transparent pixels.

    It is white, unless most of the drawings on a transparent ground would not stand out from it: then it is black or
    gray, from whichever more of them stand out. Up to 50 evenly spaced files are looked at.

    Args:
        files: All files of the dataset, also those that are no images.
        background: One of `BACKGROUNDS`, or ``auto``.

    Returns:
        A key of `BACKGROUNDS`, and what was decided; empty if it is white as always.
    """
    if background != "auto":
        told = Decision("background", background, "as requested", "--background auto")
        return background, () if background == "white" else (told,)
    seen = [found for file in _sample(files) if (found := _contrasts(file))]
    hidden = {name: sum(not found[name] for found in seen) for name in BACKGROUNDS}
    if 2 * hidden["white"] <= len(seen):
        return "white", ()
    chosen = min(("black", "gray"), key=lambda name: hidden[name])
    of = f"{hidden['white']:,} of {len(seen):,} drawings on a transparent ground"
    return chosen, (Decision("background", chosen, f"{of} that were looked at are white or nearly so"),)


def _sample(files: Sequence[ImageFile]) -> list[ImageFile]:
    return [files[index] for index in np.unique(np.linspace(0, len(files) - 1, SAMPLE).astype(int))] if files else []


def _contrasts(file: ImageFile) -> dict[str, bool]:
    """From which backgrounds a drawing stands out; empty if the ground is not transparent."""
    try:
        data = file.read()
        if not has_transparency(data, file.name):
            return {}
        picture = decode(data, file.name, background=None).pixels
    except (OSError, DataError):
        return {}
    found = {name: stands_out(picture, level) for name, level in BACKGROUNDS.items()}
    return {name: bool(one) for name, one in found.items()} if None not in found.values() else {}
