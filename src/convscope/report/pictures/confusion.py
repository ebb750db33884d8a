"""The confusion matrix, with the most confused pairs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure

from convscope.evaluation.confusion import ConfusedPair
from convscope.evaluation.evaluation import Evaluation
from convscope.report.pictures.canvas import FAINT, INK, QUIET, TITLE_SIZE, WIDTH, picture, sheet, text_on
from convscope.report.pictures.text_layout import drawable, percent, text_width

_ERRORS = LinearSegmentedColormap.from_list("errors", ["#fff8f0", "#fdcf9c", "#ee8a3f", "#b84a00", "#6b2500"])
_HITS = LinearSegmentedColormap.from_list("hits", ["#f4f7fa", "#d3e3ef"])
_RATES_UP_TO = 14
_COUNTS_UP_TO = 64
_SMALLEST_SCALE = 0.05
_PAIRS = 5
_SIDE = 2.75
_MOST_CLASSES = 100
_WORST_CLASSES = 40
"""With more than `_MOST_CLASSES`, names and cells are too small to be seen; only so many classes are drawn then."""


@picture
def confusion_matrix(evaluation: Evaluation) -> Figure:
    """Draw the confusion matrix, and next to it the most confused pairs.

    The number in a cell counts images; its color shows their fraction of the row. Errors have a separate scale with
    a square root, because next to 99 % on the diagonal an error of 1 % would be invisible. The scale ends at 5 % or
    more, so that small errors of a good network are not exaggerated.

    Args:
        evaluation: The evaluation. With more than 64 classes, cells have no numbers; with more than 100, only the 40
            classes with the most errors are drawn, which the title states.
    """
    shown = _shown_classes(evaluation.confusion)
    confusion = evaluation.confusion[np.ix_(shown, shown)]
    rates = confusion / np.maximum(evaluation.confusion.sum(axis=1)[shown, None], 1)
    k = len(shown)
    errors = rates * (1 - np.eye(k))
    norm = PowerNorm(0.5, vmin=0.0, vmax=max(float(errors.max()), _SMALLEST_SCALE))
    width, body = (12.0, 9.3) if k > 20 else (WIDTH, 6.9 if k > 4 else 5.2)
    figure, body_top = sheet(
        _title(evaluation), subtitle=_subtitle(k), body=body, description=_description(evaluation), width=width
    )
    figure.set_layout_engine("constrained", rect=(0.02, 0.01, 0.97 - _SIDE / width, body_top - 0.01))
    axes = figure.add_subplot()
    axes.set_anchor("NW")
    colors = _cell_colors(confusion, rates, _ERRORS(norm(errors)))
    axes.imshow(colors, interpolation="nearest")
    _frame(axes, [(index, evaluation.class_names[index]) for index in shown])
    if k <= _COUNTS_UP_TO:
        _write_cells(axes, confusion, rates, colors)
    if errors.max() > 0:
        _scale(figure, norm, body_top)
        _pairs(figure, evaluation, body_top)
    return figure


def _shown_classes(confusion: np.ndarray) -> list[int]:
    """All classes, or those with the most errors, as true or as predicted class, in label order."""
    if len(confusion) <= _MOST_CLASSES:
        return list(range(len(confusion)))
    errors = confusion.sum(axis=0) + confusion.sum(axis=1) - 2 * confusion.diagonal()
    return sorted(np.argsort(-errors, kind="stable")[:_WORST_CLASSES].tolist())


def _cell_colors(confusion: np.ndarray, rates: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """RGBA of each cell: white if empty, blue on the diagonal, orange elsewhere."""
    diagonal = np.arange(len(confusion))
    colors = np.where(confusion[..., None] > 0, errors, 1.0)
    colors[diagonal, diagonal] = _HITS(rates.diagonal())
    return colors


def _write_cells(axes: Axes, confusion: np.ndarray, rates: np.ndarray, colors: np.ndarray) -> None:
    k = len(confusion)
    with_rates = k <= _RATES_UP_TO
    size = min(16.0, max(3.4, 12.0 - 0.2 * k if k <= 10 else 100 / k))
    up, down = (0.0014 * k * size, 0.0022 * k * size) if with_rates else (0.0, 0.0)
    for i, j in zip(*np.nonzero(confusion), strict=True):
        style = {"ha": "center", "va": "center", "color": text_on(tuple(colors[i, j])), "gid": f"cell {i} {j}"}
        count = f"{confusion[i, j]:,}" if k <= 20 else str(confusion[i, j])
        weight = "bold" if i != j else "normal"
        axes.text(j, i - up, count, size=size, weight=weight, **style)
        if with_rates:
            axes.text(j, i + down, percent(rates[i, j]), size=size * 0.7, **style)


def _frame(axes: Axes, classes: list[tuple[int, str]]) -> None:
    """Class names on both axes, and thin lines between the cells."""
    k = len(classes)
    size = 10.0 if k <= 12 else max(4.8, 140 / k)
    names = [drawable(name, index=i, width=1.4, size=size) for i, name in classes]
    rotated = max(text_width(name, size=size) for name in names) > 5.0 / k
    axes.set_xticks(range(k), names, size=size, rotation=90 if rotated else 0)
    axes.set_yticks(range(k), names, size=size)
    axes.tick_params(length=0, labelcolor=INK, pad=5)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.grid(False)
    axes.spines[:].set_visible(False)
    lines = np.arange(k + 1) - 0.5
    width = 0.8 if k <= 20 else 0.4
    axes.hlines(lines, -0.5, k - 0.5, color=FAINT, linewidth=width)
    axes.vlines(lines, -0.5, k - 0.5, color=FAINT, linewidth=width)


def _scale(figure: Figure, norm: PowerNorm, body_top: float) -> None:
    """The color scale of the errors, at the top of the side column."""
    width, height = figure.get_size_inches()
    area = figure.add_axes((1 - (_SIDE - 0.1) / width, body_top - 0.36 / height, 2.0 / width, 0.14 / height))
    area.set_in_layout(False)
    bar = figure.colorbar(ScalarMappable(norm, _ERRORS), cax=area, orientation="horizontal")
    bar.set_ticks([0.0, norm.vmax / 4, norm.vmax], labels=[percent(tick) for tick in (0.0, norm.vmax / 4, norm.vmax)])
    area.tick_params(length=0, labelsize=8.5)
    area.grid(False)
    bar.outline.set_visible(False)
    area.set_title("Errors: fraction of the true class", size=9, weight="normal", color=QUIET)


def _pairs(figure: Figure, evaluation: Evaluation, body_top: float) -> None:
    """The most confused pairs as text, in the side column."""
    width, height = figure.get_size_inches()
    x, y = 1 - (_SIDE - 0.1) / width, body_top - 1.1 / height
    figure.text(x, y, "Most confused pairs", size=10, weight="bold")
    y -= 0.34 / height
    for pair in evaluation.most_confused(_PAIRS):
        a, b = _names(pair, width=1.05, size=10.0)
        rate = pair.rate
        figure.text(x, y, f"{a} ↔ {b}", size=10, weight="bold")
        lines = (
            f"{pair.errors:,} of {pair.n:,}: {percent(rate.rate)}",
            f"between {100 * rate.low:.1f} and {100 * rate.high:.1f} %",
            "more often than the mean pair" if pair.distinguishable else "not significant",
        )
        for line in lines if evaluation.ranks_pairs else lines[:2]:
            y -= 0.185 / height
            figure.text(x, y, line, size=8.5, color=QUIET)
        y -= 0.32 / height
    figure.text(x, y, "Both directions together;\n95 % intervals (Wilson).", size=8.5, color=QUIET, va="top")


def _names(pair: ConfusedPair, *, width: float, size: float) -> tuple[str, str]:
    return (
        drawable(pair.first_name, index=pair.first, width=width, size=size, bold=True),
        drawable(pair.second_name, index=pair.second, width=width, size=size, bold=True),
    )


def _title(evaluation: Evaluation) -> str:
    worst = evaluation.most_confused(1)
    if not worst:
        return f"All {evaluation.n:,} images are correct"
    accuracy = evaluation.accuracy
    right = percent(accuracy.rate, decimals=accuracy.decimals)
    k = len(evaluation.class_names)
    if k > _MOST_CLASSES:
        worst_classes = f"the {_WORST_CLASSES} of {k:,} classes with the most errors"
        return f"{right} of {evaluation.n:,} images are correct; shown: {worst_classes}"
    a, b = _names(worst[0], width=2.5, size=TITLE_SIZE)
    return f"{right} of {evaluation.n:,} images are correct; most confused: {a} and {b}"


def _subtitle(k: int) -> str:
    cell = "Upper number: images; lower number: fraction of the row. " if k <= _RATES_UP_TO else "Number: images. "
    return cell + "Blue diagonal: correct. Orange: errors, darker for more."


def _description(evaluation: Evaluation) -> str:
    pairs = "; ".join(
        f"{pair.first_name} as {pair.second_name} {pair.first_as_second} times, reversed {pair.second_as_first} times"
        for pair in evaluation.most_confused(_PAIRS)
    )
    k = len(evaluation.class_names)
    rows = "rows are true classes, columns are predictions"
    return f"Confusion matrix of {k} classes; {rows}. Most confused: {pairs or 'none'}."
