"""Collect the images that a user passes to predict or explain: paths, folders, arrays, Pillow images, ``mnist:7``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from convscope.data import mnist
from convscope.data.dataset import Skipped
from convscope.data.decode import MAX_FILE_BYTES, decode, pixels_of
from convscope.data.files import list_folder, read_regular, read_start
from convscope.data.image_formats import MAGIC_BYTES, SUFFIXES, has_image_suffix, sniff
from convscope.data.natural_order import natural_key
from convscope.data.pixel_values import as_pixels
from convscope.data.pixels import AnyPicture
from convscope.errors import DataError, printable

CHANNELS = (1, 3, 4)
HINT = "Pass a path, a folder, 'mnist:7', a Pillow image, an array, or a list of these."


@dataclass(frozen=True, eq=False)
class ImageInput:
    """One image to be classified. It is decoded when it is asked for, so that many can be listed first.

    Attributes:
        name: The path as given, or ``image 0``, ``image 1``, … in order for arrays and Pillow images.
        interpretation: How an array's values were read; empty for files.
    """

    name: str
    _decode: Callable[[], AnyPicture] = field(repr=False)
    interpretation: str = ""

    @property
    def picture(self) -> AnyPicture:
        """The upright image, uint8, ``(h, w, c)``, 2 or 4 channels if it has transparency. Decoded at each access.

        Raises:
            DataError: It cannot be read.
        """
        return self._decode()

    @property
    def path(self) -> Path | None:
        """The file; None for arrays, Pillow images and images of MNIST."""
        return self._decode.path if isinstance(self._decode, _FileDecoder) else None

    def decode(self, *, draft: Callable[[int, int], int], before: Callable[[int], object] | None = None) -> AnyPicture:
        """`picture` for a network: decoded as its preprocessing says.

        Args:
            draft: Of its preprocessing: `Preprocessing.draft_factor`.
            before: Called with a file's number of pixels before they are decompressed.

        Raises:
            DataError: It cannot be read.
        """
        return self._decode(before, draft) if isinstance(self._decode, _Decoder) else self._decode()

    @property
    def note(self) -> str:
        """What is to be reported about the image after it was decoded; empty for most."""
        frames = self._decode.frames if isinstance(self._decode, _Decoder) else 1
        return f"{self.name}: the first of {frames} frames or pages is read" if frames > 1 else ""

    def load(self) -> AnyPicture | Skipped:
        """The image, or its name and the reason why it cannot be read."""
        try:
            return self.picture
        except DataError as error:
            return Skipped(self.name, error.reason)


def collect_images(images: Any, *, most: int, recursive: bool = False) -> list[ImageInput]:
    """List the images that a user passes.

    Args:
        images: One image, or an iterable of images:

            - a path; a text is always one path and never a sequence of characters;
            - a folder, for the image files in it, in natural order of name ('2' before '10'); files that are not
              images by extension or content are passed over;
            - ``"mnist:7"``, the test image of MNIST with that index, unless a file has that name;
            - a Pillow image;
            - an array, or a tensor that NumPy can convert. ``(h, w)`` is one image. In ``(a, b, c)`` the last axis
              decides: 1, 3 or 4 means one image with that many channels, anything else means ``a`` grayscale images of
              ``b`` rows. ``(n, h, w, c)`` is a batch. Channels come last. `pixel_values.as_pixels` states which values
              are accepted; a batch is judged as a whole.
        most: The most images to accept.
        recursive: Whether to read the images in subfolders too.

    Returns:
        The images in the order given. Files are not read yet; arrays are already converted.

    Raises:
        DataError: An array whose shape or values are ambiguous, a folder without images, an index that MNIST does not
            have, another type, or more than ``most`` images.

    Example:
        >>> [one.name for one in collect_images(["a.png", np.zeros((2, 28, 28))], most=10)]
        ['a.png', 'image 1', 'image 2']
    """
    found: list[ImageInput] = []
    items = [images] if _is_single(images) else images
    if not isinstance(items, Iterable):
        raise _unknown(images)
    for item in items:
        for one in _expand(item, len(found), recursive):
            if len(found) == most:
                raise DataError(f"Expected at most {most:,} images. Received: more than that.")
            found.append(one)
    return found


def _is_single(value: object) -> bool:
    return isinstance(value, str | PathLike | bytes) or _is_pillow(value) or hasattr(value, "__array__")


def _is_pillow(value: object) -> bool:
    from PIL import Image

    return isinstance(value, Image.Image)


def images_below(images: Any) -> tuple[str, ...]:
    """One line for each folder whose subfolders hold images, which are not read without ``recursive``."""
    items = [images] if _is_single(images) else images if isinstance(images, list | tuple) else []
    lines = []
    for item in items:
        if not isinstance(item, str | PathLike) or not Path(item).is_dir():
            continue
        below = [file for file in _list_images(Path(item), recursive=True) if file.parent != Path(item)]
        if below:
            folders = len({file.parent for file in below})
            lines.append(
                f"{_counted(len(below), 'image')} in {_counted(folders, 'subfolder')} of {printable(fspath(item))} "
                f"{'is' if len(below) == 1 else 'are'} not read; pass --recursive"
            )
    return tuple(lines)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _list_images(folder: Path, *, recursive: bool) -> list[Path]:
    """The images in a folder by extension or content, in natural order; links to folders are not followed."""
    files, folders = [], []
    for entry in list_folder(folder):
        path = folder / entry.name
        if entry.is_dir(follow_symlinks=False):
            folders.append(path)
        elif not entry.is_dir() and (has_image_suffix(entry.name) or sniff(_start(path))):
            files.append(path)
    files.sort(key=lambda path: natural_key(path.name))
    if recursive:
        for inner in sorted(folders, key=lambda path: natural_key(path.name)):
            files += _list_images(inner, recursive=True)
    return files


def _start(path: Path) -> bytes:
    return read_start(path, MAGIC_BYTES) if path.is_file() else b""  # a pipe would block


def _expand(item: Any, position: int, recursive: bool) -> Iterator[ImageInput]:
    """The images that one item stands for; ``position`` numbers those without a name."""
    if isinstance(item, str | PathLike):
        yield from _from_path(fspath(item), recursive)
    elif _is_pillow(item):
        name = f"image {position}"
        yield ImageInput(name, functools.partial(pixels_of, item, name, background=None))
    elif hasattr(item, "__array__"):
        yield from _from_array(np.asarray(item), position)
    else:
        raise _unknown(item)


@functools.cache
def _test_images() -> np.ndarray:
    return mnist.load_part("test").pixels[:]


def _from_path(path: Any, recursive: bool) -> Iterator[ImageInput]:
    if not isinstance(path, str):
        raise _unknown(path)
    if not path:
        raise DataError("Expected a path. Received: an empty text.", hint="The working folder is '.'.")
    try:
        is_folder, exists = Path(path).is_dir(), Path(path).exists()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError.about_file("Expected a readable path", path[:300], reason) from None
    index = None if exists else mnist.digit_index(path)
    if index is not None:
        yield ImageInput(path, lambda: _test_images()[index].copy())
        return
    if not is_folder:
        yield ImageInput(path, _FileDecoder(path))
        return
    files = _list_images(Path(path), recursive=recursive)
    if not files:
        raise DataError(
            f"Expected a folder with images ({', '.join(SUFFIXES)}). Received: folder={path}, without any.",
            hint="" if recursive else "; ".join(images_below(path)),
            file=path,
            reason="no images",
        )
    for file in files:
        yield ImageInput(str(file), _FileDecoder(file))


class _Decoder:
    """Decodes the bytes of a file when called, and keeps how many frames or pages it has."""

    def __init__(self, name: str, read: Callable[[], bytes]) -> None:
        self.frames = 1
        self._name = name
        self._read = read

    def __call__(
        self, before: Callable[[int], object] | None = None, draft: Callable[[int, int], int] | None = None
    ) -> AnyPicture:
        decoded = decode(self._read(), self._name, background=None, before=before, draft=draft)
        self.frames = decoded.frames
        return decoded.pixels


class _FileDecoder(_Decoder):
    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        super().__init__(str(self.path), functools.partial(read_regular, self.path, MAX_FILE_BYTES))


def image_from_bytes(data: bytes, name: str) -> ImageInput:
    """An image from the bytes of its file, decoded as the file would be.

    Args:
        data: PNG, JPEG or another format that `decode` reads.
        name: The name used in the result and in error messages.
    """
    return ImageInput(name, _Decoder(name, lambda: data))


def _from_array(array: np.ndarray, position: int) -> Iterator[ImageInput]:
    batch = _as_batch(array)
    pixels, interpretation = as_pixels(batch, "the array" if len(batch) > 1 else f"image {position}")
    for index, picture in enumerate(pixels):
        yield ImageInput(f"image {position + index}", lambda picture=picture: picture, interpretation)


def _as_batch(array: np.ndarray) -> np.ndarray:
    shape = array.shape
    if 0 in shape:
        raise DataError(f"Expected an array with pixels. Received: shape={shape}.")
    if array.ndim == 2:
        return array[None, :, :, None]
    if array.ndim == 3:
        return array[None] if shape[-1] in CHANNELS else array[..., None]
    if array.ndim == 4 and shape[-1] in CHANNELS:
        return array
    hint = "Use (h, w), (h, w, c), (n, h, w) or (n, h, w, c)."
    if array.ndim == 4 and shape[1] in CHANNELS:
        hint = "Move the channels to the last axis: np.moveaxis(array, 1, -1)."
    raise DataError(
        f"Expected images with 1, 3 or 4 channels in the last axis. Received: shape={shape}, dtype={array.dtype}.",
        hint=hint,
    )


def _unknown(value: object) -> DataError:
    return DataError(f"Expected an image. Received: {type(value).__name__}.", hint=HINT)
