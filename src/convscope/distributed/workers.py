"""The other workers of a training, through TensorFlow's collective operations. Heavy.

`connect` starts TensorFlow's server for this process, so it must come before the first operation. Of
``MultiWorkerMirroredStrategy`` only the connection is used: the training loop is the one of a single process, which
calls `Connected.gather` in each step.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import numpy as np
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2 as coordination
from tensorflow.python.eager import context

from convscope.distributed.cluster import Cluster, WorkerLostError
from convscope.distributed.meeting import meet
from convscope.distributed.native_waiting import ended_by_signals, limited
from convscope.errors import RunError
from convscope.model.tensorflow import quiet, start_devices, tf

HEARTBEAT_SECONDS = 10
"""A worker that does not answer for so long has failed."""

GROUP, STEP, VALUES = 1_000, 1_001, 1_002
"""Numbers of the group of all workers, and of its two collective operations."""

WIDTH = 64
"""Numbers that `Connected.agree` exchanges at a time."""

START_SECONDS = 60.0
"""How long TensorFlow may take to connect workers that are all there."""

RESUME = "The last checkpoint is complete. Continue with: convscope train --resume RUN"


class Connected:
    """The workers of a training, all of which are connected.

    Attributes:
        rank: Which of them this process is.
        count: Their number.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.rank, self.count = cluster.rank, cluster.count
        self._cluster = cluster
        self._device = f"/job:worker/replica:0/task:{cluster.rank}/device:CPU:0"
        self._values = tf.function(
            lambda values: self._collect(values, VALUES),
            autograph=False,
            input_signature=[tf.TensorSpec([1, WIDTH], tf.int32)],
        )

    def gather(self, rows: tf.Tensor) -> tf.Tensor:
        """In the graph: the rows of all workers ``(count * n, length)``, in the order of their ranks."""
        gathered = self._collect(rows, STEP)
        return tf.ensure_shape(gathered, [self.count * rows.shape[0], *rows.shape[1:]])

    def agree(self, values: np.ndarray) -> np.ndarray:
        """The values of all workers: int32 ``(n,)`` to ``(count, n)``; n is at most 64."""
        padded = np.pad(values, (0, WIDTH - len(values)))  # one operation, one shape
        return self._values(tf.constant(padded[None])).numpy()[:, : len(values)]

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """The end of another worker becomes a `WorkerLostError`. Returns when all workers have come to the end."""
        try:
            yield
        except (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError):
            raise  # not of another worker's making
        except tf.errors.OpError as error:
            raise self._ended(str(error)) from None
        with contextlib.suppress(tf.errors.OpError):  # its own last step is taken, whatever becomes of the others
            self.agree(np.zeros(1, np.int32))

    def _collect(self, rows: tf.Tensor, number: int) -> tf.Tensor:
        with tf.device(self._device):
            return tf.raw_ops.CollectiveGatherV2(
                input=rows,
                group_size=self.count,
                group_key=GROUP,
                instance_key=number,
                ordering_token=[],
                communication_hint="ring",
            )

    def _ended(self, reason: str) -> WorkerLostError:
        found = {int(one) for one in re.findall(r"/job:worker/(?:replica:0/)?task:(\d+)", reason)} - {self.rank}
        named = [f"{one} ({self._cluster.workers[one]})" for one in sorted(found) if one < self.count]
        who = f"worker {named[0]}" if len(named) == 1 else "another worker"
        return WorkerLostError(f"Expected an answer of all {self.count} workers. Received: none of {who}.", hint=RESUME)


def connect(cluster: Cluster) -> Connected:
    """Connect with the other workers, and wait until all of them are there.

    Args:
        cluster: All workers are given the same addresses.

    Raises:
        WorkerLostError: A worker did not start within ``cluster.connect_seconds``, or the port of this one cannot be
            used.
        RunError: This process has computed something already.
    """
    meet(cluster)
    with ended_by_signals(), limited(max(cluster.connect_seconds, START_SECONDS)), quiet():
        try:
            _start(cluster)
        except tf.errors.OpError as error:
            raise WorkerLostError(
                f"TensorFlow could not connect {cluster.count} workers ({str(error).splitlines()[0][:200]})."
            ) from None
        except RuntimeError:
            raise RunError(
                "Workers must be connected before TensorFlow computes anything. Received: a process in which it has.",
                hint="Start a new process for the training.",
            ) from None
    start_devices()
    return Connected(cluster)


def _start(cluster: Cluster) -> None:
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader="/job:worker/replica:0/task:0",
        heartbeat_timeout_in_ms=1000 * HEARTBEAT_SECONDS,
        coordinated_jobs=[coordination.CoordinatedJob(name="worker", num_tasks=cluster.count)],
    )
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.workers)}), task_type="worker", task_id=cluster.rank
    )
    ring = tf.distribute.experimental.CommunicationImplementation.RING
    options = tf.distribute.experimental.CommunicationOptions(implementation=ring)
    tf.distribute.MultiWorkerMirroredStrategy(resolver, options)
