"""Bundle and ``web/`` become one self-contained HTML file, in one pass."""

from __future__ import annotations

import base64
import html
import json
import re
from importlib.resources import files

from convscope.report.bundle import Bundle

MARKS = re.compile(r"\{\{(title|style|modules|bundle)\}\}")
WEB = files("convscope") / "web"


def page(bundle: Bundle) -> str:
    """The whole page as text: markup, style, one ``data:`` URL a module, and the bundle.

    Whatever the bundle holds is data: the title is escaped, and no ``<`` of the JSON reaches the HTML parser.

    Args:
        bundle: From `bundle.make_bundle`.

    Returns:
        HTML that needs no other file and makes no request.
    """
    parts = {
        "title": html.escape(bundle["title"]),
        "style": "\n".join(_text(name) for name in _names(".css")),
        "modules": json.dumps({"imports": _import_map()}, separators=(",", ":")),
        "bundle": to_script(bundle),
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


def _import_map() -> dict[str, str]:
    inner = [f"{room}/{name}" for room in ("core", "view") for name in _names(".js", room)]
    return {f"#web/{name}": _data_url(name) for name in [*_names(".js"), *inner]}


def _names(ending: str, room: str = "") -> list[str]:
    """style.css, which names the colours, comes before the others."""
    found = [file.name for file in (WEB / room if room else WEB).iterdir() if file.name.endswith(ending)]
    return sorted(found, key=lambda name: (name != "style.css", name))


def _data_url(name: str) -> str:
    return "data:text/javascript;base64," + base64.b64encode(_text(name).encode()).decode("ascii")


def _text(name: str) -> str:
    return WEB.joinpath(*name.split("/")).read_text(encoding="utf-8")
