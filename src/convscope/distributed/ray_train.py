"""A training on workers that Ray starts, watches and restarts. Heavy: imports Ray, which is an extra.

Ray decides where the workers run, and starts all of them again after a failure. The training step is that of any other
workers: each gets the addresses of all in ``TF_CONFIG``. Ray's own ``TensorflowTrainer`` is not used, because it
selects Keras 2 in its workers.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from convscope import errors
from convscope.distributed.cluster import Cluster
from convscope.distributed.ray_cluster import STOP_FILE, RayCluster
from convscope.distributed.ray_connection import connected, queue
from convscope.distributed.ray_library import (
    ControllerError,
    DataParallelTrainer,
    Empty,
    Queue,
    TrainingFailedError,
    WorkerGroupError,
    ray,
)
from convscope.distributed.ray_worker import RESUME, Addresses, work
from convscope.errors import ConvscopeError, RunError

Task = Callable[[Cluster | None, Mapping[str, Any]], dict[str, Any]]
"""What a worker does, given the cluster (None if it is alone) and the arguments. The first one's result is returned."""

SECONDS_BETWEEN = 0.2


def run_on_ray(
    task: Task,
    arguments: Mapping[str, Any],
    cluster: RayCluster,
    *,
    say: Callable[[str], None],
    is_stopped: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Run a task on workers that Ray starts, and start all of them again if one is lost.

    Args:
        task: A function of a module that is installed on all machines.
        arguments: Passed to it; ``storage`` is a folder that all machines share, for Ray's own files. It is removed.
        cluster: Where Ray runs, and the number of workers.
        say: Called with each line that a worker prints on stderr, with its rank before it.
        is_stopped: Asked several times a second; True makes `STOP_FILE`, at which the task ends by itself.

    Returns:
        What the first worker returned.

    Raises:
        RunError: Ray cannot be reached or has too few cores, or workers were lost more often than allowed.
        ConvscopeError: What a worker raised, if starting again cannot help.
    """
    storage = Path(arguments["storage"])
    with connected(cluster), queue() as said:
        config = {"task": task, "arguments": dict(arguments), "seconds": cluster.connect_seconds, "said": said}
        config["is_trusted"] = cluster.is_trusted
        try:
            _make(storage)
            for attempt in range(cluster.restarts + 1):
                trainer = _trainer(config, cluster, storage, f"attempt-{attempt}")
                call = _Call(trainer, said, say)
                call.follow(is_stopped, storage / STOP_FILE)
                if attempt == cluster.restarts or is_stopped() or not call.is_retryable:
                    return call.result()
        finally:
            shutil.rmtree(storage, ignore_errors=True)
    raise AssertionError("the last attempt returns or raises")


def _make(storage: Path) -> None:
    try:
        storage.mkdir(parents=True, exist_ok=True)
        (storage / STOP_FILE).unlink(missing_ok=True)  # of a command that was killed
    except OSError as error:
        raise RunError(
            f"Expected a folder that can be written beside the run folder. Received: {storage} ({error.strerror}).",
            hint="Use another --out.",
        ) from None


def _trainer(config: Mapping[str, Any], cluster: RayCluster, storage: Path, name: str) -> DataParallelTrainer:
    """Ray ends all workers at the first failure: it cannot tell which failures would come again."""
    return DataParallelTrainer(
        work,
        train_loop_config=dict(config),
        backend_config=Addresses(),
        scaling_config=ray.train.ScalingConfig(num_workers=cluster.workers),
        run_config=ray.train.RunConfig(
            name=name, storage_path=str(storage), failure_config=ray.train.FailureConfig(max_failures=0)
        ),
    )


class _Call:
    """One start of all workers, in a thread: in the main one, Ray would handle Ctrl-C, and end with exit code 0."""

    def __init__(self, trainer: DataParallelTrainer, said: Queue, say: Callable[[str], None]) -> None:
        self._error: BaseException | None = None
        self._final_error: ConvscopeError | None = None
        self._told: dict[str, Any] = {}
        self._trainer, self._said, self._say = trainer, said, say

    def follow(self, is_stopped: Callable[[], bool], stop_file: Path) -> None:
        """Wait for the workers, and pass on what they print and the request to stop."""
        running = threading.Thread(target=self._run, daemon=True)
        running.start()
        while running.is_alive():
            if is_stopped():
                with contextlib.suppress(OSError):  # a full disk; it is tried again
                    stop_file.touch()
            self._hear()
        while self._hear():
            pass

    @property
    def is_retryable(self) -> bool:
        """Whether it failed and might not fail again."""
        if self._final_error or isinstance(self._error, ControllerError):
            return False
        return isinstance(self._error, TrainingFailedError)

    def result(self) -> dict[str, Any]:
        """What the first worker returned.

        Raises:
            ConvscopeError: What went wrong.
        """
        if self._final_error:
            raise self._final_error
        if isinstance(self._error, TrainingFailedError | ray.exceptions.RayError):
            raise RunError(f"Ray ended the training: {_reason(self._error)}", hint=RESUME) from None
        if self._error:
            raise self._error
        return self._told

    def _run(self) -> None:
        try:
            self._told = self._trainer.fit().metrics or {}
        except BaseException as error:  # raised where the thread is waited for
            self._error = error

    def _hear(self) -> bool:
        """Take what a worker said, if any said something; returns whether one did."""
        try:
            said = self._said.get(timeout=SECONDS_BETWEEN)
        except Empty:
            return False
        except ray.exceptions.RayError:  # lines are lost, and no training
            time.sleep(SECONDS_BETWEEN)
            return False
        if isinstance(said, str):
            self._say(said)
        else:
            self._final_error = self._final_error or getattr(errors, said["error"])(said["message"], hint=said["hint"])
        return True


def _reason(error: BaseException) -> str:
    """The last line of what the first failed worker said."""
    causes: list[BaseException] = []
    if isinstance(error, WorkerGroupError):
        causes = [one for _, one in sorted(error.worker_failures.items())]
    elif isinstance(error, ControllerError):
        causes = [error.controller_failure]
    lines = [line.strip() for line in str(causes[0] if causes else error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1][:300]
