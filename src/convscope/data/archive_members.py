"""Names of the members of an archive: which are files of the dataset, and which are skipped. Light."""

from __future__ import annotations

import re

from convscope.data.decode import MAX_FILE_BYTES
from convscope.data.files import is_hidden

Path = tuple[str, ...]


def member_path(name: str) -> Path:
    r"""The path of a member, piece by piece; empty for a hidden one.

    Example:
        >>> member_path("./a\\b.png"), member_path("__MACOSX/._b.png")
        (('a', 'b.png'), ())
    """
    pieces = tuple(piece for piece in name.replace("\\", "/").split("/") if piece not in ("", "."))
    return () if any(is_hidden(piece) and piece != ".." for piece in pieces) else pieces


def reason_to_skip(name: str, path: Path, *, is_file_or_folder: bool, is_encrypted: bool = False, size: int) -> str:
    """Why a member is not read; empty if it is.

    Args:
        name: As the archive has it.
        path: Its `member_path`.
        is_file_or_folder: Whether it is one of these; links and devices are not.
        is_encrypted: Whether a password is needed.
        size: Its bytes, uncompressed.
    """
    if name.startswith(("/", "\\")) or ".." in path or re.match(r"[A-Za-z]:", name):
        return "a path that leads out of the archive"
    if not is_file_or_folder:
        return "a link or a device, not a file"
    if is_encrypted:
        return "encrypted"
    if size > MAX_FILE_BYTES:
        return f"{size:,} bytes uncompressed, more than {MAX_FILE_BYTES:,}"
    return ""
