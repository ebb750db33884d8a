"""Loss, gradients and batch statistics of a batch, in one piece or as the mean over its shards.

Heavy: imports TensorFlow.
"""

from __future__ import annotations

import numpy as np

from convscope.data.dataset import Dataset
from convscope.errors import OptionError
from convscope.model.build import arguments_of
from convscope.model.spec import INPUT, Spec
from convscope.model.tensorflow import keras, tf
from convscope.training.augment import augment, is_wanted
from convscope.training.options import TrainOptions
from convscope.training.shards import Workers, mean_of_shards
from convscope.training.share import Share

Computed = tuple[tf.Tensor, list[tf.Tensor], list[tf.Tensor]]
"""The loss, a gradient for each trained variable, and the batch statistics."""


class Gradients:
    """What is computed of a batch before the optimizer changes the weights.

    Attributes:
        trained: The variables that the gradients are for.
        moved: A moving average and its momentum for each of the batch statistics; known once a graph is traced.
    """

    def __init__(
        self, model: keras.Model, spec: Spec, train: Dataset, options: TrainOptions, share: Share, workers: Workers
    ) -> None:
        self._options, self._share, self._workers = options, share, workers
        self._shape = [share.size, *model.input_shape[1:]]
        self._classes = model.output_shape[-1]
        self._layers = [(row, model.get_layer(row.name)) for row in spec.table()]
        self._frozen = frozenset([row.name for row, _ in self._layers if row.parameters][: options.freeze])
        frozen = {id(variable.value) for name in self._frozen for variable in model.get_layer(name).variables}
        variables = [variable.value for variable in model.trainable_variables]
        self.trained = [variable for variable in variables if id(variable) not in frozen]
        if not self.trained:
            raise OptionError(f"Expected at least one layer to train. Received: freeze={options.freeze}.")
        self.moved: list[tuple[tf.Variable, float]] = []
        self._class_weights = _class_weights(train) if options.class_weight == "balanced" else None

    def trace(self) -> None:
        """Trace the graph of a shard."""
        if self._share.shards == 1:
            return
        size, first, numbers = self._share.size, self._share.first, int(np.prod(self._shape[1:]))
        scalar = tf.TensorSpec([], tf.int32)
        # A variable: for constants, TensorFlow would make and optimize one graph for each shard.
        self._own_shards = tf.Variable(tf.range(first, first + self._share.count), trainable=False)
        # Not inlined: every shard is computed by the same graph, whatever else this process computes.
        self._shard = tf.function(
            self._shard_row,
            autograph=False,
            input_signature=[
                tf.TensorSpec([size, numbers], tf.uint8), tf.TensorSpec([size], tf.int32), scalar, scalar,
            ],
            experimental_attributes={"_noinline": True},
        ).get_concrete_function()  # fmt: skip

    def of_batch(self, pixels: tf.Tensor, labels: tf.Tensor, step: tf.Tensor) -> Computed:
        """Of the worker's part of a batch; with shards, the mean over those of all workers.

        Args:
            pixels: uint8 ``(n, h·w·c)``.
            labels: int32 ``(n,)``.
            step: int32, the number of the step.
        """
        if self._share.shards == 1:
            return self._computed(pixels, labels, step)
        size, rows = self._share.size, []
        for index, shard in enumerate(tf.unstack(self._own_shards)):
            own = slice(index * size, (index + 1) * size)
            rows.append(self._shard(pixels[own], labels[own], step, shard))
        mean = mean_of_shards(rows, self._share, self._workers)
        parts = tf.split(mean, [int(np.prod(shape)) for shape in self._shapes])
        *tensors, loss = [tf.reshape(part, shape) for part, shape in zip(parts, self._shapes, strict=True)]
        return loss, tensors[: len(self.trained)], tensors[len(self.trained) :]

    def _computed(
        self, pixels: tf.Tensor, labels: tf.Tensor, step: tf.Tensor, shard: tf.Tensor | None = None
    ) -> Computed:
        """Of a batch, or of a shard of it."""
        options = self._options
        images = tf.reshape(tf.cast(pixels, tf.float32) * (1 / 255), self._shape)
        smoothing = options.label_smoothing or 0.0
        each = smoothing / self._classes
        targets = tf.one_hot(labels, self._classes, 1 - smoothing + each, each)
        if is_wanted(options):
            images, targets = augment(images, targets, step, options, shard=shard)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self.trained)
            logits, statistics = self.forward(images, step if shard is None else step * options.shards + shard)
            losses = tf.nn.softmax_cross_entropy_with_logits(targets, tf.cast(logits, tf.float32))
            if self._class_weights is not None:
                losses *= tf.linalg.matvec(targets, self._class_weights)
            loss = tf.reduce_mean(losses)
        return loss, tape.gradient(loss, self.trained), statistics

    def _shard_row(self, pixels: tf.Tensor, labels: tf.Tensor, step: tf.Tensor, shard: tf.Tensor) -> tf.Tensor:
        """Everything that a shard contributes to a step, in one vector."""
        loss, gradients, statistics = self._computed(pixels, labels, step, shard)
        tensors = [*gradients, *statistics, loss]
        self._shapes = [tuple(tensor.shape) for tensor in tensors]
        return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0)

    def forward(self, images: tf.Tensor, step: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """``model(images, training=True)`` with the training computation of each layer kind, and batch statistics."""
        tensors, statistics = {INPUT: images}, []
        for index, (row, keras_layer) in enumerate(self._layers):
            x, seed = arguments_of(row, tensors), (self._options.seed * 1000 + index, step)
            if row.name in self._frozen:
                tensors[row.name] = keras_layer(x, training=False)
                continue
            tensors[row.name] = row.layer.training_forward(tf, x, keras_layer, seed=seed, statistics=statistics)
        self.moved = [(moving, momentum) for moving, momentum, _ in statistics]
        return tensors[self._layers[-1][0].name], [now for _, _, now in statistics]


def _class_weights(train: Dataset) -> tf.Tensor:
    """float32 ``(k,)``: all classes count alike, and the mean over the images is 1."""
    counts = np.asarray(train.class_counts)
    return tf.constant((len(train) / (np.count_nonzero(counts) * np.maximum(counts, 1))).astype(np.float32))
