"""A folder of pictures, one sub-folder a class, read as it lies on the disk."""

from __future__ import annotations

import functools
from pathlib import Path

from convscope.data.build_dataset import LoadOptions
from convscope.data.dataset import LoadedData, Skipped
from convscope.data.decode import MAX_FILE_BYTES
from convscope.data.files import list_folder, read_regular
from convscope.data.pictures import load_tree
from convscope.data.tree import MAX_FILES, PictureFile, Tree
from convscope.errors import DataError, printable


def load_folder(path: Path, options: LoadOptions) -> LoadedData:
    """Load a folder of pictures, one sub-folder a class; see ``pictures.load_tree``.

    Raises:
        DataError: See there.
    """
    return load_tree(scan(path), options)


def scan(root: Path) -> Tree:
    """List the regular files below a folder, in no order.

    Hidden files are passed over. Links to files inside the root count as files; links that lead out of it, links to
    folders (they may run in circles), pipes and devices are left out by name.

    Raises:
        DataError: A folder that cannot be read, or more than 2,000,000 files.
    """
    files: list[PictureFile] = []
    folders: set[tuple[str, ...]] = set()
    skipped: list[Skipped] = []
    waiting: list[tuple[str, ...]] = [()]
    home = root.resolve()
    while waiting:
        here = waiting.pop()
        for entry in list_folder(root.joinpath(*here)):
            path = (*here, entry.name)
            if entry.is_dir(follow_symlinks=False):
                folders.add(path)
                waiting.append(path)
            elif reason := _unfit(Path(entry.path), entry.is_symlink(), home):
                skipped.append(Skipped(printable("/".join(path)), reason))
            else:
                files.append(PictureFile(path, functools.partial(read_regular, Path(entry.path), MAX_FILE_BYTES)))
        if len(files) > MAX_FILES:
            raise DataError(f"Expected at most {MAX_FILES:,} files. Received: folder={root}, more than that.")
    skipped.sort(key=lambda entry: entry.file)
    return Tree("folder", printable(root.resolve().name or str(root)), tuple(files), frozenset(folders), tuple(skipped))


def _unfit(path: Path, is_link: bool, home: Path) -> str:
    """Why a directory entry is not to be read, or nothing."""
    try:
        if is_link and not path.resolve(strict=True).is_relative_to(home):
            return "a link that leads out of the folder"
        if is_link and path.is_dir():
            return "a link to a folder"
        return "" if path.is_file() else "not a regular file"
    except (OSError, RuntimeError):
        return "a link that leads nowhere"
