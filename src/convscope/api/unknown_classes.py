"""How many images of an unknown class are rejected, by trainings that exclude each class in turn."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from convscope.api.callbacks import Callbacks
from convscope.api.groups import half_width_of_mean
from convscope.api.run import Run, load_run
from convscope.api.run_data import part_of_run
from convscope.arrays import Pixels
from convscope.data.dataset import Dataset
from convscope.errors import DataError, OptionError, RunError
from convscope.evaluation.fit_reliability import fit_reliability
from convscope.evaluation.intervals import Proportion
from convscope.evaluation.out_of_distribution import is_constant
from convscope.evaluation.predict import predict
from convscope.evaluation.reliability import reliability_of
from convscope.model.model_file import Model
from convscope.training.run import IMPORTED
from convscope.training.run_folder import save_run

MOST_CLASSES = 10
"""Trainings at most: of more classes, so many are excluded, evenly spaced."""

KEY = "unknown_classes"
"""Where the record of a run keeps the result, in ``reliability``."""


@dataclass(frozen=True)
class ExcludedClass:
    """A network that was trained without one class.

    Attributes:
        name: Of the class.
        rejected: Its images that are rejected as unlike the training images.
        known_rejected: Images of the other classes that are rejected.
    """

    name: str
    rejected: Proportion
    known_rejected: Proportion

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "class": self.name,
            "rejected": self.rejected.to_json(),
            "known_rejected": self.known_rejected.to_json(),
        }


@dataclass(frozen=True)
class UnknownClasses:
    """What the networks without one class reject.

    Attributes:
        level: The fraction of familiar images that may be rejected.
        rows: One for each class that was excluded; the least rejected first.
    """

    level: float
    rows: tuple[ExcludedClass, ...]

    @property
    def mean(self) -> float:
        """Mean rejected fraction over classes, each counted once."""
        return statistics.mean(one.rejected.rate for one in self.rows)

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval of the mean over classes like these, by Student's t."""
        return max(0.0, self.mean - half_width_of_mean([one.rejected.rate for one in self.rows]))

    @property
    def high(self) -> float:
        """Its upper end."""
        return min(1.0, self.mean + half_width_of_mean([one.rejected.rate for one in self.rows]))

    @property
    def known_rejected(self) -> float:
        """Mean rejected fraction of the images of known classes."""
        return statistics.mean(one.known_rejected.rate for one in self.rows)

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        means = {"mean": self.mean, "low": self.low, "high": self.high, "known_rejected": self.known_rejected}
        return {"level": self.level, **means, "classes": [one.to_json() for one in self.rows]}


def unknown_classes(
    run: Run | str | Path | None = None,
    *,
    callbacks: Callbacks = Callbacks(),  # noqa: B008
) -> UnknownClasses:
    """Measure how well a run's recipe recognizes images of classes that it does not know.

    For each class, the network is trained again with the same options on the images of the other classes, and its
    score is applied to images of the test part (of the validation part if there is none). The result becomes part of
    the record of the run.

    Args:
        run: A run or its folder; None takes the newest below ``runs/``.
        callbacks: Called while it works.

    Raises:
        RunError: The run was imported, or one of the trainings did not finish.
        DataError: The data cannot be found, or have fewer than three classes.
        OptionError: So few images are held out that nothing can be rejected.
    """
    run = load_run(run)
    if run.outcome == IMPORTED:
        raise RunError(
            f"Expected a run that was trained here. Received: {run.folder}, an imported network.",
            hint="Its recipe is not known; measure images of your own: convscope predict FOLDER",
        )
    training, validation = part_of_run(run, "train"), part_of_run(run, "validation")
    measured = part_of_run(run, "test") if run.record.data.get("test") else validation
    count = training.num_classes
    if count < 3:
        raise DataError(f"Expected at least three classes, to exclude one. Received: {count} in {training.source}.")
    chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_CLASSES)).astype(int)).tolist()
    rows, level = [], None
    for number, label in enumerate(chosen, start=1):
        callbacks.begin(f"without class {training.class_names[label]} ({number} of {len(chosen)})")
        model = _trained_without(run, label, training, validation, callbacks)
        rejection = reliability_of(model).rejection
        level = rejection.default_level if rejection else None
        if rejection is None or level is None:
            raise OptionError(
                f"Expected at least 59 held-out images without class {training.class_names[label]}, to reject any. "
                f"Received: {int((validation.labels != label).sum())}.",
                hint="Train with a larger validation fraction.",
            )
        unknown, known = (_rejected(model, _pixels(measured, is_it), level) for is_it in (label, None))
        other = Proportion(known.successes - unknown.successes, known.n - unknown.n)
        rows.append(ExcludedClass(training.class_names[label], unknown, other))
    found = UnknownClasses(level or 0.0, tuple(sorted(rows, key=lambda one: one.rejected.rate)))
    reliability = dict(run.record.reliability or {}) | {KEY: found.to_json()}
    save_run(replace(run.record, reliability=reliability), run.folder)
    return found


def _trained_without(run: Run, label: int, training: Dataset, validation: Dataset, callbacks: Callbacks) -> Model:
    """The network keeps an output for the class, which no image asks for."""
    from convscope.training.fit import fit

    training, validation = (part.take(np.flatnonzero(part.labels != label)) for part in (training, validation))
    callbacks.begin("training")
    hooks = {"on_progress": callbacks.progress, "is_stopped": callbacks.is_stopped}
    fitted = fit(run.model.spec, training, validation, run.record.options, **hooks)
    if fitted.outcome != "finished":
        raise RunError(f"Expected a finished training. Received: one that was {fitted.outcome}.")
    model = Model(run.model.spec, fitted.weights, run.model.class_names, run.model.preprocessing)
    return fit_reliability(model, training.pixels, validation.pixels, validation.labels)[0]


def _pixels(data: Dataset, label: int | None) -> Pixels:
    return np.asarray(data.pixels[np.flatnonzero(data.labels == label)] if label is not None else data.pixels)


def _rejected(model: Model, pixels: Pixels, level: float) -> Proportion:
    rejection = reliability_of(model).rejection
    scores = predict(model, pixels).scores if len(pixels) else np.zeros(0, np.float32)
    threshold = rejection.threshold(level) if rejection else None
    if rejection is None or scores is None or threshold is None:
        return Proportion(0, len(pixels))
    is_rejected = (scores > threshold) | (is_constant(pixels) & rejection.rejects_blank)
    return Proportion(int(is_rejected.sum()), len(pixels))
