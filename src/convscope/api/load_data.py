"""Load a dataset by name, from files, or from memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from convscope.api.callbacks import Callbacks
from convscope.data.class_names import parse_class_names
from convscope.data.dataset import IN_MEMORY, LoadedData
from convscope.data.image_size import parse_size
from convscope.data.load_options import Caching
from convscope.data.readers import load


def load_data(
    source: Any,
    *,
    size: int | str | tuple[int, int] | None = None,
    channels: int | None = None,
    test_fraction: float = 0.15,
    seed: int = 0,
    parts: str = "auto",
    transpose: str = "auto",
    fit: str = "auto",
    decoding: str = "exact",
    background: str = "auto",
    class_names: str | Sequence[str] | None = None,
    group: str | None = None,
    cache: str | Path | None = None,
    callbacks: Callbacks | None = None,
) -> LoadedData:
    """Load a dataset as `train` does.

    Args:
        source: ``"mnist"``; the path of a folder of images with one sub-folder per class, a zip of one, IDX files, an
            ``.npz`` or a CSV file, or a CSV table of file names and labels; arrays ``(images, labels)`` or
            ``((x_train, y_train), (x_test, y_test))``; or
            a table of paths and labels (a data frame or a dict of columns).
        size: Rows and columns to resample all images to: one number for both, a pair, or text such as ``"32x512"``.
            None keeps the size of arrays, and reduces image files to at most 64 pixels.
        channels: 1 (gray) or 3 (RGB); None keeps their own.
        test_fraction: Fraction of each class held out for testing if the source has no test part; 0 for none.
        seed: Random seed of that split.
        parts: ``auto`` finds the parts (train, test) by structure and names of the folders; ``none`` takes the outer
            folders as the classes.
        transpose: ``auto`` transposes digits and letters back whose rows and columns are exchanged, as in EMNIST;
            ``yes`` transposes all images, ``no`` none.
        fit: How images of other proportions are brought to the size: ``pad`` fills the rest with the color of the
            border, ``crop`` cuts off what is too long, ``stretch`` changes the proportions. ``auto`` is ``pad``, or
            MNIST's framing for digits framed in that way.
        decoding: How JPEG files are decoded: ``exact`` in full; ``draft`` reduces large ones by 2, 4 or 8 meanwhile, to
            at least twice the size, ``fast`` to at least the size, which is faster and changes pixels slightly.
            `predict` and the other functions decode images for the network in the same way.
        background: What transparent images are laid on: ``white``, ``gray`` or ``black``. ``auto`` is white, unless
            most images in files would not stand out from it.
        class_names: A name for each numeric label, in ascending order of the labels; a text has commas between them.
        group: Keep groups of images, such as those of one writer, in one part: a column of the table of the images,
            ``folder`` for the folders of the files (without the class), or a regular expression for the path, whose
            first parenthesis is the group.
        cache: A folder for a cache of decoded images, for data larger than memory. They are decoded once and read from
            there when they are used; ``train`` with the returned data does so batch by batch. The cache stays until you
            delete it. None keeps the images in memory.
        callbacks: ``images`` is called while images are decoded; ``is_stopped`` ends that; a
            cache keeps what is decoded by then.

    Returns:
        ``train`` and ``test`` datasets, and the preprocessing of other images. Shows itself in a notebook.

    Raises:
        DataError: The data cannot be used, or the cache cannot be written; the message names the file and the reason.
        OptionError: An option is out of range.
        RunError: ``callbacks.is_stopped`` ended it.

    Example:
        >>> load_data("mnist").test
        Dataset(10,000 images 28×28×1, 10 classes, MNIST test)
    """
    if isinstance(source, LoadedData):
        return source
    how: dict[str, Any] = {"test_fraction": test_fraction, "seed": seed, "parts": parts, "transpose": transpose}
    how |= {"fit": fit, "decoding": decoding, "background": background, "class_names": parse_class_names(class_names)}
    how |= {"group": group}
    callbacks = callbacks or Callbacks()
    where = Path(cache) if cache else None
    caching = Caching(where, on_images=callbacks.images, is_stopped=callbacks.is_stopped)
    return load_with(source, size=size, channels=channels, caching=caching, **how)


MOST_BYTES = 10**8
"""Pixels of a dataset that is only described; larger ones are not kept."""


def load_on_demand(source: Any, *, callbacks: Callbacks | None = None, **how: Any) -> LoadedData:
    """`load_data` for a description, in bounded memory: images in files are decoded again whenever they are used.

    Args:
        source: As for `load_data`.
        callbacks: ``images`` is called while images are decoded; ``is_stopped`` ends that.
        **how: As for `load_data`, but ``cache``.

    Raises:
        DataError, OptionError, RunError: See `load_data`.
    """
    callbacks = callbacks or Callbacks()
    how["class_names"] = parse_class_names(how.get("class_names"))
    caching = Caching(above=MOST_BYTES, on_demand=True, on_images=callbacks.images, is_stopped=callbacks.is_stopped)
    return load_with(source, size=how.pop("size", None), caching=caching, **how)


def load_with(source: Any, *, size: Any, caching: Caching, channels: int | None = None, **how: Any) -> LoadedData:
    """`load_data`, with a cache that is only used for large data.

    Args:
        source: As for `load_data`.
        size: As for `load_data`.
        caching: Where decoded images are kept.
        channels: As for `load_data`.
        **how: ``test_fraction``, ``seed``, ``parts``, ``transpose``, ``fit``, ``decoding``, ``background``,
            ``class_names`` and ``group``.
    """
    loaded = load(source, size=parse_size(size), channels=channels, caching=caching, **how)
    origin = str(source) if isinstance(source, str | Path) else IN_MEMORY
    return replace(loaded, origin=origin, options=how)
