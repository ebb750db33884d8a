"""Data and ``web/`` become one self-contained HTML file, in one pass."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from urllib.parse import quote

from convscope.report.bundle import Bundle

MARKS = re.compile(r"\{\{(title|style|modules|bundle|entry)\}\}")
IMPORT = re.compile(r'^import [^"]*"#web/([^"]+)";', re.MULTILINE)
WEB = files("convscope") / "web"

PLAIN = " !\"$&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""What a ``data:`` URL holds as it is; percent-encoding the rest takes a quarter less than base64."""


def page(bundle: Bundle) -> str:
    """The whole page as text: markup, style, one ``data:`` URL a module, and the bundle.

    Whatever the bundle holds is data: the title is escaped, and no ``<`` of the JSON reaches the HTML parser.

    Args:
        bundle: From `bundle.make_bundle`.

    Returns:
        Self-contained HTML that makes no requests.
    """
    return assemble(bundle, title=bundle["title"], entry="main.js", styles=("style.css", "good.css", "see.css"))


def assemble(data: Mapping[str, object], *, title: str, entry: str, styles: tuple[str, ...]) -> str:
    """A page of ``web/`` with its data: only the modules that its entry needs go in.

    Args:
        data: Plain values; found by the page as JSON in ``#bundle``.
        title: Title of the window.
        entry: The main module, such as ``main.js``.
        styles: Files of ``web/``; the first defines the colors.

    Returns:
        Self-contained HTML that makes no requests.
    """
    parts = {
        "title": html.escape(title),
        "style": "\n".join(_text(name) for name in styles),
        "modules": to_script({"imports": _import_map(entry)}),
        "bundle": to_script(data),
        "entry": entry,
    }
    # One pass: what is put in is never looked at again, so that a class called {{bundle}} stays a class.
    return MARKS.sub(lambda mark: parts[mark[1]], _text("index.html"))


def to_script(value: object) -> str:
    r"""JSON that may stand in a ``script`` element, whatever texts are in it.

    Example:
        >>> to_script(["</script>"])
        '["\\u003c/script\\u003e"]'
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _import_map(entry: str) -> dict[str, str]:
    """A ``data:`` URL for the entry and for all that it imports, directly or not."""
    needed, waiting = set[str](), [entry]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += IMPORT.findall(_text(name))
    return {f"#web/{name}": _data_url(name) for name in sorted(needed)}


def _data_url(name: str) -> str:
    return "data:text/javascript," + quote(_text(name), safe=PLAIN)


def _text(name: str) -> str:
    return WEB.joinpath(*name.split("/")).read_text(encoding="utf-8")
