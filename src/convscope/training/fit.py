"""The compiled training loop. HOT.

The pictures lie in memory as one uint8 tensor; a call of the graph takes many steps, gathers each batch, augments it
and updates the weights, and nothing is done in Python between two steps. Every random number is a function of
(seed, epoch, step), so that it does not matter in how many calls the steps are taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from convscope.arrays import to_images
from convscope.data.dataset import Dataset, epoch_order
from convscope.errors import RunError
from convscope.model.build import Weights, arguments_of, build, compute_reference, get_weights
from convscope.model.reference import IMAGES, Reference
from convscope.model.spec import INPUT, Spec
from convscope.model.tensorflow import tf
from convscope.training.augment import augment, is_wanted
from convscope.training.checkpoint import CheckpointManager
from convscope.training.history import HistoryRecorder, Progress
from convscope.training.optimizer import Optimizer
from convscope.training.options import TrainOptions
from convscope.training.patch_whitening import whitening_kernel
from convscope.training.run import HistoryRow
from convscope.training.scale_invariance import is_scale_invariant
from convscope.training.schedule import one_cycle

SECONDS_PER_CALL = 0.2


@dataclass(frozen=True)
class Fitted:
    """The result of a training.

    Attributes:
        weights: The final weights, averaged if the recipe averages them.
        history: The learning curves.
        outcome: ``finished``, ``interrupted`` or ``diverged``.
        steps: Number of steps.
        seconds: ``build``, ``trace`` and ``steps``, and their ``total``.
        proof: What TensorFlow computes for the first validation images with these weights.
    """

    weights: Weights
    history: tuple[HistoryRow, ...]
    outcome: str
    steps: int
    seconds: dict[str, float]
    proof: Reference


def fit(
    spec: Spec,
    train: Dataset,
    validation: Dataset,
    options: TrainOptions,
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    is_stopped: Callable[[], bool] = lambda: False,
    checkpoints: CheckpointManager | None = None,
) -> Fitted:
    """Train a network from scratch.

    Args:
        spec: The network.
        train: What it learns from.
        validation: What the curves are measured on; nothing is chosen by it here.
        options: Resolved: no None but ``size``.
        on_progress: Called some times a second.
        is_stopped: Asked some times a second; True ends the training with what was learned.
        checkpoints: Writes checkpoints meanwhile, and knows where to go on; None keeps nothing.

    Returns:
        Weights and curves. ``diverged`` means that the loss stopped being finite; the weights are the last good ones.

    Raises:
        OptionError: The options do not suit the network.
    """
    started = time.perf_counter()
    loop = _Loop(spec, train, options)
    built = time.perf_counter()
    loop.trace()
    traced = time.perf_counter()
    recorder, checkpoints = HistoryRecorder(loop, validation, on_progress), checkpoints or CheckpointManager()
    if found := checkpoints.resume_from:
        if found.step > loop.total_steps:
            raise RunError(
                f"The checkpoint is of a longer training. Received: step {found.step} of {loop.total_steps}."
            )
        loop.restore(found.state)
        recorder.restore(found.losses, found.measured)
    outcome = loop.run(recorder, is_stopped, checkpoints)
    weights = loop.final_weights()
    if outcome == "finished":
        recorder.validate(loop.total_steps)
        recorder.tell()
    ended = time.perf_counter() + (found.seconds if found else 0.0)
    seconds = {"build": built - started, "trace": traced - built, "steps": ended - traced, "total": ended - started}
    proof = compute_reference(loop.model, to_images(validation.pixels[:IMAGES]))
    return Fitted(weights, recorder.history(), outcome, len(recorder.losses), seconds, proof)


class _Loop:
    """The network, the data and the optimizer's slots in TensorFlow, and the graph that takes steps."""

    def __init__(self, spec: Spec, train: Dataset, options: TrainOptions) -> None:
        self.options = options
        self.steps_per_epoch = options.steps_per_epoch(len(train))
        self.total_steps = options.total_steps(len(train))
        self.batch_size = min(options.batch_size or 1, len(train))
        self.rates = one_cycle(self.total_steps, peak=options.learning_rate or 0.0, warmup=options.warmup or 0.0)
        stem = whitening_kernel(spec, train.pixels, seed=options.seed) if options.whiten else None
        self.model = build(spec, seed=options.seed, output="logits")
        if stem is not None:
            self.model.get_layer(spec.table()[0].name).kernel.assign(stem)
        self._length = len(train)
        self._pixels = tf.constant(train.pixels.reshape(len(train), -1))
        self._labels = tf.constant(train.labels.astype(np.int32))
        self._order = (-1, tf.zeros([0], tf.int32))
        self._layers = [(row, self.model.get_layer(row.name)) for row in spec.table()]
        self._variables = [variable.value for variable in self.model.trainable_variables]
        self._optimizer = Optimizer(self._variables, self._scale_free(spec), options)
        self._moving = [v.value for v in self.model.non_trainable_variables if "seed" not in v.path]
        tracked = [*self._variables, *self._moving] if options.average else []
        self._averages = [(v, tf.Variable(v, trainable=False)) for v in tracked]
        self._validator = tf.function(lambda images: self.model(images, training=False), reduce_retracing=True)

    def trace(self) -> None:
        """Build the graph; steps are taken by `run`."""
        scalar = tf.TensorSpec([], tf.int32)
        order = tf.TensorSpec([None], tf.int32)
        self._steps = tf.function(self._take, autograph=False, input_signature=[order, scalar, scalar, scalar])
        self._steps = self._steps.get_concrete_function()

    def run(self, recorder: HistoryRecorder, is_stopped: Callable[[], bool], checkpoints: CheckpointManager) -> str:
        """Take all steps that are left; returns the outcome."""
        step, count = len(recorder.losses), 4
        if step == 0:
            checkpoints.save(0, self.snapshot, [], {})
        while step < self.total_steps:
            if is_stopped():
                checkpoints.save(step, self.snapshot, recorder.losses, recorder.measured)
                return "interrupted"
            good = [v.numpy() for v in self._state()]
            bound = min(recorder.next_validation(step), self._epoch_end(step))
            count = min(count, bound - step)
            began = time.perf_counter()
            losses = self._call(step, count)
            taken = time.perf_counter() - began
            if not np.isfinite(losses).all() or not self._is_finite():
                for variable, value in zip(self._state(), good, strict=True):
                    variable.assign(value)
                return "diverged"
            step += count
            recorder.record(step, losses)
            if checkpoints.is_due(ends_epoch=step == self._epoch_end(step - 1)):
                checkpoints.save(step, self.snapshot, recorder.losses, recorder.measured)
            count = max(1, min(int(count * SECONDS_PER_CALL / max(taken, 1e-6)), 4 * count))
        return "finished"

    def snapshot(self) -> dict[str, np.ndarray]:
        """Everything that a step changes."""
        return {name: variable.numpy() for name, variable in self._named_state().items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Put back what `snapshot` gave.

        Raises:
            RunError: It is the state of another network or optimizer.
        """
        variables = self._named_state()
        ours = {name: tuple(variable.shape) for name, variable in variables.items()}
        theirs = {name: value.shape for name, value in state.items()}
        if ours != theirs:
            odd = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
            raise RunError(f"The checkpoint is of another network or optimizer. Received: {', '.join(odd[:3])}.")
        for name, variable in variables.items():
            variable.assign(state[name])

    def final_weights(self) -> Weights:
        """The network's weights, averages put in place of the last ones."""
        for variable, average in self._averages:
            variable.assign(average)
        return get_weights(self.model)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """The network as it stands now, not in training."""
        return self._validator(tf.constant(images)).numpy()

    def _state(self) -> list[tf.Variable]:
        return [*self._variables, *self._moving, *(average for _, average in self._averages)]

    def _named_state(self) -> dict[str, tf.Variable]:
        kinds = {
            "weight": self._variables,
            "moving": self._moving,
            "average": [average for _, average in self._averages],
            "momentum": self._optimizer.momenta,
            "second": self._optimizer.seconds,
        }
        return {f"{kind}/{index}": v for kind, variables in kinds.items() for index, v in enumerate(variables)}

    def _is_finite(self) -> bool:
        return all(bool(tf.reduce_all(tf.math.is_finite(v))) for v in [*self._variables, *self._moving])

    def _epoch_end(self, step: int) -> int:
        return min((step // self.steps_per_epoch + 1) * self.steps_per_epoch, self.total_steps)

    def _call(self, step: int, count: int) -> np.ndarray:
        epoch = step // self.steps_per_epoch
        if self._order[0] != epoch:
            order = epoch_order(self._length, seed=self.options.seed, epoch=epoch)
            self._order = (epoch, tf.constant(order))
        first = epoch * self.steps_per_epoch
        return self._steps(self._order[1], tf.constant(first), tf.constant(step), tf.constant(step + count)).numpy()

    def _take(self, order: tf.Tensor, first: tf.Tensor, start: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
        losses = tf.TensorArray(tf.float32, size=stop - start)

        def go_on(step: tf.Tensor, losses: tf.TensorArray, finite: tf.Tensor) -> tf.Tensor:
            return tf.logical_and(step < stop, finite)

        def body(step: tf.Tensor, losses: tf.TensorArray, finite: tf.Tensor) -> tuple:
            begin = (step - first) * self.batch_size
            loss = self._step(order[begin : begin + self.batch_size], step)
            return step + 1, losses.write(step - start, loss), tf.math.is_finite(loss)

        _, losses, _ = tf.while_loop(go_on, body, [start, losses, tf.constant(True)])
        return losses.stack()

    def _step(self, positions: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        options, shape = self.options, [self.batch_size, *self.model.input_shape[1:]]
        positions = tf.ensure_shape(positions, [self.batch_size])
        images = tf.reshape(tf.cast(tf.gather(self._pixels, positions), tf.float32) * (1 / 255), shape)
        if is_wanted(options):
            images = augment(images, step, options)
        smoothing, classes = options.label_smoothing or 0.0, self.model.output_shape[-1]
        each = smoothing / classes
        targets = tf.one_hot(tf.gather(self._labels, positions), classes, 1 - smoothing + each, each)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._variables)
            logits = self._forward(images, step)
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))
        gradients = tape.gradient(loss, self._variables)
        self._optimizer.apply(gradients, step=step, rate=tf.gather(self.rates, step))
        self._average(step)
        return loss

    def _forward(self, images: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """``model(images, training=True)``, with the training computation of each layer kind."""
        tensors = {INPUT: images}
        for index, (row, keras_layer) in enumerate(self._layers):
            x, seed = arguments_of(row, tensors), (self.options.seed * 1000 + index, step)
            tensors[row.name] = row.layer.training_forward(tf, x, keras_layer, seed=seed)
        return tensors[self._layers[-1][0].name]

    def _average(self, step: tf.Tensor) -> None:
        begin = int(self.total_steps * (1 - (self.options.average or 0)))
        weight = 1 / tf.cast(tf.maximum(step - begin, 0) + 1, tf.float32)
        for variable, average in self._averages:
            average.assign_add((variable - average) * weight)

    def _scale_free(self, spec: Spec) -> list[bool]:
        kernels = {
            id(keras_layer.kernel.value)
            for index, (_, keras_layer) in enumerate(self._layers)
            if is_scale_invariant(spec, index)
        }
        return [id(variable) in kernels for variable in self._variables]
