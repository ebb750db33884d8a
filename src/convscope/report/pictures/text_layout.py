"""Text layout: names that can be drawn, text widths, line breaks, and percentages."""

from __future__ import annotations

import functools
import unicodedata

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.ft2font import FT2Font

# Matplotlib includes DejaVu Sans: Latin, Greek, Cyrillic, Arabic and more. The others are used if installed.
_MORE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR", "Source Han Sans SC",
    "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "PingFang SC", "Hiragino Sans", "Hiragino Sans GB",
    "Apple SD Gothic Neo", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Nirmala UI", "Noto Sans Devanagari",
    "Noto Sans Thai", "Arial Unicode MS",
)  # fmt: skip


@functools.cache
def font_families() -> tuple[str, ...]:
    """DejaVu Sans, followed by the installed fonts for scripts that it lacks."""
    present = {font.name for font in fontManager.ttflist}
    return ("DejaVu Sans", *(name for name in _MORE_FONTS if name in present))


def drawable(name: str, *, index: int | None = None, width: float, size: float, bold: bool = False) -> str:
    r"""Make a name drawable: without control characters, within the given width, and not a row of empty boxes.

    Args:
        name: The name in the dataset.
        index: Position of a class: if no installed font has the characters, "class 3" is used instead. In other names,
            such as file names, each such character becomes a small box.
        width: Available inches; a longer name is shortened in the middle.
        size: Font size in points.
        bold: Whether it is drawn in bold.

    Example:
        >>> drawable("a name that goes on and on", index=0, width=1.0, size=10.0)
        'a nam…d on'
        >>> drawable("two\nlines", index=0, width=1.0, size=10.0)
        'two lines'
    """
    text = plain(name[:500])
    drawn = "".join(c if ord(c) < 127 or ord(c) in _characters() else "□" for c in text)
    text = drawn if index is None or (text and drawn == text) else f"class {index}"
    return _shorten(text, width=width, size=size, bold=bold)


def plain(text: str) -> str:
    """One line without control characters, direction marks, and surrogates of undecodable file names."""
    return " ".join("".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text).split())


def text_width(text: str, *, size: float, bold: bool = False) -> float:
    """Width of a line of text, in inches.

    Example:
        >>> 0.6 < text_width("ten points", size=10.0) < text_width("ten points", size=10.0, bold=True) < 1.0
        True
    """
    font = _fonts(bold)
    font.set_size(size, 72)
    font.set_text(text, 0.0)
    return font.get_width_height()[0] / 64 / 72


def _shorten(text: str, *, width: float, size: float, bold: bool) -> str:
    """Remove characters from the middle until a text fits."""
    if text_width(text, size=size, bold=bold) <= width:
        return text
    fits, too_long = 1, len(text)
    while too_long - fits > 1:
        kept = (fits + too_long) // 2
        if text_width(_without_middle(text, kept), size=size, bold=bold) <= width:
            fits = kept
        else:
            too_long = kept
    return _without_middle(text, fits)


def _without_middle(text: str, kept: int) -> str:
    return f"{text[: (kept + 1) // 2].rstrip()}…{text[len(text) - kept // 2 :].lstrip()}"


def wrap(text: str, *, width: float, size: float, bold: bool = False) -> list[str]:
    """Break a text into lines of a given width."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size=size, bold=bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


@functools.cache
def _fonts(bold: bool) -> FT2Font:
    """The fonts of the figures as one, with fallbacks for missing characters."""
    weight = "bold" if bold else "normal"
    return get_font([findfont(FontProperties(family=family, weight=weight)) for family in font_families()])


@functools.cache
def _characters() -> frozenset[int]:
    """The code points that the fonts can draw."""
    return frozenset(code for family in font_families() for code in get_font(findfont(family)).get_charmap())


def percent(fraction: float, *, decimals: int = 1) -> str:
    """Format a fraction as a percentage; a value that would be rounded to 0 or 100 gets a < or >.

    Example:
        >>> percent(0.9876), percent(0.99996), percent(0.00001), percent(0.0)
        ('98.8 %', '>99.9 %', '<0.1 %', '0.0 %')
    """
    step = 10.0**-decimals
    value = 100 * fraction
    if 0 < value < step / 2:
        return f"<{step:.{decimals}f} %"
    if 100 - step / 2 <= value < 100:
        return f">{100 - step:.{decimals}f} %"
    return f"{value:.{decimals}f} %"
