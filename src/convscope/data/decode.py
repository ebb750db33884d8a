"""A picture file's bytes to upright pixels. Bounded first, decoded second, each pixel mode handled by name.

Hot: Pillow reads the formats. Which format a file has is told by its content; its name is not asked.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from convscope.arrays import Picture
from convscope.data import png
from convscope.data.build_dataset import to_pixels
from convscope.data.files import read_regular
from convscope.data.preprocess import flatten_alpha
from convscope.errors import DataError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")
"""What is opened. TIFF is left out: many codecs, many holes, and no camera or browser writes it."""

MAX_FILE_BYTES = 20_000_000
MAX_PIXELS = 25_000_000
ORIENTATION = 0x0112
"""The EXIF tag that says how the camera was held."""

BROKEN = (
    AssertionError,
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""What Pillow's readers raise on damaged files, found by truncating and flipping bytes of each format."""


def decode_file(path: str | Path, *, background: int = 255) -> Picture:
    """Read one picture file; see ``decode``.

    Raises:
        DataError: Not a readable regular file of at most 20 MB, or see ``decode``.
    """
    return decode(read_regular(Path(path), MAX_FILE_BYTES), str(path), background=background)


def decode(data: bytes, name: str, *, background: int = 255) -> Picture:
    """Decode a picture: upright, the first frame only, grey or RGB, transparency laid on ``background``.

    1. At most 20 MB, and at most 25 megapixels by its header, before anything is unpacked.
    2. Modes: 1, L, LA to grey; P, PA, RGB, RGBA, CMYK, YCbCr to RGB; 16-bit and wider whole numbers (I;16, I) are
       divided by the smallest of 255, 1023, 4095, 16383, 65535 that holds the brightest pixel, because a camera's 12
       bits lie in a 16-bit file; F by ``to_pixels`` (0..1).
    3. A palette's or a tRNS chunk's transparency counts like an alpha channel; pixels are laid on ``background``:
       ``(p a + background (255 - a) + 127) // 255``.
    4. EXIF orientation, all eight, is applied.
    5. A picture whose red, green and blue are equal everywhere comes back with one channel.

    Args:
        data: The file's bytes.
        name: What messages call it.
        background: The grey level under transparent pixels, 0..255.

    Returns:
        uint8, 0..255, shape ``(h, w, 1)`` or ``(h, w, 3)``.

    Raises:
        DataError: Too large, not a picture in one of ``FORMATS``, damaged or cut off.

    Example:
        >>> decode(b"P5 2 1 255 " + bytes([0, 255]), "two pixels")[..., 0].tolist()
        [[0, 255]]
    """
    with quiet():
        return decode_quietly(data, name, background=background)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Pillow's warnings off the terminal: what they warn of is refused here or does not matter.

    Python's warning filters belong to the whole process: enter this once around threads, not in each.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def decode_quietly(data: bytes, name: str, *, background: int = 255) -> Picture:
    """``decode`` for threads that run inside ``quiet``."""
    return examine(data, name, background=background).pixels


@dataclass(frozen=True)
class Examined:
    """A picture, and how its file holds it.

    Attributes:
        pixels: See ``decode``.
        format: One of ``FORMATS``.
        mode: Pillow's word for the pixels: L, RGB, P, RGBA, I;16, ….
        orientation: The EXIF tag, 1..8; 1 is upright.
        frames: How many pictures the file has.
    """

    pixels: Picture
    format: str
    mode: str
    orientation: int
    frames: int


def examine(data: bytes, name: str, *, background: int = 255) -> Examined:
    """``decode``, with what the file says of itself; run it inside ``quiet``.

    Raises:
        DataError: See ``decode``.
    """
    image = _open(data, name)
    try:
        mode, frames = image.mode, int(getattr(image, "n_frames", 1))
        png.check(data)
        image.load()
        turn = _orientation(image)
        pixels = _to_array(image, name, background)
    except BROKEN as error:
        raise _refusal(name, f"damaged or cut off ({_words(error)})") from None
    except MemoryError:
        raise _refusal(name, "more memory needed than there is") from None
    if pixels.shape[-1] == 3 and _is_grey(pixels):
        pixels = pixels[..., :1]
    upright = np.ascontiguousarray(_upright(pixels, turn))
    return Examined(upright, str(image.format), mode, turn, frames)


def picture_size(data: bytes, name: str) -> tuple[int, int]:
    """Rows and columns of a picture held upright, from its header alone; run it inside ``quiet``.

    Raises:
        DataError: See ``decode``; damage further on in the file is not seen.
    """
    image = _open(data, name)
    turned = _orientation(image) >= 5
    return (image.width, image.height) if turned else (image.height, image.width)


def _open(data: bytes, name: str) -> Image.Image:
    if not data:
        raise _refusal(name, "0 bytes")
    if len(data) > MAX_FILE_BYTES:
        raise _refusal(name, f"{len(data):,} bytes, more than {MAX_FILE_BYTES:,}")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise _refusal(name, f"another kind of file or a damaged one (it starts with {data[:8].hex(' ')})") from None
    except Image.DecompressionBombError:
        raise _refusal(name, f"more than {MAX_PIXELS:,} pixels") from None
    except BROKEN as error:
        raise _refusal(name, f"damaged or cut off ({_words(error)})") from None
    if image.width * image.height > MAX_PIXELS:
        raise _refusal(name, f"{image.width}×{image.height} pixels, more than {MAX_PIXELS:,}")
    return image


def _refusal(name: str, received: str) -> DataError:
    kinds = "PNG, JPEG, BMP, GIF, WebP or PNM"
    return DataError(f"Expected a picture ({kinds}). Received: file={name}, {received}.")


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _to_array(image: Image.Image, name: str, background: int) -> Picture:
    """Grey or RGB pixels by the picture's mode; transparency is laid on ``background``."""
    if image.mode in ("I", "I;16", "I;16B", "I;16L", "I;16N"):
        wide = np.asarray(image).astype(np.int64)
        grey = _from_wide(np.maximum(wide, 0))
        clear = image.info.get("transparency")
        if isinstance(clear, int):
            grey[wide == clear] = background
        return grey[..., None]
    if image.mode == "F":
        return to_pixels(np.asarray(image), name)[..., None]
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or image.has_transparency_data:
        wanted = "LA" if image.mode in ("LA", "La") else "RGBA"
        with_alpha = np.asarray(image if image.mode == wanted else image.convert(wanted))
        return flatten_alpha(with_alpha, background)
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))[..., None]
    return np.asarray(image.convert("RGB"))


def _from_wide(values: np.ndarray) -> UInt8[np.ndarray, "h w"]:
    high = int(values.max())
    top = next((limit for limit in (255, 1023, 4095, 16383, 65535) if high <= limit), high)
    return ((values * 510 + top) // (2 * top)).astype(np.uint8)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1..8; 1 where there is none or the tag is damaged."""
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except BROKEN:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(pixels: Picture, orientation: int) -> UInt8[np.ndarray, "h2 w2 c"]:
    """Undo the camera's orientation: 2..4 are mirrored or upside down, 5..8 lie on their side."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _is_grey(pixels: Picture) -> bool:
    return bool((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all())
