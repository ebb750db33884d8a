"""Photos of handwritten digits under conditions that are hard for preprocessing: tables, lines, rims, light, noise.

A condition takes the digit's ink (coverage 0..1) and a random generator, and returns an image, uint8 ``(h, w, c)``.
The preprocessing was developed on seeds below 100. Figures are reported on seeds from 100 on only.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Ink = np.ndarray
Rgb = np.ndarray
PAPER, PEN, WOOD = (243, 241, 233), (25, 30, 60), (70, 50, 35)

STROKES = {
    0: [[(0.5, 0), (0.2, 0.1), (0.05, 0.5), (0.2, 0.9), (0.5, 1), (0.8, 0.9), (0.95, 0.5), (0.8, 0.1),
         (0.5, 0)]],
    1: [[(0.35, 0.2), (0.55, 0), (0.5, 1)]],
    2: [[(0.1, 0.2), (0.35, 0), (0.75, 0.05), (0.85, 0.3), (0.6, 0.6), (0.05, 1), (0.95, 0.97)]],
    3: [[(0.1, 0.1), (0.5, 0), (0.85, 0.2), (0.75, 0.42), (0.4, 0.48), (0.8, 0.58), (0.9, 0.8), (0.55, 1),
         (0.05, 0.9)]],
    4: [[(0.3, 0), (0.05, 0.6), (0.95, 0.58)], [(0.7, 0.2), (0.65, 1)]],
    5: [[(0.9, 0), (0.25, 0.02), (0.15, 0.42), (0.6, 0.4), (0.9, 0.65), (0.7, 0.95), (0.05, 0.95)]],
    6: [[(0.75, 0), (0.35, 0.25), (0.12, 0.65), (0.3, 0.97), (0.7, 0.97), (0.85, 0.7), (0.6, 0.5), (0.15, 0.7)]],
    7: [[(0.05, 0.05), (0.95, 0), (0.4, 1)]],
    8: [[(0.8, 0.15), (0.45, 0), (0.15, 0.2), (0.5, 0.48), (0.85, 0.75), (0.5, 1), (0.12, 0.78), (0.5, 0.48),
         (0.8, 0.15)]],
    9: [[(0.85, 0.2), (0.5, 0), (0.15, 0.2), (0.3, 0.48), (0.7, 0.45), (0.87, 0.2), (0.8, 0.6), (0.65, 1)]],
}  # fmt: skip


def mnist_ink(digit: np.ndarray, height: int) -> Ink:
    """A 28×28 digit enlarged to strokes with smooth, sharp edges; the frame around it is cut off."""
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    digit = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factor = height / digit.shape[0]
    size = (max(4, round(digit.shape[1] * factor)), height)
    pad = np.pad(Image.fromarray(digit).resize(size, Image.Resampling.BICUBIC), 6)
    return np.clip((pad / 255.0 - 0.4) * 4 + 0.5, 0, 1)


def stroke_ink(label: int, height: int, rng: np.random.Generator) -> Ink:
    """A digit drawn with a pen of one width along a polyline with random displacements."""
    pen = max(2, round(height * rng.uniform(0.06, 0.12)))
    width = round(height * rng.uniform(0.55, 0.8))
    big = Image.new("L", ((width + 4 * pen) * 2, (height + 4 * pen) * 2))
    draw = ImageDraw.Draw(big)
    for stroke in STROKES[label]:
        curve = _smooth(np.array(stroke) + rng.normal(0, 0.015, (len(stroke), 2)))
        points = [(2 * (2 * pen + x * width), 2 * (2 * pen + y * height)) for x, y in curve]
        draw.line(points, fill=255, width=2 * pen, joint="curve")
        for x, y in points:
            draw.ellipse([x - pen, y - pen, x + pen, y + pen], fill=255)
    return np.asarray(big.resize((big.width // 2, big.height // 2), Image.Resampling.BOX)) / 255.0


def _smooth(points: np.ndarray) -> np.ndarray:
    """Corners cut twice, except where the pen turns sharply."""
    for _ in range(2):
        out = [points[0]]
        for before, here, after in zip(points, points[1:], points[2:], strict=False):
            a, b = here - before, after - here
            sharp = a @ b < 0.2 * np.linalg.norm(a) * np.linalg.norm(b)
            out += [here] if sharp else [here - a / 4, here + b / 4]
        points = np.array([*out, points[-1]])
    return points


def font_ink(label: int, height: int, font: str) -> Ink:
    """A digit of a font, by the file name of the font."""
    face = ImageFont.truetype(font, height * 2)
    left, top, right, bottom = (round(value) for value in face.getbbox(str(label)))
    image = Image.new("L", (right - left + 8, bottom - top + 8))
    ImageDraw.Draw(image).text((4 - left, 4 - top), str(label), fill=255, font=face)
    return np.asarray(image.resize((max(4, image.width * height // image.height), height))) / 255.0


def sheet(
    ink: Ink, rng: np.random.Generator, *, paper: tuple = PAPER, pen: tuple = PEN, side: int = 300, center: bool = False
) -> tuple[Rgb, Ink]:
    """A sheet with the ink at a random place: float RGB, and the coverage."""
    h, w = round(side * rng.uniform(0.9, 1.2)), round(side * rng.uniform(0.9, 1.2))
    free_h, free_w = max(0, h - ink.shape[0]), max(0, w - ink.shape[1])
    low, high = (0.4, 0.6) if center else (0.2, 0.8)
    y, x = round(free_h * rng.uniform(low, high)), round(free_w * rng.uniform(low, high))
    cover = np.zeros((max(h, ink.shape[0]), max(w, ink.shape[1])))
    cover[y : y + ink.shape[0], x : x + ink.shape[1]] = ink
    return blend(np.ones((*cover.shape, 3)) * paper, cover, pen), cover


def blend(rgb: Rgb, cover: Ink, color: tuple) -> Rgb:
    return rgb * (1 - cover[..., None]) + cover[..., None] * np.array(color, float)


def finish(
    rgb: Rgb,
    rng: np.random.Generator,
    *,
    light: float = 0.2,
    noise: float = 2.5,
    quality: int = 85,
    blur: float = 0.0,
) -> np.ndarray:
    """A lamp at one side, blur, sensor noise, JPEG."""
    h, w = rgb.shape[:2]
    y, x = np.mgrid[:h, :w] / max(h, w)
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)
    rgb = rgb * (1 - light * (slope + 0.5))[..., None]
    image = Image.fromarray(rgb.clip(0, 255).astype(np.uint8))
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    noisy = np.asarray(image, float) + rng.normal(0, noise, (h, w, 1)) + rng.normal(0, noise / 3, (h, w, 3))
    file = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def wood(h: int, w: int, rng: np.random.Generator, color: tuple = WOOD) -> Rgb:
    """A table with a grain along one direction."""
    grain = rng.normal(0, 1, (h, 1)).cumsum(axis=0)
    grain = (grain - grain.mean()) / (grain.std() + 1e-6) * 6 + rng.normal(0, 5, (h, 1)) * (rng.random((h, 1)) < 0.2)
    grain = grain + rng.normal(0, 1.5, (h, w))
    shade = np.ones((h, w, 3)) * color + (grain if rng.random() < 0.5 else grain[:, :1] + np.zeros((1, w)))[..., None]
    return shade


def on_table(image: Rgb, rng: np.random.Generator, sides: int, *, low: float = 0.08, high: float = 0.4) -> Rgb:
    """The sheet with the table visible on some of its sides."""
    h, w = image.shape[:2]
    chosen = rng.permutation(4) < sides
    top, bottom, left, right = (round(min(h, w) * rng.uniform(low, high)) if on else 0 for on in chosen)
    color = WOOD if rng.random() < 0.5 else tuple(rng.integers(20, 110, 3))
    out = wood(h + top + bottom, w + left + right, rng, color)
    out[top : top + h, left : left + w] = image
    return out


def warp(image: Rgb, table: Rgb, corners: np.ndarray) -> Rgb:
    """The sheet in perspective: its corners (top left, top right, bottom right, bottom left) as (x, y) on the table."""
    h, w = image.shape[:2]
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, [(0, 0), (w, 0), (w, h), (0, h)], strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    coefficients = np.linalg.solve(np.array(rows), np.array(values))
    size = (table.shape[1], table.shape[0])
    rgba = np.dstack([image.clip(0, 255), np.full((h, w), 255.0)]).astype(np.uint8)
    kind, smooth = Image.Transform.PERSPECTIVE, Image.Resampling.BICUBIC
    moved = np.asarray(Image.fromarray(rgba).transform(size, kind, tuple(coefficients), smooth), float)
    alpha = moved[..., 3:] / 255
    return table * (1 - alpha) + moved[..., :3] * alpha


def plain(ink, rng):
    return finish(sheet(ink, rng)[0], rng)


def shadow(ink, rng):
    rgb, _ = sheet(ink, rng)
    h, w = rgb.shape[:2]
    y, x = np.mgrid[:h, :w]
    angle = rng.uniform(0, 2 * np.pi)
    across = np.cos(angle) * (x / w - rng.uniform(0.3, 0.7)) + np.sin(angle) * (y / h - rng.uniform(0.3, 0.7))
    soft = 1 / (1 + np.exp(-across / rng.uniform(0.01, 0.1)))
    return finish(rgb * (1 - rng.uniform(0.3, 0.5) * soft)[..., None], rng, light=0.4)


def vignette(ink, rng):
    rgb, _ = sheet(ink, rng, center=True)
    h, w = rgb.shape[:2]
    y, x = np.mgrid[:h, :w]
    distance = ((y / h - 0.5) ** 2 + (x / w - 0.5) ** 2) / 0.5
    return finish(rgb * (1 - rng.uniform(0.6, 0.85) * distance)[..., None], rng)


def table_sides(sides: int):
    def condition(ink, rng):
        return finish(on_table(sheet(ink, rng)[0], rng, sides), rng)

    return condition


def rotated(ink, rng):
    rgb, _ = sheet(ink, rng)
    h, w = rgb.shape[:2]
    angle = np.deg2rad(rng.choice([-1, 1]) * rng.uniform(8, 12))
    corners = np.array([(-w / 2, -h / 2), (w / 2, -h / 2), (w / 2, h / 2), (-w / 2, h / 2)])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    table = wood(round(h * 1.5), round(w * 1.5), rng)
    return finish(warp(rgb, table, corners @ turn.T + (table.shape[1] / 2, table.shape[0] / 2)), rng)


def far(ink, rng):
    return finish(on_table(sheet(ink, rng)[0], rng, 4, low=0.5, high=0.8), rng)


def perspective(ink, rng):
    rgb, _ = sheet(ink, rng)
    h, w = rgb.shape[:2]
    corners = np.array([(0, 0), (w, 0), (w, h), (0, h)], float)
    corners += rng.uniform(-0.12, 0.12, (4, 2)) * (w, h) + (0.3 * w, 0.3 * h)
    return finish(warp(rgb, wood(round(1.6 * h), round(1.6 * w), rng), corners), rng)


def lines(color: tuple, *, squared: bool = False, width: tuple = (1, 3)):
    def condition(ink, rng):
        rgb, cover = sheet(ink, rng)
        image = Image.fromarray(rgb.astype(np.uint8))
        draw = ImageDraw.Draw(image)
        step, thick = int(rng.integers(22, 42)), int(rng.integers(*width))
        for at in range(int(rng.integers(5, step)), max(image.size), step):
            draw.line([(0, at), (image.width, at)], fill=color, width=thick)
            if squared:
                draw.line([(at, 0), (at, image.height)], fill=color, width=thick)
        return finish(blend(np.asarray(image, float), cover, PEN), rng)

    return condition


def black_rim(ink, rng):
    rgb, _ = sheet(ink, rng)
    h, w = rgb.shape[:2]
    top, bottom, left, right = (round(rng.uniform(0.01, 0.12) * min(h, w)) * int(rng.random() < 0.8) for _ in range(4))
    out = np.full((h + top + bottom, w + left + right, 3), 8.0)
    out[top : top + h, left : left + w] = rgb
    return finish(out, rng, light=0.05)


def _mark(ink, rng, shape: str):
    rgb, cover = sheet(ink, rng, side=360, center=True)
    rows, columns = np.flatnonzero((cover > 0.5).any(axis=1)), np.flatnonzero((cover > 0.5).any(axis=0))
    top, bottom, left, right = rows[0], rows[-1], columns[0], columns[-1]
    gap = round((bottom - top) * rng.uniform(0.12, 0.25))
    mark = Image.new("L", (cover.shape[1], cover.shape[0]))
    draw, width = ImageDraw.Draw(mark), int(rng.integers(3, 7))
    around = [left - gap, top - gap, right + gap, bottom + gap]
    if shape == "box":
        draw.rectangle(around, outline=255, width=width)
    elif shape == "circle":
        middle, reach = ((left + right) / 2, (top + bottom) / 2), np.hypot(right - left, bottom - top) / 2 + gap / 2
        (x, y), (start, end) = middle, (-reach, reach)
        draw.ellipse([x + start, y + start, x + end, y + end], outline=255, width=width)
    else:
        draw.line([(left - gap, bottom + gap), (right + gap, bottom + gap + rng.uniform(-6, 6))], fill=255, width=width)
    return finish(blend(rgb, np.asarray(mark) / 255, PEN), rng)


def box(ink, rng):
    return _mark(ink, rng, "box")


def circle_or_underline(ink, rng):
    return _mark(ink, rng, "circle" if rng.random() < 0.5 else "underline")


def chalkboard(ink, rng):
    rgb, _ = sheet(ink, rng, paper=(45, 60, 52), pen=(225, 225, 215))
    return finish(rgb + rng.normal(0, 4, (*rgb.shape[:2], 1)), rng, light=0.4)


def coloured(ink, rng):
    pairs = [
        ((250, 225, 120), (170, 40, 40)), ((190, 225, 190), (30, 60, 160)), ((245, 190, 200), (40, 110, 60)),
        ((170, 200, 240), (160, 30, 90)), ((235, 130, 60), (40, 40, 140)), ((215, 215, 90), (20, 110, 100)),
    ]  # fmt: skip
    paper, pen = pairs[int(rng.integers(len(pairs)))]
    return finish(sheet(ink, rng, paper=paper, pen=pen)[0], rng)


def pencil(ink, rng):
    rgb, cover = sheet(ink, rng)
    grain = np.clip(rng.uniform(0.6, 1.1, cover.shape), 0, 1)
    return finish(blend(np.ones_like(rgb) * PAPER, cover * grain, (165, 165, 168)), rng)


def highlighter(ink, rng):
    pens = [(255, 245, 70), (255, 170, 200), (150, 245, 130), (255, 200, 110)]
    rgb, _ = sheet(ink, rng, pen=pens[int(rng.integers(len(pens)))])
    return finish(rgb, rng)


def noise(ink, rng):
    return finish(sheet(ink, rng)[0], rng, noise=14)


def jpeg30(ink, rng):
    return finish(sheet(ink, rng)[0], rng, quality=30)


def blurred(ink, rng):
    return finish(sheet(ink, rng)[0], rng, blur=rng.uniform(2, 4))


def crumpled(ink, rng):
    rgb, _ = sheet(ink, rng)
    h, w = rgb.shape[:2]
    y, x = np.mgrid[:h, :w]
    relief = np.zeros((h, w))
    for _ in range(14):
        angle, place = rng.uniform(0, 2 * np.pi), rng.uniform(-0.5, 0.5)
        across = np.cos(angle) * (x / w - 0.5) + np.sin(angle) * (y / h - 0.5) - place
        relief += rng.uniform(-0.07, 0.07) * np.sign(across) * np.exp(-np.abs(across) / rng.uniform(0.05, 0.2))
    return finish(rgb * (1 + relief)[..., None] * 0.93, rng)


def transparent(ink, rng):
    """Light ink on a transparent ground, as a canvas exports it."""
    _, cover = sheet(ink, rng)
    level = int(rng.choice([255, 230, 200]))
    rgba = np.full((*cover.shape, 4), level, np.uint8)
    rgba[..., 3] = (cover * 255).astype(np.uint8)
    rgba[cover == 0] = 0
    return rgba


CONDITIONS: dict[str, Callable[[Ink, np.random.Generator], np.ndarray]] = {
    "plain": plain,
    "shadow": shadow,
    "vignette": vignette,
    "table, 1 side": table_sides(1),
    "table, 2 sides": table_sides(2),
    "table, 3 sides": table_sides(3),
    "table, 4 sides": table_sides(4),
    "sheet rotated": rotated,
    "sheet far away": far,
    "perspective": perspective,
    "pale lines": lines((175, 195, 225)),
    "dark lines": lines((110, 130, 180)),
    "dark squares": lines((110, 130, 180), squared=True),
    "black rim": black_rim,
    "box": box,
    "circle or underline": circle_or_underline,
    "chalkboard": chalkboard,
    "colored pen and paper": coloured,
    "pencil": pencil,
    "highlighter": highlighter,
    "noise": noise,
    "JPEG quality 30": jpeg30,
    "blurred": blurred,
    "crumpled": crumpled,
    "transparent, light ink": transparent,
}
"""By name."""


def blank_pictures(seed: int) -> dict[str, np.ndarray]:
    """Images without a digit."""
    rng = np.random.default_rng([seed, 3])
    empty = np.zeros((8, 8))
    y, x = np.mgrid[:240, :300]
    found = {
        "white": np.full((300, 300, 3), 255, np.uint8),
        "off-white": np.full((300, 300, 3), (250, 250, 248), np.uint8),
        "black": np.zeros((300, 300, 3), np.uint8),
        "gray": np.full((60, 50, 1), 128, np.uint8),
        "transparent": np.zeros((60, 50, 4), np.uint8),
        "noise": rng.integers(0, 256, (200, 200, 1)).astype(np.uint8),
        "noise, 28 by 28": rng.integers(0, 256, (28, 28, 1)).astype(np.uint8),
        "black and white noise": (rng.integers(0, 2, (100, 100, 1)) * 255).astype(np.uint8),
        "few white pixels": ((rng.random((200, 200, 1)) < 0.02) * 255).astype(np.uint8),
        "faint noise": rng.normal(235, 4, (300, 300, 1)).clip(0, 255).astype(np.uint8),
        "gradient across": (x / 299 * 255).astype(np.uint8)[..., None],
        "gradient down": (y / 239 * 255).astype(np.uint8)[..., None],
        "gradient, diagonal": ((x + y) / 538 * 255).astype(np.uint8)[..., None],
        "28 by 28 gradient": np.repeat(np.linspace(0, 255, 28).astype(np.uint8)[:, None], 28, 1)[..., None],
    }
    kinds = (
        "plain",
        "shadow",
        "vignette",
        "crumpled",
        "noise",
        "blurred",
        "JPEG quality 30",
        "pale lines",
        "dark lines",
    )
    kinds += ("dark squares", "black rim", "table, 1 side", "table, 2 sides", "table, 3 sides", "table, 4 sides")
    kinds += ("sheet rotated", "sheet far away", "perspective", "chalkboard", "highlighter")
    return found | {f"empty {name}": CONDITIONS[name](empty, rng) for name in kinds}
