"""The workers of a training: their addresses, and which of them this process is. Light."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from convscope.errors import OptionError, RunError

CONNECT_SECONDS = 300.0
"""How long workers wait for each other by default."""

MAX_WORKERS = 256
TRUST_HINT = (
    "Whoever reaches a worker's port can control it: there is no password and no encryption. In a network that you "
    "trust or have fenced (docs/scale.md), add --trusted-network."
)


class WorkerLostError(RunError):
    """Another worker did not answer, or the port of this one is in use: starting all workers again may help."""


class WorkerStoppedError(RunError):
    """Another worker was asked to stop; all have stopped after the same step."""


@dataclass(frozen=True)
class Cluster:
    """The workers of a training, as one of them sees the others.

    Attributes:
        workers: The addresses of all workers, ``host:port``, in the order of their ranks.
        rank: Which of them this process is; 0 writes the run folder.
        connect_seconds: How long to wait for the others at the start.
        is_trusted: Whether addresses outside this machine are allowed.

    Raises:
        OptionError: An address is not ``host:port``, occurs twice, or is outside this machine without ``is_trusted``;
            or the rank is none of theirs.

    Example:
        >>> Cluster(("127.0.0.1:4000", "127.0.0.1:4001"), 1).count
        2
    """

    workers: tuple[str, ...]
    rank: int = 0
    connect_seconds: float = CONNECT_SECONDS
    is_trusted: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.workers) <= MAX_WORKERS or len(set(self.workers)) != len(self.workers):
            raise OptionError(
                f"Expected 1 to {MAX_WORKERS} different addresses. Received: {', '.join(self.workers)[:200]}."
            )
        if not 0 <= self.rank < len(self.workers):
            raise OptionError(
                f"Expected a rank from 0 to {len(self.workers) - 1}. Received: rank={self.rank}.",
                hint="Ranks count the addresses of --workers, from 0.",
            )
        for address in self.workers:
            if not is_loopback(host_of(address)) and not self.is_trusted:
                raise OptionError(
                    f"Expected addresses of this machine, such as 127.0.0.1:4000. Received: {address}.",
                    hint=TRUST_HINT,
                )

    @property
    def count(self) -> int:
        """Number of workers."""
        return len(self.workers)


def host_of(address: str) -> str:
    """The host of ``host:port``.

    Raises:
        OptionError: It has another form.

    Example:
        >>> host_of("127.0.0.1:4000"), host_of("[::1]:4000")
        ('127.0.0.1', '::1')
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or not 1 <= int(port) <= 65_535 or not host or "/" in host or " " in host:
        raise OptionError(f"Expected host:port. Received: {address!r}.", hint="For example --workers 10.0.0.1:4000,…")
    return host.strip("[]")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name or number.

    Example:
        >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("10.0.0.1")
        (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def cluster_of_environment(
    environment: Mapping[str, str] = os.environ,
    *,
    connect_seconds: float = CONNECT_SECONDS,
    is_trusted: bool = False,
) -> Cluster | None:
    """The cluster in ``TF_CONFIG``, which Kubernetes operators and schedulers set.

    Args:
        environment: The environment variables.
        connect_seconds: See `Cluster`.
        is_trusted: See `Cluster`.

    Returns:
        The cluster, a chief first; None without the variable, or with a single worker.

    Raises:
        OptionError: It is no description of workers and of this one.

    Example:
        >>> cluster_of_environment({}) is None
        True
    """
    text = environment.get("TF_CONFIG", "").strip()
    if not text:
        return None
    try:
        config = json.loads(text)
        jobs, task = config.get("cluster") or {}, config.get("task") or {}
        lists = {str(job): [str(one) for one in addresses] for job, addresses in jobs.items()}
        job, index = str(task.get("type", "worker")), int(task.get("index", 0))
    except (ValueError, TypeError, AttributeError):
        raise _not_understood(text) from None
    if not lists:
        return None
    chiefs: Sequence[str] = lists.get("chief") or lists.get("master") or []
    others = set(lists) - {"chief", "master", "worker"}
    if others or job not in lists or not 0 <= index < len(lists[job]):
        raise _not_understood(text)
    workers = (*chiefs, *lists.get("worker", []))
    if len(workers) == 1:
        return None
    rank = index + (len(chiefs) if job == "worker" else 0)
    return Cluster(workers, rank, connect_seconds, is_trusted)


def _not_understood(text: str) -> OptionError:
    return OptionError(
        f"TF_CONFIG must list workers, and a chief at most, and which of them this is. Received: {text[:200]}.",
        hint="Unset TF_CONFIG to train on this machine alone.",
    )
