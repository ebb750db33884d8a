"""A sheet of one image with every corruption at every strength."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from convscope.arrays import Picture
from convscope.report.pictures.canvas import INK, MARGIN, WIDTH, drawing_area, picture, sheet
from convscope.report.pictures.gallery import show_image

_NAME, _GAP, _SIDE = 1.35, 0.05, 0.5
_HALF = WIDTH / 2


@picture
def corruption_sheet(rows: Sequence[tuple[str, Sequence[Picture]]]) -> Figure:
    """Draw one row for each corruption, in two columns: its name, then the image at the five strengths.

    Args:
        rows: The name of a corruption, and the image at each strength as uint8 ``(h, w, c)``.
    """
    half = -(-len(rows) // 2)
    figure, top = sheet(
        "Corruptions of one image",
        subtitle="From weak (left) to strong (right), as the network receives them.",
        body=half * (_SIDE + _GAP) + 0.1,
        description=f"One image with {len(rows)} corruptions, each at {len(rows[0][1])} strengths.",
    )
    axes = drawing_area(figure, top)
    for number, (name, versions) in enumerate(rows):
        x, y = MARGIN + (number // half) * _HALF, (number % half) * (_SIDE + _GAP)
        axes.text(x, y + _SIDE / 2, name, size=8.5, color=INK, va="center")
        for column, image in enumerate(versions):
            show_image(axes, image, x=x + _NAME + column * (_SIDE + _GAP), y=y, side=_SIDE)
    return figure
