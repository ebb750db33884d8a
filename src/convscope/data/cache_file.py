"""The files of a cache of decoded pixels: allocated at full size, written block by block, locked, and checked.

A cache is a folder with ``pixels.u8`` (uint8, one image after another), ``cache.json`` (what it holds) and
``blocks.txt`` (one line for each block that is written: a checksum of the line, and its facts as JSON).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.util
import json
import os
import shutil
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from convscope.data.mapped_pixels import Shape
from convscope.errors import DataError

PIXELS_FILE, HEADER_FILE, BLOCKS_FILE, LOCK_FILE = "pixels.u8", "cache.json", "blocks.txt", "lock"
PART = ".part"
FILES = (PIXELS_FILE, HEADER_FILE, BLOCKS_FILE, LOCK_FILE)
VERSION = 1
CACHE_FOLDER = "cache"
"""The folder for caches in a run folder."""

NAMES = "pixels-*"
HINT = "Choose another folder with --cache, or free some disk space."


@dataclass(frozen=True)
class Block:
    """Some consecutive images of a cache.

    Attributes:
        number: Its position, from 0.
        sha256: Of its pixels.
        stamps: What told the version of each source file when it was decoded: its size and time of change.
        color: How many of its images are in color.
        several: How many of its files hold several frames or pages.
        unreadable: Position in the block and reason, of each file that could not be decoded.
    """

    number: int
    sha256: str
    stamps: list[list[int]]
    color: int = 0
    several: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


class CacheFile:
    """The files of one cache, open for reading and writing, and locked against other processes.

    Args:
        folder: The folder of this cache; created if it is missing.
        shape: Images, rows, columns, channels.
        per_block: Images in a block.

    Attributes:
        blocks: The blocks that are complete, by number.
        damage: Why what was there could not be used; empty if it could, or if nothing was there.

    Raises:
        DataError: The folder cannot be written, the disk is too full, or another process uses the cache.
    """

    def __init__(self, folder: Path, shape: Shape, per_block: int) -> None:
        self.folder, self.shape, self.per_block = folder, shape, per_block
        self._image_bytes = shape[1] * shape[2] * shape[3]
        self.damage = ""
        with self._errors():
            folder.mkdir(parents=True, exist_ok=True)
            self.lock = (folder / LOCK_FILE).open("a+b")
        self._written = threading.Lock()
        self._lock_for("reading")
        self.blocks = self._read_blocks()

    @property
    def bytes(self) -> int:
        """Size of the pixels."""
        return self.shape[0] * self._image_bytes

    def rows_of(self, number: int) -> range:
        """The positions of the images of a block."""
        return range(number * self.per_block, min((number + 1) * self.per_block, self.shape[0]))

    @property
    def count(self) -> int:
        """Number of blocks."""
        return -(-self.shape[0] // self.per_block)

    def begin_writing(self) -> None:
        """Lock the cache for this process alone, and allocate the pixels; what is complete stays.

        Raises:
            DataError: Another process uses it, or the disk is too full.
        """
        self._lock_for("writing")
        path = self.folder / PIXELS_FILE
        with self._errors():
            try:
                with path.open("ab") as file:
                    _allocate(file.fileno(), self.bytes)
            except OSError as error:
                if not self.blocks:
                    self.lock.close()
                    remove_cache(self.folder)
                if error.errno not in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
                    raise
                free = shutil.disk_usage(self.folder.parent).free
                raise DataError.about_file(
                    f"Expected {self.bytes:,} bytes of disk space for the decoded images",
                    self.folder.parent,
                    f"{free:,} bytes free ({error.strerror})",
                    hint=HINT,
                ) from None
            _replace(self.folder / HEADER_FILE, json.dumps(self._header()).encode())
            lines = b"".join(_line(block) for _, block in sorted(self.blocks.items()))
            _replace(self.folder / BLOCKS_FILE, lines)

    def write(self, block: Block, pixels: bytes | memoryview) -> None:
        """Write the pixels of a block, then the line that says so. May be called from several threads at once.

        Raises:
            DataError: It cannot be written.
        """
        with self._errors(), self._written:
            with (self.folder / PIXELS_FILE).open("r+b") as file:
                file.seek(block.number * self.per_block * self._image_bytes)
                file.write(pixels)
            with (self.folder / BLOCKS_FILE).open("ab") as file:
                file.write(_line(block))
            self.blocks[block.number] = block

    def finish(self) -> None:
        """Bring everything to disk, and let other processes read it too."""
        with self._errors(), (self.folder / PIXELS_FILE).open("r+b") as file:
            os.fsync(file.fileno())
        self._lock_for("reading")

    def close(self) -> None:
        """Close the files; what is complete stays."""
        self.lock.close()

    def is_whole(self, block: Block) -> bool:
        """Whether the pixels of a block are those that were written."""
        rows = self.rows_of(block.number)
        try:
            with (self.folder / PIXELS_FILE).open("rb") as file:
                file.seek(rows.start * self._image_bytes)
                return hashlib.sha256(file.read(len(rows) * self._image_bytes)).hexdigest() == block.sha256
        except OSError:
            return False

    def _header(self) -> dict[str, Any]:
        return {"convscope_cache": VERSION, "shape": list(self.shape), "per_block": self.per_block}

    def _read_blocks(self) -> dict[int, Block]:
        """The lines that are whole; none if the header or the size of the pixels is not as expected."""
        try:
            header = json.loads((self.folder / HEADER_FILE).read_bytes())
            lines = (self.folder / BLOCKS_FILE).read_bytes().splitlines()
            size = (self.folder / PIXELS_FILE).stat().st_size
        except FileNotFoundError:
            self.damage = "a file is missing" if (self.folder / PIXELS_FILE).exists() else ""
            return {}
        except (OSError, ValueError):
            self.damage = f"{HEADER_FILE} is damaged"
            return {}
        if header != self._header():
            self.damage = f"{HEADER_FILE} is that of other images"
            return {}
        if size != self.bytes:
            self.damage = f"{PIXELS_FILE} has {size:,} of {self.bytes:,} bytes"
            return {}
        found = [block for line in lines if (block := self._block_of(line))]
        return {block.number: block for block in found}

    def _block_of(self, line: bytes) -> Block | None:
        """A block from its line; None for a line that was cut off or changed."""
        checksum, _, text = line.partition(b" ")
        try:
            if int(checksum, 16) != zlib.crc32(text):
                return None
            values: Mapping[str, Any] = json.loads(text)
            block = Block(**values)
            is_known = 0 <= block.number < self.count
            return block if is_known and len(block.stamps) == len(self.rows_of(block.number)) else None
        except (ValueError, TypeError):
            return None

    def _lock_for(self, purpose: str) -> None:
        if importlib.util.find_spec("fcntl") is None:
            return
        import fcntl

        kind = fcntl.LOCK_EX if purpose == "writing" else fcntl.LOCK_SH
        try:
            fcntl.flock(self.lock.fileno(), kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError.about_file(
                "Expected a cache that no other process uses",
                self.folder,
                "in use",
                hint="Wait for the other process, or choose another folder with --cache.",
            ) from None

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError.about_file(
                "Expected a folder for the decoded images that can be written",
                self.folder,
                error.strerror or str(error),
                hint=HINT,
            ) from None


def channels_of(folder: Path, images: int, size: tuple[int, int]) -> int | None:
    """The channels of a cache that holds so many images of this size; None if there is none."""
    try:
        n, height, width, channels = json.loads((folder / HEADER_FILE).read_bytes())["shape"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return channels if (n, height, width) == (images, *size) and channels in (1, 3) else None


def is_cache_folder(folder: Path) -> bool:
    """Whether a folder holds caches and nothing else.

    Raises:
        OSError: It cannot be read.
    """
    if folder.is_symlink() or not folder.is_dir():
        return False
    return all(entry.match(NAMES) and not entry.is_symlink() and _holds_only_ours(entry) for entry in folder.iterdir())


def _holds_only_ours(folder: Path) -> bool:
    return folder.is_dir() and all(file.name.removesuffix(PART) in FILES for file in folder.iterdir())


def remove_caches(folder: Path) -> None:
    """Remove all caches in a folder, and the folder if nothing else is in it; nothing happens if it does not exist."""
    for cache in sorted(folder.glob(NAMES)):
        remove_cache(cache)
    with contextlib.suppress(OSError):
        folder.rmdir()


def remove_cache(folder: Path) -> None:
    """Remove the files of one cache, and its folder if nothing else is in it."""
    for name in (*FILES, *(name + PART for name in FILES)):
        with contextlib.suppress(OSError):
            (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _line(block: Block) -> bytes:
    text = json.dumps(asdict(block)).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + PART)
    temporary.write_bytes(content)
    temporary.replace(path)


def _allocate(descriptor: int, size: int) -> None:
    """Give a file its final size, so that a full disk is noticed before anything is decoded."""
    if os.fstat(descriptor).st_size > size:
        os.ftruncate(descriptor, size)
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.truncate(descriptor, size)
