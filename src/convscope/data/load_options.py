"""The options for loading data. Light."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from convscope.arrays import is_number
from convscope.data.folder_layout import PARTS_OPTIONS
from convscope.data.image_size import FIT_OPTIONS, parse_size
from convscope.data.orientation import TRANSPOSE_OPTIONS
from convscope.data.preprocess import BACKGROUNDS, DECODINGS
from convscope.errors import OptionError


@dataclass(frozen=True)
class Caching:
    """Where decoded images are kept. Only formats that store images as files use a cache.

    Attributes:
        folder: A folder for caches, which are memory-mapped; None decodes into memory. See `cache`.
        above: Bytes of decoded pixels above which a cache is used, or images are decoded on demand.
        on_demand: Instead of using a cache, decode images again whenever they are used.
        is_kept: Whether the cache stays for later trainings.
        on_images: Called several times a second while images are decoded, with the number done and their total.
        is_stopped: Asked several times a second while images are decoded; True ends that, and a cache keeps what is
            decoded.
    """

    folder: Path | None = None
    above: int = 0
    on_demand: bool = False
    is_kept: bool = True
    on_images: Callable[[int, int], None] = field(default=lambda done, total: None, repr=False)
    is_stopped: Callable[[], bool] = field(default=lambda: False, repr=False)


BACKGROUND_OPTIONS = ("auto", *BACKGROUNDS)
"""Values of the option ``background``."""

CHOICES = {
    "parts": PARTS_OPTIONS,
    "transpose": TRANSPOSE_OPTIONS,
    "fit": FIT_OPTIONS,
    "decoding": DECODINGS,
    "background": BACKGROUND_OPTIONS,
}


@dataclass(frozen=True)
class LoadOptions:
    """Options for loading data.

    Attributes:
        size: Rows and columns to resize all images to; None lets the format decide.
        channels: 1 (grayscale) or 3 (RGB); None keeps what the images are.
        test_fraction: Fraction of the images held out for testing if there is no test part, in [0, 1); 0 for none.
        seed: Random seed of the split.
        strict: Stop at the first unreadable image instead of skipping it.
        parts: ``auto`` decides by structure which folders are parts and which are classes; ``none`` takes the outer
            folders as the classes. See `folder_layout`.
        transpose: Whether to exchange rows and columns: ``auto``, ``yes`` or ``no``. See `orientation`.
        fit: How images of other proportions are brought to the size: ``pad``, ``crop``, ``stretch``, or ``auto``,
            which is decided by how they are framed. See `choose_preprocessing.contract_for`.
        decoding: How JPEG files are decoded: ``exact``, ``draft`` or ``fast``; see `preprocess.Preprocessing`.
        background: What transparent images are laid on: ``white``, ``gray``, ``black``, or ``auto``: white, but for
            images in files as `background.decide_background` decides.
        class_names: A name for each numeric label, in the order of the labels; None keeps the numbers.
        group: What images are grouped by, so that no group is in two parts: a column of their table, ``folder`` or a
            regular expression; None splits image by image. See `grouping`.
        whole: Join all parts into one: the training part is every labeled image of the source, and there is no test
            part. One class, or one image in a class, is enough.
        caching: Where decoded images are kept, and what is called meanwhile.

    Raises:
        OptionError: A value is out of range.
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    test_fraction: int | float = 0.15
    seed: int = 0
    strict: bool = False
    parts: str = "auto"
    transpose: str = "auto"
    whole: bool = False
    fit: str = "auto"
    decoding: str = "exact"
    background: str = "auto"
    class_names: tuple[str, ...] | None = None
    group: str | None = None
    caching: Caching = Caching()

    def __post_init__(self) -> None:
        parse_size(self.size)
        if self.channels not in (None, 1, 3):
            raise OptionError(f"Expected 1 (grayscale) or 3 (RGB) channels. Received: channels={self.channels}.")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise OptionError(
                    f"Expected one of {', '.join(choices)} for {name}. Received: {name}={getattr(self, name)!r}."
                )
        if not is_number(self.test_fraction, 0, 1) or self.test_fraction == 1:
            raise OptionError(f"Expected a test fraction from 0 to below 1. Received: fraction={self.test_fraction!r}.")


class ImageKeywords(TypedDict, total=False):
    """Keyword arguments of `readers.load_all`: attributes of `LoadOptions`."""

    size: tuple[int, int] | None
    channels: int | None
    strict: bool
    parts: str
    transpose: str
    fit: str
    decoding: str
    background: str
    class_names: Sequence[str] | None


class LoadKeywords(ImageKeywords, total=False):
    """Keyword arguments of `readers.load` and `readers.load_test`: attributes of `LoadOptions`."""

    test_fraction: int | float
    seed: int
    group: str | None
