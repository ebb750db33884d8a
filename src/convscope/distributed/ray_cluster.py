"""Where Ray runs and how many workers it starts. Light: Ray is not imported."""

from __future__ import annotations

from dataclasses import dataclass

from convscope.distributed.cluster import CONNECT_SECONDS, MAX_WORKERS, TRUST_HINT, is_loopback
from convscope.errors import OptionError

LOCAL = "local"
"""The address that starts Ray on this machine, for this training only."""

RESTARTS = 10
"""How often all workers are started again after one has failed."""

STOP_FILE = "stop"
"""Made in the folder that the workers share, to stop all of them after the same step."""


@dataclass(frozen=True)
class RayCluster:
    """Workers that Ray starts.

    Attributes:
        address: ``local`` starts Ray on this machine; ``auto`` is the cluster of this machine; else ``host:port``.
        workers: Their number; each gets one core.
        connect_seconds: How long they wait for each other at the start.
        is_trusted: Whether workers on other machines are allowed.
        restarts: How often all workers are started again after one has failed.

    Raises:
        OptionError: The number is out of range, or the address is outside this machine without ``is_trusted``.

    Example:
        >>> RayCluster("local", 2).restarts
        10
    """

    address: str
    workers: int
    connect_seconds: float = CONNECT_SECONDS
    is_trusted: bool = False
    restarts: int = RESTARTS

    def __post_init__(self) -> None:
        if not 1 <= self.workers <= MAX_WORKERS:
            raise OptionError(f"workers must be an integer from 1 to {MAX_WORKERS}. Received: workers={self.workers}.")
        host = self.address.removeprefix("ray://").rpartition(":")[0].strip("[]")
        if self.address != LOCAL and not is_loopback(host) and not self.is_trusted:
            raise OptionError(
                f"Expected --ray local, or an address of this machine. Received: {self.address}.", hint=TRUST_HINT
            )
