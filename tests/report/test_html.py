"""The page as HTML: escaped, without requests, with the modules it needs, and within the rules of the front end."""

import json
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

import convscope
from convscope.errors import OptionError
from convscope.model.layers import LAYERS as KINDS
from convscope.model.spec import default_name
from convscope.report.page import LAYERS, page, pair_page, to_script, watch_page
from convscope.report.sliding_page import LAYERS as SLIDING_LAYERS
from convscope.report.sliding_page import sliding_page

WEB = Path(convscope.__file__).parent / "web"


def _bundle(**changes):
    return {"title": "a run", "class_names": ["0", "1"]} | changes


def test_texts_of_the_bundle_never_reach_the_html_parser():
    hostile = "</script><script>alert(1)</script><!-- & \u2028"
    text = page(_bundle(title=hostile, class_names=[hostile]))
    assert "<script>alert(1)" not in text
    assert "&lt;/script&gt;" in text.split("</title>")[0]


def test_inserted_text_is_not_a_template():
    text = page(_bundle(title="{{bundle}}", class_names=["{{style}}", "{{modules}}"]))
    assert "<title>{{bundle}} " in text
    assert '["{{style}}","{{modules}}"]' in text


def test_data_round_trips():
    value = {"a": ["</script>", "\u2028", "ä", "\U0001f600", "&lt;"], "b": 0.1}
    assert json.loads(to_script(value)) == value
    assert not re.search("[<>&\u2028]", to_script(value))


def test_the_policy_allows_no_request():
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page(_bundle()))[1]
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy and "connect-src" not in policy and "*" not in policy
    watched = re.search(r'Content-Security-Policy" content="([^"]*)"', watch_page("a run"))[1]
    assert watched == policy.replace("default-src 'none';", "default-src 'none'; connect-src 'self';")


def code_lines(source: str) -> list[str]:
    """The lines of a module without those that are comments as a whole, read line by line."""
    lines, inside = [], False
    for line in source.splitlines():
        text = line.strip()
        begins = text.startswith("/**")
        is_comment = inside or text.startswith("//") or (begins and ("*/" not in text or text.endswith("*/")))
        inside = (inside or begins) and "*/" not in text
        lines += [] if is_comment else [line]
    return lines


def without_layout(code: str) -> str:
    """Code without what a page saves: spaces, inline comments, and one of the two kinds of quotation marks."""
    without_comments = re.sub(r"/\*\*.*?\*/|\s// .*", "", code)
    return re.sub(r"\s+", "", without_comments).replace("'", '"')


def test_a_page_has_the_modules_that_it_needs_and_no_other():
    everything = set()
    pages = (
        (page(_bundle()), "#web/main.js", LAYERS),
        (sliding_page({}), "#web/conv_main.js", SLIDING_LAYERS),
        (pair_page({"first": _bundle(), "second": _bundle()}), "#web/pair_main.js", LAYERS),
        (watch_page("a run"), "#web/watch_main.js", ()),
    )
    for text, entry, layers in pages:
        mapped = json.loads(re.search(r'<script type="importmap">(.*?)</script>', text)[1])["imports"]
        wanted = {entry} | {f"#web/{name}" for name in layers}
        for name, address in mapped.items():
            source = (WEB / name.removeprefix("#web/")).read_text()
            carried = unquote(address.removeprefix("data:text/javascript,"))
            assert without_layout(carried) == without_layout("\n".join(code_lines(source)))
            wanted |= set(re.findall(r'^import [^"]*"([^"]+)";', source, re.M))
        assert set(mapped) == wanted
        assert f'import "{entry}";' in text
        everything |= wanted
    assert {f"#web/{path.relative_to(WEB)}" for path in [*WEB.glob("*.js"), *WEB.glob("*/*.js")]} == everything


def test_too_many_numbers_are_refused():
    with pytest.raises(OptionError, match=r"Expected at most 2,000,000 bytes .* Received: 2,000,"):
        sliding_page({"pixels": "x" * 2_000_000})


def test_the_rules_of_the_front_end_hold():
    for path in [*WEB.glob("*.js"), *WEB.glob("*/*.js")]:
        text = path.read_text()
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
        if path.name == "watch_main.js":  # the one page that has a server asks it one thing
            assert code.count("fetch(") == 1
            code = code.replace('fetch("/state.json")', "")
        for banned in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "fetch(", "XMLHttpRequest", "http://"):
            # a namespace is an identifier, never an address that is asked
            assert banned not in code.replace("http://www.w3.org/2000/svg", ""), f"{path.name}: {banned}"
        folder = path.parent.name
        allowed = {
            "core": ("#web/core/", "#web/words/"),
            "layers": "#web/core/",
            "view": ("#web/core/", "#web/view/"),
        }.get(folder, "#web/")
        for name in re.findall(r'^import [^"]*"([^"]+)";', text, re.M):
            assert name.startswith(allowed), f"{path.name} imports {name}"
        if folder != "web":
            assert not re.search(r"\bwindow\.[a-z]+(?<!_size)\(|\blocation\b", code), f"{path.name}: location"
        if folder in ("core", "layers"):
            assert not re.search(r"\bdocument\b|\bHTML[A-Z]", code), f"{path.name} touches the DOM"


def test_every_layer_kind_of_python_has_its_javascript_file():
    assert {f"layers/{default_name(kind, Counter())}.js" for kind in KINDS} == set(LAYERS)


def test_no_module_but_the_layer_files_names_a_layer_kind():
    """A new kind is one new file: nothing else asks which kind a layer is."""
    for path in [*WEB.glob("*.js"), *WEB.glob("core/*.js"), *WEB.glob("view/*.js")]:
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(), flags=re.S)
        named = {kind for kind in KINDS if re.search(rf"""(case|[=!]==?) *["'`]{kind}["'`]""", code)}
        assert named == set(), path.name
