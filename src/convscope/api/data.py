"""What can be trained on."""

from __future__ import annotations

from convscope.data.dataset import LoadedData
from convscope.data.readers import load


def data(source: str, *, size: int | None = None, test_fraction: float = 0.15, seed: int = 0) -> LoadedData:
    """Read a data set as `train` would, and return what was found.

    Args:
        source: A data set by name, or a path.
        size: Side to which pictures of a folder are resampled.
        test_fraction: The share held out where the source has no test part.
        seed: Decides that split.

    Raises:
        DataError: It cannot be used; the message names the file and the reason.
        OptionError: The size is out of range.
    """
    square = (size, size) if size is not None else None
    return load(source, size=square, test_fraction=test_fraction, seed=seed)
