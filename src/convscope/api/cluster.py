"""A training on several workers: what it needs, and whether all of them train the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from convscope.api.callbacks import Callbacks
from convscope.api.environment import describe_environment
from convscope.api.prepare import Plan
from convscope.decisions import Decision
from convscope.distributed.cluster import Cluster
from convscope.errors import OptionError, RunError
from convscope.model.model_file import weights_sha256
from convscope.training.checkpoint import Checkpoint
from convscope.training.options import AUTO
from convscope.training.share import share_of

if TYPE_CHECKING:
    from convscope.training.shards import Workers

MAY_DIFFER = ("data", "cache")
"""Options that do not decide the weights: where the data are."""


def with_shards(plan: Plan, cluster: Cluster | None, callbacks: Callbacks, *, is_resumed: bool) -> Plan:
    """Check that the workers can share the steps, and give each a shard unless the options say more.

    Args:
        plan: The training.
        cluster: The workers; None for this process alone.
        callbacks: Called with the decision.
        is_resumed: Whether the training has begun before, with the number of shards in the options.

    Raises:
        OptionError: The shards fit neither the batch nor the workers, or an option is for a single machine.
    """
    options = plan.options
    batch_size = min(options.batch_size or 1, len(plan.training))
    if cluster is None:
        share_of(options.shards, batch_size)
        return plan
    if options.folds or (options.time is not None and options.epochs is None):
        name = "folds" if options.folds else "time"
        raise OptionError(
            f"{name} is for a training on one worker. Received: {name}={getattr(options, name)!r}.",
            hint="Set --epochs, or train on one worker." if name == "time" else "Train on one worker.",
        )
    if options.shards == 1 and not is_resumed:
        decision = Decision("shards", str(cluster.count), f"{cluster.count} workers")
        callbacks.decided(decision)
        plan.data["decisions"].append(asdict(decision))
        options = replace(options, shards=cluster.count)
    if options.precision == AUTO:  # machines could measure differently
        options = replace(options, precision="float32")
    share_of(options.shards, batch_size, rank=cluster.rank, workers=cluster.count)
    return replace(plan, options=options)


def connect_workers(plan: Plan, found: Checkpoint | None, cluster: Cluster, callbacks: Callbacks) -> Workers:
    """Wait for the other workers, and compare data, network, options and versions with theirs.

    Args:
        plan: The training.
        found: The checkpoint that it resumes from.
        cluster: The workers.
        callbacks: Called when the waiting begins.

    Raises:
        RunError: A worker did not start in time, or trains something else.
    """
    callbacks.begin(f"waiting for {cluster.count} workers")
    from convscope.distributed.workers import connect

    workers = connect(cluster)
    parts = _parts(plan, found)
    with workers.watched():
        own = [np.array([cluster.rank], np.int32), *(_digest(part) for part in parts.values())]
        told = workers.agree(np.concatenate(own))
    if told[:, 0].tolist() != list(range(cluster.count)):
        raise RunError(f"Expected each rank once. Received: {told[:, 0].tolist()}.", hint="Start all workers again.")
    told = told[:, 1:].reshape(cluster.count, len(parts), -1)
    for rank, one in enumerate(told):
        wrong = [name for name, same in zip(parts, (one == told[0]).all(axis=-1), strict=True) if not same]
        if wrong:
            raise RunError(
                f"Expected the same training on every worker. Received: worker {rank} ({cluster.workers[rank]}) with "
                f"other {' and '.join(wrong)} than worker 0.",
                hint="Give all workers the same data, options and versions, on processors of one kind.",
            )
    return workers


def _parts(plan: Plan, found: Checkpoint | None) -> Mapping[str, Any]:
    """Everything that decides the weights, by name."""
    environment = describe_environment()
    options = {name: value for name, value in asdict(plan.options).items() if name not in MAY_DIFFER}
    data = {name: plan.data[name] for name in ("class_names", "train_fingerprint", "test_fingerprint")}
    state = {
        name: hashlib.sha256(value.tobytes()).hexdigest() for name, value in (found.state if found else {}).items()
    }
    return {
        "data": data,
        "options": options,
        "network": [plan.spec.to_json(), weights_sha256(plan.ancestor.weights) if plan.ancestor else None],
        "checkpoint": [found.step if found else 0, state],
        "versions": [environment["convscope"], environment["packages"]],
        "processor": environment["processor"],
    }


def _digest(part: Any) -> np.ndarray:
    whole = hashlib.sha256(json.dumps(part, sort_keys=True).encode()).digest()
    return np.frombuffer(whole, np.int32)
