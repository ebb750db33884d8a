"""Pictures that are no digits, in kinds, and digits of other sources than MNIST: what a rejection is measured on.

Every picture is grayscale uint8, ``(n, h, w)``, light ink on black, drawn from a seed, and is then preprocessed like
any other picture. `CHOOSING` are the kinds that may be looked at while a method is chosen; the others are for the
figures.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from convscope.data import mnist

ROOT = Path(__file__).parent.parent
FASHION = ROOT / "build" / "practice" / "fashion" / "t10k-images-idx3-ubyte.gz"
EMOJI = ROOT / "build" / "practice" / "emoji"
SIDE = 56

Maker = Callable[[int, np.random.Generator], np.ndarray]


@cache
def fonts(family: str) -> tuple[str, ...]:
    """The files of a font family on this machine, in order of their names."""
    folders = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts")
    return tuple(sorted(str(path) for folder in folders for path in folder.rglob(f"{family}*.ttf")))


def glyph(text: str, font: str, rng: np.random.Generator) -> np.ndarray:
    """One character, of a random size, slant and thickness."""
    canvas = Image.new("L", (4 * SIDE, 4 * SIDE))
    drawing = ImageDraw.Draw(canvas)
    drawing.text((2 * SIDE, 2 * SIDE), text, 255, ImageFont.truetype(font, int(rng.integers(100, 150))), anchor="mm")
    shear = float(rng.normal(0, 0.12))
    canvas = canvas.transform(canvas.size, Image.Transform.AFFINE, (1, shear, -shear * 2 * SIDE, 0, 1, 0))
    canvas = canvas.rotate(float(rng.normal(0, 4)), Image.Resampling.BILINEAR)
    if rng.random() < 0.3:
        canvas = canvas.filter(ImageFilter.MaxFilter(5))
    return np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.BOX))


def glyphs(texts: str, family: str) -> Maker:
    """Characters drawn by the fonts of a family."""

    def make(n: int, rng: np.random.Generator) -> np.ndarray:
        files = fonts(family)
        return np.stack(
            [glyph(texts[rng.integers(len(texts))], files[rng.integers(len(files))], rng) for _ in range(n)]
        )

    return make


def drawn(draw: Callable[[ImageDraw.ImageDraw, np.random.Generator], None]) -> Maker:
    """Pictures drawn with lines of a random thickness, at four times the size."""

    def one(rng: np.random.Generator) -> np.ndarray:
        canvas = Image.new("L", (4 * SIDE, 4 * SIDE))
        draw(ImageDraw.Draw(canvas), rng)
        return np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.BOX))

    return lambda n, rng: np.stack([one(rng) for _ in range(n)])


def _curve(drawing: ImageDraw.ImageDraw, rng: np.random.Generator, knots: int, width: int) -> None:
    corners = rng.uniform(0.2, 0.8, (knots, 2)) * 4 * SIDE
    for _ in range(4):  # corner cutting makes a smooth curve
        corners = np.concatenate(
            [corners[:1], np.stack([corners[:-1] * 0.75 + corners[1:] * 0.25,
                                    corners[:-1] * 0.25 + corners[1:] * 0.75], 1).reshape(-1, 2), corners[-1:]]
        )  # fmt: skip
    drawing.line([tuple(point) for point in corners], 255, width, joint="curve")


def scribble(drawing: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """One long smooth line."""
    _curve(drawing, rng, int(rng.integers(6, 12)), int(rng.integers(10, 20)))


def strokes(drawing: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """A few straight lines anywhere."""
    for _ in range(int(rng.integers(3, 6))):
        start, end = rng.uniform(0.15, 0.85, (2, 2)) * 4 * SIDE
        drawing.line([*start, *end], 255, int(rng.integers(10, 20)))


def shape(drawing: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """A triangle, square, pentagon or star, filled or not."""
    corners, is_star = int(rng.integers(3, 7)), rng.random() < 0.4
    count = 2 * corners if is_star else corners
    angles = rng.uniform(0, 2 * np.pi) + np.arange(count) * 2 * np.pi / count
    radii = 4 * SIDE * 0.36 * np.where(np.arange(count) % 2, 0.45 if is_star else 1.0, 1.0)
    points = [(2 * SIDE + r * np.cos(a), 2 * SIDE + r * np.sin(a)) for r, a in zip(radii, angles, strict=True)]
    if rng.random() < 0.5:
        drawing.polygon(points, 255)
    else:
        drawing.line([*points, *points[:2]], 255, int(rng.integers(10, 18)), joint="curve")


def face(drawing: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """A face of a circle, two eyes and a mouth."""
    width, whole = int(rng.integers(8, 14)), 4 * SIDE
    drawing.ellipse([whole * 0.2, whole * 0.2, whole * 0.8, whole * 0.8], outline=255, width=width)
    for x in (0.4, 0.6):
        x += float(rng.normal(0, 0.02))
        drawing.ellipse([whole * (x - 0.03), whole * 0.38, whole * (x + 0.03), whole * 0.45], 255)
    start = 20 if rng.random() < 0.6 else 200
    drawing.arc([whole * 0.35, whole * 0.4, whole * 0.65, whole * 0.68], start, start + 140, 255, width)


def grid(drawing: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """Parallel lines, or two sets of them."""
    step, width, whole = int(rng.integers(24, 60)), int(rng.integers(6, 14)), 4 * SIDE
    ways = rng.integers(1, 4)
    for at in range(step, whole - step // 2, step):
        if ways & 1:
            drawing.line([whole * 0.1, at, whole * 0.9, at], 255, width)
        if ways & 2:
            drawing.line([at, whole * 0.1, at, whole * 0.9], 255, width)


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    part = mnist.load_part("test")
    return part.pixels[..., 0], part.labels


def mirrored(n: int, rng: np.random.Generator) -> np.ndarray:
    """Test digits that are not their own mirror image, mirrored."""
    pixels, labels = _digits()
    return pixels[rng.choice(np.flatnonzero(np.isin(labels, (2, 3, 4, 5, 6, 7, 9))), n)][:, :, ::-1]


def turned(n: int, rng: np.random.Generator) -> np.ndarray:
    """Test digits turned by a quarter."""
    pixels, labels = _digits()
    return np.rot90(pixels[rng.choice(np.flatnonzero(np.isin(labels, (2, 3, 4, 5, 7))), n)], axes=(1, 2))


def two_digits(n: int, rng: np.random.Generator) -> np.ndarray:
    """Two test digits that touch each other."""
    pixels, _ = _digits()
    left, right = pixels[rng.integers(len(pixels), size=(2, n))]
    field = np.zeros((n, 28, 44), np.uint8)
    field[:, :, :28] = left
    field[:, :, 16:] = np.maximum(field[:, :, 16:], right)
    return field


def halves(n: int, rng: np.random.Generator) -> np.ndarray:
    """The upper half of one test digit over the lower half of another class, turned upside down."""
    pixels, labels = _digits()
    upper, lower = rng.integers(len(pixels), size=(2, n))
    same = labels[upper] == labels[lower]
    lower[same] = (lower[same] + 1) % len(pixels)
    return np.concatenate([pixels[upper, :14], pixels[lower, :14][:, ::-1]], axis=1)


def noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """Every pixel at random."""
    return rng.integers(0, 256, (n, 28, 28)).astype(np.uint8)


def blobs(n: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise, cut at its upper third."""
    rough = rng.normal(size=(n, SIDE, SIDE))
    for axis in (1, 2):
        kernel = np.exp(-0.5 * (np.arange(-12, 13) / 4.0) ** 2)
        rough = np.apply_along_axis(lambda row, k=kernel: np.convolve(row, k, "same"), axis, rough)
    window = np.hanning(SIDE)[:, None] * np.hanning(SIDE)
    rough = rough / rough.std(axis=(1, 2), keepdims=True) * 0.6 + 2 * window - 1
    return (np.clip(rough * 4, 0, 1) * 255).astype(np.uint8)


def gradients(n: int, rng: np.random.Generator) -> np.ndarray:
    """A ramp of intensities in a random direction."""
    rows, columns = np.mgrid[:28, :28] / 27
    angles = rng.uniform(0, 2 * np.pi, n)[:, None, None]
    ramp = np.cos(angles) * columns + np.sin(angles) * rows
    ramp -= ramp.min(axis=(1, 2), keepdims=True)
    return (255 * ramp / ramp.max(axis=(1, 2), keepdims=True)).astype(np.uint8)


def fashion(n: int, rng: np.random.Generator) -> np.ndarray:
    """Clothes of Fashion-MNIST, if the file is there."""
    with gzip.open(FASHION) as file:
        pixels = np.frombuffer(file.read()[16:], np.uint8).reshape(-1, 28, 28)
    return pixels[rng.choice(len(pixels), n)]


def emoji(n: int, rng: np.random.Generator) -> np.ndarray:
    """Emoji in gray, if they are there."""
    files = sorted(EMOJI.resolve().rglob("*.png"))
    made = []
    for index in rng.choice(len(files), n):
        with Image.open(files[index]) as image:
            rgba = image.convert("RGBA").resize((SIDE, SIDE))
        flat = Image.alpha_composite(Image.new("RGBA", rgba.size, "black"), rgba)
        made.append(np.asarray(flat.convert("L")))
    return np.stack(made)


PLAIN_LETTERS = "ACDEFHKMNPRTUVWXY"
CHOOSING: dict[str, Maker] = {
    "capital letters, DejaVu Sans": glyphs(PLAIN_LETTERS, "DejaVuSans"),
    "strokes": drawn(strokes),
    "blobs": blobs,
    "digits turned by a quarter": turned,
}
"""Kinds to choose a method by."""

FINAL: dict[str, Maker] = {
    "capital letters": glyphs(PLAIN_LETTERS, "Liberation"),
    "small letters": glyphs("adefhkmnprtuvwxy", "Liberation"),
    "letters that resemble digits": glyphs("OIZSBGlbqgz", "Liberation"),
    "Greek letters": glyphs("ΓΔΘΛΞΠΣΦΨΩαβγδεηθλμξπφψω", "DejaVuSerif"),
    "Cyrillic letters": glyphs("БДЖИЙЛФЦШЩЪЫЭЮЯ", "LiberationSerif"),
    "mathematical symbols": glyphs("∀∂∃∇∈∑√∞∩∪∫≈≠≡≤≥⊂⊕", "DejaVuMathTeXGyre"),
    "arrows, stars, hearts": glyphs("←↑→↓↔★☎☘☠☼♀♂♠♣♥♦♪✂✈✉", "DejaVuSans"),
    "punctuation": glyphs("?&@#%$*+=!;:", "Liberation"),
    "shapes": drawn(shape),
    "faces": drawn(face),
    "scribbles": drawn(scribble),
    "grids": drawn(grid),
    "mirrored digits": mirrored,
    "two digits": two_digits,
    "halves of two digits": halves,
    "noise": noise,
    "gradients": gradients,
    "Fashion-MNIST": fashion,
    "emoji": emoji,
}
"""The 19 kinds of the table."""


def font_digits(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Printed digits of all fonts, and their labels."""
    files, labels = fonts("DejaVu") + fonts("Liberation"), rng.integers(0, 10, n)
    return np.stack([glyph(str(label), files[rng.integers(len(files))], rng) for label in labels]), labels


def optical_digits(table: Path) -> tuple[np.ndarray, np.ndarray]:
    """The 1,797 digits of 8×8 pixels that scikit-learn comes with, enlarged to 20×20 in 28×28, from its CSV file."""
    with gzip.open(table, "rt") as file:
        rows = np.loadtxt(file, delimiter=",")
    small = (rows[:, :64].reshape(-1, 8, 8) * 255 / 16).astype(np.uint8)
    large = [np.asarray(Image.fromarray(one).resize((20, 20), Image.Resampling.BICUBIC)) for one in small]
    return np.pad(np.stack(large), ((0, 0), (4, 4), (4, 4))), rows[:, 64].astype(np.int64)
