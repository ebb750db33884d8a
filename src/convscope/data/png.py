"""Detect damage in PNG files that Pillow accepts: wrong checksums, and images that end before their last row."""

from __future__ import annotations

import struct
import zlib

MAGIC = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples per pixel, by color type."""


def check(data: bytes) -> None:
    """Verify the checksums of header and data, and that there is data for all pixels.

    For interlaced images (Adam7), only the checksums are verified. Other formats are not checked.

    Args:
        data: A file that Pillow has opened.

    Raises:
        ValueError: The file is damaged.

    Source:
        Portable Network Graphics Specification, third edition (2025), sections 5, 9 and 10. We do not check
        chunks without pixels; Pillow checks those that it uses.
    """
    if not data.startswith(MAGIC):
        return
    place, wanted, unpacked, unpacker = len(MAGIC), 0, 0, zlib.decompressobj()
    while place + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        content, checksum = data[place + 8 : place + 8 + length], data[place + 8 + length : place + 12 + length]
        if kind == b"IEND":
            break
        if kind in (b"IHDR", b"IDAT") and checksum != zlib.crc32(kind + content).to_bytes(4, "big"):
            raise ValueError(f"wrong checksum of {kind.decode()}")
        if kind == b"IHDR" and length == 13:
            wanted = _length(content)
        elif kind == b"IDAT" and wanted > unpacked:
            unpacked += len(unpacker.decompress(content, wanted - unpacked))
        elif kind == b"fdAT":  # the other frames of an animation
            break
        place += 12 + length
    if unpacked < wanted:
        raise ValueError(f"it ends after {unpacked:,} of {wanted:,} bytes of pixels")


def _length(header: bytes) -> int:
    """The decompressed size of all rows, each with its filter byte; 0 for an interlaced image."""
    w, h, depth, color, _, _, interlace = struct.unpack(">IIBBBBB", header)
    return 0 if interlace else h * (1 + (w * depth * SAMPLES.get(color, 1) + 7) // 8)
