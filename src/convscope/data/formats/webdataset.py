"""A folder of tar archives with WebDataset samples: ``train-000000.tar``, ``train-000001.tar``, ``test-000000.tar``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from convscope.data.build_dataset import natural_key
from convscope.data.dataset import LoadedData
from convscope.data.files import list_folder
from convscope.data.formats.folder import list_images
from convscope.data.image_folder import load_tree
from convscope.data.image_formats import has_image_suffix
from convscope.data.image_tree import ImageTree
from convscope.data.load_options import LoadOptions
from convscope.data.reader import Candidate, Reader
from convscope.data.samples import samples_tree
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
    archives = _archives(path)
    if len(archives) > MAX_ARCHIVES:
        raise DataError(
            f"Expected at most {MAX_ARCHIVES} archives. Received: folder={path}, {len(archives):,}.",
            hint="Pass a folder with some of them.",
        )
    with ExitStack() as stack:
        trees = [(place.relative_to(path).as_posix(), stack.enter_context(open_tar(place))) for place in archives]
        yield samples_tree(trees, source=printable(path.resolve().name or str(path)))


def _archives(folder: Path) -> list[Path]:
    """The archives in a folder, or else one level below."""
    places = [folder]
    while places:
        entries = [entry for place in places for entry in list_folder(place)]
        found = [Path(entry.path) for entry in entries if entry.is_file() and entry.name.lower().endswith(SUFFIXES)]
        if found or places != [folder]:
            return sorted(found, key=lambda place: natural_key(place.as_posix()))
        places = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    return []


def _recognizes(candidate: Candidate) -> bool:
    """A folder with archives of samples and without images: class folders come first."""
    if not candidate.is_folder or not _archives(candidate.path):
        return False
    return not any(has_image_suffix(file.path[-1]) for file in list_images(candidate.path).files)


READER = Reader(
    name="webdataset",
    form="a folder of .tar archives",
    contents="WebDataset samples: images (.jpg) and labels (.cls) of the same name",
    order=24,
    recognizes=_recognizes,
    load=load,
    open_images=open_images,
)
