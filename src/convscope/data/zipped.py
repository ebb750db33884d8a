"""A zip archive of pictures, one folder a class: members are read by name, nothing is ever extracted."""

from __future__ import annotations

import functools
import re
import stat
import zipfile
from pathlib import Path

from convscope.data.build_dataset import LoadOptions
from convscope.data.dataset import LoadedData, Skipped
from convscope.data.decode import MAX_FILE_BYTES
from convscope.data.files import ZIP_TROUBLE, is_hidden, open_regular, read_at_most
from convscope.data.pictures import load_tree
from convscope.data.tree import MAX_FILES, PictureFile, Tree
from convscope.errors import DataError, printable

MAX_ARCHIVE_BYTES = 2**36


def load_zip(path: Path, options: LoadOptions) -> LoadedData:
    """Load a zip archive of a folder of pictures; see ``pictures.load_tree``.

    Members with a path that leads out of the archive, links, encrypted members, members above 20 MB unpacked and the
    second of two with one name are left out by name.

    Raises:
        DataError: Not a zip archive, or see there.
    """
    with open_regular(path, MAX_ARCHIVE_BYTES) as file:
        try:
            archive = zipfile.ZipFile(file)
        except ZIP_TROUBLE as error:
            words = " ".join(str(error).split())
            raise DataError(f"Expected a zip archive. Received: file={path}, {words or 'damaged'}.") from None
        return load_tree(scan(archive, path.name), options)


def scan(archive: zipfile.ZipFile, source: str) -> Tree:
    """List the members of an archive without unpacking any.

    Raises:
        DataError: More than 2,000,000 members.
    """
    members = archive.infolist()
    if len(members) > MAX_FILES:
        raise DataError(f"Expected at most {MAX_FILES:,} files. Received: file={source}, {len(members):,}.")
    files: dict[tuple[str, ...], PictureFile] = {}
    folders: set[tuple[str, ...]] = set()
    skipped: list[Skipped] = []
    for member in members:
        name = member.filename.replace("\\", "/")
        path = tuple(piece for piece in name.split("/") if piece not in ("", "."))
        if not path or any(is_hidden(piece) and piece != ".." for piece in path):
            continue
        if reason := _unfit(member, name, path, path in files):
            skipped.append(Skipped(printable(name), reason))
            continue
        is_folder = name.endswith("/")
        folders.update(path[:depth] for depth in range(1, len(path) + is_folder))
        if not is_folder:
            files[path] = PictureFile(path, functools.partial(_read, archive, member, printable(name)))
    return Tree("zip", printable(source), tuple(files.values()), frozenset(folders), tuple(skipped))


def _unfit(member: zipfile.ZipInfo, name: str, path: tuple[str, ...], known: bool) -> str:
    if name.startswith("/") or ".." in path or re.match(r"[A-Za-z]:", name):
        return "a path that leads out of the archive"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a link or a device, not a file"
    if member.flag_bits & 1:
        return "encrypted"
    if member.file_size > MAX_FILE_BYTES:
        return f"{member.file_size:,} bytes unpacked, more than {MAX_FILE_BYTES:,}"
    return "a second member of this name" if known else ""


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bytes:
    try:
        with archive.open(member) as stream:
            return read_at_most(stream, MAX_FILE_BYTES, name)
    except ZIP_TROUBLE as error:
        words = " ".join(str(error).split())
        raise DataError(f"Expected a whole member. Received: file={name}, {words or type(error).__name__}.") from None
