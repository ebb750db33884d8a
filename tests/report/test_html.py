"""The page as HTML: escaped, without requests, with the modules it needs, and within the rules of the front end."""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

import convscope
from convscope.errors import OptionError
from convscope.model.layers import LAYERS as KINDS
from convscope.model.spec import default_name
from convscope.report.page import LAYERS, page, pair_page, to_script, watch_page
from convscope.report.page_script import LATE, WIDE, as_function, escaped, page_script
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


def names_of(text: str) -> set[str]:
    """The modules that a page has."""
    return set(re.findall(r'^"(#web/[^"]+)": \(?(?:function )?\(use\)(?: =>)? \{$', text, re.M))


def test_a_page_has_the_modules_that_it_needs_and_no_other():
    everything = set()
    pages = (
        (page(_bundle()), "#web/main.js", LAYERS),
        (sliding_page({}), "#web/conv_main.js", SLIDING_LAYERS),
        (pair_page({"first": _bundle(), "second": _bundle()}), "#web/pair_main.js", LAYERS),
        (watch_page("a run"), "#web/watch_main.js", ()),
    )
    for text, entry, layers in pages:
        carried = names_of(text)
        wanted = {entry} | {f"#web/{name}" for name in layers}
        for name in carried:
            source = (WEB / name.removeprefix("#web/")).read_text()
            wanted |= set(re.findall(r'^import [^"]*"([^"]+)";', source, re.M))
        assert carried == wanted
        assert f'load_module("{entry}");</script>' in text
        everything |= wanted
    assert {f"#web/{path.relative_to(WEB)}" for path in [*WEB.glob("*.js"), *WEB.glob("*/*.js")]} == everything


def test_every_module_of_a_page_exports_in_node_what_its_file_exports(tmp_path):
    """Modules that touch the page when they are loaded are left to the browser's tests."""
    names = sorted(name for name in names_of(page(_bundle())) if name.startswith(("#web/core/", "#web/layers/")))
    script = tmp_path / "compare.mjs"
    script.write_text(
        f"""{page_script("main.js", *LAYERS)}
        const text = (exports) => Object.keys(exports).sort().map((key) => {{
          const value = exports[key];
          return key + (typeof value === "function" ? `${{value.name}} ${{value.length}}` : JSON.stringify(value));
        }}).join();
        for (const name of {json.dumps(names)}) {{
          const file = name.replace("#web/", {json.dumps(WEB.as_uri() + "/")});
          const [ours, theirs] = [load_module(name), await import(file)].map(text);
          if (!ours || ours !== theirs) throw new Error(`${{name}}: ${{ours}} and ${{theirs}}`);
        }}
        let refused = false;
        try {{ load_module("#web/core/absent.js"); }} catch {{ refused = true; }}
        if (!refused) throw new Error("a module that is not there was found");
        console.log("compared");"""
    )
    done = subprocess.run(["node", script], capture_output=True, text=True, check=False, cwd=WEB)
    assert done.stdout == "compared\n", done.stderr
    assert len(names) > 80


def test_a_page_is_ascii_whatever_its_texts():
    """Browsers scan it in less time; that the texts stay the same is compared in Node."""
    assert page(_bundle()).isascii()
    assert page({**_bundle(), "title": "Zähler № 1 – 🐈"}).count("Z&#228;hler &#8470; 1 &#8211; &#128008;") == 1
    assert '"\\xe4\\u2026\\u{1f408}"' in WIDE.sub(escaped, 'export const A = "ä…🐈";')


def test_modules_that_run_when_a_page_opens_are_compiled_when_it_is_read():
    script = page_script("main.js", *LAYERS)
    at_once = set(re.findall(r'^"#web/([^"]+)": \(function', script, re.M))
    assert {"main.js", "view/network.js", "core/forward.js"} <= at_once
    assert not at_once & {*LATE, "view/confusion.js", *LAYERS}


def test_a_module_keeps_its_texts_without_comments_and_indentation():
    source = """// A comment.
import one from "#web/core/one.js";
import { two as second } from "#web/core/two.js";

/** @typedef {import("#web/core/two.js").Two} Two */

/** Says it. */
export function say(/** @type {string} */ text) {
  return `${text} // "not" a comment`; // a comment
}
export const A = 'an "apostrophe"';
export default { say };
"""
    lines = [
        '"#web/core/say.js": (use) => {',
        'const { default: one } = use("#web/core/one.js");'
        'const { two: second } = use("#web/core/two.js");'
        'function say(text) {return `${text} // "not" a comment`;',
        "}const A = 'an \"apostrophe\"';const the_default = { say };",
        "return { say, A, default: the_default };",
        "}",
    ]
    assert as_function("core/say.js", source) == "\n".join(lines)


@pytest.mark.parametrize(
    "source",
    ['import * as b from "#web/b.js";', "export { a };", 'import "#web/b.js";', 'export * from "#web/b.js";'],
)
def test_statements_of_another_form_are_refused(source):
    with pytest.raises(ValueError, match=r"usual form in a\.js\. Received: (im|ex)port"):
        as_function("a.js", source)


@pytest.mark.parametrize("text", ["</script>", "<!--", "<SCRIPT src"])
def test_a_text_that_would_end_the_script_is_refused(text):
    with pytest.raises(ValueError, match="ends a script element"):
        as_function("a.js", f'export const A = "{text}";')


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
        if path.name == "server.js":  # only a page that a server gave has the address
            assert code.count("fetch(") == 1
            code = code.replace("fetch(address", "")
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


def test_a_module_that_the_first_image_does_not_need_runs_when_it_is_called(tmp_path):
    source = (
        'import { mount, mount as mount_about } from "#web/view/about.js";\nexport const used = [mount, mount_about];\n'
    )
    script = tmp_path / "late.js"
    script.write_text(
        'const asked = [], load_module = (name) => (asked.push(name), { mount: (...all) => all.join("") });\n'
        f"const {{ used }} = ({{ {as_function('main.js', source)} }})['#web/main.js'](load_module);\n"
        'console.log(asked.length, used[0]("a", "b") + used[1](1, 2), asked.join());'
    )
    done = subprocess.run(["node", script], capture_output=True, text=True, check=True)
    assert done.stdout == "0 ab12 #web/view/about.js,#web/view/about.js\n"
    with pytest.raises(ValueError, match="Expected functions only"):
        as_function("main.js", 'import { absent } from "#web/view/about.js";\n')
