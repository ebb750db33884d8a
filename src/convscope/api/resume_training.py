"""Continue an interrupted training from its last checkpoint."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from convscope.api.ancestor import Ancestor
from convscope.api.callbacks import Callbacks
from convscope.api.load_data import load_with
from convscope.api.prepare import loading_keywords, prepare
from convscope.api.run import Run
from convscope.api.run_data import places
from convscope.api.run_training import run_training
from convscope.api.training_input import caching_of, in_memory, options_from
from convscope.data.dataset import LoadedData
from convscope.data.load_options import Caching
from convscope.data.readers import READERS
from convscope.distributed.cluster import Cluster
from convscope.errors import DataError, OptionError, RunError
from convscope.model.spec_parser import from_json as spec_from_json
from convscope.training.checkpoint import (
    Checkpoint,
    latest_checkpoint,
)
from convscope.training.options import TrainOptions
from convscope.training.resume_check import check_same
from convscope.training.run import (
    PATH_FROM_RUN,
)


def resume_training(
    folder: Path, data: Any, given: dict[str, Any], callbacks: Callbacks, cluster: Cluster | None
) -> Run:
    """Continue an interrupted training; its data and its network file may have moved since."""
    found = _find(folder, callbacks)
    began_with = options_of_checkpoint(folder, found)
    caching = caching_of(given.get("cache", began_with.cache), folder, callbacks)
    if data is None or isinstance(data, str | Path):
        loaded = _moved_data(folder, found, began_with, data, caching)
        given |= {"data": str(data)} if data is not None and loaded is None else {}
    else:
        loaded = in_memory(data, given)
        given["data"] = loaded.origin
    options = options_from(given, None, began_with)
    # A network file that is still there may have been changed, which is refused; one that moved is not needed.
    is_moved = options.model == began_with.model and not Path(options.model).is_file()
    is_known = found.identity.get("network") is not None and (is_moved or "ancestor" in found.identity)
    spec = spec_from_json(found.identity["network"]) if is_known else None
    plan = prepare(options, callbacks.begin, loaded, spec, caching=caching)
    plan = replace(plan, created=_created(found))
    if spec and isinstance(earlier := found.identity.get("ancestor"), dict):
        plan = replace(plan, ancestor=Ancestor(spec, {}, earlier))
    known = {"options": asdict(began_with)}  # options that are new since have their defaults
    check_same({**found.identity, **known}, plan.identity)
    return run_training(plan, found, folder, callbacks, cluster)


def _moved_data(
    folder: Path, found: Checkpoint, options: TrainOptions, data: str | Path | None, caching: Caching
) -> LoadedData | None:
    """The data of an interrupted training, recognized by their fingerprints; None if they are found nowhere."""
    recorded = found.identity.get("data")
    if not isinstance(recorded, dict) or options.data in READERS:
        return None
    where = [str(data)] if data is not None else places(options.data, folder, found.identity.get(PATH_FROM_RUN))
    for place in where:
        with contextlib.suppress(DataError):
            loaded = load_with(place, size=options.size, caching=caching, **loading_keywords(options))
            if loaded.train.fingerprint() == recorded.get("train_fingerprint"):
                return loaded
    return None


def options_of_checkpoint(folder: Path, found: Checkpoint | None = None) -> TrainOptions:
    """The options of an interrupted training, resolved.

    Raises:
        RunError: The folder holds no whole checkpoint, or one whose options this convscope does not know.
    """
    found = found or latest_checkpoint(folder).checkpoint
    try:
        return TrainOptions.from_record(found.identity["options"])
    except (TypeError, KeyError, OptionError) as error:
        raise RunError(f"The checkpoint in {folder} does not have the expected options ({error}).") from None


def _created(found: Checkpoint) -> datetime:
    try:
        return datetime.fromisoformat(found.identity["created"])
    except (TypeError, KeyError, ValueError):
        raise RunError(
            "The checkpoint does not contain the start time of its training.", hint="Start a new training."
        ) from None


def _find(folder: Path, callbacks: Callbacks) -> Checkpoint:
    if not folder.is_dir():
        raise RunError(f"Expected the folder of a run. Received: {folder}.", hint="Folders of runs lie below runs/.")
    found = latest_checkpoint(folder)
    for words in found.damaged:
        callbacks.begin(f"{words} Resuming from the previous one, step {found.checkpoint.step:,}")
    return found.checkpoint
