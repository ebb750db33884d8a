"""A sheet of augmented images: what a network sees of a few images while it trains."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from convscope.arrays import Picture
from convscope.report.pictures.canvas import INK, MARGIN, QUIET, WIDTH, drawing_area, picture, sheet
from convscope.report.pictures.gallery import show_image
from convscope.report.pictures.text_layout import drawable

_NAME = 1.2
_GAP = 0.06


@picture
def augmented_images(rows: Sequence[tuple[str, Sequence[Picture]]], *, options: str) -> Figure:
    """Draw one row for each image: the original, then what augmentation makes of it.

    Args:
        rows: The class of an image, and its versions as uint8 ``(h, w, c)``, the original first.
        options: The augmentations in words.
    """
    columns = len(rows[0][1])
    side = (WIDTH - 2 * MARGIN - _NAME) / columns - _GAP
    title = f"What a network sees of {len(rows)} images while it trains"
    subtitle = f"The first column is the image itself. Augmentation: {options}."
    body = len(rows) * (side + _GAP) + 0.3
    description = f"{columns - 1} augmented versions of images of the classes {', '.join(name for name, _ in rows)}."
    figure, top = sheet(title, subtitle=subtitle, body=body, description=description)
    axes = drawing_area(figure, top)
    for column in (0, 1):
        words = ("original", "augmented")[column]
        axes.text(MARGIN + _NAME + column * (side + _GAP), 0.08, words, size=7.5, color=QUIET, va="center")
    for number, (name, versions) in enumerate(rows):
        y = 0.2 + number * (side + _GAP)
        axes.text(MARGIN, y + side / 2, drawable(name, width=_NAME - 0.1, size=8.5), size=8.5, color=INK, va="center")
        for column, image in enumerate(versions):
            show_image(axes, image, x=MARGIN + _NAME + column * (side + _GAP), y=y, side=side)
    return figure
