"""A prediction: the image, the network's input, and the most likely classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, UInt8
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from convscope.arrays import Picture
from convscope.report.pictures.canvas import (
    FAINT,
    INK,
    MARGIN,
    QUIET,
    RIGHT,
    TITLE_SIZE,
    WIDTH,
    drawing_area,
    picture,
    sheet,
)
from convscope.report.pictures.gallery import show_image
from convscope.report.pictures.text_layout import drawable, percent

_SIDE = 3.0
_SMALL = 1.0
_GAP = 0.3
_GRID_UP_TO = 64


@picture
def prediction_figure(
    original: Picture,
    seen: UInt8[np.ndarray, "rows columns channels"],
    *,
    class_names: Sequence[str],
    probabilities: Float32[np.ndarray, " k"],
    name: str = "",
    warnings: Sequence[str] = (),
    blank: bool = False,
    is_known: bool = True,
    similar: Sequence[tuple[Picture, str]] = (),
) -> Figure:
    """Draw an image, the network's input, and the most likely classes.

    Args:
        original: uint8, 0..255, shape ``(h, w, c)``: the image before preprocessing, upright.
        seen: uint8, 0..255, shape ``(rows, columns, channels)``: the network's input, after preprocessing.
        class_names: k names.
        probabilities: float32, shape ``(k,)``, sum 1.
        name: Name of the image, for its caption.
        warnings: What to know about the result, for the subtitle.
        blank: Whether no ink was found; then no class is named.
        is_known: Whether the image is like those of the training; else no class is named either.
        similar: Training images with their classes, the most similar first.
    """
    order = np.argsort(-probabilities, kind="stable")
    first = int(order[0])
    best = drawable(class_names[first], index=first, width=6.0, size=TITLE_SIZE, bold=True)
    runner = drawable(class_names[order[1]], index=int(order[1]), width=6.0, size=TITLE_SIZE)
    subtitle = "The network receives the image in the middle, which is made from the one on the left."
    answer = (
        "no class, because no ink was found"
        if blank
        else f"the probabilities; second is {runner} with {percent(float(probabilities[order[1]]))}"
    )
    title = f"Prediction: {best} ({percent(float(probabilities[first]))})"
    if blank or not is_known:
        title = "No ink found" if blank else "Unlike anything it was trained on"
    figure, body_top = sheet(
        title,
        subtitle=f"Note: {'; '.join(warnings)}." if warnings else subtitle,
        body=_SIDE + 0.75 + (_SMALL + 0.7 if similar else 0.0),
        description=(
            f"The image {name or 'before preprocessing'}, the {seen.shape[0]} by {seen.shape[1]} input of the network, "
            f"and {answer}."
        ),
    )
    axes = drawing_area(figure, body_top)
    h, w = original.shape[:2]
    what = drawable(name, width=1.5, size=9.0) if name else "image"
    _panel(axes, original, x=MARGIN, caption=f"{what}, {w:,}×{h:,} pixels")
    x = MARGIN + _SIDE + _GAP
    _panel(axes, seen, x=x, caption=f"network input, {seen.shape[1]}×{seen.shape[0]} pixels")
    _pixel_grid(axes, seen, x=x)
    if not blank:
        _bars(axes, probabilities, order, class_names)
    _similar(axes, similar)
    return figure


def _panel(axes: Axes, image: Picture, *, x: float, caption: str) -> None:
    show_image(axes, image, x=x, y=0.0, side=_SIDE, frame=FAINT)
    axes.text(x + _SIDE / 2, _SIDE + 0.2, caption, size=9, color=QUIET, ha="center", va="center")


def _similar(axes: Axes, similar: Sequence[tuple[Picture, str]]) -> None:
    """A row below the others."""
    top = _SIDE + 0.7
    for place, (image, name) in enumerate(similar):
        x = MARGIN + place * (_SMALL + _GAP / 2)
        show_image(axes, image, x=x, y=top, side=_SMALL, frame=FAINT)
        text = drawable(name, width=_SMALL, size=9.0)
        axes.text(x + _SMALL / 2, top + _SMALL + 0.15, text, size=9, color=QUIET, ha="center", va="center")
    if similar:
        axes.text(MARGIN, top - 0.15, "most similar training images", size=9, color=QUIET, va="center")


def _pixel_grid(axes: Axes, seen: np.ndarray, *, x: float) -> None:
    """Lines between the pixels, if they are large enough."""
    h, w = seen.shape[:2]
    if max(h, w) > _GRID_UP_TO:
        return
    step = _SIDE / max(h, w)
    left, top = x + (_SIDE - w * step) / 2, (_SIDE - h * step) / 2
    upright = [[(left + i * step, top), (left + i * step, top + h * step)] for i in range(1, w)]
    level = [[(left, top + i * step), (left + w * step, top + i * step)] for i in range(1, h)]
    axes.add_collection(LineCollection(upright + level, colors="#8a94a0", linewidths=0.5, alpha=0.45, zorder=3))


def _bars(axes: Axes, probabilities: np.ndarray, order: np.ndarray, class_names: Sequence[str]) -> None:
    """Up to ten most likely classes, in descending order."""
    x = MARGIN + 2 * (_SIDE + _GAP)
    width = WIDTH - MARGIN - x
    shown = order[:10]
    step = _SIDE / max(len(shown), 5)
    for row, i in enumerate(shown):
        y = (row + 0.5) * step
        probability = float(probabilities[i])
        weight = "bold" if row == 0 else "normal"
        axes.text(
            x,
            y - 0.06,
            drawable(class_names[i], index=int(i), width=width - 0.75, size=9.0, bold=row == 0),
            size=9,
            weight=weight,
            va="center",
        )
        axes.text(
            x + width, y - 0.06, percent(probability), size=9, ha="right", va="center", color=QUIET, weight=weight
        )
        axes.add_patch(Rectangle((x, y + 0.04), width, 0.06, color=FAINT, linewidth=0))
        color = RIGHT if row == 0 else INK
        axes.add_patch(Rectangle((x, y + 0.04), width * probability, 0.06, color=color, linewidth=0))
    rest = len(order) - len(shown)
    caption = "probabilities" if not rest else f"probabilities; {rest} more classes"
    axes.text(x, _SIDE + 0.2, caption, size=9, color=QUIET, va="center")
