"""A zip archive of images, with one folder per class. Members are read one by one; nothing is extracted to disk."""

from __future__ import annotations

import functools
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from convscope.data.archive_members import member_path, reason_to_skip
from convscope.data.dataset import LoadedData, Skipped
from convscope.data.decode import MAX_FILE_BYTES
from convscope.data.files import ZIP_ERRORS, open_regular, read_at_most
from convscope.data.image_folder import MAX_FILES, load_tree
from convscope.data.image_formats import MAGIC_BYTES
from convscope.data.image_tree import ImageFile, ImageTree
from convscope.data.load_options import LoadOptions
from convscope.data.reader import Candidate, Reader
from convscope.errors import DataError, printable

MAX_ARCHIVE_BYTES = 2**36


def load(path: Path, options: LoadOptions) -> LoadedData:
    """Load a zip archive of a folder of images; see `image_folder.load_tree`.

    Skipped, and named in the result: members whose path leads out of the archive, links, encrypted members, members of
    more than 20 MB, and the second of two members with the same name.

    Raises:
        DataError: Not a zip archive, or see there.
    """
    with open_images(path) as tree:
        return load_tree(tree, options)


@contextmanager
def open_images(path: Path) -> Iterator[ImageTree]:
    """Open an archive and list its members; they can be read until the context ends.

    Raises:
        DataError: Not a zip archive, or more than 2,000,000 members.
    """
    with open_regular(path, MAX_ARCHIVE_BYTES) as file:
        try:
            archive = zipfile.ZipFile(file)
        except ZIP_ERRORS as error:
            reason = " ".join(str(error).split()) or "damaged"
            raise DataError.about_file("Expected a zip archive", path, reason) from None
        yield _list_images(archive, path.name)


def _list_images(archive: zipfile.ZipFile, source: str) -> ImageTree:
    members = archive.infolist()
    if len(members) > MAX_FILES:
        raise DataError(f"Expected at most {MAX_FILES:,} files. Received: file={source}, {len(members):,}.")
    files: dict[tuple[str, ...], ImageFile] = {}
    folders: set[tuple[str, ...]] = set()
    skipped: list[Skipped] = []
    for member in members:
        name = member.filename.replace("\\", "/")
        path = member_path(name)
        if not path:
            continue
        if reason := "a second member with this name" if path in files else _reason_to_skip(member, path):
            skipped.append(Skipped(printable(name), reason))
            continue
        is_folder = name.endswith("/")
        folders.update(path[:depth] for depth in range(1, len(path) + is_folder))
        if not is_folder:
            read = functools.partial(_read, archive, member, printable(name))
            files[path] = ImageFile(
                path, read, functools.partial(_read_start, archive, member), functools.partial(_stamp, member)
            )
    return ImageTree("zip", printable(source), tuple(files.values()), frozenset(folders), tuple(skipped))


def _reason_to_skip(member: zipfile.ZipInfo, path: tuple[str, ...]) -> str:
    return reason_to_skip(
        member.filename,
        path,
        is_file_or_folder=stat.S_IFMT(member.external_attr >> 16) in (0, stat.S_IFREG, stat.S_IFDIR),
        is_encrypted=bool(member.flag_bits & 1),
        size=member.file_size,
    )


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bytes:
    try:
        with archive.open(member) as stream:
            return read_at_most(stream, MAX_FILE_BYTES, name)
    except ZIP_ERRORS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError.about_file("Expected an undamaged member", name, reason) from None


def _read_start(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(member) as stream:
            return stream.read(MAGIC_BYTES)
    except ZIP_ERRORS:
        return b""


def _stamp(member: zipfile.ZipInfo) -> tuple[int, int]:
    return member.file_size, member.CRC


def _recognizes(candidate: Candidate) -> bool:
    return candidate.is_zip or (not candidate.is_folder and candidate.name.endswith(".zip"))


READER = Reader(
    name="zip",
    form="a .zip archive",
    contents="such a folder of images; nothing is extracted",
    order=20,
    recognizes=_recognizes,
    load=load,
    open_images=open_images,
    is_fallback=True,
)
