"""Write a network as one HTML file, and show it."""

from __future__ import annotations

import contextlib
import webbrowser
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import numpy as np

from convscope.api.check_output_path import check_output_path
from convscope.api.run import PAGE_FILE, Run, load_run
from convscope.api.run_data import part_of_run
from convscope.data.dataset import Dataset
from convscope.errors import DataError, OptionError, RunError
from convscope.evaluation.evaluation import Evaluation
from convscope.model.model_file import Model
from convscope.model.reference import IMAGES, REFERENCE_FILE, Reference, numpy_reference, read_reference
from convscope.report import page as html_page
from convscope.report.bundle import Bundle, make_bundle
from convscope.report.bundle_pictures import PICTURES_BYTES, picture_positions
from convscope.report.bundle_test_map import PCA, PROJECTIONS
from convscope.training.moments import MOMENTS_FILE, read_moments
from convscope.training.run_folder import write_text

MAX_PAGE_BYTES = 25_000_000
"""A larger page takes browsers seconds to open. The weights take 5.3 bytes each, so this is about 4 million of them."""

FRAME_HEIGHT = 720
"""Pixels of the page inside a notebook's cell."""


@dataclass(frozen=True)
class PageResult:
    """A page that was written.

    Attributes:
        path: The file.
        size_bytes: Of the file.
        pictures: Labeled images in it.
        reference: The engine whose activations the page compares its own with.
        missing: Why there are no images, or not all, or an empty text.
        moments: Moments of the training in it; 0 if the run has none, or the page would be too large with them.
    """

    path: Path
    size_bytes: int
    pictures: int
    reference: str
    missing: str = ""
    moments: int = 0

    def _repr_html_(self) -> str:
        content = escape(self.path.read_text(encoding="utf-8"))
        return (
            f'<iframe title="the page of the network" style="width:100%;height:{FRAME_HEIGHT}px;border:0" '
            f'srcdoc="{content}"></iframe>'
        )


def open(  # noqa: A001
    run: Run | str | Path | None = None,
    *,
    out: str | Path | None = None,
    browser: bool = True,
    projection: str = PCA,
) -> PageResult:
    """Write the page of a run and show it in the browser.

    Args:
        run: A run or its folder; None takes the newest below ``runs/``.
        out: The file; None writes ``page.html`` into the run's folder.
        browser: Whether to show it.
        projection: As `page`.

    Raises:
        RunError, ModelFileError, MissingExtraError: As `page`.
    """
    written = page(run, out=out, projection=projection)
    if browser:
        webbrowser.open(written.path.resolve().as_uri())
    return written


def page(run: Run | str | Path | None = None, *, out: str | Path | None = None, projection: str = PCA) -> PageResult:
    """Write the page of a run: one HTML file that works offline.

    Args:
        run: A run or its folder; None takes the newest below ``runs/``.
        out: The file; None writes ``page.html`` into the run's folder.
        projection: How the map of the test images is made: ``pca``, or ``tsne``, which needs scikit-learn.

    Returns:
        What was written; in a notebook it shows the page. If the run's data can no longer be read, the page has no
        images and says why.

    Raises:
        RunError, ModelFileError: There is no such run, its files are damaged, or the page cannot be written.
        OptionError: The projection is unknown.
        MissingExtraError: scikit-learn is not installed.
    """
    if projection not in PROJECTIONS:
        raise OptionError(f"Expected a projection of {', '.join(PROJECTIONS)}. Received: projection={projection}.")
    run = load_run(run)
    model, record = run.model, run.record
    _ = run.preprocessing  # refused here if it does not fit, not later in the page
    check_output_path(out, run.folder, record.options.data)
    evaluation, part = (run.test, "test") if run.test else (run.validation, "validation")
    if evaluation and evaluation.class_names != model.class_names:
        raise RunError(
            f"The record and the model in {run.folder} have different classes.", hint="They are of two runs."
        )
    missing = ""
    try:
        dataset = part_of_run(run, part)
        if evaluation and evaluation.n != len(dataset):
            raise DataError(f"The data are no longer those of the training. Received: {len(dataset):,} images.")
    except DataError as error:
        missing, dataset = str(error), no_images(model)
    shown = Shown(dataset, evaluation, part, missing, projection)
    return write_page(run, shown, Path(out) if out else None)


@dataclass(frozen=True)
class Shown:
    """What a page shows beside the network.

    Attributes:
        dataset: The evaluated images.
        evaluation: Their figures; None without an evaluation.
        part: ``test`` or ``validation``.
        missing: Why there are no images, or an empty text.
        projection: As `page`.
        moments: Whether it shows the moments of the training, if the run has them.
    """

    dataset: Dataset
    evaluation: Evaluation | None
    part: str
    missing: str = ""
    projection: str = PCA
    moments: bool = True


def write_page(run: Run, content: Shown, out: Path | None = None) -> PageResult:
    """Write the page from what is in memory already; see `page`."""
    bundle, missing = _bundle(run, content), content.missing
    wanted = {position for group in picture_positions(content.dataset, content.evaluation) for position in group}
    shown = len(wanted & {entry["index"] for entry in bundle["pictures"]["entries"]})
    if shown < len(wanted):
        missing = f"{shown} of {len(wanted)}, because a page has at most {PICTURES_BYTES / 1e6:g} MB of images"
    text = html_page.page(bundle).encode()
    if len(text) > MAX_PAGE_BYTES and bundle["moments"]:
        content = replace(content, moments=False)
        bundle = _bundle(run, content)
        text = html_page.page(bundle).encode()
    if len(text) > MAX_PAGE_BYTES and shown:
        missing, shown = f"omitted, because the page would be {len(text) / 1e6:.0f} MB with them", 0
        text = html_page.page(_bundle(run, replace(content, dataset=no_images(run.model)))).encode()
    if len(text) > MAX_PAGE_BYTES:
        raise PageSizeError(
            f"Expected a network whose page is at most {MAX_PAGE_BYTES / 1e6:g} MB. "
            f"Received: {run.folder}, {len(text) / 1e6:.0f} MB with {run.model.spec.parameters:,} parameters.",
            hint="predict, evaluate and explain work without a page.",
        )
    path = out or run.folder / PAGE_FILE
    shown_moments = len(bundle["moments"]["moments"]) if bundle["moments"] else 0
    write_text(path, text.decode())
    return PageResult(path, len(text), shown, bundle["reference"]["engine"], missing, shown_moments)


def _bundle(run: Run, content: Shown) -> Bundle:
    dataset = content.dataset
    reference = reference_of(run.folder, run.model, dataset)
    moments = read_moments(run.folder / MOMENTS_FILE, run.model.spec) if content.moments else None
    return make_bundle(
        run.model,
        run.record,
        reference,
        dataset,
        content.evaluation,
        part=content.part,
        projection=content.projection,
        moments=moments,
    )


class PageSizeError(RunError):
    """The page of a network would be too large to open."""


def write_page_if_small(run: Run, dataset: Dataset, evaluation: Evaluation | None, part: str) -> None:
    """`write_page` at the end of a training, that is complete also if the network is too large for a page."""
    with contextlib.suppress(PageSizeError):
        write_page(run, Shown(dataset, evaluation, part))


def no_images(model: Model) -> Dataset:
    """A dataset without images, for a page whose data cannot be read."""
    pixels = np.zeros((0, *model.spec.input_shape), np.uint8)
    return Dataset(pixels, np.zeros(0, np.int64), model.class_names, source="none")


def reference_of(folder: Path, model: Model, dataset: Dataset) -> Reference:
    """TensorFlow's if the training wrote one; for an imported network NumPy's."""
    if (folder / REFERENCE_FILE).exists():
        return read_reference(folder / REFERENCE_FILE, model.spec)
    pixels = dataset.pixels[:IMAGES] if len(dataset) else np.zeros((1, *model.spec.input_shape), np.uint8)
    return numpy_reference(model.spec, model.weights, pixels)
