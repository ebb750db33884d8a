"""Grids of images with their probabilities: a gallery of predictions, and the most confident mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from convscope.arrays import Labels, Picture, Pixels, Probabilities
from convscope.data.mapped_pixels import StoredPixels
from convscope.evaluation.evaluation import Evaluation, Mistake
from convscope.report.pictures.canvas import (
    FAINT,
    INK,
    MARGIN,
    NOTE,
    QUIET,
    RIGHT,
    WIDTH,
    WRONG,
    drawing_area,
    picture,
    sheet,
)
from convscope.report.pictures.text_layout import drawable, percent

_COLUMNS = 4
_ITEM_WIDTH = (WIDTH - 2 * MARGIN) / _COLUMNS
_SIDE = 1.0
_ROW = 1.5
_BAR = 0.58
_GAP = 0.1
_TEXT = _ITEM_WIDTH - _SIDE - 2 * _GAP
_HEADING = 9.5
_SMALL = 7.5
_DOTS = 140  # pixels of the figure per inch of an image


@dataclass(frozen=True)
class Bar:
    """One line of an item: a class, its probability, and a color."""

    name: str
    probability: float
    color: str


@dataclass(frozen=True)
class Item:
    """One image of the grid.

    Attributes:
        image: uint8, shape ``(h, w, c)``.
        heading: A sign and the prediction.
        color: Color of heading and frame.
        bars: Up to three probabilities, largest first.
        caption: A caption; may be empty.
        note: A highlighted line; may be empty.
    """

    image: Picture
    heading: str
    color: str
    bars: tuple[Bar, ...]
    caption: str = ""
    note: str = ""


@picture
def gallery(
    pixels: Pixels,
    probabilities: Probabilities,
    *,
    class_names: Sequence[str],
    labels: Labels | None = None,
    captions: Sequence[str] = (),
    about: str = "",
    limit: int = 24,
) -> Figure:
    """Draw images with their three most likely classes.

    Args:
        pixels: uint8, 0..255, shape ``(n, h, w, c)``; the first ``limit`` images are drawn.
        probabilities: float32, shape ``(n, k)``, rows sum to 1.
        class_names: k names.
        labels: True classes, int64; None if unknown, and then predictions are not marked as right or wrong.
        captions: One caption per image, such as a file name; may be empty.
        about: A sentence that describes the selection of images.
        limit: Maximum number of images.
    """
    shown = min(len(pixels), limit)
    predicted = probabilities.argmax(axis=1)
    items = []
    for i in range(shown):
        label = None if labels is None else int(labels[i])
        items.append(_prediction(pixels[i], probabilities[i], class_names, label, captions[i] if captions else ""))
    if labels is None:
        title = f"Predictions for {shown} image{'' if shown == 1 else 's'}"
        subtitle = "The three most likely classes of each image, with their probabilities."
    else:
        right = int((predicted[:shown] == labels[:shown]).sum())
        title = f"{right} of {shown} images are correct"
        subtitle = "✓ correct, ✗ wrong. The three most likely classes of each image, with their probabilities."
    if shown == 0:
        return _empty("No images", "The dataset has no images.")
    return _draw_grid(items, title=title, subtitle=f"{subtitle} {about}")


@picture
def mistakes(pixels: StoredPixels, evaluation: Evaluation, *, limit: int = 24) -> Figure:
    """Draw the most confident mistakes.

    Args:
        pixels: uint8, 0..255, shape ``(n, h, w, c)``: all evaluated images, in order.
        evaluation: Their evaluation.
        limit: Maximum number of images.
    """
    shown = evaluation.mistakes[:limit]
    if not shown:
        return _empty(
            f"No mistakes on {evaluation.n:,} images",
            "Check that no test image is also in the training data.",
        )
    items = [_mistake(pixels[one.index], one, evaluation.class_names) for one in shown]
    known = sum(one.known_wrong for one in shown)
    which = f"the {len(shown)} most confident" if len(shown) < evaluation.errors else "most confident first"
    title = f"{evaluation.errors:,} of {evaluation.n:,} images are wrong: {which}"
    if evaluation.errors == 1:
        title = f"1 of {evaluation.n:,} images is wrong"
    note = f" ⚑ {known} of these labels {'is' if known == 1 else 'are'} known to be wrong." if known else ""
    subtitle = f"✗ predicted class. Bars: its probability, and that of the labeled class.{note}"
    return _draw_grid(items, title=title, subtitle=subtitle)


def _prediction(
    image: Picture, probabilities: np.ndarray, class_names: Sequence[str], label: int | None, caption: str
) -> Item:
    top = [int(i) for i in np.argsort(-probabilities, kind="stable")[:3]]
    if label is None:
        heading, color = _name(class_names, top[0], width=_ITEM_WIDTH - 0.2, size=_HEADING, bold=True), INK
    elif label == top[0]:
        heading, color = f"✓ {_name(class_names, label, width=_ITEM_WIDTH - 0.4, size=_HEADING, bold=True)}", RIGHT
    else:
        predicted, truth = (_name(class_names, i, width=0.85, size=_HEADING, bold=True) for i in (top[0], label))
        heading, color = f"✗ {predicted}, is {truth}", WRONG
    bars = tuple(
        Bar(
            name=_name(class_names, i),
            probability=float(probabilities[i]),
            color=RIGHT if label in (i, None) else (WRONG if i == top[0] else QUIET),
        )
        for i in top
    )
    return Item(image, heading, color, bars, caption=drawable(caption, width=_TEXT, size=_SMALL))


def _mistake(image: Picture, mistake: Mistake, class_names: Sequence[str]) -> Item:
    both = (mistake.predicted, mistake.label)
    predicted, label = (_name(class_names, i, width=0.65, size=_HEADING, bold=True) for i in both)
    return Item(
        image,
        heading=f"✗ {predicted}, labeled {label}",
        color=WRONG,
        bars=(
            Bar(_name(class_names, mistake.predicted), mistake.probability, WRONG),
            Bar(_name(class_names, mistake.label), mistake.label_probability, RIGHT),
        ),
        caption=f"image {mistake.index:,}",
        note="⚑ wrong label" if mistake.known_wrong else "",
    )


def _name(names: Sequence[str], index: int, *, width: float = _TEXT, size: float = _SMALL, bold: bool = False) -> str:
    return drawable(names[index], index=index, width=width, size=size, bold=bold)


def _draw_grid(items: Sequence[Item], *, title: str, subtitle: str) -> Figure:
    rows = -(-len(items) // _COLUMNS)
    description = "; ".join(
        f"{item.heading} {percent(item.bars[0].probability)}{' ' + item.note if item.note else ''}" for item in items
    )
    figure, body_top = sheet(title, subtitle=subtitle, body=rows * _ROW + 0.1, description=f"{description}.")
    axes = drawing_area(figure, body_top)
    for position, item in enumerate(items):
        row, column = divmod(position, _COLUMNS)
        _draw(axes, item, x=MARGIN + column * _ITEM_WIDTH, y=row * _ROW)
    return figure


def _draw(axes: Axes, item: Item, *, x: float, y: float) -> None:
    """Draw one item with its upper left corner at (x, y), in inches."""
    axes.text(x, y + 0.12, item.heading, size=_HEADING, weight="bold", color=item.color, va="center")
    top = y + 0.26
    show_image(axes, item.image, x=x, y=top, side=_SIDE, frame=item.color)
    left = x + _SIDE + _GAP
    for i, bar in enumerate(item.bars):
        line = top + 0.07 + i * 0.33
        axes.text(left, line, bar.name, size=_SMALL, va="center", color=INK)
        axes.add_patch(Rectangle((left, line + 0.085), _BAR, 0.09, color=FAINT, linewidth=0))
        axes.add_patch(Rectangle((left, line + 0.085), _BAR * bar.probability, 0.09, color=bar.color, linewidth=0))
        axes.text(left + _BAR + 0.05, line + 0.13, percent(bar.probability), size=_SMALL, va="center", color=QUIET)
    foot = top + 0.07 + len(item.bars) * 0.33
    for text, color, weight in ((item.caption, QUIET, "normal"), (item.note, NOTE, "bold")):
        if text:
            axes.text(left, foot, text, size=_SMALL, va="center", color=color, weight=weight)
            foot += 0.16


def show_image(axes: Axes, image: Picture, *, x: float, y: float, side: float, frame: str = FAINT) -> None:
    """Draw an image into a square of ``side`` inches, with its aspect ratio and a thin frame.

    Small images are drawn pixel by pixel, large ones are downsampled.
    """
    h, w, c = image.shape
    scale = side / max(h, w)
    height, width = h * scale, w * scale
    left, top = x + (side - width) / 2, y + (side - height) / 2
    axes.imshow(
        image[..., 0] if c == 1 else image,
        cmap="gray",
        vmin=0,
        vmax=255,
        extent=(left, left + width, top + height, top),
        aspect="auto",
        interpolation="nearest" if max(h, w) <= _DOTS * side else "antialiased",
        zorder=2,
    )
    axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=frame, linewidth=1.6, zorder=3))


def _empty(title: str, text: str) -> Figure:
    figure, body_top = sheet(title, subtitle=text, body=0.4, description=text)
    drawing_area(figure, body_top)
    return figure
