"""The modules of ``web/`` as one script: each one is a function, called when another one first needs it.

Browsers load a module from a ``data:`` URL in several steps and some tenths of a millisecond; a page has more than a
hundred modules, and a worker could not use an import map. This reads only the form of import and export statements
that the modules have, and refuses any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources import files

WEB = files("convscope") / "web"

IMPORT = re.compile(r'^import (?:(\{[^}]*\})|(\w+)) from "(#web/[^"]+)";$', re.MULTILINE)
DECLARATION = re.compile(r"^export ((?:async )?function\*?|const|class) (\w+)", re.MULTILINE)
DEFAULT = re.compile(r"^export default ", re.MULTILINE)
OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)

COMMENTS = re.compile(r"^ *(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*) *\n", re.MULTILINE | re.DOTALL)
"""Comments on lines of their own: nearly a third of the modules, which a page does not need."""
REMARKS = re.compile(r"/\*\* @(?:(?!\*/).)*\*/ ?|(?<=[{(\[,;}\])]) +// [^\"'`\n]*$", re.MULTILINE)
"""Types in a line, and comments that end it: what follows ``//`` has no quotation mark, so that it is not in a text."""
WIDE = re.compile(r"[^\x00-\x7f]")
CLOSING = re.compile(r"</script|<script|<!--", re.IGNORECASE)
"""What ends a ``script`` element, or begins another."""

LATE = (
    "core/preprocess.js",
    "view/about.js",
    "view/activation_value.js",
    "view/attribution.js",
    "view/dock.js",
    "view/evaluation.js",
    "view/gallery.js",
    "view/lesson.js",
    "view/server_answer.js",
)
"""Modules that run when one of their functions is first called: the first image of a page needs none of them, nor most
of what they import. Others import nothing but functions from them."""

LOADER = """"use strict";
const load_module = (() => {
const loaded = {};
const modules = {
%s
};
return (name) => {
if (!Object.hasOwn(modules, name)) throw new Error(`There is no module ${name}.`);
return (loaded[name] ??= modules[name](load_module));
};
})();"""


def page_script(*roots: str) -> str:
    """A script with some modules and all that they import; its function ``load_module(name)`` gives a module's exports.

    Args:
        roots: Files of ``web/``, such as ``main.js``.

    Returns:
        ASCII, which browsers decode and scan in less time.

    Raises:
        ValueError: A module has a statement of another form, or a text that would end the ``script`` element.
    """
    at_once = _imported(roots[:1], LATE)
    functions = [as_function(name, source_of(name), at_once=name in at_once) for name in sorted(_imported(roots))]
    return WIDE.sub(escaped, LOADER % ",\n".join(functions))


def _imported(roots: Iterable[str], without: tuple[str, ...] = ()) -> set[str]:
    """Modules and all that they import, except through some others."""
    found, waiting = set[str](), [*roots]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in without:
            found.add(name)
            waiting += [one[2].removeprefix("#web/") for one in IMPORT.findall(source_of(name))]
    return found


def escaped(found: re.Match[str]) -> str:
    """A character that is not ASCII, as every text of the modules may have it."""
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\u{{{code:x}}}"


def source_of(name: str) -> str:
    """The text of a file of ``web/``."""
    return WEB.joinpath(*name.split("/")).read_text(encoding="utf-8")


def as_function(name: str, source: str, *, at_once: bool = False) -> str:
    """A module as an entry ``name: (use) => { ...; return exports; }``, where ``use`` is ``load_module``.

    Args:
        name: Of the file, for the entry and for errors.
        source: Its text.
        at_once: Whether it runs when the page opens. Browsers compile a function in parentheses when they read it; any
            other one is read twice.

    Raises:
        ValueError: As `page_script`.
    """
    exported = [found[1] for found in DECLARATION.findall(source)]
    code = REMARKS.sub("", COMMENTS.sub("", source))
    code = IMPORT.sub(_loading, code)
    code = DECLARATION.sub(r"\1 \2", code)
    if DEFAULT.search(code):
        exported.append("default: the_default")
        code = DEFAULT.sub("const the_default = ", code)
    code = code.replace("await import(", "load_module(")
    if other := OTHER.search(code):
        raise ValueError(f"Expected imports and exports of the usual form in {name}. Received: {other[0][:80]}")
    if closing := CLOSING.search(code):
        raise ValueError(f"Expected no text in {name} that ends a script element. Received: {closing[0]}")
    body = f"{{\n{_compact(code)}\nreturn {{ {', '.join(exported)} }};\n}}"
    return f'"#web/{name}": ' + (f"(function (use) {body})" if at_once else f"(use) => {body}")


def _loading(found: re.Match[str]) -> str:
    named, whole, name = found.groups()
    if name.removeprefix("#web/") in LATE:
        return " ".join(_when_called(one, name) for one in named.strip("{} ").split(", "))
    names = named.replace(" as ", ": ") if named else f"{{ default: {whole} }}"
    return f'const {names} = use("{name}");'


def _when_called(named: str, name: str) -> str:
    """An imported function, as ``mount`` or ``mount as mount_about``, that loads its module when it is called."""
    theirs, _, ours = named.partition(" as ")
    if not re.search(rf"^export (?:async )?function {theirs}\b", source_of(name.removeprefix("#web/")), re.MULTILINE):
        raise ValueError(f"Expected functions only from {name}, which is loaded when one is called. Received: {theirs}")
    return f'const {ours or theirs} = (...all) => use("{name}").{theirs}(...all);'


def _compact(source: str) -> str:
    """A module without indentation and most line breaks.

    No module has a text of several lines, and each statement ends with a semicolon.
    """
    result = [""]
    for line in source.split("\n"):
        inner = line.strip()
        if result[-1].endswith(("{", "(", "[", ",", ";", "}")) and "//" not in result[-1]:
            result[-1] += inner
        elif inner:
            result.append(inner)
    return "\n".join(result[1:])
