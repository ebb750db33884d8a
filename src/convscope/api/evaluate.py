"""Evaluate a trained network on labeled data."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convscope.api.answer_rules import AUTO, answer_rules
from convscope.api.callbacks import Callbacks
from convscope.api.run import Run, load_run
from convscope.api.run_data import PARTS, loading_options, may_be_own, part_of_run
from convscope.api.run_engine import engine_of
from convscope.data.class_order import match_classes
from convscope.data.dataset import Dataset, LoadedData, image_hashes, joined
from convscope.data.load_options import Caching
from convscope.data.processes import usable_cores
from convscope.data.readers import READERS, load_all, load_test
from convscope.decisions import Decision
from convscope.errors import DataError, OptionError, RunError
from convscope.evaluation.evaluation import Evaluation
from convscope.evaluation.measured_reliability import MeasuredReliability, measure_reliability
from convscope.evaluation.metrics import measure
from convscope.evaluation.predict import Predictions
from convscope.evaluation.reliability import reliability_of
from convscope.exporting.engines import AUTO as AUTO_ENGINE
from convscope.markup import table
from convscope.model.model_file import Model
from convscope.training.run import IMPORTED
from convscope.training.run_folder import training_hashes

if TYPE_CHECKING:
    from convscope.api.groups import GroupAccuracies
    from convscope.report.pictures.plot import Plot

ALL = "all"
"""The part of an evaluation that measured every image of the data given to it."""


@dataclass(frozen=True, eq=False)
class EvaluateResult:
    """The figures, and what they were measured on. Shows itself as a table in a notebook.

    Attributes:
        evaluation: The figures.
        dataset: The images and labels, with the network's classes.
        predictions: The network's predictions for them.
        folder: The run.
        part: ``test``, ``validation`` or ``train`` of the run's own data; ``all`` for other data.
        decisions: How the data were matched to the network.
        notes: What limits the figures, one sentence each: classes missing or unknown, images of the training.
        unknown_classes: Classes of the data that the network does not have, with the number of images not measured.
        trained_on: The number of measured images that the network was trained on; always 0 for ``test``.
        reliability: What rejection, prediction sets and selective prediction give; None if nothing is known about
            held-out images.
    """

    evaluation: Evaluation
    dataset: Dataset
    predictions: Predictions
    folder: Path
    part: str
    decisions: tuple[Decision, ...] = ()
    notes: tuple[str, ...] = ()
    unknown_classes: dict[str, int] | None = None
    trained_on: int = 0
    reliability: MeasuredReliability | None = None
    engine: Decision | None = None

    @property
    def accuracy(self) -> float:
        """The fraction of images classified correctly, 0 to 1; ``evaluation.accuracy`` has its interval."""
        return self.evaluation.accuracy.rate

    @property
    def measured_on(self) -> str:
        """The images in words: ``the test split``, or ``all images``."""
        return "all images" if self.part == ALL else f"the {self.part} split"

    def by_group(self, group: str = "folder") -> GroupAccuracies:
        """The accuracy on each group of files: see `api.groups.accuracy_by_group`."""
        from convscope.api.groups import accuracy_by_group

        known = None
        with contextlib.suppress(DataError, RunError):  # the data of the training may be gone
            known = part_of_run(load_run(self.folder), "train")
        return accuracy_by_group(self, group, trained_on=known if known and known.names else None)

    def confusion_matrix(self) -> Plot:
        """Draw the confusion matrix."""
        from convscope.report.pictures.confusion import confusion_matrix
        from convscope.report.pictures.plot import Plot

        return Plot(confusion_matrix(self.evaluation))

    def __repr__(self) -> str:
        return f"EvaluateResult(accuracy {self.evaluation.accuracy} on {self.measured_on} of {self.dataset.source})"

    def _repr_html_(self) -> str:
        rows = [
            (
                escape(one.name),
                f"{one.support:,}",
                str(one.precision or "none predicted"),
                str(one.recall or "no image"),
            )
            for one in self.evaluation.classes
        ]
        caption = f"Accuracy {self.evaluation.accuracy} on {self.measured_on} of {self.dataset.source}"
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return table(("class", "images", "precision", "recall"), rows, caption=caption) + notes


def evaluate(
    run: Run | str | Path | None = None,
    data: Any = None,
    *,
    part: str | None = None,
    reject: str | float | None = AUTO,
    engine: str = AUTO_ENGINE,
    callbacks: Callbacks | None = None,
) -> EvaluateResult:
    """Evaluate a run's network.

    Without ``data``, the data of the training are read again and split as they were; they must not have changed. Other
    data are measured whole, matched to the network by class name: classes that the network does not have are
    skipped, and ``notes`` names them.

    Args:
        run: A run or its folder; None takes the newest below ``runs/``.
        data: As in `load_data`; None takes what the run was trained on. Of MNIST by name, the test part is measured.
        part: ``test``, ``validation`` or ``train`` of the run's own data; None takes ``test``.
        reject: As for `api.predict.predict`: how many images it rejects, and the accuracy on the others. The accuracy
            itself counts all images.
        engine: As for `api.predict.predict`, but ``"auto"`` is NumPy if it takes a few seconds.
        callbacks: ``images`` is called while images are read; ``is_stopped`` ends that.

    Raises:
        RunError, ModelFileError: There is no such run, or its model file is damaged.
        DataError: The data cannot be read, have no such part, have changed since the training, or have none of the
            network's classes.
        OptionError: ``part`` is none of the three, or given for data that are not the run's own.
    """
    if part is not None and part not in PARTS:
        raise OptionError(f"part must be one of {', '.join(PARTS)}. Received: part={part!r}.")
    run = load_run(run)
    level = answer_rules(run.model, reject=reject).level
    result = _evaluate(run, data, part, engine, callbacks or Callbacks())
    if not run.model.reliability:
        return result
    found = measure_reliability(run.model, result.predictions, result.dataset.labels, level=level)
    return replace(result, reliability=found)


def _evaluate(run: Run, data: Any, part: str | None, engine: str, callbacks: Callbacks) -> EvaluateResult:
    if data is None:
        return _evaluate_part(run, part or "test", part_of_run(run, part or "test", callbacks=callbacks), engine)
    own = _part_if_own(run, part or "test", data, callbacks)
    if own is not None:
        return _evaluate_part(run, part or "test", own, engine)
    if part is not None:
        raise OptionError(
            f"part selects a split of the data that the network was trained on; other data are measured whole. "
            f"Received: part={part!r} and data={str(data)[:100]!r}.",
            hint="Leave one of them out.",
        )
    return _evaluate_all(run, data, engine, callbacks)


def _evaluate_part(run: Run, part: str, dataset: Dataset, engine: str) -> EvaluateResult:
    opened = engine_of(run, engine, images=len(dataset), threads=usable_cores())
    predictions = opened.predict(dataset.pixels)
    trained_on = len(dataset) if part == "train" else 0
    figures = evaluate_predictions(predictions, dataset)
    return EvaluateResult(
        figures, dataset, predictions, run.folder, part, trained_on=trained_on, engine=opened.decision
    )


def _part_if_own(run: Run, part: str, data: Any, callbacks: Callbacks) -> Dataset | None:
    """A part of ``data`` if they are what the network was trained on, wherever they are now; else None."""
    if isinstance(data, str | Path) and str(data) in READERS and READERS[str(data)].is_built_in:
        return part_of_run(run, part, source=str(data)) if run.record.options.data == str(data) else None
    if not run.record.data.get("train_fingerprint"):
        return None
    if isinstance(data, str | Path) and not may_be_own(run, data):
        return None
    try:
        return part_of_run(run, part, source=data, callbacks=callbacks)
    except (DataError, OptionError):
        return None


def _evaluate_all(run: Run, data: Any, engine: str, callbacks: Callbacks) -> EvaluateResult:
    dataset, decisions = _load_all(run, data, callbacks)
    matched = match_classes(run.model.class_names, dataset)
    dataset = matched.dataset
    opened = engine_of(run, engine, images=len(dataset), threads=usable_cores())
    predictions = opened.predict(dataset.pixels)
    known = _training_hashes(run)
    is_known = np.isin(image_hashes(dataset.pixels), known) if known is not None else np.zeros(len(dataset), bool)
    notes = list(matched.notes)
    if is_known.any():
        new = np.flatnonzero(~is_known)
        right = predictions.logits[new].argmax(axis=1) == dataset.labels[new]
        rest = f"; accuracy on the other {len(new):,}: {right.mean():.2%}" if len(new) else ""
        notes.append(f"The network was trained on {int(is_known.sum()):,} of these {len(dataset):,} images{rest}.")
    return EvaluateResult(
        evaluate_predictions(predictions, dataset),
        dataset,
        predictions,
        run.folder,
        ALL,
        decisions=(*decisions, *([matched.decision] if matched.decision else [])),
        notes=tuple(notes),
        unknown_classes=dict(matched.unknown or {}),
        trained_on=int(is_known.sum()),
        engine=opened.decision,
    )


def _training_hashes(run: Run) -> np.ndarray | None:
    """The hashes of the training images; those of a built-in dataset are not stored but computed."""
    name = run.record.options.data
    if name in READERS and READERS[name].is_built_in and run.outcome != IMPORTED:
        return image_hashes(part_of_run(run, "train").pixels)
    return training_hashes(run.folder)


def _load_all(run: Run, data: Any, callbacks: Callbacks) -> tuple[Dataset, tuple[Decision, ...]]:
    how = loading_options(run)
    shape = {
        name: how[name] for name in ("size", "channels", "transpose", "fit", "decoding", "background", "class_names")
    }
    if isinstance(data, LoadedData):
        dataset, decisions = joined(data), data.decisions
    elif isinstance(data, str | Path) and str(data) in READERS and READERS[str(data)].is_built_in:
        dataset, decisions = load_test(str(data), **how), ()
    else:
        caching = Caching(on_images=callbacks.images, is_stopped=callbacks.is_stopped)
        dataset, _, decisions = load_all(data, caching=caching, **shape)
    if dataset.image_shape != run.model.spec.input_shape:
        raise DataError(
            f"Expected images of the network's input shape {run.model.spec.input_shape}. Received: "
            f"{dataset.image_shape} from {dataset.source}."
        )
    return dataset, decisions


def evaluate_predictions(predictions: Predictions, dataset: Dataset) -> Evaluation:
    """The figures of some predictions against the labels of the dataset that they are for."""
    return measure(predictions.logits, dataset.labels, class_names=dataset.class_names, known_wrong=dataset.known_wrong)


def measured_reliability(
    model: Model, predictions: Predictions, dataset: Dataset, known: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The reliability of a training's record, at the default level of rejection; None if there is none.

    Args:
        model: The trained network.
        predictions: For the test split, or the validation split if there is none.
        dataset: That split.
        known: What the record holds already.
    """
    if not model.reliability:
        return dict(known) or None
    level = answer_rules(model).level
    found = measure_reliability(model, predictions, dataset.labels, level=level).to_json()
    held_out = reliability_of(model).rejection
    return dict(known) | found | {"n_held_out": held_out.n if held_out else None}
