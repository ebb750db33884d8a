"""Decode an image file, or say why it cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from convscope.arrays import Picture
from convscope.data.image_tree import ImageFile
from convscope.errors import DataError

DecodeFile = Callable[[ImageFile], tuple[Picture, int]]
"""From a file to its image, and the number of its frames or pages. It raises `DataError` if it cannot be read."""


@dataclass(frozen=True)
class Attempt:
    """`DecodeFile` that returns its error: other files go on."""

    decode_file: DecodeFile

    def __call__(self, file: ImageFile) -> tuple[Picture, int] | DataError:
        """The image and the number of frames, or the error."""
        try:
            return self.decode_file(file)
        except DataError as error:
            return error
