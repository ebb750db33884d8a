"""A worker of the training in a process of Ray, and how it learns the addresses of all. Heavy: imports Ray."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope import errors
from convscope.distributed.cluster import WorkerLostError, WorkerStoppedError, cluster_of_environment
from convscope.distributed.ray_library import Backend, BackendConfig, Queue, get_node_ip_address, ray
from convscope.errors import ConvscopeError

RESUME = "The last checkpoint is complete. Continue with the same --ray and --workers and with: --resume RUN"


@dataclass
class Addresses(BackendConfig):
    """Asks Ray to tell each worker the addresses of all."""

    @property
    def backend_cls(self) -> type[Backend]:  # noqa: D102
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


def work(config: Mapping[str, Any]) -> None:
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
