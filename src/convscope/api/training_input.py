"""What a training is given: its data, its options, and where its images are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from convscope.api.callbacks import Callbacks
from convscope.api.load_data import load_data
from convscope.api.prepare import LOADED_OPTIONS
from convscope.data.cache_file import CACHE_FOLDER
from convscope.data.dataset import LoadedData
from convscope.data.load_options import Caching
from convscope.errors import OptionError
from convscope.training.config import load_config
from convscope.training.options import TrainOptions


def place_of(out: str | Path | None, options: TrainOptions) -> Path:
    """The run folder, if a cache makes it necessary before the network is known."""
    if out is not None:
        return Path(out)
    name = f"{datetime.now():%Y%m%d-%H%M%S}-{Path(options.model).stem}"
    names = (name, *(f"{name}-{number}" for number in range(2, 1000)))
    return next(place for one in names if not (place := Path("runs") / one).exists())


def caching_of(cache: str | None, folder: Path, callbacks: Callbacks) -> Caching:
    """A cache in the folder that was named; else, for data larger than `MEMORY_BYTES`, in the run folder."""
    told: dict[str, Any] = {"on_images": callbacks.images, "is_stopped": callbacks.is_stopped}
    if cache:
        return Caching(Path(cache), **told)
    return Caching(folder / CACHE_FOLDER, MEMORY_BYTES, is_kept=False, **told)


MEMORY_BYTES = 10**9
"""Images of at most so many bytes, decoded, are kept in memory."""


def check_resume(*others: object) -> None:
    """Refuse options that belong to a new training.

    Raises:
        OptionError: One of them was given.
    """
    if any(others):
        raise OptionError(
            "--resume continues in its own folder with its own options. Received: --out, --config or --from."
        )


def in_memory(data: Any, given: Mapping[str, Any]) -> LoadedData:
    """The dataset behind arrays or a table of paths; what `load_data` returned is taken as it is."""
    if isinstance(data, LoadedData):
        for name in ("size", "cache", *LOADED_OPTIONS):
            if name in given:
                raise OptionError(
                    f"{name} belongs to load_data when the data are loaded already. Received: {name}={given[name]!r}."
                )
        return data
    how = {name: given[name] for name in ("size", "seed", "cache", *LOADED_OPTIONS) if name in given}
    if given.get("folds"):  # every image is tested by cross-validation, so none is held out
        how["test_fraction"] = 0
    return load_data(data, **how)


def options_from(given: Mapping[str, Any], config: str | Path | None, began_with: TrainOptions | None) -> TrainOptions:
    """The options of a training: those given, over those of a file, over those that it began with.

    Raises:
        OptionError: One is unknown or out of its range.
    """
    values = (load_config(config) if config else {}) | dict(given)
    values = asdict(began_with) | values if began_with else values
    try:
        return TrainOptions.from_mapping(values)
    except OptionError as error:
        if not config:
            raise
        raise OptionError(error.message, hint=f"It is from {config} or the command line.") from None
