"""Texts that people read use the terms of the field: no invented words, American spelling.

`BANNED` maps each pattern to what to write instead; the style guide is docs/contributing.md. Checked are the pages, the
notebook, docstrings of public names, all other strings of the package (errors, help, titles), and the strings of the
HTML page. Comments, identifiers and `code` are not.

Run this file as a program to count the offenses of each file:  python tests/contracts/test_wording.py
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "convscope"

BANNED: dict[str, str] = {
    # names of modules and classes that are gone
    r"sights?": "scan, image record",
    r"lookalikes?": "near duplicate",
    r"conscience": "sanity check",
    r"(a|the) keeper": "checkpoint manager",
    r"lens": "session",
    r"blots?": "connected component",
    r"doctor": "data checks",
    r"(one|each|every) verb|verbs": "function, command",
    r"rooms?": "package, tab, view, disk space",
    r"doors?": "public API, entry point, reader",
    r"(hot|cool) (module|half|halves|part|side)s?": "heavy, light",
    r"(hot|cool):": "Heavy: …, Light: …",
    # terms of the field
    r"data sets?": "dataset",
    r"images? a (step|batch)": "batch size",
    r"how often each (training )?image is seen": "number of epochs",
    r"(a|the|this|no|small|large) share|shares? of": "fraction",
    r"(kept|keeps?|held) aside": "held out",
    r"slants?|slanted": "shear",
    r"how sure|(too|so|as|very|more|less) sure|surest|surer": "confident, confidence",
    r"pixels gone": "deletion test",
    r"never saw": "cross-validation",
    r"what .{1,20} (is|are) worth": "sanity check, how informative … is",
    r"speaks? (for|against|of)": "supports, counts against, describes",
    r"the letters?|(a|each|every) letter": "hyperparameter",
    r"calm(er)?": "weight averaging, stable",
    r"how far to trust": "calibration",
    r"taken for": "confused with, predicted as",
    r"proves? itself": "runs its self-test",
    r"pieces of code": "code",
    # idiom
    r"a defect of": "internal error",
    r"(says?|said|tells?) (what|which|how|whether|where)": "describes, reports, states",
    r"(network|networks|model|page|file|files|map|title|command|label|labels|it|they) (says?|said)": "predicts, states",
    r"(is|are|was|be|been) (said|told)": "reported, listed",
    r"looks?ed? (\w+ ){0,3}through": "check",
    r"(left|leaves?|leaving) (\w+ ){0,2}out": "skipped, omitted, excludes",
    r"handed (round|around)": "passed",
    r"to the (bit|byte)": "bit for bit, byte for byte",
    r"(go|goes|gone|going|went) on (with|from|where)": "resume, continue",
    r"begun again|anew": "restarted, again, from scratch",
    r"cut[- ]off": "interrupted, truncated",
    r"(tells?|told|telling) (\w+ ){0,3}apart": "distinguish",
    r"hangs? over": "exceeds, overflows",
    r"of (one'?s|his|her|a person's) own": "your own",
    r"(?<!there )(is|are) no (option|number|text|picture|image|run|network|word|dataset)": "is not a …",
    r"(images?|pictures?|pixels?|lines?|columns?|rows?|layers?|frames?|numbers?|folders?|operations?|seconds?|cells?|bits?|"
    r"points?) an? (step|row|line|image|picture|second|seed|side|filter|channel|epoch|pixel|class|map|layer)": "per",
    r"in the box": "included, bundled",
    r"wish(es)?": "option, request",
    r"kind to": "favors",
    r"nothing (is )?lost": "resumes without loss",
    r"from strangers?|a stranger": "untrusted",
    r"spares|spared?": "does not overwrite",
    # American spelling
    r"colour\w*": "color", r"grey\w*": "gray", r"centre[sd]?": "center", r"labell\w+": "labeled",
    r"licence": "license", r"behaviour\w*": "behavior", r"neighbour\w*": "neighbor", r"favour\w*": "favor",
    r"(normal|initial|random|orthogonal|recogn|summar|general|minim|maxim|optim|organ|visual|serial|standard)is(e|es|ed|ing|ation)":
        "-ize, -ization",
    r"artefacts?": "artifact", r"analyse[sd]?": "analyze", r"modell(ed|ing)": "modeled", r"cancell\w+": "canceled",
}  # fmt: skip

PATTERNS = [(re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE), right) for words, right in BANNED.items()]

Text = tuple[int, str]
"""A line number and a text that begins there."""


def markdown(path: Path) -> Iterator[Text]:
    """Lines of a page without `code`, link targets, and the columns that quote what was written before."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if path.name == "contributing.md" and line.startswith("| "):
            line = line.split("|")[2]
        if path.name == "CHANGELOG.md" and line.startswith("|"):
            continue
        yield number, re.sub(r"`[^`]*`|\]\([^)]*\)", "…", line)


def notebook(path: Path) -> Iterator[Text]:
    """The text cells."""
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] == "markdown":
            yield number, re.sub(r"`[^`]*`|\]\([^)]*\)", "…", "".join(cell["source"]))


def python(path: Path) -> Iterator[Text]:
    """Docstrings of what is public, and every other string with a space in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    private: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, documented) and getattr(node, "name", "").startswith("_") and node.body:
            private.add(id(getattr(node.body[0], "value", None)))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in private | inside:
            yield node.lineno, re.sub(r"`+[^`]*`+|^ *>>>.*$|^\S*$", "…", node.value, flags=re.MULTILINE)


def javascript(path: Path) -> Iterator[Text]:
    """Strings and templates with a space in them; comments are taken away first."""
    source = path.read_text(encoding="utf-8")
    source = re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), source, flags=re.DOTALL)
    source = re.sub(r"^\s*//.*$|\s//\s.*$", "", source, flags=re.MULTILINE)
    for found in re.finditer(r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`', source):
        if " " in found[0]:
            yield source.count("\n", 0, found.start()) + 1, re.sub(r"\$\{[^}]*\}", "…", found[0])


def html(path: Path) -> Iterator[Text]:
    """Texts and labels of an HTML file."""
    found: list[Text] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend((self.getpos()[0], value) for name, value in attrs if value and name != "class")

        def handle_data(self, data: str) -> None:
            found.append((self.getpos()[0], data))

    Reader().feed(path.read_text(encoding="utf-8"))
    yield from found


READERS = {".md": markdown, ".ipynb": notebook, ".py": python, ".js": javascript, ".html": html}

FILES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "notebooks").glob("*.ipynb"),
        *(path for path in PACKAGE.rglob("*.*") if path.suffix in (".py", ".js", ".html")),
    ]
)


def offenses(path: Path) -> list[str]:
    """Each banned phrase of a file, with its line and what to write instead."""
    found = []
    for line, text in READERS[path.suffix](path):
        flat = re.sub(r"\s+", " ", text)
        for pattern, right in PATTERNS:
            found += [f"{path.name}:{line}: {hit[0]!r}; write: {right}" for hit in pattern.finditer(flat)]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_texts_use_the_terms_of_the_field(path: Path) -> None:
    assert offenses(path) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.md", "The share of the steps, `the share of`."),
        ("a.py", '"""What is left out of it, and `left out`."""\n# left out'),
        ("a.py", 'def f(x):\n    raise ValueError(f"{x} is left out")'),
        ("a.js", 'const text = "It says 7"; // it says'),
        ("a.html", '<p class="rooms"><img alt="A grey disc"></p>'),
        ("a.ipynb", '{"cells": [{"cell_type": "markdown", "source": ["Some data ", "sets."]}]}'),
    ],
)
def test_a_banned_phrase_is_found_once_in_each_kind_of_file(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert len(offenses(tmp_path / name)) == 1


def test_the_style_guide_has_thirty_examples() -> None:
    rows = [line for line in (ROOT / "docs" / "contributing.md").read_text().splitlines() if line.startswith("| ")]
    assert len(rows) == 31, "a heading and thirty pairs"


if __name__ == "__main__":
    total = 0
    for file in FILES:
        if listed := offenses(file):
            total += len(listed)
            print(f"{len(listed):4} {file.relative_to(ROOT)}")  # noqa: T201
            if "-v" in sys.argv:
                print("\n".join(f"       {one}" for one in listed))  # noqa: T201
    print(f"{total:4} in all")  # noqa: T201
