"""Short numbers for small cells, and their background colors."""

from __future__ import annotations

from convscope.explanation.attribution import MINUS, PLUS

_PAPER = (255, 255, 255)
_POSITIVE = (240, 168, 110)
_NEGATIVE = (138, 176, 219)
"""Light enough for a text contrast of 6:1."""


def numeral(value: float) -> str:
    """Format a number in few characters, with a typographic minus sign.

    Example:
        >>> numeral(7.0), numeral(-0.5), numeral(3.14159), numeral(-1234567.0), numeral(0.0004)
        ('7', '−0.5', '3.14', '−1.2e6', '4e-4')
    """
    if value == int(value) and abs(value) < 100_000:
        text = str(int(value))
    elif 0.01 <= abs(value) < 1000:
        text = f"{value:.{2 if abs(value) < 100 else 0}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        text = f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    return f"−{text[1:]}" if text.startswith("-") else text


def shade(value: float, low: float, high: float, *, deep: bool = False) -> str:
    """Background color: white for zero, orange for positive and blue for negative numbers, as in the page.

    Args:
        value: Between low and high.
        low: The smallest number of the grid.
        high: The largest number of the grid.
        deep: Whether the cell has no number; then the full range of the heatmap colors is used.

    Example:
        >>> shade(0.0, -1.0, 1.0), shade(1.0, 0.0, 1.0), shade(-1.0, -1.0, 1.0)
        ('#ffffff', '#f0a86e', '#8ab0db')
    """
    largest = max(abs(low), abs(high)) or 1.0
    ends = (MINUS, PLUS) if deep else (_NEGATIVE, _POSITIVE)
    part, target = min(abs(value) / largest, 1.0), ends[value >= 0]
    mixed = (round(paper + (end - paper) * part) for paper, end in zip(_PAPER, target, strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
