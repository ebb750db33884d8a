"""Before TensorFlow connects the workers: wait until all of them are there. Light.

TensorFlow waits in native code, for ever, and no signal ends it. So the workers meet first: each tells the first one
its rank, on the address that TensorFlow uses afterwards, and goes on when the first one has heard from all.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import time
from collections.abc import Mapping

from convscope.distributed.cluster import Cluster, WorkerLostError, host_of
from convscope.errors import RunError

GREETING, GO, MISSING = "convscope worker", "go", "missing"
MAX_LINE = 4096
HINT = "Start every worker with the same --workers and a --rank of its own, or give them more --connect-timeout."


def meet(cluster: Cluster) -> None:
    """Wait until all workers have started.

    Args:
        cluster: All workers are given the same addresses.

    Raises:
        WorkerLostError: Some did not start within ``cluster.connect_seconds``; the message names them. Or the port of
            this worker is in use.
        RunError: The name of this machine has no address.
    """
    deadline = time.monotonic() + cluster.connect_seconds
    with _listen(cluster.workers[cluster.rank]) as own:
        if cluster.rank == 0:
            _wait_for_others(cluster, own, deadline)
            return
    _greet(cluster, deadline)


def _listen(address: str) -> socket.socket:
    host, port = host_of(address), int(address.rpartition(":")[2])
    try:
        family, *_, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise RunError(f"Expected the name of this machine. Received: {host}, which has no address.") from None
    own = socket.socket(family, socket.SOCK_STREAM)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        try:
            own.bind(where)
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            own.bind(("", port))  # the address belongs to something before this machine
        own.listen(128)
    except OSError as error:
        own.close()
        raise WorkerLostError(
            f"Expected a free port. Received: {address}, which cannot be used ({error.strerror}).",
            hint="Choose another port for this worker, in the list of all workers.",
        ) from None
    return own


def _wait_for_others(cluster: Cluster, own: socket.socket, deadline: float) -> None:
    """The first worker: hear from all, and tell them to go on, or who is missing."""
    waiting: list[socket.socket] = []
    here: dict[int, socket.socket] = {}
    try:
        while len(here) < cluster.count - 1:
            if time.monotonic() > deadline:
                missing = [rank for rank in range(1, cluster.count) if rank not in here]
                _tell(here, f"{MISSING} {' '.join(map(str, missing))}")
                raise _not_here(cluster, missing)
            ready, *_ = select.select([own, *waiting, *here.values()], [], [], 0.2)
            for one in ready:
                if one is own:
                    waiting.append(own.accept()[0])
                    continue
                for rank in [rank for rank, other in here.items() if other is one]:
                    del here[rank]  # it has ended, and may be started again
                if (rank := _rank_in(one, cluster)) is not None and one in waiting:
                    here[rank] = one
                else:
                    one.close()
                waiting = [other for other in waiting if other is not one]
        _tell(here, GO)
    finally:
        for one in (*waiting, *here.values()):
            one.close()


def _rank_in(one: socket.socket, cluster: Cluster) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        words = one.recv(MAX_LINE).decode("ascii").split()
        if words[:2] == GREETING.split() and len(words) == 4 and int(words[3]) == cluster.count:
            return rank if 1 <= (rank := int(words[2])) < cluster.count else None
    return None


def _tell(here: Mapping[int, socket.socket], words: str) -> None:
    for one in here.values():
        with contextlib.suppress(OSError):
            one.sendall(f"{words}\n".encode("ascii"))


def _greet(cluster: Cluster, deadline: float) -> None:
    """Another worker: tell the first one its rank, and wait for its answer."""
    host, _, port = cluster.workers[0].rpartition(":")
    while time.monotonic() < deadline + 5:  # a little longer than the first one, which knows who is missing
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=2) as first:
                first.sendall(f"{GREETING} {cluster.rank} {cluster.count}\n".encode("ascii"))
                while time.monotonic() < deadline + 5:
                    if not select.select([first], [], [], 0.2)[0]:
                        continue
                    words = first.recv(MAX_LINE).decode("ascii", "replace").split()
                    if words[:1] == [GO]:
                        return
                    if words[:1] == [MISSING]:
                        raise _not_here(cluster, [int(one) for one in words[1:] if one.isdecimal()])
                    break  # the first worker has ended, and may be started again
        except OSError:
            pass
        time.sleep(0.2)
    raise _not_here(cluster, [0])


def _not_here(cluster: Cluster, missing: list[int]) -> WorkerLostError:
    named = ", ".join(f"{rank} ({cluster.workers[rank]})" for rank in missing[:5] if rank < cluster.count)
    seconds = f"{cluster.connect_seconds:.0f} s"
    return WorkerLostError(
        f"Expected {cluster.count} workers within {seconds}. Received: nothing from worker {named}.", hint=HINT
    )
