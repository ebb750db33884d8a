"""Write the page of a run: one HTML file."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from convscope.api.check_output_path import check_output_path
from convscope.api.contract import preprocessing_of
from convscope.api.evaluate import load_part_of_run
from convscope.data.dataset import Dataset
from convscope.errors import DataError, RunError
from convscope.evaluation.metrics import Evaluation
from convscope.model.model_file import Model, load_model
from convscope.model.reference import REFERENCE_FILE, Reference, numpy_reference, read_reference
from convscope.report.bundle import make_bundle
from convscope.report.page import page
from convscope.training.run import MODEL_FILE, RunRecord, find_run, load_run, write_text

PAGE_FILE = "page.html"
FRAME_HEIGHT = 720
"""Pixels of the page inside a notebook's cell."""


@dataclass(frozen=True)
class PageResult:
    """A page that was written.

    Attributes:
        path: The file.
        size_bytes: Of the file.
        pictures: Labelled images in it.
        proof: What computed the figures that the page proves itself against.
        missing: Why there are no images, or an empty text.
    """

    path: Path
    size_bytes: int
    pictures: int
    proof: str
    missing: str = ""

    def _repr_html_(self) -> str:
        content = escape(self.path.read_text(encoding="utf-8"))
        return (
            f'<iframe title="the page of the network" style="width:100%;height:{FRAME_HEIGHT}px;border:0" '
            f'srcdoc="{content}"></iframe>'
        )


def open_run(run: str | Path | None = None, *, out: str | Path | None = None) -> PageResult:
    """Write the page of a run.

    Args:
        run: The run's folder; None takes the newest below ``runs/``.
        out: The file; None writes `PAGE_FILE` into the run's folder.

    Returns:
        What was written. Where the run's data can no longer be read, the page has no images, and says so.

    Raises:
        RunError, ModelFileError: There is no such run, its files are damaged, or the page cannot be written.
    """
    folder = find_run(run)
    model, record = load_model(folder / MODEL_FILE), load_run(folder)
    preprocessing_of(model)
    check_output_path(out, folder, record.options.data)
    measured, part = (record.test, "test") if record.test else (record.validation, "validation")
    evaluation = Evaluation.from_json(measured) if measured else None
    if evaluation and evaluation.class_names != model.class_names:
        raise RunError(f"The record and the model in {folder} have different classes.", hint="They are of two runs.")
    missing = ""
    try:
        dataset = _images(model, record, part)
        if evaluation and evaluation.n != len(dataset):
            raise DataError(f"The data are no longer those of the training. Received: {len(dataset):,} images.")
    except DataError as error:
        missing, dataset = str(error), _no_images(model)
    return write_page(folder, Path(out) if out else None, model, record, dataset, evaluation, part, missing)


def write_page(
    folder: Path,
    out: Path | None,
    model: Model,
    record: RunRecord,
    dataset: Dataset,
    evaluation: Evaluation | None,
    part: str,
    missing: str = "",
) -> PageResult:
    """Write the page from what is in memory already; see `open_run`."""
    proof = _reference(folder, model, dataset)
    bundle = make_bundle(model, record, proof, dataset, evaluation, part=part)
    text = page(bundle)
    path = out or folder / PAGE_FILE
    write_text(path, text)
    return PageResult(path, len(text.encode()), len(bundle["pictures"]["entries"]), proof.engine, missing)


def _images(model: Model, record: RunRecord, part: str) -> Dataset:
    """The measured images, refused where they are no longer those of the training."""
    dataset = load_part_of_run(model, record, part)
    if part == "test" and dataset.fingerprint() != record.data.get("test_fingerprint"):
        raise DataError(f"The data are no longer those of the training. Received: {record.options.data}.")
    return dataset


def _no_images(model: Model) -> Dataset:
    pixels = np.zeros((0, *model.spec.input_shape), np.uint8)
    return Dataset(pixels, np.zeros(0, np.int64), model.class_names, source="none")


def _reference(folder: Path, model: Model, dataset: Dataset) -> Reference:
    """TensorFlow's where the training left it; a network from elsewhere has none, and NumPy's stands in."""
    if (folder / REFERENCE_FILE).exists():
        return read_reference(folder / REFERENCE_FILE, model.spec)
    pixels = dataset.pixels if len(dataset) else np.zeros((1, *model.spec.input_shape), np.uint8)
    return numpy_reference(model.spec, model.weights, pixels)
