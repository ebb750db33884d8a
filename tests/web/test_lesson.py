"""The lesson on the page: eight steps, each with a question whose answer NumPy computes here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import PageResult, bundle_of, make_data, make_model, read_pixels, write_page

from convscope.arrays import to_images
from convscope.model.forward import forward
from convscope.model.model_file import Model
from convscope.model.spec_parser import parse

LINES = (
    "Conv2D(5, 3, strides=2, activation='relu')\nMaxPooling2D(2)\nFlatten()\nDense(num_classes, activation='softmax')"
)
NAMES = ("cat", "dog", "owl")


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Model]:
    model = make_model(parse(LINES, input_shape=(20, 18, 1), num_classes=3), NAMES)
    return write_page(bundle_of(model, make_data(model)), tmp_path_factory.mktemp("lesson") / "page.html"), model


def enter(page: PageResult, text: str) -> str:
    page.tab.fill("#lesson-answer", text)
    page.tab.press("#lesson-answer", "Enter")
    return page.text(".lesson-verdict")


def following(page: PageResult) -> str:
    page.tab.get_by_role("button", name="Next").click()
    return page.text(".lesson h2")


def test_eight_steps_move_the_page_and_accept_what_numpy_computes(show, lesson) -> None:
    path, model = lesson
    page = show(path, "?lesson#picture=p4")
    page.tab.wait_for_selector(".dock-where:visible")
    image = to_images(read_pixels(path)[4:5])
    seen = forward(model.spec, model.weights, image)
    conv, pool, flat, _ = (layer.output[0] for layer in seen.layers)
    row, column, channel = np.unravel_index(int(conv.argmax()), conv.shape)
    window = image[0, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3, 0]

    assert page.text(".lesson h2") == "1. Pixel"
    assert "Not yet" in enter(page, f"{window.max() - 0.2:.2f}")
    assert "Right" in enter(page, f"{window.max():.2f}".replace(".", ","))
    assert following(page) == "2. Filter" and "Not yet" in enter(page, "8") and "It is 9." in enter(page, "10")
    assert "Right" in enter(page, "9") and "lesson=2" in page.tab.url
    assert following(page) == "3. Slide" and "Right" in enter(page, str(conv.shape[1]))
    assert page.text(".dock-where").endswith("row 0, column 0")

    assert following(page) == "4. Feature map"
    begin = page.text(".dock-where")
    page.tab.focus(".layer-large")
    page.tab.keyboard.press(
        "ArrowUp" if begin.endswith(f"row {conv.shape[0] - 1}, column {conv.shape[1] - 1}") else "ArrowDown"
    )
    assert "Not yet" in page.text(".lesson-verdict")
    page.tab.evaluate(f"location.hash = 'picture=p4&layer=0&channel={channel}&row={row}&column={column}'")
    page.wait("document.querySelector('.lesson-verdict').textContent.startsWith('Right')")

    before = seen.layers[0].pre_activation
    assert before is not None and following(page) == "5. ReLU"
    assert f"{before.min():.3f}" in page.text(".lesson-text") and "Not yet" in enter(page, f"{before.min():.2f}")
    assert "Right" in enter(page, "0")
    assert following(page) == "6. Pooling" and "Right" in enter(page, str(pool.shape[0] * pool.shape[1]))
    assert page.text(".dock-where").startswith("MaxPooling2D")
    assert following(page) == "7. Dense layer" and "Right" in enter(page, f"{flat.size}")

    assert following(page) == "8. Softmax" and page.tab.get_by_role("button", name="Next").is_disabled()
    order = np.argsort(-seen.logits[0])
    page.tab.click(f"#class-{order[2]}")
    assert "Not yet" in page.text(".lesson-verdict")
    page.tab.click(f"#class-{order[1]}")
    assert page.text(".lesson-verdict") == f"Right: {NAMES[order[1]]}."
    page.tab.get_by_role("button", name="Close the lesson").click()
    assert page.tab.locator(".lesson").count() == 0 and page.errors == []


def test_a_network_without_a_layer_skips_its_step_and_a_link_begins_later_in_german_on_a_phone(show, tmp_path) -> None:
    model = make_model(
        parse(
            "Flatten()\nDense(4, activation='tanh')\nDense(num_classes, activation='softmax')",
            input_shape=(8, 8, 1),
            num_classes=3,
        ),
        NAMES,
    )
    path = write_page(bundle_of(model, make_data(model)), tmp_path / "page.html")
    page = show(path, "?lesson")
    assert page.text(
        ".lesson h2"
    ) == "7. Dense layer" and "Pixel, Filter, Slide, Feature map, ReLU, Pooling" in page.text(".lesson-verdict")
    assert "Right" in enter(page, "4")  # the last layer reads four values
    page = show(path, "?lesson=8&lang=de", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert page.text(".lesson h2") == "8. Softmax" and "Wahrscheinlichkeiten" in page.text(".lesson-text")
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= 390
    page.tab.get_by_role("button", name="Zurück").tap()
    page.tab.wait_for_selector(".sheet-raised .dock-where:visible")
    assert page.tab.locator("#lesson-answer").bounding_box()["height"] >= 44 and page.errors == []


def test_without_the_query_there_is_no_lesson_and_another_image_asks_again(show, lesson) -> None:
    path, _ = lesson
    assert show(path).tab.locator(".lesson").count() == 0
    page = show(path, "?lesson=1#picture=p1")
    enter(page, "7")
    page.tab.wait_for_selector(".gallery-item")
    page.tab.locator(".gallery-item").nth(5).click()
    assert page.text(".lesson-verdict") == "" and page.tab.input_value("#lesson-answer") == ""
