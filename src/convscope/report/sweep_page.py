"""A sweep as one HTML file: summary, figures and all trials. It needs no other file and makes no requests."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from convscope.markup import table

STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1b1f24, #e9ebee); --soft: light-dark(#565d66, #a5adb8);
  --paper: light-dark(#fbfaf7, #14171c); --card: light-dark(#fff, #1c2027); --line: light-dark(#dcd9d2, #343b46); }
html { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
body { max-width: 70rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .25rem; } p { max-width: 70ch; }
.soft { color: var(--soft); } .wide { overflow-x: auto; } figure { margin: 1rem 0; }
img { max-width: 100%; height: auto; border: 1px solid var(--line); border-radius: 10px; background: #fff; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { padding: .25rem .75rem; text-align: left; border-bottom: 1px solid var(--line); }
th, .trials td { white-space: nowrap; } td { overflow-wrap: anywhere; }
"""

HOW = (
    "Trials were compared by their accuracy on the validation split. The highest of many such accuracies is "
    "optimistic; the accuracy of the same recipe with other seeds is not. The test split was read at the end, for the "
    "chosen recipe only."
)
HOW_SEEDS = (
    "One recipe, trained with several seeds, on the same images. The interval covers training again with another seed; "
    "it does not cover other images."
)


def sweep_page(
    title: str,
    *,
    summary: Sequence[tuple[str, str]],
    parameters: Sequence[tuple[str, str]],
    figures: Sequence[tuple[str, bytes]],
    heads: Sequence[str],
    trials: Sequence[Sequence[str]],
) -> str:
    """Build the page.

    Args:
        title: The heading; any text.
        summary: Heads and words.
        parameters: Names and values.
        figures: Text alternatives and PNG files.
        heads: Of the table of trials.
        trials: Its rows, the best first.
    """
    how = HOW_SEEDS if "seed" in heads else HOW
    parts = [f'<div class="wide">{_rows(summary, "Result")}</div><p class="soft">{how}</p>']
    for alt, content in figures:
        source = base64.b64encode(content).decode("ascii")
        parts.append(f'<figure><img alt="{escape(alt)}" src="data:image/png;base64,{source}"></figure>')
    if parameters:
        parts.append(f'<div class="wide">{_rows(parameters, "Parameters")}</div>')
    cells = [[escape(cell) for cell in row] for row in trials]
    parts.append(f'<div class="wide trials">{table(heads, cells, caption="All trials, the best first")}</div>')
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{''.join(parts)}</main></body></html>\n"
    )


def _rows(rows: Sequence[tuple[str, str]], caption: str) -> str:
    body = "".join(f'<tr><th scope="row">{escape(head)}</th><td>{escape(words)}</td></tr>' for head, words in rows)
    return f"<table><caption>{escape(caption)}</caption><tbody>{body}</tbody></table>"
