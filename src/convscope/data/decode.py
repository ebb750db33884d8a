"""Decode image files into upright pixel arrays. Size limits come first, and each pixel mode is handled explicitly.

Heavy: uses Pillow. The format is detected from the content, not from the file name.
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from convscope.arrays import Picture
from convscope.data import png
from convscope.data.files import read_regular
from convscope.data.image_formats import MAGIC_BYTES, unsupported_format
from convscope.data.image_plugins import advice, pillow_format
from convscope.data.jpeg import decode_jpeg
from convscope.data.pillow_pixels import finished, to_array
from convscope.errors import DataError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM", "TIFF")
"""The formats that Pillow always reads; see `image_plugins` for others."""

EXPECTED = "Expected an image (PNG, JPEG, TIFF, BMP, GIF, WebP, AVIF or PNM)"
MAX_FILE_BYTES = 20_000_000
MAX_PIXELS = 25_000_000
MAX_REDUCED_PIXELS = 100_000_000
"""A baseline JPEG file may have this many pixels: it is decoded at half its size, in little memory."""

SMALLER = f"Reduce it to at most {MAX_PIXELS // 1_000_000} megapixels, or save it as a baseline JPEG of at most 100."
"""What to do about an image of too many pixels."""

ORIENTATION = 0x0112
"""The EXIF tag for how the camera was held."""

PNG_ORIENTATION = (b"eXIf", b"Raw profile type", b"adobe.xmp")
"""Where a PNG file may hold one."""

BROKEN = (
    AssertionError,
    RuntimeError,
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
"""What Pillow raises on damaged files; found by truncating files of each format and flipping their bytes."""


@dataclass(frozen=True)
class DecodedImage:
    """A decoded image, and how its file stores it.

    Attributes:
        pixels: uint8, 0..255, shape ``(h, w, 1)`` or ``(h, w, 3)``, upright; with transparency kept, 2 or 4 channels.
        format: Pillow's name for it.
        mode: Pillow's name for the pixel format: L, RGB, P, RGBA, I;16, ….
        orientation: The EXIF orientation, 1..8; 1 is upright.
        frames: The number of images in the file.
    """

    pixels: Picture
    format: str
    mode: str
    orientation: int
    frames: int


def decode_file(path: str | Path, *, background: int | None = 255) -> Picture:
    """Decode one image file; see `decode`.

    Raises:
        DataError: Not a readable regular file of at most 20 MB, or see `decode`.
    """
    return decode(read_regular(Path(path), MAX_FILE_BYTES), str(path), background=background).pixels


def decode(
    data: bytes,
    name: str,
    *,
    background: int | None = 255,
    before: Callable[[int], object] | None = None,
    draft: Callable[[int, int], int] | None = None,
) -> DecodedImage:
    """Decode an image: upright, the first frame only, grayscale or RGB, transparency blended with ``background``.

    1. At most 20 MB, and at most 25 megapixels by its header, before anything is decompressed. A baseline JPEG of up to
       100 megapixels is decoded at a half or a quarter of its size.
    2. Modes: 1, L, LA become grayscale; P, PA, RGB, RGBA, CMYK, YCbCr become RGB; integers of 16 bits and more (I;16,
       I) are divided by the smallest of 255, 1023, 4095, 16383, 65535 that is not below the brightest pixel, because
       16-bit files often hold a camera's 12 bits; F by `pixel_values.as_pixels`.
    3. Transparency in a palette or a tRNS chunk counts like an alpha channel. Pixels are blended with ``background``:
       ``(p a + background (255 - a) + 127) // 255``.
    4. All eight EXIF orientations are applied.
    5. An image whose red, green and blue are equal everywhere becomes grayscale.

    May be called from several threads at once.

    Args:
        data: The bytes of the file.
        name: The name used in error messages.
        background: Gray level behind transparent pixels, 0..255; None keeps them, as a second or fourth channel.
        before: Called with the number of pixels before they are decompressed; it may wait until there is memory.
        draft: By what the decoder reduces a JPEG file (8, 4, 2 or 1), from the rows and columns of the upright image;
            see `Preprocessing.draft_factor`. None decodes it in full.

    Raises:
        DataError: Too large, not an image in one of ``FORMATS``, or damaged. See ``reason``.

    Example:
        >>> decode(b"P5 2 1 255 " + bytes([0, 255]), "example").pixels[..., 0].tolist()
        [[0, 255]]
    """
    with _quiet():
        image = _open(data, name)
        if before:
            before(image.width * image.height)
        try:
            mode, frames = image.mode, int(getattr(image, "n_frames", 1))
            png.check(data)
            pixels = _decode_jpeg(data, image, draft) if isinstance(image, JpegImageFile) else None
            if pixels is None:
                image.load()
                pixels = to_array(image, name, background)
            orientation = _orientation(image)  # of a PNG file, it may stand behind the pixels
        except BROKEN as error:
            raise _refusal(name, f"damaged or truncated ({_words(error)})") from None
        except MemoryError:
            raise _refusal(name, "too large for the available memory") from None
    return DecodedImage(finished(pixels, orientation), str(image.format), mode, orientation, frames)


def pixels_of(image: Image.Image, name: str, *, background: int | None = 255) -> Picture:
    """The pixels of a Pillow image in memory, by the same rules as `decode`.

    Raises:
        DataError: Too large, or its file turns out to be damaged.
    """
    if image.width * image.height > MAX_PIXELS or not image.width * image.height:
        raise _refusal(name, f"{image.width}×{image.height} pixels; from 1 to {MAX_PIXELS:,} are supported")
    with _quiet():
        try:
            image.load()
            return finished(to_array(image, name, background), _orientation(image))
        except BROKEN as error:
            raise _refusal(name, f"damaged or truncated ({_words(error)})") from None


def image_size(data: bytes, name: str) -> tuple[int, int]:
    """Rows and columns of the upright image, read from the header alone.

    Raises:
        DataError: See `decode`; damage after the header is not noticed.
    """
    with _quiet():
        image = _open(data, name)
        # Pillow decodes a whole PNG file to find an orientation behind the pixels.
        is_upright = image.format == "PNG" and not any(mark in data for mark in PNG_ORIENTATION)
        return _upright_size(image, 1 if is_upright else _orientation(image))


def has_transparency(data: bytes, name: str) -> bool:
    """Whether an image may have transparent pixels, read from the header alone.

    Raises:
        DataError: See `decode`; damage after the header is not noticed.
    """
    with _quiet():
        return _open(data, name).has_transparency_data


class _Quiet:
    """Ignore Pillow's warnings while any thread decodes: what they warn about is either refused here or harmless.

    Python's warning filters belong to the process, so the first thread in sets them and the last one out restores them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads = 0
        self._filters: AbstractContextManager[object] | None = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._threads == 0:
                self._filters = warnings.catch_warnings(action="ignore")
                self._filters.__enter__()
            self._threads += 1
        try:
            yield
        finally:
            with self._lock:
                self._threads -= 1
                if self._threads == 0 and self._filters:
                    self._filters.__exit__(None, None, None)


_quiet = _Quiet()


def _open(data: bytes, name: str) -> Image.Image:
    if not data:
        raise _refusal(name, "0 bytes")
    if len(data) > MAX_FILE_BYTES:
        raise _refusal(name, f"{len(data):,} bytes, more than {MAX_FILE_BYTES:,}")
    kind, formats = unsupported_format(name, data[:MAGIC_BYTES]), FORMATS
    if kind:
        if not (known := pillow_format(kind)):
            raise DataError.about_file(EXPECTED, name, f"{kind} is not supported", hint=advice(kind))
        formats = (known,)
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
    except UnidentifiedImageError:
        raise _refusal(name, f"not an image, or damaged (it starts with {data[:8].hex(' ')})") from None
    except Image.DecompressionBombError:
        raise _too_large(name, "too many") from None
    except BROKEN as error:
        raise _refusal(name, f"damaged or truncated ({_words(error)})") from None
    if image.width * image.height > (MAX_REDUCED_PIXELS if _is_reducible(image) else MAX_PIXELS):
        raise _too_large(name, f"{image.width}×{image.height}")
    return image


def _is_reducible(image: Image.Image) -> bool:
    """Whether a file can be decoded at half its size; of a progressive JPEG, all of it is held in memory."""
    return isinstance(image, JpegImageFile) and not image.info.get("progressive")


def _upright_size(image: Image.Image, orientation: int) -> tuple[int, int]:
    return (image.width, image.height) if orientation >= 5 else (image.height, image.width)


def _decode_jpeg(data: bytes, image: JpegImageFile, draft: Callable[[int, int], int] | None) -> Picture | None:
    """Let the decoder reduce a JPEG file as wanted, or more if it is large; None leaves it to Pillow, prepared."""
    factor = draft(*_upright_size(image, _orientation(image))) if draft else 1
    while image.width * image.height > MAX_PIXELS * factor * factor:
        factor *= 2
    pixels = decode_jpeg(data, image.size, image.mode, factor)
    if pixels is None and factor > 1:
        image.draft(image.mode, (image.width // factor, image.height // factor))
    return pixels


def _too_large(name: str, size: str) -> DataError:
    reason = f"{size} pixels, more than {MAX_PIXELS:,}"
    return DataError.about_file(EXPECTED, name, reason, hint=SMALLER)


def _refusal(name: str, received: str) -> DataError:
    return DataError.about_file(EXPECTED, name, received)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1..8; 1 if the tag is missing or damaged."""
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except BROKEN:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
