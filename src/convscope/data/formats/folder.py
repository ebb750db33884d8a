"""A folder of images, with one subfolder per class."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from convscope.data.dataset import LoadedData, Skipped
from convscope.data.decode import MAX_FILE_BYTES
from convscope.data.files import list_folder, read_regular, read_start, stamp
from convscope.data.image_folder import MAX_FILES, load_tree
from convscope.data.image_formats import MAGIC_BYTES
from convscope.data.image_tree import FOLDER_LINKS, ImageFile, ImageTree
from convscope.data.load_options import LoadOptions
from convscope.data.metadata_table import with_fields
from convscope.data.reader import Reader
from convscope.errors import DataError, printable


def load(path: Path, options: LoadOptions) -> LoadedData:
    """Load a folder of images, with one subfolder per class; see `image_folder.load_tree`.

    Raises:
        DataError: See there.
    """
    return load_tree(with_fields(list_images(path), path), options)


def list_images(root: Path) -> ImageTree:
    """List the regular files in a folder and its subfolders, in no particular order.

    Hidden files are ignored. A link to a file inside the root counts as a file. Links that lead out of the root, links
    to folders (which may be circular), pipes and devices are skipped, and the result names them.

    Raises:
        DataError: A folder cannot be read, or holds more than 2,000,000 files.
    """
    files: list[ImageFile] = []
    folders: set[tuple[str, ...]] = set()
    skipped: list[Skipped] = []
    waiting: list[tuple[str, ...]] = [()]
    resolved_root = root.resolve()
    while waiting:
        here = waiting.pop()
        for entry in list_folder(root.joinpath(*here)):
            path = (*here, entry.name)
            if entry.is_dir(follow_symlinks=False):
                folders.add(path)
                waiting.append(path)
            elif reason := _reason_to_skip(Path(entry.path), entry.is_symlink(), resolved_root):
                skipped.append(Skipped(printable("/".join(path)), reason))
            else:
                files.append(image_file(path, Path(entry.path)))
        if len(files) > MAX_FILES:
            raise DataError(f"Expected at most {MAX_FILES:,} files. Received: folder={root}, more than that.")
    skipped.sort(key=lambda entry: entry.file)
    name = printable(resolved_root.name or str(root))
    return ImageTree("folder", name, tuple(files), frozenset(folders), tuple(skipped))


def image_file(path: tuple[str, ...], place: Path) -> ImageFile:
    """A file on disk, by its path below a root."""
    read = functools.partial(read_regular, place, MAX_FILE_BYTES)
    return ImageFile(path, read, functools.partial(read_start, place, MAGIC_BYTES), functools.partial(stamp, place))


def _reason_to_skip(path: Path, is_link: bool, root: Path) -> str:
    try:
        if is_link and not path.resolve(strict=True).is_relative_to(root):
            return FOLDER_LINKS[1] if path.is_dir() else "a link that leads out of the folder"
        if is_link and path.is_dir():
            return FOLDER_LINKS[0]
        return "" if path.is_file() else "not a regular file"
    except (OSError, RuntimeError):
        return "a broken link"


@contextmanager
def _open_images(path: Path) -> Iterator[ImageTree]:
    yield list_images(path)


READER = Reader(
    name="folder",
    form="a folder of images",
    contents="one subfolder per class, optionally inside train/ and test/",
    order=10,
    recognizes=lambda candidate: candidate.is_folder,
    load=load,
    open_images=_open_images,
    is_fallback=True,
)
