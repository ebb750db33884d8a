"""Images that are decoded from their files whenever they are used, in bounded memory. Heavy: reads files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import numpy as np

from convscope.arrays import Pixels
from convscope.data.attempt import DecodeFile
from convscope.data.image_tree import ImageFile
from convscope.data.parallel import in_threads


class FilePixels:
    """The pixels of image files, for `mapped_pixels.MappedPixels`.

    Args:
        files: The files.
        decode_file: Gives images of the shape; gray ones are repeated if it has three channels.
        image_shape: Rows, columns, channels.
    """

    def __init__(self, files: Sequence[ImageFile], decode_file: DecodeFile, image_shape: tuple[int, int, int]) -> None:
        self._files, self._decode, self.image_shape = files, decode_file, image_shape

    def read(self, rows: np.ndarray) -> Pixels:
        """Decode images, by their positions.

        Raises:
            DataError: A file can no longer be read.
        """
        pixels = np.empty((len(rows), *self.image_shape), np.uint8)
        files = (self._files[row] for row in rows.tolist())
        with closing(in_threads(self._decode, files)) as decoded:
            for index, (image, _) in enumerate(decoded):
                pixels[index] = image
        return pixels
