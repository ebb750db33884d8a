"""Images as people give them: paths, folders, arrays, PIL images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convscope.data import mnist
from convscope.data.decode import decode_file
from convscope.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")


@dataclass(frozen=True, eq=False)
class ImageInput:
    """One image; `picture` decodes it."""

    name: str
    source: Any

    @property
    def picture(self) -> np.ndarray:
        """The upright image, uint8 ``(h, w, c)``."""
        if isinstance(self.source, np.ndarray):
            return self.source if self.source.ndim == 3 else self.source[:, :, None]
        numbered = None if Path(self.name).exists() else mnist.digit(self.name)
        return decode_file(Path(self.name)) if numbered is None else numbered


def collect_images(images: Any, *, most: int) -> list[ImageInput]:
    """Each image that is meant."""
    if isinstance(images, np.ndarray):
        several = (
            images if images.ndim == 4 or (images.ndim == 3 and images.shape[-1] not in (1, 3, 4)) else images[None]
        )
        return [ImageInput(f"image {index}", one) for index, one in enumerate(several)]
    if isinstance(images, str | Path):
        if not Path(images).is_dir():
            return [ImageInput(str(images), images)]
        found = sorted(path for path in Path(images).iterdir() if path.suffix.lower() in SUFFIXES)
        if not found:
            raise DataError(f"Expected a folder with pictures. Received: {images}, which has none.")
        return [ImageInput(str(path), path) for path in found]
    assert isinstance(images, Iterable)
    return [one for given in images for one in collect_images(given, most=most)]
