"""Draw a scene as an animated GIF, or as a PNG with several steps."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import Image, ImageColor, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from convscope.report.sliding.layout import INK, MARK
from convscope.report.sliding.scene import PAPER, Box, Scene, Shape

SECONDS_PER_STEP = 0.7
STRIP_STEPS = 6
_LAST_STEP_SECONDS = 2.5
_COLORS = 64
_BITS = 5
"""Bits per channel that distinguish the colors of a GIF."""


def to_gif(scene: Scene) -> bytes:
    """Draw the animation at full size.

    Only the changed part of each frame is encoded; whole frames would take ten times as long.
    """
    canvas = _still(scene)
    frames, palette = [], _Palette(scene, canvas)
    for frame in scene.frames:
        _draw(canvas, frame.stays)
        shown = canvas.copy()
        _draw(shown, frame.passes)
        frames.append(palette.coded(shown))
    durations = [round(SECONDS_PER_STEP * 1000)] * (len(frames) - 1) + [round(_LAST_STEP_SECONDS * 1000)]
    file = io.BytesIO()
    frames[0].save(
        file, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True, disposal=1,
        transparency=_COLORS - 1,
        comment=scene.description.encode("ascii", "replace"),
    )  # fmt: skip
    return file.getvalue()


def to_strip(scene: Scene, *, steps: int = STRIP_STEPS) -> bytes:
    """Draw several steps, two per row, as a PNG for a handout.

    Args:
        scene: The scene.
        steps: Number of steps, including the first, the second and the last.
    """
    count = len(scene.frames)
    chosen = sorted({0, min(1, count - 1), *(round(i * (count - 1) / max(steps - 2, 1)) for i in range(1, steps - 1))})
    columns = min(2, len(chosen))
    rows = -(-len(chosen) // columns)
    sheet = Image.new("RGB", (columns * scene.width, rows * scene.height), PAPER)
    canvas, done = _still(scene), 0
    for position, index in enumerate(chosen):
        for frame in scene.frames[done : index + 1]:
            _draw(canvas, frame.stays)
        done = index + 1
        shown = canvas.copy()
        _draw(shown, scene.frames[index].passes)
        sheet.paste(shown, (position % columns * scene.width, position // columns * scene.height))
    about = PngInfo()
    about.add_itxt("Description", scene.description)
    file = io.BytesIO()
    sheet.save(file, "PNG", pnginfo=about)
    return file.getvalue()


def _still(scene: Scene) -> Image.Image:
    canvas = Image.new("RGB", (scene.width, scene.height), PAPER)
    _draw(canvas, scene.still)
    return canvas


class _Palette:
    """One palette for all frames, and the nearest palette entry of every color."""

    def __init__(self, scene: Scene, canvas: Image.Image) -> None:
        sample = canvas.copy()
        for frame in scene.frames:
            _draw(sample, frame.stays)
        _draw(sample, scene.frames[-1].passes)
        # One entry is reserved for pixels that do not change.
        coded = sample.quantize(_COLORS - 1, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        colors = np.array(coded.getpalette("RGB"), np.float32).reshape(-1, 3)
        step = 1 << (8 - _BITS)
        levels = np.arange(0, 256, step, dtype=np.float32) + step // 2
        grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
        squared = (grid**2).sum(1)[:, None] - 2 * grid @ colors.T + (colors**2).sum(1)[None]
        self.nearest = squared.argmin(1).astype(np.uint8)
        for exact in (PAPER, INK, MARK):  # palette entries are averages, but the background must stay white
            wanted = np.array(ImageColor.getrgb(exact), np.uint8)
            place = ((colors - wanted) ** 2).sum(1).argmin()
            colors[place] = wanted
            self.nearest[_key(wanted[None])] = place
        self.colors = colors.astype(np.uint8).ravel().tolist()

    def coded(self, frame: Image.Image) -> Image.Image:
        coded = Image.fromarray(self.nearest[_key(np.asarray(frame))])
        coded.putpalette(self.colors)
        return coded


def _key(colors: UInt8[np.ndarray, "*places 3"]) -> UInt16[np.ndarray, "*places"]:
    """The first `_BITS` bits of red, green and blue, combined into one number."""
    levels = (colors >> (8 - _BITS)).astype(np.uint16)
    return (levels[..., 0] << 2 * _BITS) | (levels[..., 1] << _BITS) | levels[..., 2]


def _draw(canvas: Image.Image, shapes: Iterable[Shape]) -> None:
    pen = ImageDraw.Draw(canvas)
    for shape in shapes:
        if isinstance(shape, Box):
            _box(pen, shape)
        else:
            anchor = "mm" if shape.centered else "lm"
            pen.text((shape.x, shape.y), shape.text, shape.color, font=_font(shape.size, shape.bold), anchor=anchor)


def _box(pen: ImageDraw.ImageDraw, box: Box) -> None:
    left, top = round(box.x), round(box.y)
    right, bottom = round(box.x + box.width), round(box.y + box.height)
    if box.dashed:
        pen.rectangle((left, top, right, bottom), box.fill)
        for x in range(left, right, 6):
            pen.line((x, top, min(x + 2, right), top), box.stroke)
            pen.line((x, bottom, min(x + 2, right), bottom), box.stroke)
        for y in range(top, bottom, 6):
            pen.line((left, y, left, min(y + 2, bottom)), box.stroke)
            pen.line((right, y, right, min(y + 2, bottom)), box.stroke)
        return
    reach = box.stroke_width // 2
    pen.rectangle(
        (left - reach, top - reach, right + reach, bottom + reach), box.fill, box.stroke, width=box.stroke_width
    )


@functools.cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    """DejaVu Sans from matplotlib's data, the font of the other figures, without importing matplotlib."""
    found = find_spec("matplotlib")
    folder = Path((found.submodule_search_locations or [""])[0]) / "mpl-data" / "fonts" / "ttf" if found else Path()
    return ImageFont.truetype(str(folder / f"DejaVuSans{'-Bold' if bold else ''}.ttf"), size)
