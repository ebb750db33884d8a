"""Write two networks as one HTML file: one drawing goes through both."""

from __future__ import annotations

import webbrowser
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convscope.api.check_output_path import check_output_path
from convscope.api.open import MAX_PAGE_BYTES, PageSizeError, no_images, reference_of
from convscope.api.run import Run, load_run
from convscope.api.run_data import part_of_run
from convscope.data.dataset import Dataset
from convscope.errors import DataError, RunError, printable
from convscope.evaluation.paired import PairedDifference, compare_predictions
from convscope.evaluation.predict import predict
from convscope.report import page as html_page
from convscope.report.bundle import Bundle, make_bundle
from convscope.report.bundle_pair import Pair, disagreement_pictures, without_pixels
from convscope.report.bundle_pictures import PagePictures
from convscope.training.run_folder import write_text

PAIR_FILE = "pair.html"


@dataclass(frozen=True)
class PairPage:
    """A page of two networks that was written.

    Attributes:
        path: The file.
        size_bytes: Of the file.
        n: Test images compared.
        disagreements: Images for which the networks predict different classes.
        shown: Those of them that are in the page.
        difference: The second accuracy minus the first, with interval and p-value.
        missing: Why there are no images, or an empty text.
    """

    path: Path
    size_bytes: int
    n: int
    disagreements: int
    shown: int
    difference: str
    missing: str = ""

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {**asdict(self), "path": str(self.path)}


def open_pair(
    first: Run | str | Path, second: Run | str | Path, *, out: str | Path | None = None, browser: bool = True
) -> PairPage:
    """Write one page for two runs: a drawing goes through both networks, and their disagreements are listed.

    Args:
        first: A run or its folder. Its test images are shown.
        second: Another one, whose network has the same classes and the same preprocessing.
        out: The file; None writes ``pair.html`` into the working folder.
        browser: Whether to show it.

    Raises:
        RunError: The networks do not take the same images or do not have the same classes, or there is no such run.
        ModelFileError: A model is damaged.
    """
    runs = load_run(first), load_run(second)
    _check_same_contract(*runs)
    path = Path(out) if out else Path(PAIR_FILE)
    for run in runs:
        check_output_path(path, run.folder, run.record.options.data)
    missing, dataset = "", no_images(runs[0].model)
    try:
        dataset = part_of_run(runs[0], "test")
    except DataError as error:
        missing = str(error)
    predicted = [predict(run.model, dataset.pixels).logits.argmax(axis=1) for run in runs]
    paired = compare_predictions(dataset.labels, *predicted) if len(dataset) else None
    chosen = disagreement_pictures(dataset, *predicted)
    pair = _pair(runs, dataset, chosen, paired, int(np.count_nonzero(predicted[0] != predicted[1])))
    content = html_page.pair_page(pair)
    if len(content.encode()) > MAX_PAGE_BYTES:
        raise PageSizeError(
            f"Expected two networks whose page is at most {MAX_PAGE_BYTES / 1e6:g} MB. "
            f"Received: {len(content) / 1e6:.0f} MB.",
            hint="Compare them without a page: convscope runs RUN RUN.",
        )
    write_text(path, content)
    if browser:
        webbrowser.open(path.resolve().as_uri())
    shown = sum(predicted[0][at] != predicted[1][at] for at in chosen.all)
    return PairPage(
        path, len(content.encode()), len(dataset), pair["disagreements"], int(shown), pair["difference"], missing
    )


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The settings of one preprocessing that the other does not have."""
    return ", ".join(f"{name}={value}" for name, value in one.items() if other.get(name) != value)


def _pair(
    runs: tuple[Run, Run], dataset: Dataset, chosen: PagePictures, paired: PairedDifference | None, disagreements: int
) -> Pair:
    first, second = (_bundle(run, dataset, chosen) for run in runs)
    return Pair(
        first=first,
        second=without_pixels(second),
        paired=paired.to_json() if paired else None,
        difference=str(paired) if paired else "",
        disagreements=disagreements,
    )


def _bundle(run: Run, dataset: Dataset, chosen: PagePictures) -> Bundle:
    reference = reference_of(run.folder, run.model, dataset)
    bundle = make_bundle(run.model, run.record, reference, dataset, run.test, part="test", pictures=chosen)
    bundle["title"] = printable(run.folder.name)  # a copied folder has the name of its original in its record
    return bundle


def _check_same_contract(first: Run, second: Run) -> None:
    """Refuse networks that cannot take the same drawing or do not answer with the same classes."""
    one, other = first.model, second.model
    facts = (
        ("classes in the same order", one.class_names, other.class_names),
        ("input shape", one.spec.input_shape, other.spec.input_shape),
        (
            "preprocessing",
            _apart(one.preprocessing, other.preprocessing),
            _apart(other.preprocessing, one.preprocessing),
        ),
    )
    for what, here, there in facts:
        if here != there:
            raise RunError(
                f"Expected two networks with the same {what}. Received: {str(here)[:80]} in {first.folder} and "
                f"{str(there)[:80]} in {second.folder}.",
                hint="Compare their accuracies instead: convscope runs RUN RUN.",
            )
