"""What the evaluation tab explores beyond the figures: the map of the test images."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PageResult, bundle_of, make_data, make_model, read_bundle, write_page

from convscope.arrays import to_images
from convscope.model.forward import forward
from convscope.model.model_file import Model
from convscope.model.spec_parser import parse

LINES = """
Conv2D(6, 3, strides=2, activation="relu")
Conv2D(4, 3, activation="relu")
Flatten()
Dense(num_classes, activation="softmax")
"""


def values(array: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(array["base64"]), np.dtype(array["dtype"])).reshape(array["shape"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Model, np.ndarray]:
    """A page in color with 90 images, of which some are only points."""
    model = make_model(parse(LINES, input_shape=(17, 21, 3), num_classes=3))
    data = make_data(model, n=90)
    path = tmp_path_factory.mktemp("explored") / "page.html"
    return write_page(bundle_of(model, data), path), model, data.pixels


def run_in(page: PageResult, body: str) -> Any:
    """The result of JavaScript with the page's own session."""
    return page.tab.evaluate(
        """async (body) => {
          const { read_bundle, picture_bytes } = await import("#web/core/bundle.js");
          const { create_session } = await import("#web/core/session.js");
          const { parse_hash } = await import("#web/core/state.js");
          const bundle = read_bundle(document.getElementById("bundle").textContent);
          const session = create_session(bundle, await picture_bytes(bundle.pictures));
          const select = (hash) => { session.select(parse_hash(hash)); return session.activations; };
          """
        + f"{body} }}"
    )


def test_the_points_are_the_projected_features_of_their_images(made) -> None:
    path, model, pixels = made
    found = read_bundle(path)["test_map"]
    indexes, points = values(found["indexes"]), values(found["points"])
    assert found["layer"] == "flatten" and sorted(indexes.tolist()) == list(range(90))
    layers = forward(model.spec, model.weights, to_images(pixels[indexes])).by_name
    features = layers["flatten"].output.astype(float)
    centered = features - features.mean(axis=0)
    expected = centered @ np.linalg.svd(centered, full_matrices=False)[2][:2].T
    shown = np.array(found["low"]) + points / 65535 * found["span"]
    signs = np.sign(np.sum(shown * expected, axis=0))
    assert np.abs(shown - expected * signs).max() < 0.01 * found["span"]
    assert np.array_equal(values(found["predicted"]), layers["dense"].output.argmax(axis=1))


def test_the_page_gives_an_image_the_place_of_its_point(show, made) -> None:
    placed = run_in(
        show(made[0]),
        """const { read_test_map } = await import("#web/core/test_map.js");
        const { points, place } = read_test_map(bundle);
        return points.filter(({ entry }) => entry >= 0).map((point) => {
          const spot = place(select(`#picture=p${point.entry}`));
          return [spot.x - point.x, spot.y - point.y];
        });""",
    )
    assert len(placed) >= 60 and np.abs(placed).max() < 1e-4


def test_a_point_opens_its_image_with_the_mouse_and_with_the_keyboard(show, made) -> None:
    page = show(made[0], "#tab=evaluation&picture=p1")
    ring = page.tab.locator(".test-map-here")
    ring.scroll_into_view_if_needed()
    box = ring.locator("path").bounding_box()
    page.tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert page.tab.locator(".test-map-detail button").count() == 1
    page.tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait("location.hash.includes('picture=p1') && !location.hash.includes('tab=')")
    page.tab.evaluate("location.hash = '#tab=evaluation&picture=p1'")
    page.tab.wait_for_selector(".test-map")
    page.tab.locator(".test-map").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowRight"):
        page.tab.keyboard.press(key)
    title = page.tab.locator(".test-map-detail button").get_attribute("title")
    page.tab.keyboard.press("Enter")
    page.wait("!location.hash.includes('tab=')")
    position = int(page.tab.evaluate("new URLSearchParams(location.hash.slice(1)).get('picture')").removeprefix("p"))
    assert title.startswith(f"test image {read_bundle(made[0])['pictures']['entries'][position]['index']} ")
    assert page.errors == []


def test_a_drawing_moves_in_the_map_and_every_class_has_its_own_mark(show, made) -> None:
    page = show(made[0], "#tab=evaluation&picture=p1")
    where = page.tab.locator(".test-map-here").get_attribute("transform")
    page.tab.evaluate("location.hash = '#tab=evaluation&picture=p2'")
    page.wait(f"document.querySelector('.test-map-here').getAttribute('transform') !== '{where}'")
    marks = page.tab.locator(".test-map-class path").evaluate_all("all => all.map((one) => one.getAttribute('d'))")
    assert len(set(marks)) == 3
    page.tab.locator(".test-map-class").nth(1).click()
    assert page.tab.locator(".test-map-faint").count() == 2


def test_a_page_of_an_older_version_opens_without_the_map(show, made, tmp_path) -> None:
    bundle = read_bundle(made[0])
    for key in ("test_map", "top_images"):
        del bundle[key]
    page = show(write_page(bundle, tmp_path / "old.html"), "#tab=evaluation")  # type: ignore[arg-type]
    assert page.tab.locator(".good-test-map").is_hidden() and page.errors == []
