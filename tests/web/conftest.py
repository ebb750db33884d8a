"""Pages of made-up networks, and the browser that opens them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import random_weights
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from convscope.data.dataset import Dataset
from convscope.data.preprocess import Preprocessing
from convscope.evaluation.metrics import measure
from convscope.evaluation.predict import predict
from convscope.model.model_file import Model, weights_sha256
from convscope.model.reference import numpy_reference
from convscope.model.spec import Spec
from convscope.report.bundle import Bundle, make_bundle
from convscope.report.page import page, to_script
from convscope.training.options import TrainOptions, resolve
from convscope.training.run import HistoryRow, RunRecord

CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield chromium
        chromium.close()


class Tabs:
    """Tabs of the browser, used again by later tests: a new one costs more than the page that it opens.

    The page stores nothing, and leaving it ends its scripts, so that no test meets what another has left.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[frozenset[tuple[str, Any]], list[Page]] = {}

    @contextmanager
    def lent(self) -> Iterator[Callable[..., Page]]:
        """Yield a function that opens an empty tab; afterwards all of them are free again."""
        taken: list[tuple[frozenset[tuple[str, Any]], Page]] = []

        def open_tab(*, viewport: ViewportSize | None = None, **context: Any) -> Page:
            key = frozenset(context.items())
            free = self._free.setdefault(key, [])
            taken.append((key, free.pop() if free else self._browser.new_context(**context).new_page()))
            taken[-1][1].set_viewport_size(viewport or {"width": 1440, "height": 900})
            return taken[-1][1]

        yield open_tab
        for key, tab in taken:
            tab.goto("about:blank")
            tab.mouse.up()
            tab.mouse.move(0, 0)
            tab.emulate_media(media="null")
            self._free[key].append(tab)


@pytest.fixture(scope="session")
def tabs(browser: Browser) -> Tabs:
    return Tabs(browser)


class PageResult:
    """A page in the browser, with its requests and its errors."""

    def __init__(self, tab: Page) -> None:
        self.tab = tab
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._listeners = {
            "request": lambda request: self.requests.append(request.url),
            "pageerror": lambda error: self.errors.append(str(error)),
            "console": lambda line: line.type == "error" and self.errors.append(line.text),
        }
        for event, listener in self._listeners.items():
            tab.on(event, listener)

    def close(self) -> None:
        for event, listener in self._listeners.items():
            self.tab.remove_listener(event, listener)

    def text(self, selector: str) -> str:
        return self.tab.locator(selector).first.inner_text()

    def wait(self, question: str) -> None:
        """Wait until an expression is true; the page's policy forbids Playwright's own wait_for_function."""
        for _ in range(100):
            if self.tab.evaluate(question):
                return
            self.tab.wait_for_timeout(50)
        raise AssertionError(f"never true within five seconds: {question}")

    def self_test(self) -> str | None:
        self.tab.wait_for_selector(".self-test[data-passed]")
        return self.tab.locator(".self-test").get_attribute("data-passed")


@pytest.fixture
def show(tabs: Tabs) -> Iterator[Callable[..., PageResult]]:
    """Open an HTML file from disk, as a double click does."""
    pages = []
    with tabs.lent() as open_tab:

        def opened(path: Path, fragment: str = "", **context: Any) -> PageResult:
            pages.append(PageResult(open_tab(**context)))
            pages[-1].tab.goto(path.as_uri() + fragment)
            # by then the page is complete
            pages[-1].tab.wait_for_selector(".self-test[data-passed], [role=alert]")
            return pages[-1]

        yield opened
        for page in pages:
            page.close()


def make_model(spec: Spec, names: tuple[str, ...] | None = None, *, seed: int = 0) -> Model:
    h, w, c = spec.input_shape
    contract = Preprocessing(h, w, c)
    names = names or tuple(f"class {k}" for k in range(spec.num_classes))
    return Model(spec, random_weights(spec, seed=seed), names, contract.to_json(), {"temperature": 1.5}, {})


def make_data(model: Model, n: int = 40) -> Dataset:
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (n, *model.spec.input_shape)).astype(np.uint8)
    labels = np.arange(n, dtype=np.int64) % model.spec.num_classes
    return Dataset(pixels, labels, model.class_names, "made up", names=tuple(f"{i}.png" for i in range(n)))


def bundle_of(model: Model, dataset: Dataset, **more: Any) -> Bundle:
    """The bundle of an untrained network, evaluated on random images."""
    run = RunRecord(
        name="made-up",
        created="2026-11-24T00:00:00+00:00",
        outcome="finished",
        options=resolve(TrainOptions()),
        data={"source": "made up"},
        network={},
        environment={},
        history=(HistoryRow(0.5, 1.0, 0.01), HistoryRow(1.0, 0.5, 0.001, 0.6, 0.8)),
        seconds={"train": 1.0},
        weights_sha256=weights_sha256(model.weights),
    )
    evaluation = measure(predict(model, dataset.pixels).logits, dataset.labels, class_names=model.class_names)
    reference = numpy_reference(model.spec, model.weights, dataset.pixels)
    return make_bundle(model, run, reference, dataset, evaluation, part="test", **more)


def write_page(bundle: Bundle, path: Path) -> Path:
    path.write_text(page(bundle), encoding="utf-8")
    return path


def read_pixels(path: Path) -> np.ndarray:
    """The images of a small page; with encoding "zeros", each run of zeros is a 0 and its length."""
    pictures = read_bundle(path)["pictures"]
    pixels = pictures["pixels"]
    if not pictures["encoding"]:
        return np.frombuffer(base64.b64decode(pixels["base64"]), np.uint8).reshape(pixels["shape"])
    packed, out, at = base64.b64decode(pixels["base64"]), bytearray(), 0
    while at < len(packed):
        out += bytes(packed[at + 1]) if packed[at] == 0 else packed[at : at + 1]
        at += 2 if packed[at] == 0 else 1
    return np.frombuffer(bytes(out), np.uint8).reshape(pixels["shape"])


def read_bundle(path: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="bundle">(.*?)</script>', path.read_text(encoding="utf-8"))
    assert found
    return json.loads(found[1])


def with_bundle(path: Path, bundle: Any, to: Path) -> Path:
    """The same page with other data in it."""
    text = path.read_text(encoding="utf-8")
    begin = text.index('id="bundle">') + len('id="bundle">')
    end = text.index("</script>", begin)
    to.write_text(
        text[:begin] + (bundle if isinstance(bundle, str) else to_script(bundle)) + text[end:], encoding="utf-8"
    )
    return to
