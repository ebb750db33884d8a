"""The files in a tar archive, plain or compressed, as an `image_tree.ImageTree`. Heavy: reads files.

Nothing is extracted to disk. Files of a plain archive are read where they are; those of a compressed one, in which no
position can be reached without reading everything before it, are kept in memory.
"""

from __future__ import annotations

import bz2
import functools
import gzip
import lzma
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any

from convscope.data.archive_members import member_path, reason_to_skip
from convscope.data.dataset import Skipped
from convscope.data.files import CHUNK, ZIP_ERRORS, open_regular, read_at_most
from convscope.data.image_folder import MAX_FILES
from convscope.data.image_formats import MAGIC_BYTES
from convscope.data.image_tree import ImageFile, ImageTree
from convscope.errors import DataError, printable

MAX_ARCHIVE_BYTES = 2**36

MAX_UNPACKED_BYTES = 2**31
"""The most bytes of a compressed archive, decompressed: its files are kept in memory."""

MAX_READ = 1 << 26
"""The most bytes that tarfile may ask for at once: long names and other headers are far smaller."""

TAR_ERRORS = (*ZIP_ERRORS, tarfile.TarError, OverflowError, RecursionError, IndexError, KeyError)
"""What the tarfile module raises on damaged archives."""

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")

BLOCK = 512

OPENERS = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
"""How a compressed archive is opened, by its first two bytes."""


class _Bounded:
    """A stream that refuses to read more than a limit, in all and at once."""

    def __init__(self, stream: Any, limit: int) -> None:
        self._stream, self._left = stream, limit

    def read(self, size: int) -> bytes:
        if not 0 <= size <= MAX_READ:
            raise OSError(f"a header of {size:,} bytes")
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise OSError(f"more than {MAX_UNPACKED_BYTES:,} bytes when decompressed; unpack it and pass the folder")
        return data

    def seek(self, *where: int) -> int:
        return self._stream.seek(*where)

    def tell(self) -> int:
        return self._stream.tell()


def is_tar(path: Path) -> bool:
    """Whether a file is a tar archive by its name, or by its content."""
    if path.name.lower().endswith(SUFFIXES):
        return True
    try:
        with open_regular(path, MAX_ARCHIVE_BYTES) as file:
            return file.read(262)[257:] == b"ustar"
    except (DataError, OSError):
        return False


@contextmanager
def open_tar(path: Path) -> Iterator[ImageTree]:
    """List the files of an archive; they can be read until the context ends.

    Skipped, and named in the result: members whose path leads out of the archive, links, devices, and members of more
    than 20 MB. Of two members with the same name, the last is read, as tar itself does.

    Raises:
        DataError: Not a tar archive, damaged, more than 2,000,000 files, or compressed and too large for the memory.
    """
    with ExitStack() as stack:
        file = stack.enter_context(open_regular(path, MAX_ARCHIVE_BYTES))
        start = file.read(2)
        file.seek(0)
        try:
            if start in OPENERS:
                stream = stack.enter_context(OPENERS[start](file))
                tree = _listed(_Bounded(stream, MAX_UNPACKED_BYTES), "r|", path, None)
            else:
                tree = _listed(_Bounded(file, MAX_ARCHIVE_BYTES), "r:", path, file)
                tree = tree if _has_end(file) else replace(tree, skipped=(*tree.skipped, Skipped(tree.source, NO_END)))
        except TAR_ERRORS as error:
            reason = " ".join(str(error).split())[:160] or type(error).__name__
            raise DataError.about_file("Expected an undamaged tar archive", path, reason) from None
        yield tree


@contextmanager
def _archive(path: Path) -> Iterator[tuple[tarfile.TarFile, _Bounded]]:
    """An archive to be read from its beginning to its end, compressed or not, and the stream that it is read from."""
    with ExitStack() as stack:
        file = stack.enter_context(open_regular(path, MAX_ARCHIVE_BYTES))
        start = file.read(2)
        file.seek(0)
        try:
            stream = stack.enter_context(OPENERS[start](file)) if start in OPENERS else file
            bounded = _Bounded(stream, MAX_UNPACKED_BYTES)
            archive: Any = tarfile.open  # the stream has only the methods that it needs
            yield stack.enter_context(archive(fileobj=bounded, mode="r|")), bounded
        except TAR_ERRORS as error:
            reason = " ".join(str(error).split())[:160] or type(error).__name__
            raise DataError.about_file("Expected an undamaged tar archive", path, reason) from None


def first_names(path: Path, count: int) -> list[str]:
    """The names of the first members of an archive.

    Raises:
        DataError: Not a tar archive, or damaged.
    """
    with _archive(path) as (archive, _):
        return [member.name for member in islice(archive, count)]


def read_members(path: Path, is_wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The contents of the wanted regular files of an archive by file name, without their folder.

    Raises:
        DataError: Not a tar archive, damaged, or larger than 2 GB, decompressed.
    """
    found: dict[str, bytes] = {}
    with _archive(path) as (archive, stream):
        for member in archive:
            name = member.name.rpartition("/")[2]
            if is_wanted(name) and member.isfile() and not member.issparse():
                content = archive.extractfile(member)
                data = read_at_most(content, MAX_UNPACKED_BYTES, member.name) if content else b""
                if len(data) < member.size:
                    raise tarfile.ReadError("unexpected end of data")
                found[name] = data
        while stream.read(CHUNK):
            pass  # the checksum is at the end
    return found


NO_END = "no end marker: the archive may be incomplete"


def _has_end(file: BufferedReader) -> bool:
    """Whether an archive ends with zeros; tarfile takes one that was cut between two files as whole."""
    file.seek(0, 2)
    file.seek(max(0, file.tell() - BLOCK))
    return not any(file.read(BLOCK))


def _listed(stream: _Bounded, mode: str, path: Path, file: BufferedReader | None) -> ImageTree:
    files: dict[tuple[str, ...], ImageFile] = {}
    folders: set[tuple[str, ...]] = set()
    skipped: list[Skipped] = []
    lock = threading.Lock()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        while (member := archive.next()) is not None:
            archive.members = []  # tarfile keeps every member otherwise
            where = member_path(member.name)
            if not where:
                continue
            is_plain = (member.isfile() and not member.issparse()) or member.isdir()
            if reason := reason_to_skip(member.name, where, is_file_or_folder=is_plain, size=member.size):
                skipped.append(Skipped(printable(member.name), reason))
                continue
            folders.update(where[:depth] for depth in range(1, len(where) + member.isdir()))
            if member.isfile():
                files[where] = _file(archive, member, where, file, lock)
            if len(files) > MAX_FILES:
                raise DataError(f"Expected at most {MAX_FILES:,} files. Received: file={path.name}, more than that.")
    return ImageTree("tar", printable(path.name), tuple(files.values()), frozenset(folders), tuple(skipped))


def _file(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    where: tuple[str, ...],
    file: BufferedReader | None,
    lock: threading.Lock,
) -> ImageFile:
    if file is None:
        stream = archive.extractfile(member)
        data = stream.read(member.size) if stream else b""
        if len(data) < member.size:
            raise tarfile.ReadError("unexpected end of data")
        return ImageFile(where, lambda: data, lambda: data[:MAGIC_BYTES])
    sizes = (member.size, min(member.size, MAGIC_BYTES))
    read, start = (functools.partial(_read_at, file, lock, member.offset_data, size) for size in sizes)
    return ImageFile(where, read, start)


def _read_at(file: BufferedReader, lock: threading.Lock, offset: int, size: int) -> bytes:
    with lock:  # threads share the position
        file.seek(offset)
        return file.read(size)
