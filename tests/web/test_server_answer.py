"""The page of a run, as its server gives it: it compares its answers with those of the server."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import PageResult, Tabs
from PIL import Image
from serving.client import Served

from convscope.data.mnist import load_part

pytestmark = pytest.mark.slow

LINE = ".server-answer"


@pytest.fixture(scope="module")
def served(short_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(short_run, "--name", "digits", cwd=tmp_path_factory.mktemp("serve"))
    yield server
    server.stop()


@pytest.fixture
def page(tabs: Tabs, served: Served) -> Iterator[PageResult]:
    with tabs.lent() as open_tab:
        shown = PageResult(open_tab(locale="en-US"))
        shown.tab.goto(f"http://127.0.0.1:{served.port}/")
        shown.tab.wait_for_selector(".self-test[data-passed]")
        yield shown
        shown.tab.unroute_all()
        shown.close()


def until(page: PageResult, is_right: Callable[[str], bool]) -> str:
    for _ in range(200):
        text = page.text(LINE)
        if is_right(text):
            return text
        page.tab.wait_for_timeout(100)
    raise AssertionError(page.text(LINE))


def photo() -> bytes:
    digit = Image.fromarray(255 - load_part("test").pixels[1, :, :, 0]).resize((240, 240), Image.Resampling.BICUBIC)
    sheet = Image.new("L", (400, 300), 235)
    sheet.paste(digit.point(lambda level: min(level, 235)), (80, 30))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def test_the_page_says_that_the_server_gives_the_same_answer(page, served) -> None:
    first = until(page, lambda text: "the same" in text)
    assert first == f"Server: {page.text('.prediction-class')}, {page.text('.prediction-probability')}: the same."
    page.tab.set_input_files("#file", {"name": "two.png", "mimeType": "image/png", "buffer": photo()})
    second = until(page, lambda text: "2, " in text)
    assert second.startswith("Server: 2, ") and "same" in second
    assert served.post("/predict", photo()).json["images"][0]["choices"][0]["name"] == "2"
    assert page.errors == []


def test_another_answer_of_the_server_is_red_and_an_unreachable_one_is_said(page) -> None:
    until(page, lambda text: "the same" in text)
    wrong = {"images": [{"answer": "class", "choices": [{"name": "3", "probability": 0.75}]}]}
    page.tab.route("**/predict*", lambda route: route.fulfill(status=200, body=json.dumps(wrong)))
    page.tab.set_input_files("#file", {"name": "two.png", "mimeType": "image/png", "buffer": photo()})
    said = until(page, lambda text: "This page: 2" in text)
    assert said == "Server: 3, 75.0 %. This page: 2."
    assert "server-differs" in (page.tab.locator(LINE).get_attribute("class") or "")
    page.tab.route("**/predict*", lambda route: route.abort())
    page.tab.set_input_files("#file", {"name": "zero.png", "mimeType": "image/png", "buffer": digit(3)})
    assert until(page, lambda text: "no answer" in text).startswith("Server: no answer.")


def digit(index: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(load_part("test").pixels[index, :, :, 0]).save(file, "PNG")
    return file.getvalue()


def test_a_page_from_a_disk_asks_no_server(show, short_run: Path) -> None:
    shown = show(short_run / "page.html")
    shown.tab.wait_for_timeout(500)
    assert shown.tab.locator(LINE).count() == 0
    assert not [one for one in shown.requests if one.startswith("http")]
    assert shown.errors == []
