"""One batch in a fixed number of shards, and the sum over them in a fixed order. Heavy: runs in the compiled loop.

Floating-point sums depend on their order. So the shards are added as the leaves of a balanced binary tree, whichever
worker computed them: the weights are the same, bit for bit, on one worker as on several. Where the shards of a worker
are a whole branch of the tree, it adds them first and sends one vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, runtime_checkable

import numpy as np

from convscope.model.tensorflow import tf
from convscope.training.share import Share


@runtime_checkable  # for the checks of types in tests
class Workers(Protocol):
    """The workers of a training, as one of them sees the others."""

    rank: int
    count: int

    def gather(self, rows: tf.Tensor) -> tf.Tensor:
        """In the graph: the rows of all workers ``(count * n, length)``, in the order of their ranks."""
        ...

    def agree(self, values: np.ndarray) -> np.ndarray:
        """The values of all workers: int32 ``(n,)`` to ``(count, n)``."""
        ...

    def watched(self) -> AbstractContextManager[None]:
        """A context in which the end of another worker becomes a `RunError`."""
        ...


class Alone:
    """A training on one worker."""

    rank, count = 0, 1

    def gather(self, rows: tf.Tensor) -> tf.Tensor:
        """The rows themselves."""
        return rows

    def agree(self, values: np.ndarray) -> np.ndarray:
        """The values themselves."""
        return values[None]

    def watched(self) -> AbstractContextManager[None]:
        """Nobody else can fail."""
        return nullcontext()


def mean_of_shards(rows: Sequence[tf.Tensor], share: Share, workers: Workers) -> tf.Tensor:
    """In the graph: the mean over the shards of all workers.

    Args:
        rows: float32 ``(length,)``, one for each shard of this worker, in order.
        share: Of this worker.
        workers: All of them call this in the same step.

    Returns:
        float32 ``(length,)``, the same bits on every worker and for every number of workers.
    """
    own = tf.stack(rows)
    total = tree_sum(workers.gather(tree_sum(own)[None] if share.is_branch else own))
    return total * (1 / share.shards)


def tree_sum(rows: tf.Tensor) -> tf.Tensor:
    """Add rows as the leaves of a binary tree: neighbors first.

    Gathered rows keep TensorFlow's graph optimizer from joining the additions into one operation with another order.
    They are faster than slices with a stride.

    Args:
        rows: float32 ``(n, length)``.

    Returns:
        float32 ``(length,)``.

    Example:
        >>> tree_sum(tf.constant([[1.0], [2.0], [3.0]])).numpy().tolist()
        [6.0]
    """
    while (n := rows.shape[0]) > 1:
        left, right = tf.gather(rows, range(0, n - 1, 2)), tf.gather(rows, range(1, n, 2))
        rows = tf.concat([left + right, rows[n - 1 :]], axis=0) if n % 2 else left + right
    return rows[0]
