"""The connection to Ray, and the queue of what its workers say. Heavy: imports Ray."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

from convscope.distributed.ray_cluster import LOCAL, RayCluster
from convscope.distributed.ray_library import NodeAffinitySchedulingStrategy, Queue, ray
from convscope.errors import RunError


@contextlib.contextmanager
def queue() -> Iterator[Queue]:
    """What workers say. It is on this machine: others may be lost."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    said = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
    try:
        yield said
    finally:
        with contextlib.suppress(ray.exceptions.RayError):
            said.shutdown()


@contextlib.contextmanager
def connected(cluster: RayCluster) -> Iterator[None]:
    """A context in which Ray is connected, with a core for each worker.

    Raises:
        RunError: Ray cannot be reached, or has too few cores.
    """
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
