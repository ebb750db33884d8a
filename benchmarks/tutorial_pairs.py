"""The 45 pairs of digits over the seeds of one network: how often each is confused, as values and as a figure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from convscope.evaluation.confusion import ConfusedPair, confused_pairs
from convscope.evaluation.intervals import Proportion

CLAIMED_PAIRS = (("0", "6"), ("4", "9"))
"""The pairs named by the tutorial."""

CLASSES = tuple("0123456789")


@dataclass(frozen=True)
class PairOverSeeds:
    """One pair of digits over all networks of a variant: same images, different seeds."""

    names: tuple[str, str]
    n: int
    errors: tuple[int, ...]
    ranks: tuple[int, ...]
    distinguishable: int

    @property
    def mean(self) -> float:
        """Mean number of errors per network."""
        return statistics.mean(self.errors)

    @property
    def rate(self) -> Proportion:
        """The rate of one network; all seeds share the same images, so they do not enlarge the test set."""
        return Proportion(round(self.mean), self.n)


def pairs_of(runs: Sequence[dict]) -> list[PairOverSeeds]:
    """All 45 pairs, most errors first."""
    tables = [confused_pairs(np.array(run["test"]["confusion"], np.int64), CLASSES) for run in runs]
    by_name: dict[tuple[str, str], list[ConfusedPair]] = {}
    for table in tables:
        for pair in table:
            by_name.setdefault((pair.first_name, pair.second_name), []).append(pair)
    found = [
        PairOverSeeds(
            names,
            pairs[0].n,
            tuple(pair.errors for pair in pairs),
            tuple(pair.rank for pair in pairs),
            sum(pair.distinguishable for pair in pairs),
        )
        for names, pairs in by_name.items()
    ]
    return sorted(found, key=lambda pair: (-pair.mean / pair.n, pair.names))


def picture(pairs: list[PairOverSeeds]) -> str:
    """The 45 pairs as dots with intervals, in a self-contained SVG."""
    left, top, step, width = 70, 54, 19, 900
    largest = max(100 * pair.rate.high for pair in pairs)
    scale = (width - left - 60) / largest
    average = 100 * statistics.mean(pair.mean / pair.n for pair in pairs)
    height = top + step * len(pairs) + 44
    title = "How often each pair of digits is confused"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="t d">',
        f'<title id="t">{title}</title><desc id="d">{escape(described(pairs))}</desc>',
        "<style>text{font:13px 'DejaVu Sans',Verdana,sans-serif;fill:#1f2933}.q{fill:#5f6b7a}.e{text-anchor:end}"
        ".m{text-anchor:middle}.b{font-weight:bold}</style>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{left}" y="24" class="b">{title}</text>',
        f'<text x="{left}" y="42" class="q">rate of one network, 95 % interval; dashed line: mean of all pairs</text>',
        f'<path d="M{left + average * scale:.1f} {top}V{height - 36}" stroke="#5f6b7a" stroke-dasharray="4 3"/>',
    ]
    for index, pair in enumerate(pairs):
        y, claimed = top + step * index + step / 2, pair.names in CLAIMED_PAIRS
        low, middle, high = (left + 100 * rate * scale for rate in (pair.rate.low, pair.mean / pair.n, pair.rate.high))
        colour, name = ("#b84a00", ' class="b e"') if claimed else ("#0072b2", ' class="e"')
        mark = (
            f'<rect x="{middle - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" fill="{colour}"/>'
            if claimed
            else f'<circle cx="{middle:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>'
        )
        parts.append(
            f'<text x="{left - 12}" y="{y + 4.5:.1f}"{name}>{", ".join(pair.names)}</text>'
            f'<path d="M{low:.1f} {y:.1f}H{high:.1f}" stroke="{colour}" stroke-width="2"/>{mark}'
        )
    base = height - 30
    parts.append(f'<path d="M{left} {base}H{width - 40}" stroke="#aab4c0"/>')
    for tenth in range(0, int(largest * 10) + 1, 5 if largest > 1.5 else 2):
        x = left + tenth / 10 * scale
        parts.append(f'<text x="{x:.1f}" y="{base + 18}" class="q m">{tenth / 10:g} %</text>')
    return "\n".join([*parts, "</svg>\n"])


def described(pairs: list[PairOverSeeds]) -> str:
    first = ", ".join(f"({', '.join(pair.names)}) {100 * pair.mean / pair.n:.2f} %" for pair in pairs[:5])
    claimed = " and ".join(
        f"({', '.join(pair.names)}) has rank {index}"
        for index, pair in enumerate(pairs, start=1)
        if pair.names in CLAIMED_PAIRS
    )
    return f"45 pairs by confusion rate. Highest: {first}. {claimed}."
