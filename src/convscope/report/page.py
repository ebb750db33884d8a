"""Writes data and the files of ``web/`` as one self-contained HTML file."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping

from convscope.report.bundle import Bundle
from convscope.report.bundle_pair import Pair
from convscope.report.page_script import WEB, page_script, source_of

MARKS = re.compile(r"\{\{(title|style|modules|bundle|entry)\}\}")
STYLES = ("style.css", "values.css", "evaluation.css", "network.css", "pad.css", "exploration.css")
LAYERS = tuple(sorted(f"layers/{file.name}" for file in (WEB / "layers").iterdir() if file.name.endswith(".js")))
"""Every layer kind. A page imports those of its network by name, which is not visible in any import statement."""


def page(bundle: Bundle) -> str:
    """The page of a network as HTML: markup, styles, one script with all modules, and the bundle.

    The bundle is data only: the title is escaped, and no ``<`` of the JSON reaches the HTML parser.

    Args:
        bundle: From `bundle.make_bundle`.

    Returns:
        HTML that needs no other file and makes no request.
    """
    return assemble(
        bundle,
        title=bundle["title"],
        entry="main.js",
        layers=LAYERS,
        styles=STYLES,
    )


def pair_page(pair: Pair) -> str:
    """The page of two networks; see `page`."""
    title = f"{pair['first']['title']} and {pair['second']['title']}"
    return assemble(pair, title=title, entry="pair_main.js", layers=LAYERS, styles=STYLES)


def watch_page(name: str) -> str:
    """A page that asks its own server how far a training is; the only page that makes requests.

    Args:
        name: Of the run.
    """
    text = assemble({"name": name}, title=f"{name}: training", entry="watch_main.js", layers=(), styles=STYLES)
    return text.replace("default-src 'none';", "default-src 'none'; connect-src 'self';", 1)


def assemble(
    data: Mapping[str, object], *, title: str, entry: str, layers: tuple[str, ...], styles: tuple[str, ...]
) -> str:
    """A page with its data and only the modules that it needs.

    Args:
        data: Plain values; the page reads them as JSON from ``#bundle``.
        title: The document title; any text.
        entry: The first module, such as ``main.js``.
        layers: The layer kinds that the page may load, as files of ``web/``.
        styles: Files of ``web/``; the first defines the colors.

    Returns:
        HTML that needs no other file and makes no request.
    """
    parts = {
        "title": html.escape(title).encode("ascii", "xmlcharrefreplace").decode(),
        "style": "\n".join(map(_compact_style, styles)),
        "modules": page_script(entry, *layers),
        "bundle": to_script(data),
        "entry": entry,
    }
    # In one pass, so that a class named {{bundle}} is not replaced.
    return MARKS.sub(lambda mark: parts[mark[1]], source_of("index.html"))


def to_script(value: object, *, ensure_ascii: bool = True) -> str:
    r"""JSON that is safe in a ``script`` element, whatever strings it has.

    Args:
        value: Plain values.
        ensure_ascii: As in `json.dumps`. Names of files may have characters that UTF-8 cannot encode.

    Example:
        >>> to_script(["</script>"])
        '["\\u003c/script\\u003e"]'
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, sort_keys=True, ensure_ascii=ensure_ascii)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _compact_style(name: str) -> str:
    """A style sheet without comments and indentation."""
    return re.sub(r"\n\s*", "\n", re.sub(r"/\*.*?\*/", "", source_of(name), flags=re.DOTALL)).strip()
