"""Train a network: from its options and data to the final weights. Heavy: imports TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from convscope.arrays import to_images
from convscope.data.dataset import Dataset
from convscope.errors import RunError
from convscope.model.build import Weights, compute_reference
from convscope.model.reference import IMAGES, Reference
from convscope.model.spec import Spec
from convscope.training.checkpoint import CheckpointManager
from convscope.training.history import HistoryRecorder, Progress
from convscope.training.loop import TrainingLoop
from convscope.training.moments import Moments
from convscope.training.options import TrainOptions
from convscope.training.run import HistoryRow
from convscope.training.shards import Workers

MEASURED_STEPS = 24
"""Steps taken to measure the speed of a training."""


@dataclass(frozen=True)
class Fitted:
    """The result of a training.

    Attributes:
        weights: The final weights, averaged if the options request it.
        history: The learning curves.
        outcome: ``finished``, ``interrupted`` or ``diverged``.
        steps: Number of steps taken.
        seconds: ``build``, ``trace`` and ``steps``, and their ``total``.
        proof: TensorFlow's outputs for the first validation images with these weights.
        best_epoch: With ``patience``, the epochs trained when the weights were the best; None without.
        moments: Weights kept on the way; None of a network that is too large.
    """

    weights: Weights
    history: tuple[HistoryRow, ...]
    outcome: str
    steps: int
    seconds: dict[str, float]
    proof: Reference
    best_epoch: float | None = None
    moments: Moments | None = None


def fit(
    spec: Spec,
    train: Dataset,
    validation: Dataset,
    options: TrainOptions,
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    is_stopped: Callable[[], bool] = lambda: False,
    checkpoints: CheckpointManager | None = None,
    initial: Weights | None = None,
    workers: Workers | None = None,
) -> Fitted:
    """Train a network.

    Args:
        spec: The network.
        train: Training images.
        validation: Validation images, for the learning curves only.
        options: Resolved: no None but ``size``.
        on_progress: Called several times a second.
        is_stopped: Called several times a second; True stops the training and keeps the current weights.
        checkpoints: Writes checkpoints, and has the one to resume from; None writes none.
        initial: Weights to start from, by full name; those that are not given are random.
        workers: Who computes the shards of each batch; None for this process alone.

    Returns:
        Weights and learning curves. ``diverged`` means that the loss was no longer finite; the weights are the last
        finite ones.

    Raises:
        OptionError: The options do not fit the network.
        RunError: The checkpoint does not fit the network or the options, or cannot be written; or another worker ended.
    """
    started = time.perf_counter()
    loop = TrainingLoop(spec, train, options, initial, workers)
    built = time.perf_counter()
    loop.trace()
    traced = time.perf_counter()
    recorder, checkpoints = HistoryRecorder(loop, validation, on_progress), checkpoints or CheckpointManager()
    if saved := checkpoints.resume_from:
        if saved.step > loop.total_steps:
            raise RunError(
                f"The checkpoint belongs to a longer training. Received: step {saved.step} of {loop.total_steps}."
            )
        loop.state.restore(saved.state)
        recorder.restore(saved.losses, saved.measured)
        loop.moments.restore(checkpoints.moments_to_resume(spec), saved.step)
    try:
        with loop.watched():
            outcome = loop.run(recorder, is_stopped, checkpoints)
    finally:
        loop.close()
    best_epoch = loop.keep_best(recorder) if outcome == "finished" else None
    weights = loop.final_weights()
    if outcome == "finished" and best_epoch is None:
        recorder.validate(loop.total_steps)
    if outcome == "finished":
        recorder.report()
    ended = time.perf_counter() + (saved.seconds if saved else 0.0)
    seconds = {"build": built - started, "trace": traced - built, "steps": ended - traced, "total": ended - started}
    proof = compute_reference(loop.model, to_images(validation.pixels[:IMAGES]))
    moments = loop.moments.moments() if loop.moments.kept else None
    return Fitted(weights, recorder.history(), outcome, len(recorder.losses), seconds, proof, best_epoch, moments)


def seconds_per_step(spec: Spec, train: Dataset, options: TrainOptions) -> tuple[float, float]:
    """Measure how fast this machine trains.

    Returns:
        Seconds to build and trace the loop, and seconds for one step, the median of a few calls of several steps.
    """
    started = time.perf_counter()
    loop = TrainingLoop(spec, train, replace(options, epochs=MEASURED_STEPS / options.steps_per_epoch(len(train))))
    loop.trace()
    traced = time.perf_counter() - started
    count, measured = max(min(loop.total_steps, loop.steps_per_epoch) // 4, 1), []
    for begin in range(0, count * 4, count):
        if begin + count > min(loop.total_steps, loop.steps_per_epoch):
            break
        began = time.perf_counter()
        loop.steps_from(begin, count)
        measured.append((time.perf_counter() - began) / count)
    loop.close()
    return traced, float(np.median(measured[1:] or measured))
