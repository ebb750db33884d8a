"""How a run shows itself: as a line, as a table in a notebook, and as figures."""

from __future__ import annotations

from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING

from convscope.api.run import Run
from convscope.errors import RunError
from convscope.evaluation.evaluation import Evaluation
from convscope.markup import curve, table
from convscope.training.run import MEASURED

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
    record = run.record
    rows = [("network", f"{escape(str(record.network['name']))}, {record.network['parameters']:,} parameters")]
    rows += [("data", escape(str(record.data["source"]))), ("outcome", record.outcome)]
    if record.options.epochs:
        rows += [("trained", f"{record.options.epochs:g} epochs in {record.seconds.get('train', 0.0):.1f} s")]
    parts = (("cross-validated", run.cross_validation), ("test", run.test), ("validation", run.validation))
    rows += [(f"{part} accuracy", escape(str(measured.accuracy))) for part, measured in parts if measured]
    if record.history:
        points = [(row.epoch, row.loss) for row in record.history]
        first, last = record.history[0], record.history[-1]
        words = f"training loss from {first.loss:.3f} to {last.loss:.3f} in {last.epoch:g} epochs"
        rows.append(("loss", curve(points, title=words)))
    return table(("", ""), rows, caption=f"Run {record.name}")


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
