"""Learning curves: accuracy, loss and learning rate over the epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from convscope.report.pictures.canvas import INK, NOTE, QUIET, RIGHT, WIDTH, WRONG, picture, sheet
from convscope.report.pictures.text_layout import percent

Points = tuple[list[float], list[float]]

_ERROR_TICKS = (0.9, 0.8, 0.6, 0.4, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
_MARKED_UP_TO = 40


@picture
def learning_curves(history: Sequence[Mapping], stopped_early: Mapping[str, float] | None = None) -> Figure:
    """Draw the learning curves of a training.

    Args:
        history: One row per measurement, in order: ``epoch`` (a float) and any of ``loss``, ``validation_loss``
            (nats), ``validation_accuracy`` (a fraction) and ``learning_rate``, each a number or None. A quantity
            that is missing in all rows gets no panel; values that are not finite are skipped.
        stopped_early: With early stopping: the ``epoch`` where training ended, and the ``best_epoch`` of the weights,
            which a line marks.
    """
    accuracy = _points(history, "validation_accuracy")
    loss, validation = _points(history, "loss"), _points(history, "validation_loss")
    rate = _points(history, "learning_rate")
    panels = [(accuracy[0], 3.0), (loss[0] or validation[0], 2.6), (rate[0], 1.3)]
    heights = [height for present, height in panels if present] or [1.0]
    if stopped_early and stopped_early["best_epoch"] >= stopped_early["epoch"]:
        stopped_early = None  # the last weights are the best
    title, description = _finding(history, accuracy, loss, stopped_early)
    figure, body_top = sheet(
        title,
        subtitle=(
            "The network is not trained on validation images. Accuracy and loss have logarithmic scales: "
            "equal steps are equal factors, so 98 to 99 % is the same distance as 99 to 99.5 %."
        ),
        body=sum(heights) + 0.5,
        description=description,
    )
    figure.set_layout_engine("constrained", rect=(0.02, 0.01, 0.93, body_top - 0.01), hspace=0.06)
    rows = iter(figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0])
    last: Axes | None = None
    if accuracy[0]:
        _draw_accuracy(last := next(rows), accuracy)
    if loss[0] or validation[0]:
        _draw_loss(last := next(rows), loss, validation)
    if rate[0]:
        _draw_rate(last := next(rows), rate)
    if last is None:
        _draw_placeholder(next(rows))
    else:
        last.set_xlabel("epoch")
        if stopped_early:
            _mark_best(figure.axes, stopped_early)
        last.set_xlim(0, max(*accuracy[0], *loss[0], *validation[0], *rate[0], 0.0, 1e-9) * 1.002)
    return figure


def _points(history: Sequence[Mapping], key: str) -> Points:
    """Epochs and values of the rows that have a finite value."""
    rows = [(row["epoch"], row.get(key)) for row in history]
    kept = [(float(x), float(y)) for x, y in rows if y is not None and math.isfinite(y)]
    return [x for x, _ in kept], [y for _, y in kept]


def _line(axes: Axes, points: Points, *, color: str, label: str, marked: bool) -> None:
    """A line; its points are marked if there are few, or only one."""
    marker = "o" if (marked and len(points[0]) <= _MARKED_UP_TO) or len(points[0]) == 1 else None
    axes.plot(*points, color=color, marker=marker, markersize=4.5, clip_on=False, label=label, zorder=3)


def _mark_best(panels: Sequence[Axes], stopped_early: Mapping[str, float]) -> None:
    """A line in all panels at the epoch of the weights, named in the last, on the side that has room."""
    epoch = stopped_early["best_epoch"]
    is_late = epoch > stopped_early["epoch"] / 2
    for axes in panels:
        axes.axvline(epoch, color=QUIET, linestyle=(0, (2, 2)), linewidth=1.2, zorder=1)
    panels[-1].annotate(
        "these weights were kept",
        (epoch, 0.04),
        xycoords=("data", "axes fraction"),
        xytext=(-5 if is_late else 5, 0),
        textcoords="offset points",
        ha="right" if is_late else "left",
        va="bottom",
        color=QUIET,
    )


def _draw_accuracy(axes: Axes, points: Points) -> None:
    epochs, accuracies = points
    # Drawn as errors on an inverted logarithmic axis, because near 100 % the relative change of the errors matters.
    floor = min([0.5 * (1 - a) for a in accuracies if a < 1], default=0.001)
    errors = [max(1 - a, floor) for a in accuracies]
    _line(axes, (epochs, errors), color=RIGHT, label="validation", marked=True)
    axes.set_yscale("log")
    low = max((tick for tick in _ERROR_TICKS if tick < min(errors)), default=min(errors) / 2)
    high = min((tick for tick in _ERROR_TICKS if tick > max(errors)), default=1.0)
    axes.set_ylim(high, low)
    axes.set_yticks([tick for tick in _ERROR_TICKS if low <= tick <= high])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda error, _: f"{100 - 100 * error:g} %"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_title("Validation accuracy")
    best = accuracies.index(max(accuracies))
    last = len(accuracies) - 1
    only = "last and best " if last else ""
    for index, word in {best: "best ", last: "last " if best != last else only}.items():
        near_right = epochs[index] > 0.85 * max(epochs)
        axes.annotate(
            f"{word}{percent(accuracies[index], decimals=2)}",
            (epochs[index], errors[index]),
            xytext=(-6 if near_right else 6, -14 if index == last and best != last else 9),
            textcoords="offset points",
            ha="right" if near_right else "left",
            va="center",
            color=RIGHT,
            weight="bold",
        )


def _draw_loss(axes: Axes, loss: Points, validation: Points) -> None:
    if loss[0]:
        _line(axes, loss, color=WRONG, label="training (with label smoothing and augmentation, if used)", marked=False)
    if validation[0]:
        _line(axes, validation, color=RIGHT, label="validation", marked=True)
        axes.lines[-1].set_linestyle((0, (5, 2)))
    values = [value for value in (*loss[1], *validation[1]) if value > 0]
    if values:
        axes.set_yscale("log")
        axes.set_ylim(min(values) / 1.25, max(values) * 1.25)
        ticks = [m * 10.0**e for e in range(-9, 10) for m in (1, 2, 5)]
        axes.set_yticks([tick for tick in ticks if min(values) / 1.25 <= tick <= max(values) * 1.25])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.set_title("Loss, in nats per image")
    if loss[0] and validation[0]:
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=2, handlelength=2.6, labelcolor=INK)


def _draw_rate(axes: Axes, points: Points) -> None:
    _line(axes, points, color=NOTE, label="learning rate", marked=False)
    axes.set_ylim(0, max(*points[1], 1e-12) * 1.1)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.locator_params(axis="y", nbins=3)
    axes.set_title("Learning rate")


def _draw_placeholder(axes: Axes) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, "No measurements yet.", ha="center", va="center", color=QUIET, size=WIDTH + 2)


def _finding(
    history: Sequence[Mapping], accuracy: Points, loss: Points, stopped_early: Mapping[str, float] | None
) -> tuple[str, str]:
    """The title and the description of the figure."""
    if not history:
        return "Training has not started", "No measurements were recorded."
    epochs = history[-1]["epoch"]
    after = f"after {epochs:.3g} epoch{'' if epochs == 1 else 's'}"
    diverged = any(row.get("loss") is not None and not math.isfinite(row["loss"]) for row in history)
    if diverged:
        title = f"The loss is no longer finite {after}"
    elif stopped_early and stopped_early["best_epoch"] in accuracy[0]:
        best = stopped_early["best_epoch"]
        rate = percent(accuracy[1][accuracy[0].index(best)], decimals=2)
        title = f"Validation accuracy {rate} after epoch {best:.3g}, the best of {epochs:.3g}"
    elif accuracy[0]:
        title = f"Validation accuracy {percent(accuracy[1][-1], decimals=2)} {after}"
    elif loss[0]:
        title = f"Training loss {loss[1][-1]:.3g} {after}"
    else:
        title = f"No measurements {after}"
    words = [f"Learning curves over {epochs:.3g} epochs."]
    if loss[0]:
        words.append(f"Training loss from {loss[1][0]:.3g} to {loss[1][-1]:.3g}.")
    if accuracy[0]:
        words.append(f"Validation accuracy from {percent(accuracy[1][0])} to {percent(accuracy[1][-1], decimals=2)}.")
    if stopped_early:
        words.append(f"The weights of epoch {stopped_early['best_epoch']:.3g} were kept.")
    return title, " ".join(words)
