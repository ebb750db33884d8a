"""The training loop as a graph of TensorFlow. Heavy: imports TensorFlow.

Each call of the graph runs many steps: it takes the batches (see `batches`), augments them and updates the weights,
without returning to Python. Every random number is a function of (seed, epoch, step), so that
the result does not depend on the number of steps per call.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np

from convscope.data.dataset import Dataset
from convscope.model.build import Weights, build, get_weights, set_weights
from convscope.model.model_file import self_test_images
from convscope.model.spec import Spec
from convscope.model.tensorflow import tf
from convscope.training.batches import batches_of
from convscope.training.checkpoint import CheckpointManager
from convscope.training.gradients import Gradients
from convscope.training.history import HistoryRecorder
from convscope.training.moments import MAX_PARAMETERS, MomentRecorder
from convscope.training.optimizer import Optimizer
from convscope.training.options import TrainOptions
from convscope.training.patch_whitening import whitening_kernel
from convscope.training.scale_invariance import is_scale_invariant
from convscope.training.schedule import one_cycle
from convscope.training.shards import Alone, Workers
from convscope.training.share import share_of
from convscope.training.state import State

SECONDS_PER_CALL = 0.2
"""Each `tf.function` call runs about as many steps as take this time."""


class TrainingLoop:
    """The network, the data and the optimizer slots in TensorFlow, and the graph that runs the steps."""

    def __init__(
        self,
        spec: Spec,
        train: Dataset,
        options: TrainOptions,
        initial: Weights | None = None,
        workers: Workers | None = None,
    ) -> None:
        self.options = options
        self._workers = workers or Alone()
        self._spec = spec
        self.steps_per_epoch = options.steps_per_epoch(len(train))
        self.total_steps = options.total_steps(len(train))
        self.moments = MomentRecorder(self.total_steps, self.steps_per_epoch)
        self.batch_size = min(options.batch_size or 1, len(train))
        self._share = share_of(options.shards, self.batch_size, rank=self._workers.rank, workers=self._workers.count)
        self.rates = one_cycle(self.total_steps, peak=options.learning_rate or 0.0, warmup=options.warmup or 0.0)
        whitened = whitening_kernel(spec, train.pixels, seed=options.seed) if options.whiten else None
        self.model = build(spec, seed=options.seed, output="logits")
        is_mixed = options.precision == "bfloat16"
        self._trainer = (
            build(spec, seed=options.seed, output="logits", precision="bfloat16") if is_mixed else self.model
        )
        if whitened is not None:
            self._trainer.get_layer(spec.table()[0].name).kernel.assign(whitened)
        if initial:
            set_weights(self._trainer, get_weights(self._trainer) | dict(initial))
        self._batches = batches_of(train, options, self._share.images)
        self.gradients = Gradients(self._trainer, spec, train, options, self._share, self._workers)
        self._optimizer = Optimizer(self.gradients.trained, self._scale_invariant(), options)
        self.state = State(
            self._trainer,
            self._optimizer,
            has_average=bool(options.average) and not options.patience,
            has_best=bool(options.patience),
        )
        self._validator = tf.function(
            lambda images: self.model(images, training=False),
            autograph=False,  # converting Keras's code would take a fifth of a second
            reduce_retracing=True,
        )

    def trace(self) -> None:
        """Trace the graph."""
        scalar = tf.TensorSpec([], tf.int32)
        self.gradients.trace()
        signature = [scalar, scalar, *self._batches.signature]
        self._steps = tf.function(self._take, autograph=False, input_signature=signature)
        self._steps = self._steps.get_concrete_function()

    def run(self, recorder: HistoryRecorder, is_stopped: Callable[[], bool], checkpoints: CheckpointManager) -> str:
        """Run all remaining steps, and return the outcome."""
        step, count = len(recorder.losses), 4
        initial = self.state.values()
        self._keep_moment(step)
        if step == 0:
            checkpoints.save(0, self.state.snapshot, [], {}, self.moments.moments())
        while step < self.total_steps:
            bound = min(recorder.next_validation(step), self._epoch_end(step), self.moments.next_step(step))
            is_ended, count = self._agree(is_stopped(), min(count, bound - step, self._batches.most_steps))
            if is_ended:
                checkpoints.save(step, self.state.snapshot, recorder.losses, recorder.measured, self.moments.moments())
                return "interrupted"
            last_finite = self.state.values()
            started = time.perf_counter()
            losses = self._call(step, count)
            seconds = time.perf_counter() - started
            if not np.isfinite(losses).all() or not self.state.is_finite():
                self.state.assign(last_finite)
                if not np.isfinite(self.logits(self_test_images(self._spec))).all():
                    self.state.assign(initial)  # finite weights may be so large that the logits overflow
                return "diverged"
            step += count
            recorder.record(step, losses)
            self._keep_moment(step)
            if self.options.patience and step in recorder.measured:
                if recorder.best_step == step:
                    self.state.remember_best()
                if recorder.validations_since_best >= self.options.patience:
                    return "finished"
            if checkpoints.is_due(ends_epoch=step == self._epoch_end(step - 1)):
                checkpoints.save(step, self.state.snapshot, recorder.losses, recorder.measured, self.moments.moments())
            count = max(1, min(int(count * SECONDS_PER_CALL / max(seconds, 1e-6)), 4 * count))
        return "finished"

    def _agree(self, is_stopped: bool, count: int) -> tuple[bool, int]:
        """Whether any worker was stopped, and the number of steps that the first worker takes next."""
        told = self._workers.agree(np.array([is_stopped, count], np.int32))
        return bool(told[:, 0].any()), int(told[0, 1])

    def _keep_moment(self, step: int) -> None:
        if self.moments.is_due(step) and self._spec.parameters <= MAX_PARAMETERS:
            self.moments.record(step, get_weights(self.model))

    def watched(self) -> AbstractContextManager[None]:
        """A context in which the end of another worker is an error of one line."""
        return self._workers.watched()

    def steps_from(self, step: int, count: int) -> np.ndarray:
        """Take some steps of one epoch, and return their losses."""
        return self._call(step, count)

    def close(self) -> None:
        """Stop reading images ahead."""
        self._batches.close()

    def keep_best(self, recorder: HistoryRecorder) -> float | None:
        """With ``patience``, go back to the weights of the best validation.

        Returns:
            The epochs trained up to there; None without ``patience``.
        """
        if not self.state.has_best:
            return None
        if len(recorder.losses) == self.total_steps:
            recorder.validate(self.total_steps)
            if recorder.best_step == self.total_steps:
                self.state.remember_best()
        self.state.take_best()
        return recorder.best_step / self.steps_per_epoch

    def final_weights(self) -> Weights:
        """The final weights: the averages, if weights are averaged."""
        self.state.take_average()
        self._copy_weights()
        return get_weights(self.model)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Logits of the current network in inference mode, in float32."""
        self._copy_weights()
        return self._validator(tf.constant(images)).numpy()

    def _copy_weights(self) -> None:
        """The float32 model gets the weights of the one that trains, if that is another one."""
        if self._trainer is not self.model:
            set_weights(self.model, get_weights(self._trainer))

    def _epoch_end(self, step: int) -> int:
        return min((step // self.steps_per_epoch + 1) * self.steps_per_epoch, self.total_steps)

    def _call(self, step: int, count: int) -> np.ndarray:
        inputs = self._batches.inputs(step, count)
        return self._steps(tf.constant(step), tf.constant(step + count), *inputs).numpy()

    def _take(self, start: tf.Tensor, stop: tf.Tensor, *inputs: tf.Tensor) -> tf.Tensor:
        losses = tf.TensorArray(tf.float32, size=stop - start)

        def is_running(step: tf.Tensor, losses: tf.TensorArray, finite: tf.Tensor) -> tf.Tensor:
            return tf.logical_and(step < stop, finite)

        def body(step: tf.Tensor, losses: tf.TensorArray, finite: tf.Tensor) -> tuple:
            loss = self._step(*self._batches.batch(inputs, step, start), step)
            return step + 1, losses.write(step - start, loss), tf.math.is_finite(loss)

        _, losses, _ = tf.while_loop(is_running, body, [start, losses, tf.constant(True)])
        return losses.stack()

    def _step(self, pixels: tf.Tensor, labels: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        loss, gradients, statistics = self.gradients.of_batch(pixels, labels, step)
        self._optimizer.apply(gradients, step=step, rate=tf.gather(self.rates, step))
        for (moving, momentum), now in zip(self.gradients.moved, statistics, strict=True):
            moving.assign_sub((moving - now) * (1 - momentum))
        self.state.average(step, int(self.total_steps * (1 - (self.options.average or 0))))
        return loss

    def _scale_invariant(self) -> list[bool]:
        """Whether each trained variable is a kernel whose norm changes no logit."""
        kernels = {
            id(self._trainer.get_layer(row.name).kernel.value)
            for index, row in enumerate(self._spec.table())
            if is_scale_invariant(self._spec, index)
        }
        return [id(variable) in kernels for variable in self.gradients.trained]
