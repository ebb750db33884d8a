"""The figures of a sweep: history, parallel coordinates, importance, and several seeds of one recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from convscope.report.pictures.canvas import FAINT, INK, NOTE, QUIET, RIGHT, WRONG, picture, sheet
from convscope.report.pictures.text_layout import drawable, percent

COMPLETE = "complete"
SHADES = LinearSegmentedColormap.from_list("accuracy", ["#d9dee5", "#8fb8d8", RIGHT, "#00334f"])
NAME_WIDTH = 1.3
LEFT, RIGHT_END, BOTTOM, TOP_GAP = 0.09, 0.9, 0.1, 0.06


@picture
def history(trials: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the validation accuracy of each trial, and the best so far.

    Args:
        trials: By number, with ``number``, ``outcome``, ``accuracy`` (a fraction or None) and ``loss``.
    """
    complete = [(one["number"], one["accuracy"]) for one in trials if _is_complete(one)]
    others = [
        (one["number"], one["accuracy"]) for one in trials if not _is_complete(one) and one["accuracy"] is not None
    ]
    winner = max(filter(_is_complete, trials), key=_rank)
    best_number, best = winner["number"], winner["accuracy"]
    title = f"Best validation accuracy {percent(best, decimals=2)}, by trial {best_number} of {len(trials)}"
    figure, body_top = sheet(
        title,
        subtitle="The error scale is logarithmic. Trials that were stopped early are shown at their last measurement.",
        body=4.2,
        description=f"{len(complete)} complete trials and {len(others)} that were stopped early, in their order.",
    )
    axes = _axes(figure, body_top)
    floor = min([0.5 * (1 - value) for _, value in (*complete, *others) if value < 1], default=0.001)
    if others:
        _scatter(axes, others, floor, color=WRONG, marker="x", label="stopped early")
    _scatter(axes, complete, floor, color=RIGHT, marker="o", label="complete")
    numbers, highest, steps = [], 0.0, []
    for number, value in complete:
        highest = max(highest, value)
        numbers.append(number)
        steps.append(max(1 - highest, floor))
    axes.step(
        [*numbers, len(trials) - 1], [*steps, steps[-1]], where="post", color=INK, linewidth=1.2, label="best so far"
    )
    _error_axis(axes)
    axes.set_xlabel("trial")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title("Validation accuracy")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3)
    return figure


@picture
def parallel_coordinates(trials: Sequence[Mapping[str, Any]], parameters: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw each complete trial as a line through its values and its accuracy.

    Args:
        trials: With ``number``, ``params``, ``outcome``, ``accuracy`` and ``loss``.
        parameters: In order: ``name``, and ``values`` (a list), or ``low``, ``high`` and ``is_log`` of a range.
    """
    complete = sorted(filter(_is_complete, trials), key=_rank)
    accuracies = [one["accuracy"] for one in complete]
    low, high = min(accuracies), max(accuracies)
    ranks = _shades(accuracies)
    best = complete[-1]
    words = ", ".join(f"{name} {_value(value)}" for name, value in best["params"].items())
    figure, body_top = sheet(
        f"The best complete trial: {words}",
        subtitle=(
            f"Each line is one of {len(complete)} complete trials; the darker, the higher its rank. "
            f"The last axis is the validation accuracy."
        ),
        body=4.6,
        description=f"Parallel coordinates of {len(complete)} trials over {len(parameters)} parameters.",
    )
    axes = figure.add_axes((LEFT, BOTTOM, RIGHT_END - LEFT, body_top - BOTTOM - TOP_GAP))
    lines = [
        [*((x, _position(one["params"][each["name"]], each)) for x, each in enumerate(parameters)),
         (len(parameters), (one["accuracy"] - low) / ((high - low) or 1))]
        for one in complete
    ]  # fmt: skip
    axes.add_collection(LineCollection(lines, colors=[SHADES(rank) for rank in ranks], linewidths=1.6))
    axes.add_collection(LineCollection(lines[-1:], colors=["#00334f"], linewidths=3.2))
    axes.set(xlim=(-0.02, len(parameters) + 0.02), ylim=(-0.05, 1.08))
    axes.set_axis_off()
    for x, each in enumerate(parameters):
        _coordinate(axes, x, str(each["name"]), [(_position(v, each), _value(v)) for v in _ticks(each)])
    _coordinate(
        axes, len(parameters), "validation", [(0.0, percent(low, decimals=2)), (1.0, percent(high, decimals=2))]
    )
    return figure


@picture
def importance(importances: Mapping[str, float]) -> Figure:
    """Draw how much each parameter decides whether a trial is among the best.

    Args:
        importances: Fractions that add up to 1, the largest first.
    """
    names = list(importances)
    first = f"{names[0]} decides most" if len(names) > 1 else f"Only {names[0]} varies"
    figure, body_top = sheet(
        first,
        subtitle=(
            "How much each parameter decides whether a complete trial is in the best third (PED-ANOVA). With few "
            "trials, this is a rough guide."
        ),
        body=0.5 * len(names) + 0.6,
        description=", ".join(f"{name} {percent(value)}" for name, value in importances.items()) + ".",
    )
    left = 0.22
    axes = figure.add_axes((left, 0.12, RIGHT_END - left, body_top - 0.18))
    values = [importances[name] for name in names]
    axes.barh(range(len(names)), values, color=RIGHT, height=0.6)
    for y, value in enumerate(values):
        axes.text(value + 0.01, y, percent(value), va="center", color=INK)
    axes.set_yticks(range(len(names)), [drawable(name, width=2.0, size=10.0) for name in names], color=INK)
    axes.set(xlim=(0, 1.1), ylim=(len(names) - 0.4, -0.6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %" if value <= 1 else ""))
    axes.grid(axis="y", visible=False)
    return figure


@picture
def seeds(trials: Sequence[Mapping[str, Any]], mean: Mapping[str, Any], *, part: str) -> Figure:
    """Draw the accuracy of each seed of one recipe, their mean and its interval.

    Args:
        trials: With ``seed``, ``outcome``, ``accuracy`` and ``test_accuracy``.
        mean: ``mean``, ``low`` and ``high`` of the accuracies.
        part: ``test`` or ``validation``.
    """
    key = "test_accuracy" if part == "test" else "accuracy"
    points = [(one["seed"], one[key]) for one in trials if _is_complete(one) and one[key] is not None]
    spread = f", standard deviation {100 * mean['sd']:.2f} %" if mean.get("sd") is not None else ""
    figure, body_top = sheet(
        f"Mean {part} accuracy {100 * mean['mean']:.2f} % over {len(points)} seeds{spread}",
        subtitle="The line is the mean, the band its 95 % interval (Student's t): training again with other seeds.",
        body=3.6,
        description=f"From {percent(min(y for _, y in points), decimals=2)} to "
        f"{percent(max(y for _, y in points), decimals=2)}.",
    )
    axes = _axes(figure, body_top)
    if mean.get("low") is not None:
        axes.axhspan(mean["low"], mean["high"], color=FAINT, zorder=1)
    axes.axhline(mean["mean"], color=INK, linewidth=1.2, zorder=2)
    axes.plot(*zip(*points, strict=True), "o", color=RIGHT, zorder=3)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g} %"))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("seed")
    axes.set_title(f"{part.capitalize()} accuracy")
    return figure


def _is_complete(trial: Mapping[str, Any]) -> bool:
    return trial["outcome"] == COMPLETE and trial["accuracy"] is not None


def _rank(trial: Mapping[str, Any]) -> tuple[float, float, int]:
    """The best trial has the highest accuracy; of equal ones, the lowest loss."""
    return trial["accuracy"], -(trial.get("loss") or 0.0), -trial["number"]


def _axes(figure: Figure, body_top: float) -> Axes:
    return figure.add_axes((LEFT, 0.12, 0.97 - LEFT, body_top - 0.12 - TOP_GAP))


def _scatter(axes: Axes, points: Sequence[tuple[int, float]], floor: float, **how: Any) -> None:
    numbers = [number for number, _ in points]
    axes.plot(numbers, [max(1 - value, floor) for _, value in points], linestyle="none", clip_on=False, zorder=3, **how)


def _error_axis(axes: Axes) -> None:
    """Errors on an inverted logarithmic scale, labeled as accuracies."""
    axes.set_yscale("log")
    axes.invert_yaxis()
    low, high = sorted(axes.get_ylim())
    for digits in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8), tuple(m / 10 for m in range(10, 100))):
        inside = [m * 10.0**e for e in range(-6, 1) for m in digits if low <= m * 10.0**e <= high]
        if len(inside) >= 3:
            break
    inside = inside[:: max(len(inside) // 6, 1)]
    axes.set_yticks(inside)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda error, _: f"{100 - 100 * error:.4g} %"))
    axes.yaxis.set_minor_formatter(FuncFormatter(lambda error, _: ""))


def _shades(values: Sequence[float]) -> list[float]:
    """Ranks from 0 to 1; values in ascending order."""
    return [index / max(len(values) - 1, 1) for index in range(len(values))]


def _position(value: Any, parameter: Mapping[str, Any]) -> float:
    """Where a value lies on its axis, 0 to 1."""
    if values := parameter["values"]:
        return values.index(value) / max(len(values) - 1, 1)
    low, high = parameter["low"], parameter["high"]
    if parameter["is_log"]:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def _ticks(parameter: Mapping[str, Any]) -> list[Any]:
    if parameter["values"]:
        return list(parameter["values"])[:12]
    low, high = parameter["low"], parameter["high"]
    if parameter["is_log"]:
        powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
        inner = [10.0**power for power in powers if low * 1.3 < 10.0**power < high / 1.3]
        return [low, *inner, high]
    return [low, (low + high) / 2, high]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _coordinate(axes: Axes, x: float, name: str, ticks: Sequence[tuple[float, str]]) -> None:
    axes.plot([x, x], [0, 1], color=QUIET, linewidth=1.0, zorder=4)
    axes.text(x, 1.07, drawable(name, width=NAME_WIDTH, size=10.0), ha="center", va="bottom", weight="bold", color=INK)
    for y, text in ticks:
        shown = drawable(text, width=NAME_WIDTH, size=9.0)
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0}
        axes.text(x + 0.015, y, shown, va="center", color=NOTE, size=9.0, bbox=box, zorder=5)
