"""A tar archive of images: one folder per class, or WebDataset samples. Nothing is extracted to disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from convscope.data.dataset import LoadedData
from convscope.data.image_folder import load_tree
from convscope.data.image_tree import ImageTree
from convscope.data.load_options import LoadOptions
from convscope.data.reader import Candidate, Reader
from convscope.data.samples import has_samples, samples_tree
from convscope.data.tar_files import is_tar, open_tar


def load(path: Path, options: LoadOptions) -> LoadedData:
    """Load an archive of class folders, or of samples: images with a ``.cls`` file of the same name.

    Raises:
        DataError: See `tar_files.open_tar` and `image_folder.load_tree`.
    """
    with open_images(path) as tree:
        return load_tree(tree, options)


@contextmanager
def open_images(path: Path) -> Iterator[ImageTree]:
    """List the images of an archive by class; they can be read until the context ends."""
    with open_tar(path) as tree:
        yield samples_tree([(path.name, tree)], source=tree.source) if has_samples(tree) else tree


def _recognizes(candidate: Candidate) -> bool:
    return not candidate.is_folder and not candidate.is_zip and is_tar(candidate.path)


READER = Reader(
    name="tar",
    form="a .tar archive",
    contents="such a folder of images, or WebDataset samples; also .tar.gz",
    order=22,
    recognizes=_recognizes,
    load=load,
    open_images=open_images,
    is_fallback=True,
)
