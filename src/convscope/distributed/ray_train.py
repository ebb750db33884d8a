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
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope import errors
from convscope.distributed.cluster import Cluster, WorkerLostError, WorkerStoppedError, cluster_of_environment
from convscope.distributed.ray_cluster import LOCAL, STOP_FILE, RayCluster
from convscope.errors import ConvscopeError, MissingExtraError, RunError

os.environ["RAY_TRAIN_V2_ENABLED"] = "1"  # the other one has no `ControllerError`
try:
    import ray
    import ray.train
    from ray.train import ControllerError, TrainingFailedError, WorkerGroupError
    from ray.train.backend import Backend, BackendConfig
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer  # for developers; nothing else exports it
    from ray.util import get_node_ip_address
    from ray.util.queue import Empty, Queue
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    raise MissingExtraError(
        f"Training on Ray needs Ray Train 2.60 or a later one that still has what convscope uses. Received: {error}.",
        hint="Run: pip install 'convscope[ray]' 'ray[train]==2.60.*'",
    ) from None

Task = Callable[[Cluster | None, Mapping[str, Any]], dict[str, Any]]
"""What a worker does, given the cluster (None if it is alone) and the arguments. The first one's result is returned."""

RESUME = "The last checkpoint is complete. Continue with the same --ray and --workers and with: --resume RUN"
SECONDS_BETWEEN = 0.2


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
    host = get_node_ip_address()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as own:
        own.bind(("", 0))
        port = own.getsockname()[1]
    return f"[{host}]:{port}" if family == socket.AF_INET6 else f"{host}:{port}"


def _set_environment(addresses: list[str], rank: int) -> None:
    task = {"type": "worker", "index": rank}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
    os.environ.pop("TF_USE_LEGACY_KERAS", None)  # it would select Keras 2


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
    with _connected(cluster), _queue() as said:
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
        _worker,
        train_loop_config=dict(config),
        backend_config=_Addresses(),
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


def _worker(config: Mapping[str, Any]) -> None:
    """In a process of Ray: run the task, and report what it returns.

    Ray returns metrics only with a checkpoint. The real ones are in the run folder, so this one is an empty file.
    """
    rank, said = ray.train.get_context().get_world_rank(), config["said"]
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # Ray shows what TensorFlow says about its connections
    with contextlib.redirect_stderr(_Lines(said, rank)):
        try:
            own = cluster_of_environment(connect_seconds=config["seconds"], is_trusted=config["is_trusted"])
            told = config["task"](own, config["arguments"])
        except (SystemExit, WorkerStoppedError):  # a worker other than the first has done its part
            told = {}
        except WorkerLostError as error:  # all workers are started again
            print(f"convscope: {error.message}", file=sys.stderr)  # noqa: T201
            raise
        except ConvscopeError as error:  # it would come again
            said.put({"error": _name_of(error), "message": error.message, "hint": error.hint})
            raise
        except (TypeError, AttributeError, ImportError) as error:  # another version of convscope on this machine
            words = f"Worker {rank} ended: {type(error).__name__}: {error}"[:300]
            said.put({"error": "RunError", "message": words, "hint": RESUME})
            raise
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "finished").touch()
        checkpoint = ray.train.Checkpoint.from_directory(folder)
        ray.train.report(told, checkpoint=checkpoint if rank == 0 else None)


def _name_of(error: ConvscopeError) -> str:
    """The nearest class that `convscope.errors` has."""
    return next(one.__name__ for one in type(error).__mro__ if getattr(errors, one.__name__, None) is one)


class _Lines(io.TextIOBase):
    """What a worker prints, sent to the process that waits for the workers."""

    def __init__(self, said: Queue, rank: int) -> None:
        self._said, self._rank, self._begun = said, rank, ""

    def write(self, text: str) -> int:
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            with contextlib.suppress(Exception):  # a line that is lost ends no training
                self._said.put_nowait(f"[{self._rank}] {line}")
        return len(text)


@contextlib.contextmanager
def _queue() -> Iterator[Queue]:
    """What workers say. It is on this machine: others may be lost."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    said = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
    try:
        yield said
    finally:
        with contextlib.suppress(ray.exceptions.RayError):
            said.shutdown()


@contextlib.contextmanager
def _connected(cluster: RayCluster) -> Iterator[None]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    where = {} if cluster.address == LOCAL else {"address": cluster.address}
    own = {"num_cpus": max(cluster.workers, os.cpu_count() or 1), "include_dashboard": False} if not where else {}
    try:
        with _same_signals(), _silence():
            ray.init(**where, **own, logging_level="ERROR", log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, ray.exceptions.RayError) as error:
        reason = str(error).strip().partition("\n")[0].partition(". ")[0][:200] or type(error).__name__
        raise RunError(
            f"Ray could not be reached at {cluster.address} ({reason.rstrip('.')}).",
            hint="Start it with: ray start --head, or use --ray local. If it has a token, set RAY_AUTH_MODE=token and "
            "RAY_AUTH_TOKEN.",
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


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Ray's native code says the same once a second while a token is refused."""
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


@contextlib.contextmanager
def _same_signals() -> Iterator[None]:
    """Ray handles SIGTERM from its start on; here it is handled as before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


def _reason(error: BaseException) -> str:
    """The last line of what the first failed worker said."""
    causes: list[BaseException] = []
    if isinstance(error, WorkerGroupError):
        causes = [one for _, one in sorted(error.worker_failures.items())]
    elif isinstance(error, ControllerError):
        causes = [error.controller_failure]
    lines = [line.strip() for line in str(causes[0] if causes else error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1][:300]
