"""What is used of Ray, which is an extra, or one error with the command that installs it. Heavy: imports Ray."""

import os

from convscope.errors import MissingExtraError

__all__ = [
    "Backend", "BackendConfig", "ControllerError", "DataParallelTrainer", "Empty", "NodeAffinitySchedulingStrategy",
    "Queue", "TrainingFailedError", "WorkerGroupError", "get_node_ip_address", "ray",
]  # fmt: skip

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
