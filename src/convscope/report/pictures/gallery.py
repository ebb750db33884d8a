"""Walls of images with their probabilities: a gallery of predictions, and the most confident mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from convscope.arrays import Labels, Picture, Pixels, Probabilities
from convscope.evaluation.metrics import Evaluation, Mistake
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
_TILE = (WIDTH - 2 * MARGIN) / _COLUMNS
_SIDE = 1.0
_ROW = 1.5
_BAR = 0.58
_GAP = 0.1
_TEXT = _TILE - _SIDE - 2 * _GAP
_HEADING = 9.5
_SMALL = 7.5
_DOTS = 140  # the pixels of the picture on one side of a tile's image


@dataclass(frozen=True)
class Bar:
    """One line of a tile: a class, its probability, its colour."""

    name: str
    probability: float
    colour: str


@dataclass(frozen=True)
class Tile:
    """One image of the wall.

    Attributes:
        image: uint8, shape ``(h, w, c)``.
        heading: A sign and the verdict in words.
        colour: Of heading and frame.
        bars: Up to three probabilities, the largest first.
        caption: A quiet line at the foot; may be empty.
        note: A line that must be seen; may be empty.
    """

    image: Picture
    heading: str
    colour: str
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
        pixels: uint8, 0..255, shape ``(n, h, w, c)``: the images, the first of them are drawn.
        probabilities: float32, shape ``(n, k)``, rows sum to 1.
        class_names: k names.
        labels: True classes, int64; None where nobody knows them, then nothing is marked right or wrong.
        captions: One quiet line an image, a file name say; may be empty.
        about: A sentence that says which images these are.
        limit: At most so many images.
    """
    shown = min(len(pixels), limit)
    predicted = probabilities.argmax(axis=1)
    tiles = []
    for i in range(shown):
        label = None if labels is None else int(labels[i])
        tiles.append(_prediction(pixels[i], probabilities[i], class_names, label, captions[i] if captions else ""))
    if labels is None:
        title = (
            f"{shown} image{'' if shown == 1 else 's'}, and what the network sees in {'it' if shown == 1 else 'them'}"
        )
        subtitle = "The three most likely classes of each image, with their probabilities."
    else:
        right = int((predicted[:shown] == labels[:shown]).sum())
        title = f"{right} of {shown} images are right"
        subtitle = "✓ right, ✗ wrong. The three most likely classes of each image, with their probabilities."
    if shown == 0:
        return _empty("No images", "There is nothing to show.")
    return _wall(tiles, title=title, subtitle=f"{subtitle} {about}")


@picture
def mistakes(pixels: Pixels, evaluation: Evaluation, *, limit: int = 24) -> Figure:
    """Draw the mistakes in which the network was most confident.

    Args:
        pixels: uint8, 0..255, shape ``(n, h, w, c)``: all images that were measured, in their order.
        evaluation: What was measured on them.
        limit: At most so many images.
    """
    shown = evaluation.mistakes[:limit]
    if not shown:
        return _empty(
            f"No mistakes on {evaluation.n:,} images",
            "Worth a check: is a test image also in the training data?",
        )
    tiles = [_mistake(pixels[one.index], one, evaluation.class_names) for one in shown]
    known = sum(one.known_wrong for one in shown)
    which = f"the {len(shown)} it was most sure of" if len(shown) < evaluation.errors else "most sure ones first"
    title = f"{evaluation.errors:,} of {evaluation.n:,} images are wrong: {which}"
    if evaluation.errors == 1:
        title = f"1 of {evaluation.n:,} images is wrong"
    note = f" ⚑ {known} of these labels {'is' if known == 1 else 'are'} known to be wrong." if known else ""
    subtitle = f"✗ what the network says. Bars: its probability, and that of the labelled class.{note}"
    return _wall(tiles, title=title, subtitle=subtitle)


def _prediction(
    image: Picture, probabilities: np.ndarray, class_names: Sequence[str], label: int | None, caption: str
) -> Tile:
    top = [int(i) for i in np.argsort(-probabilities, kind="stable")[:3]]
    if label is None:
        heading, colour = _name(class_names, top[0], width=_TILE - 0.2, size=_HEADING, bold=True), INK
    elif label == top[0]:
        heading, colour = f"✓ {_name(class_names, label, width=_TILE - 0.4, size=_HEADING, bold=True)}", RIGHT
    else:
        said, truth = (_name(class_names, i, width=0.85, size=_HEADING, bold=True) for i in (top[0], label))
        heading, colour = f"✗ {said}, is {truth}", WRONG
    bars = tuple(
        Bar(
            name=_name(class_names, i),
            probability=float(probabilities[i]),
            colour=RIGHT if label in (i, None) else (WRONG if i == top[0] else QUIET),
        )
        for i in top
    )
    return Tile(image, heading, colour, bars, caption=drawable(caption, width=_TEXT, size=_SMALL))


def _mistake(image: Picture, mistake: Mistake, class_names: Sequence[str]) -> Tile:
    both = (mistake.predicted, mistake.label)
    said, label = (_name(class_names, i, width=0.65, size=_HEADING, bold=True) for i in both)
    return Tile(
        image,
        heading=f"✗ {said}, labelled {label}",
        colour=WRONG,
        bars=(
            Bar(_name(class_names, mistake.predicted), mistake.probability, WRONG),
            Bar(_name(class_names, mistake.label), mistake.label_probability, RIGHT),
        ),
        caption=f"image {mistake.index:,}",
        note="⚑ wrong label" if mistake.known_wrong else "",
    )


def _name(names: Sequence[str], index: int, *, width: float = _TEXT, size: float = _SMALL, bold: bool = False) -> str:
    return drawable(names[index], index=index, width=width, size=size, bold=bold)


def _wall(tiles: Sequence[Tile], *, title: str, subtitle: str) -> Figure:
    rows = -(-len(tiles) // _COLUMNS)
    told = "; ".join(
        f"{tile.heading} {percent(tile.bars[0].probability)}{' ' + tile.note if tile.note else ''}" for tile in tiles
    )
    figure, share = sheet(title, subtitle=subtitle, body=rows * _ROW + 0.1, description=f"{told}.")
    axes = drawing_area(figure, share)
    for position, tile in enumerate(tiles):
        row, column = divmod(position, _COLUMNS)
        _draw(axes, tile, x=MARGIN + column * _TILE, y=row * _ROW)
    return figure


def _draw(axes: Axes, tile: Tile, *, x: float, y: float) -> None:
    """One tile with its upper left corner at (x, y), in inches."""
    axes.text(x, y + 0.12, tile.heading, size=_HEADING, weight="bold", color=tile.colour, va="center")
    top = y + 0.26
    show_image(axes, tile.image, x=x, y=top, side=_SIDE, frame=tile.colour)
    left = x + _SIDE + _GAP
    for i, bar in enumerate(tile.bars):
        line = top + 0.07 + i * 0.33
        axes.text(left, line, bar.name, size=_SMALL, va="center", color=INK)
        axes.add_patch(Rectangle((left, line + 0.085), _BAR, 0.09, color=FAINT, linewidth=0))
        axes.add_patch(Rectangle((left, line + 0.085), _BAR * bar.probability, 0.09, color=bar.colour, linewidth=0))
        axes.text(left + _BAR + 0.05, line + 0.13, percent(bar.probability), size=_SMALL, va="center", color=QUIET)
    foot = top + 0.07 + len(tile.bars) * 0.33
    for text, colour, weight in ((tile.caption, QUIET, "normal"), (tile.note, NOTE, "bold")):
        if text:
            axes.text(left, foot, text, size=_SMALL, va="center", color=colour, weight=weight)
            foot += 0.16


def show_image(axes: Axes, image: Picture, *, x: float, y: float, side: float, frame: str = FAINT) -> None:
    """Put an image into a square of so many inches, its own shape kept, with a thin frame.

    Small images are shown as their pixels, large ones are averaged down.
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
    figure, share = sheet(title, subtitle=text, body=0.4, description=text)
    drawing_area(figure, share)
    return figure
