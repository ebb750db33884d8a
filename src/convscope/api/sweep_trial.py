"""Train one trial of a sweep. Heavy: imports TensorFlow when called."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from convscope.api.prepare import LOADED_OPTIONS, Plan, prepare
from convscope.data.dataset import LoadedData
from convscope.errors import DataError, OptionError, SpecError
from convscope.evaluation.predict import predict
from convscope.model.model_file import Model, weights_sha256
from convscope.sweeping.pruning import fixed_point, is_pruned, values_at
from convscope.sweeping.records import COMPLETE, DIVERGED, FAILED, PRUNED, Trial
from convscope.training.history import Progress, validation_interval
from convscope.training.options import TrainOptions


@dataclass(frozen=True)
class TrialTask:
    """What is trained.

    Attributes:
        number: Of the trial.
        seed: Random seed.
        params: Values of the parameters that vary.
        fixed: The other options.
        earlier: Trials that it is compared with; none are if it is not stopped early.
        pruner: The rule.
        on_test: Whether it is measured on the test split too.
    """

    number: int
    seed: int
    params: dict[str, Any]
    fixed: dict[str, Any]
    earlier: tuple[Trial, ...] = ()
    pruner: str = "none"
    on_test: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """The options of `train`. Products are in float32 unless asked otherwise, the same on every machine."""
        return {"precision": "float32", **self.fixed, **self.params, "seed": self.seed}


@dataclass
class _Watch:
    """Follows a training, and stops it at a fixed point or when it is told to."""

    task: TrialTask
    plan: Plan
    on_fraction: Callable[[float], None]
    is_ended: Callable[[], bool]
    checks: dict[str, float] = field(default_factory=dict)
    is_pruned: bool = False

    def progress(self, progress: Progress) -> None:
        fraction = progress.step / progress.total_steps
        self.on_fraction(fraction)
        steps_per_epoch = self.plan.options.steps_per_epoch(len(self.plan.training))
        interval = validation_interval(progress.total_steps, steps_per_epoch)
        accuracy = progress.validation_accuracy
        if accuracy is None or progress.step % interval:
            return
        point = fixed_point(fraction, map(float, self.checks))
        if point is not None:
            self.checks[str(point)] = accuracy
            earlier = values_at(point, self.task.earlier)
            self.is_pruned = self.is_pruned or is_pruned(accuracy, earlier, pruner=self.task.pruner)

    def is_stopped(self) -> bool:
        return self.is_pruned or self.is_ended()


def prepare_process() -> None:
    """Import TensorFlow, and take all that is in memory by now out of the garbage collection before each trial."""
    import convscope.training.fit  # noqa: F401

    gc.collect()
    gc.freeze()


def train_trial(
    task: TrialTask,
    loaded: LoadedData,
    *,
    on_fraction: Callable[[float], None],
    is_ended: Callable[[], bool],
) -> Trial | None:
    """Train a network and measure it on the validation split.

    Args:
        task: What is trained.
        loaded: The data.
        on_fraction: Called several times a second with the fraction done.
        is_ended: Asked several times a second; True ends the training without a result.

    Returns:
        The result; None if ``is_ended`` ended it. Options that do not fit the data are a result too: ``failed``.
    """
    from convscope.model.tensorflow import keras
    from convscope.training.fit import fit

    trial = Trial(task.number, task.seed, task.params, FAILED)
    keras.backend.clear_session()  # and collect garbage: a process trains many networks in the memory of one
    try:
        plan = prepare(TrainOptions.from_mapping(without_loading(task.options)), lambda phase: None, loaded)
        watch = _Watch(task, plan, on_fraction, is_ended)
        hooks: dict[str, Any] = {"on_progress": watch.progress, "is_stopped": watch.is_stopped}
        fitted = fit(plan.spec, plan.training, plan.validation, plan.options, **hooks)
    except (DataError, OptionError, SpecError) as error:
        return replace(trial, reason=str(error))
    measured = [row for row in fitted.history if row.validation_accuracy is not None]
    if plan.options.patience:
        measured.sort(key=lambda row: (row.validation_accuracy or 0.0, -(row.validation_loss or 0.0)))
    trial = replace(
        trial,
        checks=watch.checks,
        model=plan.options.model,
        epochs=plan.options.epochs,
        seconds=fitted.seconds["total"],
        accuracy=measured[-1].validation_accuracy if measured else None,
        loss=measured[-1].validation_loss if measured else None,
    )
    if fitted.outcome == "diverged":
        return replace(trial, outcome=DIVERGED)
    if fitted.outcome == "interrupted":
        return replace(trial, outcome=PRUNED) if watch.is_pruned else None
    trial = replace(trial, outcome=COMPLETE, weights_sha256=weights_sha256(fitted.weights))
    if task.on_test and loaded.test:
        model = Model(plan.spec, fitted.weights, loaded.train.class_names)
        predicted = predict(model, loaded.test.pixels).logits.argmax(axis=1)
        accuracy = float((predicted == loaded.test.labels).mean())
        trial = replace(trial, test_accuracy=accuracy, test_images=len(loaded.test))
    return trial


def without_loading(options: dict[str, Any]) -> dict[str, Any]:
    """The options without those that the data were loaded with."""
    return {name: value for name, value in options.items() if name not in (*LOADED_OPTIONS, "size", "cache")}
