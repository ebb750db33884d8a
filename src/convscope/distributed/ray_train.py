"""Workers that Ray starts, watches and restarts. Heavy: imports Ray, which is an extra.

Ray decides where the workers run, and starts all of them again after a failure. The training step is that of any other
workers: each gets the addresses of all in ``TF_CONFIG``. Ray's own ``TensorflowTrainer`` is not used, because it
selects Keras 2 in its workers.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import ray.train
from ray._common.network_utils import build_address
from ray.train._internal.utils import get_address_and_port
from ray.train.backend import Backend, BackendConfig
from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer
from ray.train.v2.api.exceptions import ControllerError, TrainingFailedError, WorkerGroupError
from ray.util.queue import Empty, Queue

from convscope import errors
from convscope.distributed.cluster import Cluster, cluster_of_environment
from convscope.distributed.ray_cluster import LOCAL, RayCluster
from convscope.errors import ConvscopeError, RunError

Task = Callable[[Cluster | None, Mapping[str, Any]], dict[str, Any]]
"""What a worker does, given the cluster (None if it is alone) and the arguments. The first one's result is returned."""

RESUME = "The last checkpoint is complete. Continue with the same --ray and --workers and with: --resume RUN"


@dataclass
class _Addresses(BackendConfig):
    """Asks Ray to tell each worker the addresses of all."""

    @property
    def backend_cls(self) -> type[Backend]:
        return _AddressBackend


class _AddressBackend(Backend):
    def on_start(self, worker_group: Any, backend_config: BackendConfig) -> None:
        addresses = worker_group.execute(_free_address)
        ray.get([
            worker_group.execute_single_async(rank, _set_environment, addresses, rank)
            for rank in range(len(worker_group))
        ])  # fmt: skip


def _free_address() -> str:
    return build_address(*get_address_and_port())


def _set_environment(addresses: list[str], rank: int) -> None:
    task = {"type": "worker", "index": rank}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
    os.environ.pop("TF_USE_LEGACY_KERAS", None)  # it would select Keras 2


def run_on_ray(
    task: Task, arguments: Mapping[str, Any], cluster: RayCluster, *, say: Callable[[str], None]
) -> dict[str, Any]:
    """Run a task on workers that Ray starts, and start all of them again if one fails.

    Args:
        task: A function of a module that is installed on all machines.
        arguments: Passed to it; ``storage`` is a folder that all machines share, for Ray's own files. It is removed.
        cluster: Where Ray runs, and the number of workers.
        say: Called with each line that a worker prints on stderr, with its rank before it.

    Returns:
        What the first worker returned.

    Raises:
        RunError: Ray cannot be reached or has too few cores, or the workers failed more often than allowed.
        ConvscopeError: What a worker raised, if starting again cannot help.
    """
    storage = Path(arguments["storage"])
    with _connected(cluster), _lines_of_workers(say) as lines:
        config = {"task": task, "arguments": dict(arguments), "seconds": cluster.connect_seconds, "lines": lines}
        config["is_trusted"] = cluster.is_trusted
        trainer = DataParallelTrainer(
            _worker,
            train_loop_config=config,
            backend_config=_Addresses(),
            scaling_config=ray.train.ScalingConfig(num_workers=cluster.workers),
            run_config=ray.train.RunConfig(
                name="convscope",
                storage_path=str(storage),
                failure_config=ray.train.FailureConfig(max_failures=cluster.restarts),
            ),
        )
        try:
            told = trainer.fit().metrics or {}
        except TrainingFailedError as error:
            raise RunError(f"Ray ended the training: {_reason(error)}", hint=RESUME) from None
        finally:
            shutil.rmtree(storage, ignore_errors=True)
    if "error" in told:
        raise getattr(errors, told["error"])(told["message"], hint=told["hint"])
    return told


def _worker(config: Mapping[str, Any]) -> None:
    """In a process of Ray: run the task, and report what it returns.

    Ray returns metrics only with a checkpoint. The real ones are in the run folder, so this one is an empty file.
    """
    rank = ray.train.get_context().get_world_rank()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # Ray shows what TensorFlow says about its connections
    with contextlib.redirect_stderr(_Lines(config["lines"], rank)):
        try:
            own = cluster_of_environment(connect_seconds=config["seconds"], is_trusted=config["is_trusted"])
            told = config["task"](own, config["arguments"])
        except RunError as error:  # another worker has failed, or this machine: Ray starts all again
            print(f"convscope: {error.message}", file=sys.stderr)  # noqa: T201
            raise
        except ConvscopeError as error:
            told = {"error": type(error).__name__, "message": error.message, "hint": error.hint}
        except SystemExit:  # a worker other than the first has done its part
            told = {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "finished").touch()
        checkpoint = ray.train.Checkpoint.from_directory(folder)
        ray.train.report(told, checkpoint=checkpoint if rank == 0 else None)


class _Lines(io.TextIOBase):
    """What a worker prints, sent to the process that waits for the workers."""

    def __init__(self, lines: Queue, rank: int) -> None:
        self._lines, self._rank, self._begun = lines, rank, ""

    def write(self, text: str) -> int:
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            with contextlib.suppress(Exception):  # a line that is lost ends no training
                self._lines.put_nowait(f"[{self._rank}] {line}")
        return len(text)


@contextlib.contextmanager
def _lines_of_workers(say: Callable[[str], None]) -> Iterator[Queue]:
    lines, is_done = Queue(actor_options={"num_cpus": 0}), threading.Event()

    def read() -> None:
        while not is_done.is_set() or lines.qsize():
            with contextlib.suppress(Empty):
                say(lines.get(timeout=0.2))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield lines
    finally:
        is_done.set()
        reader.join(10)
        lines.shutdown()


@contextlib.contextmanager
def _connected(cluster: RayCluster) -> Iterator[None]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    where = {} if cluster.address == LOCAL else {"address": cluster.address}
    own = {"num_cpus": max(cluster.workers, os.cpu_count() or 1), "include_dashboard": False} if not where else {}
    try:
        ray.init(**where, **own, logging_level="ERROR", log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise RunError(
            f"Ray could not be reached at {cluster.address} ({str(error).splitlines()[0][:200]}).",
            hint="Start it with: ray start --head, or use --ray local.",
        ) from None
    try:
        cores = int(ray.cluster_resources().get("CPU", 0))
        if cores < cluster.workers:
            raise RunError(
                f"Expected a core for each of {cluster.workers} workers. Received: {cores} in Ray's cluster.",
                hint="Add machines with: ray start --address, or use fewer --workers.",
            )
        yield
    finally:
        ray.shutdown()


def _reason(error: TrainingFailedError) -> str:
    """The last line of what the first failed worker said."""
    causes: list[BaseException] = []
    if isinstance(error, WorkerGroupError):
        causes = [one for _, one in sorted(error.worker_failures.items())]
    elif isinstance(error, ControllerError):
        causes = [error.controller_failure]
    lines = [line.strip() for line in str(causes[0] if causes else error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1][:300]
