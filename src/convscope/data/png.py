"""What Pillow lets pass in a PNG: checksums that do not fit, and pictures that end before their last row."""

from __future__ import annotations

import struct
import zlib

MAGIC = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples per pixel, by color type."""


def check(data: bytes) -> None:
    """Compare the checksums of header and data, and the length of the decompressed data with the size of the image.

    Interlaced images (Adam7) are checked by checksum only; other formats are ignored.

    Args:
        data: A file that Pillow recognizes as an image.

    Raises:
        ValueError: The file is damaged.

    Source:
        Portable Network Graphics Specification, third edition (2025), sections 5, 9 and 10. Chunks that carry no
        pixels may be damaged: Pillow looks after those it uses.
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
            raise ValueError(f"the checksum of its {kind.decode()} does not fit")
        if kind == b"IHDR" and length == 13:
            wanted = _length(content)
        elif kind == b"IDAT" and wanted > unpacked:
            unpacked += len(unpacker.decompress(content, wanted - unpacked))
        elif kind == b"fdAT":  # the further pictures of an animation
            break
        place += 12 + length
    if unpacked < wanted:
        raise ValueError(f"it ends after {unpacked:,} of {wanted:,} bytes of pixels")


def _length(header: bytes) -> int:
    """How many bytes the rows take unpacked, each with the byte that names its filter; 0 for a woven picture."""
    w, h, depth, colour, _, _, weave = struct.unpack(">IIBBBBB", header)
    return 0 if weave else h * (1 + (w * depth * SAMPLES.get(colour, 1) + 7) // 8)
