"""Train a network and leave a run folder."""

from __future__ import annotations

import inspect
import os
import tempfile
from pathlib import Path
from typing import Any

from convscope.api.callbacks import Callbacks
from convscope.api.notebook_progress import default_display
from convscope.api.prepare import prepare
from convscope.api.resume_training import resume_training
from convscope.api.run import Run, load_run
from convscope.api.run_training import run_training
from convscope.api.train_further import train_further
from convscope.api.training_input import caching_of, check_resume, in_memory, options_from, place_of
from convscope.data.cache_file import CACHE_FOLDER
from convscope.distributed.cluster import Cluster
from convscope.errors import OptionError
from convscope.model.presets import spec_text
from convscope.training.option import option_fields
from convscope.training.options import AUTO, TrainOptions
from convscope.training.run_folder import check_empty


def train(
    data: Any = None,
    *,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    from_run: Run | str | Path | None = None,
    config: str | Path | None = None,
    callbacks: Callbacks | None = None,
    cluster: Cluster | None = None,
    **options: Any,
) -> Run:
    """Train a network, evaluate it, and leave a run folder.

    Args:
        data: A dataset by name, a path, arrays, or what `load_data` returned; None takes MNIST.
        out: The run folder, new or empty, used exactly as given; None makes one below ``runs/``.
        resume: The folder of an interrupted training: continue from its last checkpoint. It ends with the weights
            that it would have had without the interruption. Options that are not given stay as they were.
        from_run: A finished run to start from: its network, weights and options, and its data if none are given. The
            result is a new run whose record names the earlier one; ``epochs`` are trained in addition. Outputs are
            matched by class name; with other classes the last layer is new. ``freeze`` keeps the first layers as they
            are.
        config: A ``config.toml`` of an earlier run; options given here override it.
        callbacks: Called while it works; None shows a progress bar in a notebook or a terminal.
        cluster: The workers of a training on several processes or machines, and which of them this one is. Only the
            first writes a run folder; the process of another one ends with this call.
        **options: The fields of `TrainOptions`, such as ``model="quick"`` or ``epochs=5``.

    Returns:
        The trained network. ``run.outcome`` is ``interrupted`` if ``callbacks.is_stopped`` ended the training.

    Raises:
        DataError: The data cannot be used.
        SpecError: The network does not fit the data.
        OptionError: An option is unknown or out of range.
        RunError: The folder is not empty or cannot be written; or there is nothing to resume, another process trains
            there, or data or options differ from those of the interrupted training.
        MissingExtraError: TensorFlow is not installed.
        DivergedError: The loss stopped being finite; the last weights with finite outputs are in the run folder.
        SystemExit: With code 0, on a worker other than the first, when its part is done.

    Example:
        >>> run = train(epochs=1, out="runs/first")  # doctest: +SKIP
        >>> run.test.accuracy.rate > 0.98  # doctest: +SKIP
        True
    """
    if callbacks is None:
        with default_display() as display:
            how = {"out": out, "resume": resume, "from_run": from_run, "config": config}
            return train(data, **how, callbacks=display.callbacks, cluster=cluster, **options)
    if resume is not None:
        check_resume(out, config, from_run)
    given = {name: value for name, value in options.items() if value is not None}
    if "time" in given and "epochs" in given:
        raise OptionError(
            f"time decides the number of epochs. Received: time={given['time']!r} and epochs={given['epochs']}."
        )
    if resume is not None:
        return resume_training(Path(resume), data, given, callbacks, cluster)
    if cluster and cluster.rank:  # the first worker has the run folder
        out = Path(tempfile.gettempdir()) / f"convscope-worker-{os.getpid()}"
    if from_run is not None:
        return train_further(
            load_run(from_run), data, out=out, given=given, config=config, callbacks=callbacks, cluster=cluster
        )
    if given.get("freeze"):
        raise OptionError(
            f"freeze keeps the weights of an earlier run. Received: freeze={given['freeze']} without --from."
        )
    loaded = None if data is None or isinstance(data, str | Path) else in_memory(data, given)
    if data is not None:
        given["data"] = loaded.origin if loaded else str(data)
    chosen = options_from(given, config, None)
    if chosen.model != AUTO:
        spec_text(chosen.model)  # reading data may take minutes: an unknown network is refused first
    if out is not None:
        check_empty(Path(out))
    place = place_of(out, chosen)
    plan = prepare(chosen, callbacks.begin, loaded, caching=caching_of(chosen.cache, place, callbacks))
    return run_training(plan, None, place if (place / CACHE_FOLDER).is_dir() else out, callbacks, cluster)


def _signature() -> inspect.Signature:
    """The signature of `train` with every training option, for ``help`` and for editors."""
    own = inspect.signature(train)
    named = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    options = [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=one.kind | None)
        for one in option_fields(TrainOptions)
        if one.name != "data"
    ]
    return own.replace(parameters=[*named, *options])


train.__signature__ = _signature()  # type: ignore[attr-defined]
