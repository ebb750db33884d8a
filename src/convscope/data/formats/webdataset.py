"""A folder of tar archives with WebDataset samples: ``train-000000.tar``, ``train-000001.tar``, ``test-000000.tar``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from convscope.data.dataset import LoadedData
from convscope.data.image_folder import load_tree
from convscope.data.image_tree import ImageTree
from convscope.data.load_options import LoadOptions
from convscope.data.reader import Reader
from convscope.data.samples import samples_tree
from convscope.data.shards import find_shards, is_folder_of_shards
from convscope.data.tar_files import SUFFIXES, open_tar
from convscope.errors import DataError, printable

MAX_ARCHIVES = 200
"""All archives are open at once."""


def load(path: Path, options: LoadOptions) -> LoadedData:
    """Load all archives of a folder; parts follow from the names of the archives or their folders.

    Raises:
        DataError: More than 200 archives, or see `tar_files.open_tar` and `image_folder.load_tree`.
    """
    with open_images(path) as tree:
        return load_tree(tree, options)


@contextmanager
def open_images(path: Path) -> Iterator[ImageTree]:
    """List the images of all archives by part and label; they can be read until the context ends."""
    archives = find_shards(path, SUFFIXES)
    if len(archives) > MAX_ARCHIVES:
        raise DataError(
            f"Expected at most {MAX_ARCHIVES} archives. Received: folder={path}, {len(archives):,}.",
            hint="Pass a folder with some of them.",
        )
    with ExitStack() as stack:
        trees = [(place.relative_to(path).as_posix(), stack.enter_context(open_tar(place))) for place in archives]
        yield samples_tree(trees, source=printable(path.resolve().name or str(path)))


READER = Reader(
    name="webdataset",
    form="a folder of .tar files",
    contents="WebDataset samples: 000017.jpg and 000017.cls",
    order=24,
    recognizes=lambda candidate: is_folder_of_shards(candidate, SUFFIXES),
    load=load,
    open_images=open_images,
)
