"""The page of a sliding window in a real browser, opened from disk: sliders, keys, play, and combinations that fail."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PageResult, Tabs

from convscope.report.sliding_page import sliding_page

ROOT = Path(__file__).parents[2]
SLIDES = json.loads((ROOT / "tests" / "cases" / "sliding.json").read_text())["slides"]
TUTORIAL = SLIDES[0]
"""9×9 by 3×3; its output was computed by TensorFlow."""


@pytest.fixture
def play(tabs: Tabs, tmp_path: Path) -> Iterator[Callable[..., PageResult]]:
    """Write a page and open it from disk; no error may go unnoticed."""
    pages = []
    with tabs.lent() as open_tab:

        def opened(given: dict[str, Any], fragment: str = "", **context: Any) -> PageResult:
            path = tmp_path / "window.html"
            path.write_text(sliding_page({k: v for k, v in given.items() if k not in ("output", "caption")}), "utf-8")
            pages.append(PageResult(open_tab(**context)))
            pages[-1].tab.goto(path.as_uri() + fragment)
            pages[-1].tab.wait_for_selector("html[data-drawn], [role=alert].broken", state="attached")
            return pages[-1]

        yield opened
        for page in pages:
            page.close()
    assert [page.errors for page in pages if page.errors] == []


def numbers_of(page: PageResult, name: str) -> list[float]:
    """The values of a grid's cells, row by row, padding included."""
    texts = page.tab.locator(f".conv-{name} .conv-numbers text").all_text_contents()
    return [float(text.replace("−", "-")) for text in texts]


def slide_to(page: PageResult, name: str, value: int) -> None:
    """With the keyboard: to the left end, then step by step."""
    slider = page.tab.locator(f"#hyperparameter-{name}")
    slider.press("Home")
    for _ in range(value - int(slider.get_attribute("min"))):
        slider.press("ArrowRight")
    assert slider.input_value() == str(value)


def windows_summed(pixels: np.ndarray, kernel: np.ndarray, *, stride: int = 1, zeros: int = 0) -> np.ndarray:
    """A direct implementation for one channel and one filter."""
    padded = np.pad(pixels, zeros)
    rows, columns = ((side - k) // stride + 1 for side, k in zip(padded.shape, kernel.shape, strict=True))
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * stride : r * stride + kernel.shape[0], c * stride : c * stride + kernel.shape[1]]
            out[r, c] = (window * kernel).sum()
    return out


@pytest.mark.parametrize("given", SLIDES, ids=lambda given: given["caption"])
def test_the_page_shows_its_input_and_the_output_of_tensorflow(play, given):
    page = play(given)
    assert page.text(".conv-caption") == given["caption"]
    inside = [float(v) for row in given["pixels"] for pixel in row for v in pixel[:1]]
    shown = numbers_of(page, "input")
    assert len(shown) >= len(inside) and sorted(v for v in shown if v) == sorted(v for v in inside if v)
    output = [pixel[0] for row in given["output"] for pixel in row]
    assert numbers_of(page, "output") == pytest.approx(output, abs=0.006)
    if given["kernel"]:
        assert numbers_of(page, "kernel") == [tap[0][0] for row in given["kernel"] for tap in row]
    assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in page.requests if url.startswith("file:")]) == 1


def test_sliders_change_the_shapes_and_every_number_is_right(play):
    page = play(TUTORIAL)
    slide_to(page, "rows", 7)  # rows and columns move together
    slide_to(page, "stride_rows", 2)
    page.tab.get_by_role("button", name="explicit").click()
    slide_to(page, "padding_rows", 2)
    assert page.text(".conv-caption") == (
        "input (1, 7, 7) · output (1, 5, 5) · K (3, 3) · P (2, 2) · S (2, 2) · D (1, 1) · G 1"
    )
    assert "⌊(7 + 2 + 2 − 1×(3 − 1) − 1) / 2⌋ + 1 = 5" in page.text(".conv-formulas")
    padded = np.array(numbers_of(page, "input")).reshape(11, 11)
    kernel = np.array(numbers_of(page, "kernel")).reshape(3, 3)
    assert np.array_equal(kernel, np.array(TUTORIAL["kernel"])[:, :, 0, 0]), "its shape has not changed"
    assert not padded[:2].any() and not padded[:, -2:].any()
    expected = windows_summed(padded[2:-2, 2:-2], kernel, stride=2, zeros=2)
    assert np.array_equal(np.array(numbers_of(page, "output")).reshape(5, 5), expected)


def test_rows_and_columns_can_be_set_separately(play):
    page = play(TUTORIAL)
    page.tab.locator("#hyperparameter-linked").uncheck()
    slide_to(page, "kernel_columns", 5)
    assert "K (3, 5)" in page.text(".conv-caption") and "output (1, 7, 5)" in page.text(".conv-caption")


def test_every_equation_is_complete_and_the_arrow_keys_move_the_window(play):
    page = play(TUTORIAL)
    page.tab.locator(".conv-output .conv-cells").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.tab.keyboard.press(key)
    words = page.text(".equation")
    assert words.endswith(f" = {TUTORIAL['output'][2][1][0]:g}".replace("-", "−"))
    factors = re.findall(r"\(?(−?\d+)\)?×\(?(−?\d+)\)?", words)
    window = [TUTORIAL["pixels"][2 + i][1 + j][0] for i in range(3) for j in range(3)]
    kernel = [TUTORIAL["kernel"][i][j][0][0] for i in range(3) for j in range(3)]
    assert [tuple(int(one.replace("−", "-")) for one in pair) for pair in factors] == list(
        zip(window, kernel, strict=True)
    )
    label = page.tab.locator(".conv-output .conv-cells").get_attribute("aria-label")
    assert "Row 2, column 1 is" in label


@pytest.mark.parametrize("zeros", [0, 2])
def test_a_touch_of_the_input_moves_the_window_onto_it(play, zeros):
    fragment = f"#padding=number&padding_rows={zeros}&padding_columns={zeros}"
    page = play(TUTORIAL, fragment, has_touch=True)
    box = page.tab.locator(".conv-input .conv-cells").bounding_box()
    cell = box["width"] / (9 + 2 * zeros)
    page.tab.touchscreen.tap(box["x"] + 5.5 * cell, box["y"] + 3.5 * cell)
    page.wait("location.hash.includes('&row=2') && location.hash.includes('&column=4')")
    frame = page.tab.locator(".conv-input .frame").bounding_box()
    assert frame["x"] == pytest.approx(box["x"] + 4 * cell, abs=1)
    assert frame["y"] == pytest.approx(box["y"] + 2 * cell, abs=1)
    assert frame["width"] == pytest.approx(3 * cell, abs=1)


def test_play_fills_the_output_and_pauses(play):
    page = play(TUTORIAL)
    page.tab.locator("#speed").press("End")
    page.tab.keyboard.press("Tab")
    page.tab.evaluate("document.activeElement.blur()")
    page.tab.keyboard.press("p")
    page.tab.wait_for_timeout(400)
    page.tab.keyboard.press("p")
    filled = page.tab.locator(".conv-output text:not([hidden])").count()
    assert 2 < filled < 49
    page.tab.keyboard.press("n")
    assert page.tab.locator(".conv-output text:not([hidden])").count() == filled + 1
    label = page.tab.locator(".conv-output .conv-cells").get_attribute("aria-label")
    row, column = map(int, re.search(r"Row (\d+), column (\d+) is", label).groups())
    assert row * 7 + column == filled, "the window is where the last number came"


def test_an_impossible_combination_is_explained_and_can_be_corrected(play):
    page = play(TUTORIAL)
    slide_to(page, "rows", 2)
    assert page.text(".conv-problem") == (
        "K: a kernel of 3 rows needs 3, and the input has 2. "
        "What would fit: K up to 2, P 1 or more, 'same', or an input of 3 rows or more."
    )
    assert "no output" in page.text(".conv-caption") and page.tab.locator(".conv-output").is_hidden()
    slide_to(page, "channels", 3)
    page.tab.locator("#hyperparameter-filters").press("ArrowRight")
    slide_to(page, "rows", 9)
    assert page.tab.locator(".conv-problem").is_hidden()
    page.tab.evaluate("location.hash = '#channels=4&filters=2&groups=2'")
    page.wait("document.querySelector('.conv-caption').textContent.endsWith('G 2')")
    slide_to(page, "channels", 5)
    assert page.text(".conv-problem").startswith("G: 2 groups must divide the channels (5) and the filters (2).")
    page.tab.locator("#hyperparameter-groups").select_option("1")
    assert page.tab.locator(".conv-problem").is_hidden()
    page.tab.get_by_role("button", name="Max pooling").click()
    page.tab.get_by_role("button", name="explicit").click()
    slide_to(page, "padding_rows", 4)
    assert page.text(".conv-problem").startswith("P: some pooling windows would contain only padding")


def test_every_view_is_a_link(play):
    page = play(TUTORIAL)
    slide_to(page, "dilation_rows", 2)
    page.tab.get_by_role("button", name="Average pooling").click()
    page.tab.locator("#hyperparameter-numbers").uncheck()
    page.wait("location.hash.includes('operation=average') && location.hash.includes('numbers=off')")
    link = page.tab.evaluate("location.hash")
    again = play(TUTORIAL, link)
    assert again.text(".conv-caption") == page.text(".conv-caption")
    assert again.text(".equation") == page.text(".equation")
    assert again.tab.locator(".conv-output text").count() == 0
    again.tab.get_by_role("button", name="Reset").click()
    assert again.text(".conv-caption") == TUTORIAL["caption"]


@pytest.mark.parametrize(
    "fragment",
    ["#rows=999&kernel_rows=-1&groups=7&row=400&column=400&filter=99&channel=99", "#%%%&operation=<b>&padding=full"],
)
def test_an_edited_link_breaks_nothing(play, fragment):
    page = play(TUTORIAL, fragment)
    assert page.text(".conv-caption").startswith("input (1, 9, 9)")


def test_damaged_data_are_reported(play):
    page = play(TUTORIAL | {"kernel": [[[[1, 2]]]]})
    assert "its data is invalid. Received: kernel=" in page.text("[role=alert]")


SHAPES = ["", "#rows=32&columns=32&padding=number&padding_rows=6&padding_columns=6&kernel_rows=7&kernel_columns=7",
          "#channels=8&filters=8&groups=2&kernel_columns=7&dilation_columns=3&columns=30", "#rows=2"]  # fmt: skip


@pytest.mark.parametrize("width", [1440, 820, 360])
@pytest.mark.parametrize("fragment", SHAPES)
def test_nothing_overflows_the_viewport(play, fragment, width):
    page = play(TUTORIAL, fragment, viewport={"width": width, "height": 800})
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= width
    for grid in page.tab.locator(".conv-grid:not([hidden])").all():
        box = grid.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width


@pytest.mark.parametrize("fragment", SHAPES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(play, fragment, scheme):
    page = play(TUTORIAL, fragment, color_scheme=scheme, bypass_csp=True)
    page.tab.add_script_tag(path=ROOT / "node_modules" / "axe-core" / "axe.min.js")
    found = page.tab.evaluate(
        "axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).slice(0, 3)))"
    )
    assert found == []


def test_negative_values_are_marked_without_color_when_values_are_hidden(play):
    page = play(TUTORIAL, "#numbers=off")
    negative = sum(value < 0 for row in TUTORIAL["output"] for pixel in row for value in pixel)
    marks = page.tab.locator(".conv-output .conv-minus").get_attribute("d")
    assert negative > 0 and marks.count("M") == negative


def test_the_page_is_small_enough_to_send(tmp_path):
    settings = {k: v for k, v in TUTORIAL.items() if k not in ("output", "caption")}
    assert len(sliding_page(settings).encode()) < 160_000
