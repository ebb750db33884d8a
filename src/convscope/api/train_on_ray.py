"""A training whose workers Ray starts."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from convscope.api.notes import note
from convscope.api.run import Run, load_run
from convscope.api.training_input import check_resume
from convscope.data.readers import READERS
from convscope.distributed.cluster import Cluster
from convscope.distributed.ray_cluster import STOP_FILE, RayCluster
from convscope.errors import MissingExtraError, RunError
from convscope.training.run_folder import RUN_FILE, check_empty


def require_ray() -> None:
    """Check that Ray is installed, without importing it.

    Raises:
        MissingExtraError: It is not.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingExtraError("Training on Ray needs Ray.", hint="Run: pip install 'convscope[ray]'")


def train_on_ray(
    data: str | None,
    cluster: RayCluster,
    *,
    where: Mapping[str, Path | None],
    is_quiet: bool = False,
    is_stopped: Callable[[], bool] = lambda: False,
    **options: Any,
) -> Run:
    """Train on workers that Ray starts, with the weights of any other number of workers.

    Args:
        data: A dataset by name or a path, which all machines can read.
        cluster: Where Ray runs, and the number of workers.
        where: The arguments ``out``, ``resume``, ``from_run`` and ``config`` of `train`. The run folder is on storage
            that all machines share.
        is_quiet: Show no progress.
        is_stopped: Asked several times a second; True stops all workers after the same step, and keeps what was
            learned.
        **options: The fields of `TrainOptions`.

    Returns:
        The trained network. ``run.outcome`` is ``interrupted`` if ``is_stopped`` ended the training.

    Raises:
        MissingExtraError: Ray is not installed.
        RunError: Ray cannot be reached, or the workers failed too often.
        ConvscopeError: As `train`.
    """
    require_ray()
    from convscope.distributed.ray_train import run_on_ray

    paths = {name: path.resolve() for name, path in where.items() if path is not None}
    if "resume" in paths:
        check_resume(*paths.keys() - {"resume"})
    else:
        out = paths.setdefault("out", Path("runs").resolve() / f"{datetime.now():%Y%m%d-%H%M%S}-ray")
        check_empty(out)
    folder = paths.get("resume") or paths["out"]
    given = {name: value for name, value in options.items() if value is not None}
    if isinstance(model := given.get("model"), str) and Path(model).is_file():
        given["model"] = str(Path(model).resolve())
    if data is not None and data not in READERS:
        data = str(Path(data).resolve())
    arguments = {"data": data, "folder": folder, "where": paths, "options": given, "is_quiet": is_quiet}
    arguments["storage"] = folder.with_name(f".{folder.name}-ray")
    run_on_ray(train_as_worker, arguments, cluster, say=note, is_stopped=is_stopped)
    if not folder.is_dir():
        raise RunError(
            f"Expected the run folder on storage that all machines share. Received: {folder}, which is not here.",
            hint="It is on the machine of the first worker.",
        )
    return load_run(folder)


def train_as_worker(cluster: Cluster | None, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """In a worker: begin the training, or resume it if it has begun.

    Args:
        cluster: The workers; None for one alone.
        arguments: Those of `train_on_ray`.

    Returns:
        ``outcome`` and ``weights_sha256`` of the run.
    """
    from convscope.api.progress import ProgressDisplay
    from convscope.api.train import train

    folder, how, options = arguments["folder"], dict(arguments["where"]), arguments["options"]
    has_begun = any((folder / "checkpoints").glob("step-*.safetensors"))
    if has_begun and "resume" not in how:  # these workers were started again after a failure
        how, options = {"resume": folder}, {}
    elif not has_begun and (folder / RUN_FILE).is_file():  # the failure came after the training
        return _told(load_run(folder))
    is_first = cluster is None or cluster.rank == 0
    with ProgressDisplay(quiet=arguments["is_quiet"] or not is_first) as display:
        callbacks = replace(display.callbacks, is_stopped=(arguments["storage"] / STOP_FILE).exists)
        run = train(arguments["data"], **how, callbacks=callbacks, cluster=cluster, **options)
    return _told(run)


def _told(run: Run) -> dict[str, Any]:
    return {"outcome": run.record.outcome, "weights_sha256": run.record.weights_sha256}
