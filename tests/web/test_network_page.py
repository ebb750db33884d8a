"""The first screen: every map, the edges into the answer, and a value written out, with real pointer events."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PageResult, bundle_of, make_data, make_model, read_bundle, read_pixels, write_page

from convscope.arrays import to_images
from convscope.model.forward import forward
from convscope.model.model_file import load_model
from convscope.model.spec_parser import parse

NAMES = tuple(
    f"{color} {shape}"
    for color in ("red", "green", "blue", "dark yellow")
    for shape in ("x", "triangle", "circle with a hole", "star", "o")
)
TOUCH: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def mnist_page(short_run: Path) -> Path:
    return short_run / "page.html"


@pytest.fixture(scope="module")
def twenty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty classes with names of very different length."""
    lines = "Conv2D(8, 3, activation='relu')\nMaxPooling2D(2)\nFlatten()\nDense(num_classes, activation='softmax')"
    model = make_model(parse(lines, input_shape=(16, 16, 3), num_classes=20), NAMES)
    return write_page(bundle_of(model, make_data(model)), tmp_path_factory.mktemp("twenty") / "page.html")


@pytest.fixture(scope="module")
def wide_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More layers than fit side by side on a tablet."""
    convolutions = "Conv2D(16, 3, padding='same', activation='relu')\n" * 14
    lines = f"{convolutions}Flatten()\nDense(num_classes, activation='softmax')"
    model = make_model(parse(lines, input_shape=(8, 8, 3), num_classes=3))
    return write_page(bundle_of(model, make_data(model, 6)), tmp_path_factory.mktemp("wide") / "page.html")


def ready(page: PageResult) -> PageResult:
    page.tab.wait_for_selector(":is(.dock-where, .dock-empty):visible")
    page.tab.wait_for_timeout(250)  # the edges follow the maps
    return page


def head(page: PageResult, number: int) -> dict[str, float]:
    """The name of a column, in the order of the network; 0 is the image."""
    box = page.tab.locator(".column-head").nth(number).bounding_box()
    assert box
    return dict(box)


def middle_of(page: PageResult, number: int) -> tuple[float, float]:
    """A point inside the maps of a column."""
    box = head(page, number)
    return box["x"] + box["width"] / 2 - 8, box["y"] + box["height"] + 60


def edges(page: PageResult) -> list[int]:
    """The pixels of the edges' canvas."""
    return page.tab.evaluate(
        "(() => { const c = document.querySelector('.network-edges'), o = c.getContext('2d');"
        " return [...o.getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 97 === 0); })()"
    )


@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, {"width": 1280, "height": 720}])
def test_all_maps_the_answer_and_a_sum_are_on_the_first_screen(show, mnist_page, viewport):
    page = ready(show(mnist_page, viewport=viewport))
    assert page.tab.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == list(
        viewport.values()
    )
    scroll = page.tab.locator(".network-scroll")
    assert scroll.evaluate("e => e.scrollWidth <= e.clientWidth + 1 && e.scrollHeight <= e.clientHeight + 1")
    for part in (".network-maps", ".prediction-bars", ".dock-lines", ".pad", ".gallery-row", ".attribution-map"):
        box = page.tab.locator(part).bounding_box()
        assert box and box["y"] >= 0 and box["y"] + box["height"] <= viewport["height"], part
    network = read_bundle(mnist_page)["network"]
    heads = page.tab.locator(".column-head:visible").all_inner_texts()
    assert len(heads) == 1 + sum(
        layer["kind"] not in {"BatchNormalization", "ReLU", "Dense"} for layer in network["layers"]
    )
    bars = page.tab.locator(".prediction-bars")
    assert bars.evaluate("e => e.scrollHeight <= e.clientHeight + 1")  # all ten


def test_a_map_under_the_pointer_shows_what_it_reads_and_a_click_writes_it_out(show, mnist_page):
    page = ready(show(mnist_page, "#picture=p4"))
    at_rest = edges(page)
    page.tab.mouse.move(*middle_of(page, 3))
    page.wait("document.querySelector('.network-legend').textContent.startsWith('Conv2D, map ')")
    named = re.match(r"Conv2D, map (\d+) of 32", page.text(".network-legend"))
    assert named and edges(page) != at_rest
    page.tab.mouse.click(*middle_of(page, 3))
    page.wait(f"document.querySelector('.dock-where').textContent.startsWith('Conv2D map {named[1]},')")
    page.wait(f"location.hash.includes('layer=2') && location.hash.includes('channel={named[1]}')")
    page.tab.mouse.move(5, 5)
    page.wait("document.querySelector('.network-legend').textContent.startsWith('Edges:')")
    assert edges(page) == at_rest


def test_the_first_value_is_the_largest_of_the_first_layer(show, mnist_page, short_run):
    page = ready(show(mnist_page, "#picture=p3"))
    images = read_pixels(mnist_page)
    model = load_model(short_run / "model.safetensors")
    output = forward(model.spec, model.weights, to_images(images[3:4])).layers[0].output[0]
    row, column, channel = np.unravel_index(int(output.argmax()), output.shape)
    assert page.text(".dock-where") == f"Conv2D map {channel}, row {row}, column {column}"


def test_the_deep_sum_has_a_bar_for_each_map_and_another_map_can_be_shown(show, mnist_page):
    page = ready(show(mnist_page, "#picture=p2&layer=2&channel=5&row=2&column=3"))
    names, values = (page.tab.locator(f".dock-lines {tag}").all_inner_texts() for tag in ("dt", "dd"))
    total = names.index("sum")
    terms = [float(value.replace("−", "-")) for value in values]
    assert total == 4 and names[3] == "29 others"
    assert round(sum(terms[:total]), 6) == terms[total]  # as printed
    bars = page.tab.locator(".dock-parts")
    assert "32 maps" in bars.inner_text()
    before = page.text(".dock-input figcaption")
    bars.focus()
    page.tab.keyboard.press("ArrowRight")
    assert page.text(".dock-input figcaption") != before
    shown = re.search(r"map \d+", page.text(".dock-input figcaption"))
    assert shown and shown[0] in page.tab.locator(".dock-lines dt").all_inner_texts()


@pytest.mark.parametrize("way", ["click", "keyboard"])
def test_another_class_has_its_own_edges_and_explanation(show, mnist_page, way):
    page = ready(show(mnist_page, "#picture=p4"))
    predicted, before = page.text(".prediction-class"), edges(page)
    other = "3" if predicted != "3" else "5"
    if way == "click":
        page.tab.locator(".prediction-bar").nth(int(other)).click()
    else:
        page.tab.locator(".prediction-bars").focus()
        step = "ArrowDown" if int(other) > int(predicted) else "ArrowUp"
        for _ in range(abs(int(other) - int(predicted))):
            page.tab.keyboard.press(step)
    page.wait(f"document.querySelector('.network-legend b')?.textContent === '{other}'")
    page.wait(f"document.querySelector('.attribution-head h3').textContent === 'Why {other}?'")
    assert page.text(".prediction-class") == predicted
    assert edges(page) != before
    page.tab.locator(".prediction-bars").press("Escape")
    page.wait(f"document.querySelector('.network-legend b')?.textContent === '{predicted}'")
    assert edges(page) == before


def test_the_network_is_one_tab_stop_among_the_first_eight_and_arrows_move_in_it(show, mnist_page):
    page = ready(show(mnist_page, "#picture=p4"))
    stops = 0
    while not page.tab.evaluate("document.activeElement.classList.contains('network-stage')"):
        page.tab.keyboard.press("Tab")
        stops += 1
        assert stops <= 8
    page.tab.keyboard.press("ArrowDown")
    first = page.text(".network-legend")
    page.tab.keyboard.press("ArrowRight")
    assert page.text(".network-legend") != first
    for _ in range(40):
        page.tab.keyboard.press("ArrowUp")
        if page.tab.evaluate("document.activeElement.classList.contains('column-head')"):
            break
    page.tab.keyboard.press("ArrowDown")
    page.tab.keyboard.press("Enter")
    assert "Conv2D map" in page.text(".dock-where")
    page.tab.keyboard.press("Tab")
    assert not page.tab.evaluate("document.activeElement.closest('.network-stage')")


def test_the_layers_of_a_column_unfold_from_its_name(show, mnist_page):
    page = ready(show(mnist_page, "#picture=p4"))
    maps = page.tab.locator(".network-maps")
    before = maps.screenshot()
    page.tab.locator(".column-head").nth(3).click()
    names = page.tab.locator(".column-layers button b").all_inner_texts()
    assert names == ["3 Conv2D", "4 BatchNormalization", "5 ReLU"]
    page.tab.locator(".column-layers button").nth(1).click()
    page.wait("document.querySelector('.dock-where').textContent.startsWith('BatchNormalization map')")
    assert maps.screenshot() != before  # the column shows that layer now
    assert not page.tab.locator(".column-layers").is_visible()


def test_bars_are_comparable_whatever_the_names_and_a_cut_list_shows_that_it_goes_on(show, twenty):
    page = ready(show(twenty, viewport={"width": 1280, "height": 720}))
    tracks = [one.bounding_box() for one in page.tab.locator(".prediction-track").all()]
    assert len(tracks) == 20 and len({(box["x"], box["width"]) for box in tracks if box}) == 1
    assert page.tab.locator(".prediction-name").first.get_attribute("title") in NAMES
    assert "20 classes, most likely first" in page.text(".network-prediction")
    bars = page.tab.locator(".prediction-bars")
    assert "prediction-cut" in bars.get_attribute("class")
    bars.evaluate("e => { e.scrollTop = e.scrollHeight; }")
    page.wait("!document.querySelector('.prediction-bars').classList.contains('prediction-cut')")
    shown = [float(text.strip("%<> ")) for text in page.tab.locator(".prediction-bar > .number").all_inner_texts()]
    assert shown == sorted(shown, reverse=True)


def test_one_tap_on_a_map_raises_the_sheet_with_its_sum_on_a_phone(show, mnist_page):
    page = ready(show(mnist_page, "#picture=p4", **TOUCH))
    assert page.tab.evaluate("document.documentElement.scrollWidth") == 390
    handle = page.tab.locator(".sheet-handle")
    assert handle.get_attribute("aria-expanded") == "false"
    box = head(page, 1)
    page.tab.touchscreen.tap(60, box["y"] + box["height"] + 12)
    page.tab.wait_for_timeout(500)
    assert handle.get_attribute("aria-expanded") == "true"
    total = page.tab.locator(".dock-total").bounding_box()
    assert total and total["y"] + total["height"] <= 844
    assert page.text(".dock-where").startswith("Conv2D map 1,")
    handle.tap()
    page.tab.wait_for_timeout(400)
    assert page.tab.locator(".network-dock").bounding_box()["height"] < 80


def test_a_finger_that_rests_on_a_map_sees_it_magnified(show, mnist_page):
    page = ready(show(mnist_page, "#picture=p4", **TOUCH))
    box = head(page, 1)
    client = page.tab.context.new_cdp_session(page.tab)
    client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": 60, "y": box["y"] + 32}]})
    page.tab.wait_for_selector(".magnifier:visible")
    assert "map 1 of 32" in page.text(".magnifier")
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait("document.querySelector('.magnifier').hidden")


def swipe(page: PageResult, start: tuple[float, float], by: tuple[float, float]) -> None:
    """A finger moves over the screen in steps, as a browser reports them."""
    client = page.tab.context.new_cdp_session(page.tab)
    for step in range(13):
        point = {"x": start[0] + by[0] * step / 12, "y": start[1] + by[1] * step / 12}
        kind = "touchMove" if step else "touchStart"
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_swipe_on_the_maps_scrolls_the_page_and_selects_nothing(show, mnist_page):
    page = ready(show(mnist_page, "#picture=p4", **TOUCH))
    address = page.tab.url
    swipe(page, (60, head(page, 1)["y"] + 60), (0, -200))
    page.wait("scrollY > 100")
    assert page.tab.locator(".sheet-handle").get_attribute("aria-expanded") == "false"
    assert page.tab.url == address and not page.tab.locator(".magnifier").is_visible()


def test_a_swipe_across_a_network_that_is_too_wide_scrolls_it(show, wide_page):
    page = ready(show(wide_page, **(TOUCH | {"viewport": {"width": 820, "height": 1180}})))
    box = page.tab.locator(".network-scroll").bounding_box()
    assert box
    swipe(page, (600, box["y"] + 150), (-300, 0))
    page.wait("document.querySelector('.network-scroll').scrollLeft > 150")
    assert page.tab.evaluate("[scrollX, scrollY]") == [0, 0]


def test_a_swipe_on_the_map_of_the_test_images_scrolls_the_page_and_opens_nothing(show, mnist_page):
    page = show(mnist_page, "#tab=evaluation", **TOUCH)
    page.tab.locator(".test-map").scroll_into_view_if_needed()
    box, before = page.tab.locator(".test-map").bounding_box(), page.tab.evaluate("scrollY")
    assert box
    swipe(page, (box["x"] + box["width"] / 2, box["y"] + box["height"] - 30), (0, -200))
    page.wait(f"scrollY > {before} + 100")
    assert "tab=evaluation" in page.tab.url and page.tab.locator("#panel-evaluation").is_visible()


def test_on_a_phone_the_tabs_are_a_menu(show, mnist_page):
    page = ready(show(mnist_page, **TOUCH))
    tab = page.tab.get_by_role("tab", name="Evaluation")
    assert not tab.is_visible()
    page.tab.locator(".menu").tap()
    tab.tap()
    page.tab.wait_for_selector("#panel-evaluation:visible")
    assert not tab.is_visible() and "Evaluation" in page.text(".menu")


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_selected_map_travels_into_the_dock_unless_motion_is_reduced(show, mnist_page, motion):
    page = ready(show(mnist_page, "#picture=p4", reduced_motion=motion))
    page.tab.evaluate(
        "() => { window.seen = 0;"
        " new MutationObserver((list) => list.forEach((one) => one.addedNodes.forEach((node) =>"
        " { if (node.classList?.contains('traveler')) window.seen += 1; })))"
        ".observe(document.body, { childList: true }); }"
    )
    page.tab.mouse.click(*middle_of(page, 3))
    page.tab.wait_for_timeout(400)
    assert page.tab.evaluate("window.seen") == (0 if motion == "reduce" else 1)
    assert page.tab.locator(".traveler").count() == 0


def test_a_screen_reader_hears_a_prediction_when_it_rests_and_not_each_frame(show, mnist_page):
    page = ready(show(mnist_page, "#picture=p4"))
    page.tab.wait_for_timeout(700)
    page.tab.evaluate(
        "() => { window.spoken = [];"
        " for (const live of document.querySelectorAll('[aria-live], [role=status], output'))"
        " new MutationObserver(() => live.textContent && window.spoken.push(live.textContent))"
        ".observe(live, { childList: true, characterData: true, subtree: true }); }"
    )
    for picture in (0, 1, 2, 3, 5, 6, 7, 8):
        page.tab.evaluate(f"location.hash = '#picture=p{picture}'")
        page.tab.wait_for_timeout(30)
    page.tab.wait_for_timeout(900)
    assert page.tab.evaluate("window.spoken") == [
        f"{page.text('.prediction-class')}, {page.text('.prediction-probability')}"
    ]


@pytest.mark.parametrize(
    ("query", "shown", "gone"),
    [
        ("?embed=network", ".network-maps", ".pad, .prediction-bars, .head, .network-dock"),
        ("?embed=pad", ".pad, .prediction-class", ".network-maps, .head, .network-dock"),
        ("?embed=matrix", ".evaluation-matrix", ".pad, .head, .evaluation-scores, .evaluation-verdict"),
    ],
)
def test_a_part_of_the_page_can_be_shown_alone(show, mnist_page, query, shown, gone):
    page = show_query(show, mnist_page, query)
    for part in shown.split(", "):
        assert page.tab.locator(part).first.is_visible(), part
    for part in gone.split(", "):
        assert page.tab.locator(f"{part}:visible").count() == 0, part
    assert page.errors == []


def show_query(show, path: Path, query: str) -> PageResult:
    page = show(path)
    page.tab.goto(path.as_uri() + query)
    page.tab.wait_for_selector(".self-test[data-passed]", state="attached")
    page.tab.wait_for_timeout(300)
    return page


def test_large_text_has_no_letters_below_18_pixels(show, mnist_page):
    page = show_query(show, mnist_page, "?size=large#picture=p4")
    small = page.tab.evaluate(
        "[...document.querySelectorAll('#panel-network *, .head *')].filter((e) => e.checkVisibility() &&"
        " [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) &&"
        " parseFloat(getComputedStyle(e).fontSize) < 17.95)"
        ".map((e) => e.className + ' ' + getComputedStyle(e).fontSize)"
    )
    assert small == []
    assert page.tab.evaluate("document.documentElement.scrollWidth") == 1440


def test_large_text_fits_a_projector_with_the_network_and_a_whole_sum(show, mnist_page):
    page = show_query(show, mnist_page, "?size=large#picture=p4")
    page.tab.set_viewport_size({"width": 1280, "height": 720})
    page.wait("document.documentElement.scrollHeight === 720")
    assert not page.tab.locator(".network-vertical").count()
    for part in (".network-maps", ".dock-lines", ".gallery-row"):
        box = page.tab.locator(part).bounding_box()
        assert box and box["x"] + box["width"] <= 1280 and box["y"] + box["height"] <= 720, part


def test_the_terms_of_a_dense_sum_are_written_out_in_full_beside_the_other_parts_of_the_dock(show, mnist_page):
    last = len(read_bundle(mnist_page)["network"]["layers"]) - 1
    page = ready(show(mnist_page, f"#picture=p4&layer={last}", viewport={"width": 1280, "height": 720}))
    names = page.tab.locator(".dock-lines dt")
    assert "×" in names.first.inner_text()
    assert names.evaluate_all("all => all.every((e) => e.scrollWidth <= e.clientWidth + 1)")
    assert page.tab.locator(".dock-lines").evaluate("e => e.getBoundingClientRect().height") < 140


@pytest.mark.parametrize(
    "fragment", ["#row=5000&column=5000", "#layer=2&channel=7&row=3&column=5000", "#layer=8&row=0&column=9999"]
)
def test_a_link_to_a_pixel_outside_the_map_shows_the_strongest(show, mnist_page, fragment):
    page = ready(show(mnist_page, fragment))
    assert page.errors == []
    assert page.tab.locator(".dock-lines dd").count() > 0


def test_a_link_that_switches_off_what_does_not_exist_claims_nothing(show, mnist_page):
    page = ready(show(mnist_page, "#off=nope:3"))
    assert page.errors == [] and "disabled" not in page.text("#panel-network")
    assert page.tab.locator(".network-cross").count() == 0
    page.tab.evaluate("location.hash = '#picture=p1&off=conv2d:3'")
    page.wait("document.querySelector('#panel-network').textContent.includes('disabled')")
    assert page.tab.locator(".network-cross").count() == 1


def test_back_from_a_mistake_returns_to_its_place(show, mnist_page):
    page = show(mnist_page, "#tab=evaluation", viewport={"width": 1280, "height": 500})
    tile = page.tab.locator(".evaluation-tile").last
    tile.scroll_into_view_if_needed()
    assert page.tab.evaluate("scrollY") > 100
    before = tile.evaluate("e => e.getBoundingClientRect().top")
    tile.click()
    page.tab.wait_for_selector("#panel-network:visible")
    assert page.tab.evaluate("scrollY") == 0
    page.tab.go_back()
    page.tab.wait_for_selector("#panel-evaluation:visible")
    place = "[...document.querySelectorAll('.evaluation-tile')].at(-1).getBoundingClientRect().top"
    page.wait(f"Math.abs({place} - {before}) < 8")  # the map names the image meanwhile, in a line that may wrap
    assert page.tab.evaluate("document.activeElement.classList.contains('evaluation-tile')")


def test_a_printed_page_keeps_its_colors_on_at_most_five_sheets(show, mnist_page):
    page = ready(show(mnist_page, "#picture=p4"))
    page.tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.tab.wait_for_timeout(400)
    pdf = page.tab.pdf(format="A4", print_background=False)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf)) <= 5
    page.tab.emulate_media(media="print")
    adjust = "e => getComputedStyle(e).printColorAdjust"
    assert page.tab.locator(".prediction-fill").first.evaluate(adjust) == "exact"
    charts = page.tab.locator(".evaluation-chart").evaluate_all(
        "all => all.map((e) => { const svg = e.querySelector('svg'); svg.setAttribute('width', 5000);"
        " return svg.getBoundingClientRect().width < e.clientWidth + 1; })"
    )
    assert charts and all(charts)  # a chart that was drawn for a wider screen is reduced


def test_a_network_that_is_too_wide_is_printed_whole(show, wide_page):
    page = ready(show(wide_page))
    page.tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.tab.emulate_media(media="print")
    stage = page.tab.locator(".network-stage").bounding_box()
    assert stage and stage["width"] <= 691
    last = page.tab.locator(".column-head:visible").last.bounding_box()
    assert last and last["x"] + last["width"] <= stage["x"] + stage["width"] + 1
    assert "ideways" not in page.text(".network-legend")


def test_forced_colors_keep_bars_and_selection(show, mnist_page):
    page = ready(show(mnist_page, "#picture=p4", forced_colors="active"))
    color = "e => getComputedStyle(e).backgroundColor"
    first = page.tab.locator(".prediction-bar.first")
    assert first.locator(".prediction-fill").evaluate(color) != first.locator(".prediction-track").evaluate(color)
    tab = page.tab.locator("[role=tab][aria-selected=true]")
    assert tab.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    assert page.tab.locator(".scale-bar").first.evaluate("e => getComputedStyle(e).backgroundImage") != "none"


def test_the_outline_of_a_map_can_be_told_from_the_paper(show, mnist_page):
    for scheme in ("light", "dark"):
        page = ready(show(mnist_page, "#picture=p4", color_scheme=scheme))
        corner = page.tab.evaluate(
            "(() => { const c = document.querySelector('.network-maps');"
            " const b = document.querySelectorAll('.column-head')[1].getBoundingClientRect();"
            " const o = c.getBoundingClientRect(), x = Math.round(b.left + b.width / 2 - o.left);"
            " const d = c.getContext('2d').getImageData(x - 8, Math.round(b.bottom - o.top) - 4, 1, 60).data;"
            " for (let i = 0; i < d.length; i += 4) if (d[i + 3]) return [d[i], d[i + 1], d[i + 2]]; })()"
        )
        paper = [251, 250, 247] if scheme == "light" else [20, 23, 28]
        lighter, darker = sorted((luminance(corner), luminance(paper)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 3, (scheme, corner)


def luminance(color: list[int]) -> float:
    parts = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
