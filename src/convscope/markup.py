"""HTML fragments for notebook output: self-contained, and in the notebook's own colors."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
from jaxtyping import UInt8


def image(pixels: UInt8[np.ndarray, "h w *c"], *, alt: str, scale: int = 1) -> str:
    """An image embedded as a data URL, enlarged without smoothing.

    Args:
        pixels: Grayscale or RGB.
        alt: The text alternative.
        scale: Screen pixels per image pixel, in each direction.

    Example:
        >>> image(np.zeros((2, 3), np.uint8), alt='a "black" box', scale=4)[:53]
        '<img alt="a &quot;black&quot; box" width="12" height='
    """
    from PIL import Image

    file = io.BytesIO()
    flat = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    Image.fromarray(flat).save(file, "PNG", optimize=True)
    source = base64.b64encode(file.getvalue()).decode("ascii")
    h, w = pixels.shape[:2]
    return (
        f'<img alt="{escape(alt)}" width="{w * scale}" height="{h * scale}" '
        f'src="data:image/png;base64,{source}" style="image-rendering:pixelated">'
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str) -> str:
    """A table. Cells are HTML and are not escaped; heads and caption are text."""
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def bar(fraction: float, *, width: int = 120) -> str:
    """A horizontal bar filled to a fraction from 0 to 1. Screen readers skip it: write the number next to it."""
    return (
        f'<span aria-hidden="true" style="display:inline-block;width:{width}px;border:1px solid currentColor">'
        f'<span style="display:block;height:.7em;width:{100 * fraction:.1f}%;background:currentColor"></span></span>'
    )


def curve(points: Sequence[tuple[float, float]], *, title: str, width: int = 360, height: int = 120) -> str:
    """A line chart as SVG.

    Args:
        points: At least one (x, y) pair, in order of x.
        title: The text alternative.
        width: In pixels.
        height: In pixels.
    """
    xs, ys = [x for x, _ in points], [y for _, y in points]
    across, up = (max(xs) - min(xs)) or 1.0, (max(ys) - min(ys)) or 1.0
    path = " ".join(
        f"{5 + (width - 10) * (x - min(xs)) / across:.1f},{height - 5 - (height - 10) * (y - min(ys)) / up:.1f}"
        for x, y in points
    )
    return (
        f'<svg role="img" aria-label="{escape(title)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><title>{escape(title)}</title>'
        f'<polyline points="{path}" fill="none" stroke="currentColor" stroke-width="2"/></svg>'
    )
