"""Run a training that is prepared, in its folder."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any, NoReturn

from convscope import decisions
from convscope.api.callbacks import Callbacks
from convscope.api.cluster import connect_workers, with_shards
from convscope.api.conclude_training import conclude
from convscope.api.cross_validation import cross_validation_of
from convscope.api.limited_time import with_epochs_for_time
from convscope.api.measured_precision import with_precision
from convscope.api.prepare import Plan
from convscope.api.run import Run
from convscope.api.run_data import path_from_run
from convscope.api.threads import with_threads
from convscope.data.cache_file import CACHE_FOLDER, remove_caches
from convscope.distributed.cluster import Cluster, WorkerStoppedError
from convscope.errors import DivergedError
from convscope.training.checkpoint import (
    Checkpoint,
    CheckpointManager,
    delete_checkpoints,
    lock_run,
)
from convscope.training.run import PATH_FROM_RUN
from convscope.training.run_folder import new_folder


def run_training(
    plan: Plan, found: Checkpoint | None, out: str | Path | None, callbacks: Callbacks, cluster: Cluster | None
) -> Run:
    """Train what is prepared, and leave its run folder.

    Args:
        plan: Data, network and options.
        found: The checkpoint to continue from; None begins.
        out: The run folder; None makes one below ``runs/``.
        callbacks: Called while it works.
        cluster: The workers, if there are several; of these only the first returns.

    Raises:
        DivergedError: The loss is no longer finite.
        RunError: The folder cannot be written, or another process trains there.
    """
    plan.data["decisions"] = decisions.to_json(plan.decisions)
    plan = with_shards(plan, cluster, callbacks, is_resumed=found is not None)
    if cluster and cluster.rank:
        _follow(plan, found, out, callbacks, cluster)
    is_new = not found and (out is None or not Path(out).exists())
    folder = Path(out or "") if found else new_folder(out, name=f"{plan.created:%Y%m%d-%H%M%S}-{plan.spec.name}")
    if relative := path_from_run(plan.loaded.origin or plan.options.data, folder):
        plan.data[PATH_FROM_RUN] = relative
    callbacks.data(plan.loaded)
    for decision in plan.decisions:
        if decision not in plan.loaded.decisions:
            callbacks.decided(decision)
    callbacks.begin("starting TensorFlow")
    began = time.perf_counter()
    try:
        from convscope.training.fit import fit

        plan = with_threads(plan)
        plan.seconds["start"] = time.perf_counter() - began
        workers = connect_workers(plan, found, cluster, callbacks) if cluster else None
        plan = with_epochs_for_time(with_precision(plan, callbacks), callbacks)
        validated = cross_validation_of(plan, folder, callbacks, is_resumed=found is not None)
    except BaseException:  # TensorFlow is missing, or Ctrl-C was pressed: no empty folder stays behind
        if is_new:
            with contextlib.suppress(OSError):  # one with a cache stays: the same command continues with it
                folder.rmdir()
        raise
    with lock_run(folder):
        callbacks.begin("training")
        checkpoints = CheckpointManager(folder, plan.identity, found)
        fitted = fit(**_training(plan, callbacks), checkpoints=checkpoints, workers=workers)
        run = conclude(plan, fitted, folder, callbacks, validated)
        if fitted.outcome != "interrupted":
            delete_checkpoints(folder)
            remove_caches(folder / CACHE_FOLDER)
    if fitted.outcome == "diverged":
        raise DivergedError(
            f"The loss is no longer a finite number. Received: loss=nan at step {fitted.steps + 1}. "
            f"The last weights with finite outputs are in {folder}.",
            hint="Try a smaller --learning-rate.",
        )
    return run


def _training(plan: Plan, callbacks: Callbacks) -> dict[str, Any]:
    """What `fit` is given by every worker."""
    return {
        "spec": plan.spec,
        "train": plan.training,
        "validation": plan.validation,
        "options": plan.options,
        "on_progress": callbacks.progress,
        "is_stopped": callbacks.is_stopped,
        "initial": plan.ancestor.weights if plan.ancestor else None,
    }


def _follow(
    plan: Plan, found: Checkpoint | None, out: str | Path | None, callbacks: Callbacks, cluster: Cluster
) -> NoReturn:
    """Compute the shards of a worker that writes nothing."""
    callbacks.begin("starting TensorFlow")
    from convscope.training.fit import fit

    plan = with_threads(plan)
    workers = connect_workers(plan, found, cluster, callbacks)
    callbacks.begin("training")
    fitted = fit(**_training(plan, callbacks), checkpoints=CheckpointManager(resume_from=found), workers=workers)
    if out is not None and found is None:
        remove_caches(Path(out) / CACHE_FOLDER)
        with contextlib.suppress(OSError):
            Path(out).rmdir()
    if fitted.outcome == "interrupted" and not callbacks.is_stopped():
        raise WorkerStoppedError(
            "The training was stopped on another worker.", hint="Continue with --resume on all workers."
        )
    raise SystemExit(0 if fitted.outcome == "finished" else 1)
