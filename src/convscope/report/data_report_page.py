"""The findings of a data check as one HTML file with thumbnails. It needs no other file and makes no requests."""

from __future__ import annotations

from html import escape

import numpy as np

from convscope.data.data_check import Finding
from convscope.data.data_checks import KINDS, DataReport
from convscope.data.pixels import AnyPicture
from convscope.data.resample import resample
from convscope.data.scan import ImageRecord
from convscope.errors import DataError
from convscope.markup import image, table

SHOWN = 60
"""Findings of each kind that are shown with thumbnails; the others are listed by name."""

THUMBNAILS = 6
"""Per finding."""

SIDE = 96
"""The longer side of a thumbnail, in pixels."""

STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1b1f24, #e9ebee); --soft: light-dark(#565d66, #a5adb8);
  --paper: light-dark(#fbfaf7, #14171c); --card: light-dark(#fff, #1c2027); --line: light-dark(#dcd9d2, #343b46); }
html { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
body { max-width: 70rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .25rem; }
p { margin: 0 0 .75rem; max-width: 70ch; } .soft { color: var(--soft); }
ul.found { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .75rem; }
ul.found > li { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .75rem;
  max-width: 100%; overflow-wrap: anywhere; font-size: .875rem; }
figure { margin: 0 .5rem .5rem 0; display: inline-block; vertical-align: top; max-width: 10rem; }
figcaption { font-size: .8rem; } img { border: 1px solid var(--line); }
table { border-collapse: collapse; } caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { padding: .25rem .75rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
nav ul { padding-left: 1.25rem; } a { color: inherit; }
"""


def data_report_page(report: DataReport) -> str:
    """Build the page: all findings, the most serious kinds first, with advice.

    Images are read again for their thumbnails. If one can no longer be read, only its name is shown.
    """
    scan, counts = report.scan, report.counts
    title = f"Data check: {escape(scan.source)}"
    known = {record.name: record for record in scan.records}
    parts = [f"<p>{len(scan.records):,} images in {len(report.class_counts)} classes. {_verdict(report)}</p>"]
    entries = [f'<li><a href="#{kind}">{KINDS[kind].title}</a>: {count:,}</li>' for kind, count in counts.items()]
    parts += [f"<nav aria-label='Findings'><ul>{''.join(entries)}</ul></nav>"] if entries else []
    for kind in counts:
        found = [finding for finding in report.findings if finding.kind == kind]
        parts.append(_section(kind, found, known))
    rows = [(escape(name), f"{n['train']:,}", f"{n['test']:,}") for name, n in report.class_counts.items()]
    parts.append(table(("class", "train", "test"), rows, caption="Readable images"))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{''.join(parts)}</main></body></html>\n"
    )


def _verdict(report: DataReport) -> str:
    if not report.findings:
        return "No problems found."
    serious = sum(count for kind, count in report.counts.items() if KINDS[kind].is_serious)
    words = f"{serious:,} serious findings" if serious else "No serious findings"
    return f"{words}; {sum(report.counts.values()) - serious:,} for information."


def _section(kind: str, found: list[Finding], known: dict[str, ImageRecord]) -> str:
    shown = "".join(f"<li>{_entry(finding, known)}</li>" for finding in found[:SHOWN])
    rest = ""
    if len(found) > SHOWN:
        names = "".join(f"<li>{_named(finding)}</li>" for finding in found[SHOWN:])
        rest = f"<details><summary>{len(found) - SHOWN:,} more, by name</summary><ul>{names}</ul></details>"
    about = KINDS[kind]
    return (
        f'<section><h2 id="{kind}">{about.title}: {len(found):,}</h2><p class="soft">{about.advice}</p>'
        f'<ul class="found">{shown}</ul>{rest}</section>'
    )


def _named(finding: Finding) -> str:
    names = ", ".join(map(escape, finding.files))
    return f"{names}: {escape(finding.words)}" if names else escape(finding.words)


def _entry(finding: Finding, known: dict[str, ImageRecord]) -> str:
    """Thumbnails with their names, then the description."""
    figures = []
    for name in finding.files[:THUMBNAILS]:
        picture = _thumbnail(known[name]) if name in known else ""
        label = f" · {escape(known[name].class_name)}" if name in known else ""
        figures.append(f"<figure>{picture}<figcaption>{escape(name)}{label}</figcaption></figure>")
    others = len(finding.files) - THUMBNAILS
    more = f" and {others:,} more" if others > 0 else ""
    return f"{''.join(figures)}<div>{escape(finding.words)}{more}</div>"


def _thumbnail(record: ImageRecord) -> str:
    try:
        picture = record.load()
    except DataError:
        return ""
    small = _reduced(picture)
    return image(small, alt=f"{record.name}, class {record.class_name}", scale=max(1, SIDE // max(small.shape[:2])))


def _reduced(picture: AnyPicture) -> np.ndarray:
    h, w = picture.shape[:2]
    scale = min(1.0, SIDE / max(h, w))
    return picture if scale == 1.0 else resample(picture, max(1, round(h * scale)), max(1, round(w * scale)))
