"""How a run shows itself: as a line, as a table in a notebook, and as figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from convscope.api.run import Run
from convscope.errors import RunError
from convscope.evaluation.evaluation import Evaluation
from convscope.training.run import MEASURED, as_table

if TYPE_CHECKING:
    from convscope.report.pictures.plot import Plot


def text_of(run: Run) -> str:
    """One line: the folder, the network, and its accuracy if it was measured."""
    network = run.record.network
    figure = ""
    if measured := run.record.measured:
        figure = f", {measured[1]['accuracy']['rate']:.2%} {MEASURED[measured[0]]}"
    return f"Run({str(run.folder)!r}: {network['name']}, {network['parameters']:,} parameters{figure})"


def html_of(run: Run) -> str:
    """The network, its data, its figures and the curve of the loss as an HTML table."""
    parts = (("cross-validated", run.cross_validation), ("test", run.test), ("validation", run.validation))
    return as_table(run.record, {part: str(measured.accuracy) for part, measured in parts if measured})


def history_plot(run: Run) -> Plot:
    """The learning curves; see `Run.plot_history`."""
    from convscope.report.pictures.curves import learning_curves
    from convscope.report.pictures.plot import Plot

    if not run.record.history:
        raise RunError(f"Expected a run with a training history. Received: {run.folder}, which has none.")
    return Plot(learning_curves([asdict(row) for row in run.record.history], run.record.stopped_early))


def confusion_plot(run: Run) -> Plot:
    """The confusion matrix; see `Run.confusion_matrix`."""
    from convscope.report.pictures.confusion import confusion_matrix
    from convscope.report.pictures.plot import Plot

    measured = run.record.measured
    if measured is None:
        raise RunError(
            f"Expected a run that was evaluated. Received: {run.folder}, outcome {run.outcome}.",
            hint="Call run.evaluate(data) and confusion_matrix() of its result.",
        )
    return Plot(confusion_matrix(Evaluation.from_json(measured[1])))
