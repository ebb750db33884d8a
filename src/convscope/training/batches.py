"""The batches of a training, in the order of (seed, epoch, step). Heavy: imports TensorFlow.

Images in memory are one tensor, and the graph gathers each batch from it. Images in a memory-mapped file are read by
threads, ahead of the steps that need them, and passed to the graph. Both give the same batches, so that the weights are
the same bit for bit.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np

from convscope.data.dataset import Dataset
from convscope.data.mapped_pixels import MappedPixels
from convscope.data.splits import epoch_order
from convscope.model.tensorflow import tf
from convscope.training.options import TrainOptions

CALL_BYTES = 1 << 26
"""The most bytes of mapped images that one call of the graph gets, unless a single batch has more."""

READERS = 2
"""Threads that read mapped images."""


class Batches(Protocol):
    """Where the graph takes its batches from."""

    signature: list[tf.TensorSpec]
    most_steps: int

    def inputs(self, step: int, count: int) -> list[tf.Tensor]:
        """What a call of the graph needs to take ``count`` steps of one epoch, from ``step`` on."""
        ...

    def batch(self, inputs: tuple[tf.Tensor, ...], step: tf.Tensor, start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """In the graph: pixels ``(n, h * w * c)`` and labels of a step of a call that begins at step ``start``.

        They are the worker's part of the batch.
        """
        ...

    def close(self) -> None:
        """Stop reading ahead."""
        ...


WHOLE = slice(None)
"""The part of each batch that is used: all of it."""


def batches_of(train: Dataset, options: TrainOptions, part: slice = WHOLE) -> Batches:
    """Batches from memory, or from a memory-mapped file; of each only a part."""
    kind = MappedBatches if isinstance(train.pixels, MappedPixels) else MemoryBatches
    return kind(train, options, part)


class MemoryBatches:
    """Batches that the graph gathers from one tensor with all images."""

    def __init__(self, train: Dataset, options: TrainOptions, part: slice = WHOLE) -> None:
        self._order = _Order(train, options, part)
        self._pixels = tf.constant(train.pixels[:].reshape(len(train), -1))
        self._labels = tf.constant(train.labels.astype(np.int32))
        self._current = (-1, tf.zeros([0], tf.int32))
        self.signature = [tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)]
        self.most_steps = self._order.steps_per_epoch

    def inputs(self, step: int, count: int) -> list[tf.Tensor]:
        """The order of the epoch, and its first step."""
        epoch = step // self._order.steps_per_epoch
        if self._current[0] != epoch:
            self._current = (epoch, tf.constant(self._order.of(epoch)))
        return [self._current[1], tf.constant(epoch * self._order.steps_per_epoch)]

    def batch(self, inputs: tuple[tf.Tensor, ...], step: tf.Tensor, start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Gather a batch."""
        order, first = inputs
        begin = (step - first) * self._order.batch_size + self._order.part.start
        positions = tf.ensure_shape(order[begin : begin + self._order.size], [self._order.size])
        return tf.gather(self._pixels, positions), tf.gather(self._labels, positions)

    def close(self) -> None:
        """Nothing is read ahead."""


class MappedBatches:
    """Batches that threads read from a memory-mapped file."""

    def __init__(self, train: Dataset, options: TrainOptions, part: slice = WHOLE) -> None:
        self._order = _Order(train, options, part)
        self._train = train
        self._numbers = int(np.prod(train.image_shape))
        self.signature = [tf.TensorSpec([None, self._numbers], tf.uint8), tf.TensorSpec([None], tf.int32)]
        self.most_steps = max(CALL_BYTES // (self._order.size * self._numbers), 1)
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="batches")
        self._ahead: dict[int, Future[np.ndarray]] = {}

    def inputs(self, step: int, count: int) -> list[tf.Tensor]:
        """The images and labels of these steps; those of the next steps are read meanwhile."""
        steps = range(step, step + count)
        for other in [other for other in self._ahead if other not in steps]:
            self._ahead.pop(other).cancel()
        for one in steps:
            self._read(one)
        pixels = tf.constant(np.concatenate([self._ahead.pop(one).result() for one in steps]))
        labels = np.concatenate([self._train.labels[self._order.batch(one)] for one in steps])
        for one in range(step + count, step + count + min(2 * count, self.most_steps)):
            self._read(one)
        return [pixels, tf.constant(labels.astype(np.int32))]

    def batch(self, inputs: tuple[tf.Tensor, ...], step: tf.Tensor, start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Take a batch from those of the call."""
        size = self._order.size
        begin = (step - start) * size
        pixels, labels = (one[begin : begin + size] for one in inputs)
        return tf.ensure_shape(pixels, [size, self._numbers]), tf.ensure_shape(labels, [size])

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _read(self, step: int) -> None:
        if step not in self._ahead:
            positions = self._order.batch(step)
            self._ahead[step] = self._pool.submit(lambda: self._train.pixels[positions].reshape(len(positions), -1))


class _Order:
    """Which images each step takes."""

    def __init__(self, train: Dataset, options: TrainOptions, part: slice) -> None:
        self._length, self._seed = len(train), options.seed
        self.steps_per_epoch = options.steps_per_epoch(len(train))
        self.batch_size = min(options.batch_size or 1, len(train))
        self.part = slice(*part.indices(self.batch_size))
        self.size = self.part.stop - self.part.start
        self._orders: dict[int, np.ndarray] = {}

    def of(self, epoch: int) -> np.ndarray:
        """The order of an epoch; the last two are kept."""
        if epoch not in self._orders:
            self._orders = dict(list(self._orders.items())[-1:])
            self._orders[epoch] = epoch_order(self._length, seed=self._seed, epoch=epoch)
        return self._orders[epoch]

    def batch(self, step: int) -> np.ndarray:
        """The positions of the images of a step."""
        epoch, place = divmod(step, self.steps_per_epoch)
        return self.of(epoch)[place * self.batch_size :][self.part]
