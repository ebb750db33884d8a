"""The interface of a data format. Each module of ``formats/`` defines one `Reader` named ``READER``.

Light: no file is read here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from convscope.data.dataset import Dataset, LoadedData
from convscope.data.image_tree import ImageTree
from convscope.data.load_options import LoadOptions

ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True)
class Candidate:
    """A path whose format is to be detected.

    Attributes:
        path: As given; it exists.
        is_folder: Whether it is a folder.
        start: The first four bytes of a file; empty for a folder.
    """

    path: Path
    is_folder: bool
    start: bytes = b""

    @property
    def name(self) -> str:
        """The file name in lower case."""
        return self.path.name.lower()

    @property
    def is_zip(self) -> bool:
        """Whether the content is a zip archive, whatever its name."""
        return self.start in ZIP_STARTS


@dataclass(frozen=True)
class Reader:
    """A data format: how it is recognized, read and described.

    Attributes:
        name: The name of the format, as in ``LoadedData.kind``.
        form: What the user passes, for ``convscope data``.
        contents: What it must contain, for ``convscope data``.
        order: Position in the list of formats, and in detection.
        recognizes: Whether a path has this format.
        load: Reads it.
        load_test: Reads the test part alone, where that is faster than ``load``; None where it is not.
        open_images: Lists the image files, for formats that store images as files; None for arrays.
        is_fallback: Whether the format accepts a path only if no other format recognizes it.
        is_built_in: Whether it is a dataset with a name instead of a path.
    """

    name: str
    form: str
    contents: str
    order: int
    recognizes: Callable[[Candidate], bool]
    load: Callable[[Path, LoadOptions], LoadedData]
    load_test: Callable[[LoadOptions], Dataset] | None = None
    open_images: Callable[[Path], AbstractContextManager[ImageTree]] | None = None
    is_fallback: bool = False
    is_built_in: bool = False
