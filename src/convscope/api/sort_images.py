"""Sort images into one folder for each class, by hard links or copies. The originals are never moved or changed."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from convscope.errors import OptionError, RunError, printable

MAX_FOLDER_NAME = 100
FORBIDDEN = '<>:"/\\|?*'
"""Characters that Windows, or every system, forbids in names."""


class ImageSorter:
    """Puts image files into class folders.

    A file is hard-linked if the file system allows it, and copied otherwise. Nothing is overwritten: a second file of
    the same name gets a number. A file that is there already stays as it is, so that sorting can be repeated.

    Args:
        folder: Where the class folders are made.
        class_names: The classes; a name that is no folder name is adapted.
        sources: What is sorted: files and folders.

    Attributes:
        sorted: How many images are in place.

    Raises:
        OptionError: A class folder would be in a folder that is sorted, and would be read the next time.
    """

    def __init__(self, folder: Path, class_names: Sequence[str], sources: Sequence[str]) -> None:
        self.sorted = 0
        self._folders = {
            name: folder / part for name, part in zip(class_names, _folder_names(class_names), strict=True)
        }
        inside = [Path(source) for source in sources if Path(source).is_dir()]
        for target in (folder, *self._folders.values()):
            for source in inside:
                if target.resolve().is_relative_to(source.resolve()):
                    raise OptionError(
                        f"Expected a folder outside the images. Received: copy_to={folder}, inside {source}.",
                        hint="Sort into a folder beside it.",
                    )

    def put(self, file: Path, class_name: str) -> None:
        """Put one file into the folder of its class.

        Raises:
            RunError: The folder cannot be made, or the file cannot be copied.
        """
        folder = self._folders[class_name]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            number = 1
            while not self._try(file, folder / (file.name if number == 1 else f"{file.stem}-{number}{file.suffix}")):
                number += 1
        except OSError as error:
            raise RunError(f"{printable(str(file))} cannot be copied to {folder} ({error.strerror}).") from None
        self.sorted += 1

    def _try(self, file: Path, target: Path) -> bool:
        """Whether the file is at the target now; False if another file is there."""
        try:
            os.link(file.resolve(), target)
            return True
        except FileExistsError:
            return _is_copy(file, target)
        except OSError:
            pass
        draft = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            shutil.copy2(file, draft)
            if target.exists():  # such file systems have no links either, so the names are not raced for
                return _is_copy(file, target)
            draft.rename(target)
            return True
        finally:
            draft.unlink(missing_ok=True)


def _is_copy(file: Path, target: Path) -> bool:
    """Whether the target is this file: the same file on disk, or a copy of the same time and content."""
    if target.is_dir():
        return False
    one, other = file.stat(), target.stat()
    if os.path.samestat(one, other):
        return True
    if (one.st_dev == other.st_dev and other.st_nlink > 1) or int(one.st_mtime) != int(other.st_mtime):
        return False
    return filecmp.cmp(file, target, shallow=False)


def _folder_names(class_names: Sequence[str]) -> list[str]:
    """One folder name for each class: no two equal, also where capitals do not count."""
    taken: set[str] = set()
    names = []
    for name in class_names:
        part = (
            "".join("_" if char in FORBIDDEN else char for char in printable(name))[:MAX_FOLDER_NAME].strip(" .") or "_"
        )
        number, chosen = 2, part
        while chosen.casefold() in taken:
            number, chosen = number + 1, f"{part} ({number})"
        taken.add(chosen.casefold())
        names.append(chosen)
    return names
