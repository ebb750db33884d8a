"""Measure a trained network on labelled data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from convscope.data.dataset import Dataset, stratified_split
from convscope.data.readers import load, load_test
from convscope.errors import DataError, OptionError
from convscope.evaluation.metrics import Evaluation, measure
from convscope.evaluation.predict import Predictions, predict
from convscope.model.model_file import Model, load_model
from convscope.training.run import IMPORTED, MODEL_FILE, UNKNOWN_DATA, RunRecord, find_run, load_run

PARTS = ("test", "validation", "train")


@dataclass(frozen=True)
class EvaluateResult:
    """A measurement, and what it was taken of.

    Attributes:
        evaluation: The figures.
        dataset: The images and labels.
        predictions: What the network said.
        folder: The run.
        part: ``test``, ``validation`` or ``train``.
    """

    evaluation: Evaluation
    dataset: Dataset
    predictions: Predictions
    folder: Path
    part: str


def evaluate(run: str | Path | None = None, data: str | None = None, *, part: str = "test") -> EvaluateResult:
    """Measure a run's network.

    Args:
        run: The run's folder; None takes the newest below ``runs/``.
        data: A data set by name, or a path; None takes what the run was trained with.
        part: ``test``; ``validation`` and ``train`` are split as in the training.

    Raises:
        RunError, ModelFileError: There is no such run, or its model file is damaged.
        DataError: The data cannot be read, has no such part, or does not have the network's classes or channels.
    """
    if part not in PARTS:
        raise OptionError(f"part must be one of {', '.join(PARTS)}. Received: part={part!r}.")
    folder = find_run(run)
    model, record = load_model(folder / MODEL_FILE), load_run(folder)
    dataset = load_part_of_run(model, record, part, data=data)
    _check_fit(model, dataset)
    predictions = predict(model, dataset.pixels)
    evaluation = measure(
        predictions.logits, dataset.labels, class_names=dataset.class_names, known_wrong=dataset.known_wrong
    )
    return EvaluateResult(evaluation, dataset, predictions, folder, part)


def load_part_of_run(model: Model, record: RunRecord, part: str, *, data: str | None = None) -> Dataset:
    """One part of a run's data, in the network's own form and split as in the training.

    Raises:
        DataError: The data cannot be read, or has no such part.
    """
    h, w, c = model.spec.input_shape
    options = record.options
    how = {"size": (h, w), "channels": c, "test_fraction": options.test_fraction, "seed": options.seed}
    source = data or options.data
    if not data and record.outcome == IMPORTED and options.data == UNKNOWN_DATA:
        raise DataError(
            "Expected labelled data: this network was imported without any. Received: none.",
            hint="Name some: convscope evaluate RUN DATA",
        )
    if part == "test":
        return load_test(source, **how)
    learned = load(source, **how).train
    training, validation = stratified_split(learned, fraction=options.validation_fraction, seed=options.seed)
    return validation if part == "validation" else training


def _check_fit(model: Model, dataset: Dataset) -> None:
    if dataset.image_shape != model.spec.input_shape:
        raise DataError(
            f"The network reads images of shape {model.spec.input_shape}. Received: {dataset.image_shape} "
            f"from {dataset.source}."
        )
    if dataset.class_names != model.class_names:
        raise DataError(
            f"The network tells apart {', '.join(model.class_names[:12])}. Received: data with the classes "
            f"{', '.join(dataset.class_names[:12])}.",
            hint="Evaluate on data with the same classes in the same order.",
        )
