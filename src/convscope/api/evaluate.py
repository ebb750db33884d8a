"""Evaluate a trained network on labelled data."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convscope.api.load_data import load_data
from convscope.api.run import Run, load_run
from convscope.data.dataset import IN_MEMORY, Dataset, LoadedData, check_class_names, stratified_split
from convscope.data.readers import load_test
from convscope.errors import DataError, OptionError
from convscope.evaluation.metrics import Evaluation, measure
from convscope.evaluation.predict import Predictions, predict
from convscope.markup import table
from convscope.training.run import UNKNOWN_DATA

if TYPE_CHECKING:
    from convscope.report.pictures.plot import Plot

PARTS = ("test", "validation", "train")


@dataclass(frozen=True, eq=False)
class EvaluateResult:
    """The figures, and what they were measured on. Shows itself as a table in a notebook.

    Attributes:
        evaluation: The figures.
        dataset: The images and labels.
        predictions: The network's predictions for them.
        folder: The run.
        part: ``test``, ``validation`` or ``train``.
    """

    evaluation: Evaluation
    dataset: Dataset
    predictions: Predictions
    folder: Path
    part: str

    @property
    def accuracy(self) -> float:
        """The fraction of images classified correctly, 0 to 1; ``evaluation.accuracy`` has its interval."""
        return self.evaluation.accuracy.rate

    def confusion_matrix(self) -> Plot:
        """Draw the confusion matrix."""
        from convscope.report.pictures.confusion import confusion_matrix
        from convscope.report.pictures.plot import Plot

        return Plot(confusion_matrix(self.evaluation))

    def __repr__(self) -> str:
        return f"EvaluateResult(accuracy {self.evaluation.accuracy} on the {self.part} split of {self.dataset.source})"

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
        caption = f"Accuracy {self.evaluation.accuracy} on the {self.part} split of {self.dataset.source}"
        return table(("class", "images", "precision", "recall"), rows, caption=caption)


def evaluate(run: Run | str | Path | None = None, data: Any = None, *, part: str = "test") -> EvaluateResult:
    """Evaluate a run's network.

    Args:
        run: A run or its folder; None takes the newest below ``runs/``.
        data: As in `load_data`; None takes what the run was trained on.
        part: ``test``; ``validation`` and ``train`` are split as in the training.

    Raises:
        RunError, ModelFileError: There is no such run, or its model file is damaged.
        DataError: The data cannot be read, have no such part, or do not have the network's classes or channels.
        OptionError: ``part`` is none of the three.
    """
    if part not in PARTS:
        raise OptionError(f"part must be one of {', '.join(PARTS)}. Received: part={part!r}.")
    run = load_run(run)
    dataset = load_part_of_run(run, part, data=data)
    predictions = predict(run.model, dataset.pixels)
    return EvaluateResult(evaluate_predictions(predictions, dataset), dataset, predictions, run.folder, part)


def evaluate_predictions(predictions: Predictions, dataset: Dataset) -> Evaluation:
    """The figures of some predictions against the labels of the dataset that they are for."""
    return measure(predictions.logits, dataset.labels, class_names=dataset.class_names, known_wrong=dataset.known_wrong)


def load_part_of_run(run: Run, part: str, *, data: Any = None) -> Dataset:
    """One part of a run's data, in the network's input shape and split as in the training.

    Raises:
        DataError: The data cannot be read, have no such part, or do not have the network's classes or channels.
    """
    dataset = _load_part(run, part, data)
    _check_fit(run, dataset)
    return dataset


def _load_part(run: Run, part: str, data: Any) -> Dataset:
    h, w, c = run.model.spec.input_shape
    options = run.record.options
    seed = int(str(run.record.data.get("split_seed", options.seed)))
    how: dict[str, Any] = {"size": (h, w), "channels": c, "test_fraction": options.test_fraction, "seed": seed}
    if data is None and options.data == UNKNOWN_DATA:
        raise DataError(
            "Expected labelled data: this network was imported without any. Received: none.",
            hint="Name some: convscope evaluate RUN DATA",
        )
    if data is None and run.data is None and options.data == IN_MEMORY:
        raise DataError(
            "Expected labelled data: this network was trained on arrays that were in memory. Received: none.",
            hint="Give the data: run.evaluate(data), or convscope evaluate RUN DATA",
        )
    source = data if data is not None else run.data or options.data
    if part == "test" and isinstance(source, str | Path):
        return load_test(source, **how)
    loaded = source if isinstance(source, LoadedData) else load_data(source, **how)
    if part == "test":
        if loaded.test is None:
            raise DataError(f"Expected a test part. Received: {loaded.train.source}, without one.")
        return loaded.test
    training, validation = stratified_split(loaded.train, fraction=options.validation_fraction, seed=options.seed)
    return validation if part == "validation" else training


def _check_fit(run: Run, dataset: Dataset) -> None:
    model = run.model
    if dataset.image_shape != model.spec.input_shape:
        raise DataError(
            f"Expected images of the network's input shape {model.spec.input_shape}. Received: {dataset.image_shape} "
            f"from {dataset.source}."
        )
    check_class_names(model.class_names, dataset)
