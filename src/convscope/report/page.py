"""Writes data and the files of ``web/`` as one self-contained HTML file."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from urllib.parse import quote

from convscope.report.bundle import Bundle
from convscope.report.bundle_pair import Pair

MARKS = re.compile(r"\{\{(title|style|modules|bundle|entry)\}\}")
IMPORT = re.compile(r'^(?:import|export) [^"]*"#web/([^"]+)";', re.MULTILINE)
COMMENTS = re.compile(r"^ *(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*) *\n", re.MULTILINE | re.DOTALL)
"""Comments on lines of their own: nearly a third of the modules, which a page does not need."""
REMARKS = re.compile(r"/\*\* @(?:(?!\*/).)*\*/ ?|(?<=[{(\[,;}\])]) +// [^\"'`\n]*$", re.MULTILINE)
"""Types in a line, and comments that end it: what follows ``//`` has no quotation mark, so that it is not in a text."""
APOSTROPHES = re.compile(r"['`\\]|/[^/]*\"[^\"]*/")
"""In a line with one of these, quotation marks stay: texts in texts, and regular expressions."""

WEB = files("convscope") / "web"
STYLES = ("style.css", "values.css", "evaluation.css", "network.css", "pad.css", "exploration.css")
LAYERS = tuple(sorted(f"layers/{file.name}" for file in (WEB / "layers").iterdir() if file.name.endswith(".js")))
"""Every layer kind. A page imports those of its network by name, which is not visible in any import statement."""

ESCAPED = re.compile(r"[\x00-\x1f%#<>&\x7f]+")
"""Characters that must be escaped in a ``data:`` URL; the rest takes a quarter less than base64.

``<``, ``>`` and ``&`` are among them because `to_script` would write them with six characters."""


def page(bundle: Bundle) -> str:
    """The page of a network as HTML: markup, styles, one ``data:`` URL per module, and the bundle.

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
        "title": html.escape(title),
        "style": "\n".join(map(_compact_style, styles)),
        "modules": to_script({"imports": _import_map(entry, *layers)}, ensure_ascii=False),
        "bundle": to_script(data),
        "entry": entry,
    }
    # In one pass, so that a class named {{bundle}} is not replaced.
    return MARKS.sub(lambda mark: parts[mark[1]], _text("index.html"))


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


def _import_map(*roots: str) -> dict[str, str]:
    """A ``data:`` URL for some modules and for all that they import, directly or not."""
    needed, waiting = set[str](), [*roots]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += IMPORT.findall(_text(name))
    return {f"#web/{name}": _data_url(name) for name in sorted(needed)}


def _data_url(name: str) -> str:
    return "data:text/javascript," + ESCAPED.sub(lambda found: quote(found[0], safe=""), _compact(_text(name)))


def _compact(source: str) -> str:
    """A module without comments, indentation and most line breaks, a fifth smaller.

    No module has a text of several lines, and each statement ends with a semicolon. The worker looks for imports and
    exports at the beginning of a line. In JSON a quotation mark takes two characters, an apostrophe one.
    """
    result = [""]
    for line in REMARKS.sub("", COMMENTS.sub("", source)).split("\n"):
        inner = line.strip()
        if not line.startswith(("import ", "export ")) and not APOSTROPHES.search(inner):
            inner = inner.replace('"', "'")
        own_line = line.startswith(("import ", "export ")) or result[-1].startswith("import ")
        if result[-1].endswith(("{", "(", "[", ",", ";", "}")) and "//" not in result[-1] and not own_line:
            result[-1] += inner
        elif inner:
            result.append(inner)
    return "\n".join(result[1:])


def _compact_style(name: str) -> str:
    """A style sheet without comments and indentation."""
    return re.sub(r"\n\s*", "\n", re.sub(r"/\*.*?\*/", "", _text(name), flags=re.DOTALL)).strip()


def _text(name: str) -> str:
    return WEB.joinpath(*name.split("/")).read_text(encoding="utf-8")
