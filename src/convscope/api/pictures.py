"""The pictures a person wants to see after a training. Imports matplotlib, so it is imported late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from convscope.arrays import Picture
from convscope.data.dataset import Dataset
from convscope.errors import RunError
from convscope.evaluation.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from convscope.evaluation.evaluation import Evaluation
from convscope.evaluation.predict import Predictions
from convscope.report.bundle_pictures import spread
from convscope.report.pictures.canvas import save
from convscope.report.pictures.confusion import confusion_matrix
from convscope.report.pictures.corruptions import corruption_sheet
from convscope.report.pictures.curves import learning_curves
from convscope.report.pictures.gallery import gallery, mistakes
from convscope.report.pictures.reliability import reliability
from convscope.training.run import HistoryRow

GALLERY = 24


def draw_run(
    folder: Path,
    history: Sequence[HistoryRow],
    evaluation: Evaluation,
    dataset: Dataset,
    predictions: Predictions,
    *,
    stopped_early: Mapping[str, float] | None = None,
    cross_validation: Evaluation | None = None,
) -> tuple[Path, ...]:
    """Draw learning curves, with where an early stop kept the weights, and how good the network is.

    Args:
        folder: Where the PNG files go.
        history: Of the training.
        evaluation: The figures of these predictions.
        dataset: The images.
        predictions: What the network made of them.
        stopped_early: As in the record.
        cross_validation: Figures that the confusion matrix is drawn from instead. The reliability is that of the
            network: those of the folds are not calibrated.

    Returns:
        The PNG files, curves first.
    """
    folder = _new(folder)
    curves = save(learning_curves([asdict(row) for row in history], stopped_early), folder / "learning_curves.png")
    return (curves, *draw_evaluation(folder, evaluation, dataset, predictions, cross_validation=cross_validation))


def draw_evaluation(
    folder: Path,
    evaluation: Evaluation,
    dataset: Dataset,
    predictions: Predictions,
    *,
    cross_validation: Evaluation | None = None,
) -> tuple[Path, ...]:
    """Draw confusion matrix, gallery, most confident mistakes and reliability of one measurement; see `draw_run`."""
    folder = _new(folder)
    chosen = spread(dataset.labels, GALLERY)
    figures = {
        "confusion_matrix": confusion_matrix(cross_validation or evaluation),
        "predictions": gallery(
            dataset.pixels[chosen],
            predictions.probabilities[chosen],
            class_names=dataset.class_names,
            labels=dataset.labels[chosen],
            about="The first images of each class, in turn.",
        ),
        "mistakes": mistakes(dataset.pixels, evaluation),
        "reliability": reliability(evaluation),
    }
    return tuple(save(figure, folder / f"{name}.png") for name, figure in figures.items())


def draw_corruptions(folder: Path, example: Picture, *, seed: int) -> Path:
    """Draw one image with every corruption at every strength."""
    rows = [
        (name, [corrupt(example[None], name, strength, seed=seed)[0] for strength in STRENGTHS]) for name in CORRUPTIONS
    ]
    return save(corruption_sheet(rows), _new(folder) / "corruptions.png")


def _new(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"The folder {folder} cannot be made ({error.strerror}).") from None
    return folder
