"""The reliability diagram: accuracy against confidence."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from convscope.evaluation.evaluation import Evaluation
from convscope.report.pictures.canvas import FAINT, INK, QUIET, RIGHT, picture, sheet
from convscope.report.pictures.text_layout import percent


@picture
def reliability(evaluation: Evaluation) -> Figure:
    """Draw accuracy against confidence, with the interval of each bin, and the number of images per bin.

    Args:
        evaluation: The evaluation; its 15 bins of equal width are drawn.
    """
    calibration = evaluation.calibration
    description = "; ".join(
        f"confidence {percent(one.mean_confidence)}, accuracy {percent(one.accuracy.rate)} of {one.count}"
        for one in calibration.equal_width
        if one.accuracy and one.mean_confidence
    )
    figure, body_top = sheet(
        _title(evaluation),
        subtitle=(
            f"Expected calibration error {percent(calibration.ece_equal_width, decimals=2)} (equal width), "
            f"{percent(calibration.ece_equal_mass, decimals=2)} (equal mass). "
            f"NLL {calibration.nll:.4g} nats. Brier {calibration.brier:.4g}. {evaluation.n:,} images."
        ),
        body=6.6,
        description=f"Reliability diagram: {description}.",
    )
    figure.set_layout_engine("constrained", rect=(0.02, 0.01, 0.95, body_top - 0.01), hspace=0.05)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
    _draw_accuracy(upper, evaluation)
    _draw_counts(lower, evaluation)
    return figure


def _draw_accuracy(axes: Axes, evaluation: Evaluation) -> None:
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
    filled = [one for one in evaluation.calibration.equal_width if one.accuracy and one.mean_confidence is not None]
    x = np.array([one.mean_confidence for one in filled])
    y = np.array([one.accuracy.rate for one in filled])
    reach = np.array([[one.accuracy.rate - one.accuracy.low, one.accuracy.high - one.accuracy.rate] for one in filled])
    # By rounding, an end of an interval may be 1e-17 on the wrong side of the rate.
    axes.vlines(x, y - np.maximum(reach[:, 0], 0), y + np.maximum(reach[:, 1], 0), color=RIGHT, alpha=0.45, linewidth=3)
    axes.scatter(x, y, s=46, color=RIGHT, edgecolor="white", linewidth=1.2, zorder=3, clip_on=False)
    axes.set(xlim=(0, 1), ylim=(0, 1.04))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    axes.set_title("Accuracy, with 95 % intervals")
    axes.set_title("above the dashed line: underconfident", loc="right", color=QUIET, weight="normal")


def _draw_counts(axes: Axes, evaluation: Evaluation) -> None:
    bins = evaluation.calibration.equal_width
    counts = [one.count for one in bins]
    width = bins[0].high - bins[0].low
    centers = [(one.low + one.high) / 2 for one in bins]
    axes.bar(centers, counts, width=width * 0.9, color=FAINT, zorder=2)
    axes.set_yscale("log")
    axes.set_ylim(0.7, max(counts) * 5)
    axes.set_yticks([10.0**e for e in range(0, 10) if 10**e <= max(counts) * 5])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_locator(NullLocator())
    for center, count in zip(centers, counts, strict=True):
        if count:
            axes.text(center, count * 1.15, f"{count:,}", ha="center", va="bottom", size=8, color=INK)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    axes.set_title("Images")
    axes.set_xlabel("confidence: probability of the predicted class")


def _title(evaluation: Evaluation) -> str:
    """The result: mean confidence against accuracy, relative to the interval of the accuracy."""
    accuracy, confidence = evaluation.accuracy, evaluation.calibration.mean_confidence
    figures = f"mean confidence {percent(confidence)}, accuracy {percent(accuracy.rate)}"
    if accuracy.low <= confidence <= accuracy.high:
        return f"Well calibrated: {figures}"
    return f"{'Overconfident' if confidence > accuracy.rate else 'Underconfident'}: {figures}"
