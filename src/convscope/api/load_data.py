"""Load a dataset by name, from files, or from memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from convscope.data.dataset import IN_MEMORY, LoadedData
from convscope.data.readers import load


def load_data(
    source: Any,
    *,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    test_fraction: float = 0.15,
    seed: int = 0,
    parts: str = "auto",
    transpose: str = "auto",
) -> LoadedData:
    """Load a dataset as `train` does.

    Args:
        source: ``"mnist"``; the path of a folder of images with one sub-folder per class, a zip of one, IDX files, an
            ``.npz`` or a CSV file, or a CSV table of file names and labels; arrays ``(images, labels)`` or
            ``((x_train, y_train), (x_test, y_test))``; or
            a table of paths and labels (a data frame or a dict of columns).
        size: Rows and columns to resample all images to, one number for both; None keeps their own.
        channels: 1 (gray) or 3 (RGB); None keeps their own.
        test_fraction: Fraction of each class held out for testing if the source has no test part; 0 for none.
        seed: Random seed of that split.
        parts: ``auto`` finds the parts (train, test) by structure and names of the folders; ``none`` takes the outer
            folders as the classes.
        transpose: ``auto`` transposes digits and letters back whose rows and columns are exchanged, as in EMNIST;
            ``yes`` transposes all images, ``no`` none.

    Returns:
        ``train`` and ``test`` datasets, and the preprocessing of other images. Shows itself in a notebook.

    Raises:
        DataError: The data cannot be used; the message names the file and the reason.
        OptionError: An option is out of range.

    Example:
        >>> load_data("mnist").test
        Dataset(10,000 images 28×28×1, 10 classes, MNIST test)
    """
    if isinstance(source, LoadedData):
        return source
    square = (size, size) if isinstance(size, int) else size
    how: dict[str, Any] = {"test_fraction": test_fraction, "seed": seed, "parts": parts, "transpose": transpose}
    loaded = load(source, size=square, channels=channels, **how)
    origin = str(source) if isinstance(source, str | Path) else IN_MEMORY
    return replace(loaded, origin=origin, options=how)
