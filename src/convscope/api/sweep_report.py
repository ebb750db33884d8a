"""Write what a sweep found: a table, JSON, figures and a page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convscope.api.sweep_result import SweepResult
from convscope.errors import RunError
from convscope.model.files import make_folder
from convscope.sweeping.definition import Definition
from convscope.training.run_folder import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from convscope.sweeping.journal import Journal

TABLE_FILE, RESULT_FILE, PAGE_FILE = "trials.csv", "sweep.json", "sweep.html"


def write_report(journal: Journal, definition: Definition, folder: Path) -> SweepResult:
    """Write all files of a sweep; those of an earlier call are replaced.

    Raises:
        RunError: No trial is complete, or a file cannot be written.
    """
    from convscope.sweeping.proposals import importances

    trials, closed = tuple(journal.trials().values()), journal.closed
    result = SweepResult(
        folder,
        journal.path,
        definition,
        trials,
        confirmations=tuple(journal.confirmations().values()),
        importances=importances(list(trials), definition.space),
        closed=tuple(closed) if closed is not None else None,
    )
    if not any(one.outcome == "complete" for one in trials):
        reason = next((one.reason for one in trials if one.reason), "all diverged")
        raise RunError(f"Expected at least one complete trial. Received: {len(trials)}, the first: {reason}")
    try:
        make_folder(folder)
    except OSError as error:
        raise RunError(f"{folder} cannot be written ({error.strerror}).", hint="Use another --out.") from None
    figures = _figures(result)
    names = (TABLE_FILE, RESULT_FILE, *figures, PAGE_FILE)
    result = replace(result, files=tuple(folder / name for name in names))
    write_text(folder / TABLE_FILE, table_text(result))
    write_text(folder / RESULT_FILE, json.dumps(result.to_json(), indent=1, allow_nan=False) + "\n")
    _draw(result, figures)
    return result


def table_text(result: SweepResult) -> str:
    """All trials as CSV, by number."""
    names = [one.name for one in result.definition.space.parameters]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    fields = (
        "validation_accuracy",
        "validation_loss",
        "test_accuracy",
        "epochs",
        "seconds",
        "weights_sha256",
        "reason",
    )
    writer.writerow(["trial", "seed", "outcome", *names, "network", *fields])
    for one in result.trials:
        values = [one.accuracy, one.loss, one.test_accuracy, one.epochs, one.seconds, one.weights_sha256, one.reason]
        writer.writerow(
            [one.number, one.seed, one.outcome, *(one.params.get(name) for name in names), one.model, *values]
        )
    return out.getvalue()


def _figures(result: SweepResult) -> dict[str, Callable[[], Figure]]:
    """The figures that the result has, by file name."""
    from convscope.report.pictures import sweep as pictures

    rows: list[dict[str, Any]] = [one.to_json() for one in result.trials]
    if result.definition.is_seeds:
        mean = result.test or result.validation
        part = "test" if result.test else "validation"
        return {"seeds.png": lambda: pictures.seeds(rows, mean.to_json() if mean else {}, part=part)}
    figures: dict[str, Callable[[], Figure]] = {"history.png": lambda: pictures.history(rows)}
    axes = [
        {"name": one.name, "values": list(one.values), "low": one.low, "high": one.high, "is_log": one.is_log}
        for one in result.definition.space.parameters
    ]
    figures["parallel.png"] = lambda: pictures.parallel_coordinates(rows, axes)
    if result.importances:
        figures["importance.png"] = lambda: pictures.importance(result.importances)
    return figures


def _draw(result: SweepResult, figures: dict[str, Callable[[], Figure]]) -> None:
    from convscope.report.pictures.canvas import save
    from convscope.report.sweep_page import sweep_page

    shown = []
    for name, draw in figures.items():
        figure = draw()
        path = save(figure, result.folder / name)
        shown.append((str(figure.get_label()), path.read_bytes()))
    heads, rows = result.cells()
    title = f"Sweep of {result.definition.data}"
    parameters = [(one.partition("=")[0], one.partition("=")[2]) for one in result.definition.parameters]
    page = sweep_page(title, summary=result.rows(), parameters=parameters, figures=shown, heads=heads, trials=rows)
    write_text(result.folder / PAGE_FILE, page)
