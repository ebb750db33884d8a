"""Parts of a long list of images, for several machines. Light.

A part begins at a multiple of `CHUNK` images, so that every image is classified in the batch that it would have been in
without parts. So the tables of all parts, one after another, are the table of the whole, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from convscope.data.parallel import CHUNK
from convscope.errors import OptionError

MOST_PARTS = 100_000

Item = TypeVar("Item")


@dataclass(frozen=True)
class Part:
    """Part ``number`` of ``total``, counted from 1."""

    number: int
    total: int

    def take(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items of this part, in order; the parts differ by at most one chunk.

        Example:
            >>> [len(Part(number, 3).take(range(70))) for number in (1, 2, 3)]
            [16, 32, 22]
        """
        chunks = -(-len(items) // CHUNK)
        begin, end = (chunks * number // self.total for number in (self.number - 1, self.number))
        return items[begin * CHUNK : end * CHUNK]


def parse_part(text: str | None) -> Part:
    """Read ``2/8``: part 2 of 8.

    Raises:
        OptionError: It is of another form, or there is no such part.

    Example:
        >>> parse_part("2/8"), parse_part(None)
        (Part(number=2, total=8), Part(number=1, total=1))
    """
    if text is None:
        return Part(1, 1)
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text) if isinstance(text, str) else None
    if not found or not 1 <= int(found[1]) <= int(found[2]) <= MOST_PARTS:
        raise OptionError(
            f"shard must be a part and the number of parts, from 1/1 to {MOST_PARTS}/{MOST_PARTS}, such as 2/8. "
            f"Received: shard={str(text)[:40]!r}."
        )
    return Part(int(found[1]), int(found[2]))
