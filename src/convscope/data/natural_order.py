"""Natural order of names: numbers by their value. Light."""

from __future__ import annotations

import re


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key for natural order: '2' before '10', upper case next to lower case.

    Example:
        >>> sorted(["10", "2", "b", "A", "a"], key=natural_key)
        ['2', '10', 'A', 'a', 'b']
    """
    pieces = re.findall(r"[0-9]+|[^0-9]+", text.casefold())
    key = [(0, int(piece[:400]), "") if piece[0] in "0123456789" else (1, 0, piece) for piece in pieces]
    return (*key, (-1, 0, text))
