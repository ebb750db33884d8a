"""The words of the page: all of them come from one table, in English and in German."""

from __future__ import annotations

import re
from pathlib import Path

from conftest import read_bundle

LOOSE = """() => {
  const found = [];
  let depth = 0; // of brackets, across elements
  const outside = (text) => [...text].map((one) => {
    depth += one === '⟦' ? 1 : one === '⟧' ? -1 : 0;
    return depth || one === '⟧' ? ' ' : one;
  }).join('');
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const own = walk.currentNode.parentElement;
    if (own.closest('script, style, noscript, pre, .about-call, .about-facts dd, .dock-about')) continue;
    found.push([own.className, outside(walk.currentNode.textContent)]);
  }
  for (const name of ['aria-label', 'title', 'aria-roledescription', 'aria-valuetext', 'placeholder', 'alt'])
    for (const own of document.querySelectorAll(`[${name}]`))
      found.push([`${own.className} ${name}`, outside(own.getAttribute(name))]);
  const words = (text) => (text.replaceAll('\\u200b', '').match(/[A-Za-z]{2,}/g) ?? []).join(' ');
  return found.map(([own, text]) => [own, words(text)]).filter(([, text]) => text);
}"""


def marked(path: Path, to: Path) -> Path:
    """The page with every English text in brackets, so that words from elsewhere can be told."""
    text = path.read_text(encoding="utf-8")
    begin = text.index('"#web/words/en.js": (function (use) {')
    end = text.index("\nreturn {", begin)
    code = re.sub(r"""(["']): (["'])(.*?)\2,""", r"\1: \2⟦\3⟧\2,", text[begin:end])
    to.write_text(text[:begin] + code + text[end:], encoding="utf-8")
    return to


def test_every_word_of_the_page_comes_from_the_table(show, short_run, tmp_path) -> None:
    page = show(marked(short_run / "page.html", tmp_path / "marked.html"), "#target=3&cell=4-9")
    page.tab.wait_for_selector(".dock-where:visible")
    page.tab.click(".gallery-more")
    page.tab.keyboard.press("Escape")
    page.tab.click(".dock-more")
    page.tab.keyboard.press("Escape")
    for tab in ("evaluation", "about"):
        page.tab.click(f"#tab-{tab}")
    page.tab.wait_for_selector(".about-layers")
    found = page.tab.evaluate(LOOSE)
    assert len(page.tab.evaluate("document.body.textContent.match(/⟦/g)")) > 200
    bundle = read_bundle(short_run / "page.html")
    names = [*(f"{row['name']} {row['kind']}" for row in bundle["network"]["layers"]), *bundle["training"]["options"]]
    own = {"relu", "softmax", "RGB", *re.findall("[A-Za-z]{2,}", " ".join(names).replace("_", " "))}
    loose = [(where, text) for where, text in found if not set(text.split()) <= own]
    assert loose == [], loose
    assert page.errors == []


def test_a_german_browser_gets_german_and_the_button_leads_to_english_with_the_same_view(show, short_run) -> None:
    page = show(short_run / "page.html", "#picture=p2&tab=evaluation", locale="de-DE")
    assert page.tab.get_attribute("html", "lang") == "de"
    assert page.text("#tab-evaluation") == "Auswertung" and page.text(".good-confusion h2") == "Konfusionsmatrix"
    page.tab.click(".language")
    page.tab.wait_for_selector("html[lang=en] .self-test[data-passed]")
    assert page.text("#tab-evaluation") == "Evaluation" and "picture=p2" in page.tab.url
    page.tab.click(".language")
    page.tab.wait_for_selector("html[lang=de] .self-test[data-passed]")
    assert page.tab.locator("#tab-evaluation[aria-selected=true]").count() == 1 and page.errors == []
