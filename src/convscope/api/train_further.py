"""Start a training from the weights of a finished run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from convscope.api.ancestor import descend
from convscope.api.callbacks import Callbacks
from convscope.api.load_data import load_with
from convscope.api.prepare import LOADED_OPTIONS, prepare
from convscope.api.run import Run
from convscope.api.run_data import loading_options, source_of_run
from convscope.api.run_training import run_training
from convscope.api.training_input import caching_of, options_from, place_of
from convscope.data.cache_file import CACHE_FOLDER
from convscope.data.dataset import LoadedData
from convscope.distributed.cluster import Cluster
from convscope.errors import OptionError
from convscope.model.presets import load_spec
from convscope.training.config import load_config
from convscope.training.option import DATA, option_fields
from convscope.training.options import AUTO, TrainOptions
from convscope.training.preset_recipes import ROBUST
from convscope.training.run_folder import check_empty

KEPT_OPTIONS = tuple(
    field for field in option_fields(TrainOptions) if field.option.group == DATA and field.name != "model"
)
"""The options of an earlier run that do not belong to the recipe of its network."""


def train_further(
    run: Run,
    data: Any,
    *,
    out: str | Path | None,
    given: dict[str, Any],
    config: str | Path | None,
    callbacks: Callbacks,
    cluster: Cluster | None,
) -> Run:
    """Start from the weights of an earlier run.

    Args:
        run: It has the network, and the options that are not given.
        data: What to train on; None takes the data of the run.
        out: The folder of the new run; None makes one below ``runs/``.
        given: Options by name. The data are added to them.
        config: A file of options; those of ``given`` come first.
        callbacks: Called while it works.
        cluster: The workers, if there are several.

    Raises:
        OptionError: ``size`` is given: the images have the size of the network.
    """
    if out is not None:
        check_empty(Path(out))
    own_network = "model" not in given
    shape = {name: value for name, value in loading_options(run).items() if name in ("size", "channels")}
    if "size" in given:
        raise OptionError(f"--from takes images in the size of its network. Received: size={given['size']}.")
    split = {name: given[name] for name in (*LOADED_OPTIONS, "seed") if name in given}
    own = ("class_names",) if data is not None else ()  # the labels of other data are not those of the run
    recorded = {name: value for name, value in loading_options(run).items() if name not in (*shape, *split, *own)}
    where = data if data is not None else run.data or source_of_run(run)
    place = place_of(out, run.record.options)
    caching = caching_of(given.get("cache"), place, callbacks)
    loaded = where if isinstance(where, LoadedData) else load_with(where, caching=caching, **shape, **recorded, **split)
    given["data"] = loaded.origin or run.record.options.data
    before = replace(run.record.options, precision=AUTO, threads=None)  # this may be another machine
    if not own_network:  # the recipe of the network it had says nothing about another one
        before = TrainOptions(**{field.name: getattr(before, field.name) for field in KEPT_OPTIONS})
    if "time" in given:
        before = replace(before, epochs=None)
    told = (load_config(config) if config else {}) | given
    if told.get("robust", before.robust) != before.robust:  # what it adds, or added, is decided anew
        before = replace(before, epochs=None, **dict.fromkeys(ROBUST))
    chosen = options_from({"seed": recorded.get("seed", 0)} | given, config, before)
    shown = loaded.train
    spec = (
        None if own_network else load_spec(chosen.model, input_shape=shown.image_shape, num_classes=shown.num_classes)
    )
    ancestor = descend(run, shown, spec=spec)
    plan = replace(prepare(chosen, callbacks.begin, loaded, ancestor.spec), ancestor=ancestor)
    return run_training(plan, None, place if (place / CACHE_FOLDER).is_dir() else out, callbacks, cluster)
