"""What a page shows beyond figures: the map of the test images, moments of the training, filters and their images."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PageResult, bundle_of, make_data, make_model, read_bundle, write_page
from harness import random_weights

from convscope.arrays import to_images
from convscope.model.forward import forward
from convscope.model.model_file import Model
from convscope.model.spec_parser import parse
from convscope.report.bundle_moments import LEAST_BYTES, MOST_FRACTION, moments_json, pack
from convscope.training.moments import MomentRecorder, Moments

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
    return write_page(bundle_of(model, data, moments=moments_of(model)), path), model, data.pixels


def moments_of(model: Model, *, steps: tuple[int, ...] = (0, 2, 8)) -> Moments:
    """Other random weights at a few steps of 16."""
    recorder = MomentRecorder(16, 8)
    for step in steps:
        recorder.record(step, random_weights(model.spec, seed=100 + step))
    return recorder.moments()


def run_in(page: PageResult, body: str) -> Any:
    """The result of JavaScript with the page's own session."""
    return page.tab.evaluate(
        """async (body) => {
          const { read_bundle, picture_bytes } = load_module("#web/core/bundle.js");
          const { create_session } = load_module("#web/core/session.js");
          const { parse_hash } = load_module("#web/core/state.js");
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
        """const { read_test_map } = load_module("#web/core/test_map.js");
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


def test_a_page_of_an_older_version_opens_without_all_of_this(show, made, tmp_path) -> None:
    bundle = read_bundle(made[0])
    for key in ("test_map", "top_images", "moments"):
        del bundle[key]
    page = show(write_page(bundle, tmp_path / "old.html"), "#tab=evaluation")  # type: ignore[arg-type]
    assert page.tab.locator(".good-test-map").is_hidden() and page.tab.locator(".good-learning").is_hidden()
    page.tab.keyboard.press("3")
    assert page.tab.locator(".kernel").count() == 6 and page.tab.locator(".top-image").count() == 0
    assert page.errors == []


def rounded(model: Model, step: int, bits: int) -> dict[str, np.ndarray]:
    return dict(pack(step, moments_of(model).float32(step), bits=bits).weights)


def test_the_weights_of_a_moment_arrive_as_they_were_rounded(show, made) -> None:
    path, model, pixels = made
    found = read_bundle(path)
    assert [one["step"] for one in found["moments"]["moments"]] == [0, 2, 8, 16]
    logits = run_in(
        show(path),
        """const { session_at } = load_module("#web/core/moments.js");
        const one = await session_at(session, 1);
        return [0, 5].map((at) => [...one.run(select(`#picture=p${at}`).image).logits]);""",
    )
    weights = rounded(model, 2, found["moments"]["bits"])
    images = to_images(pixels[[found["pictures"]["entries"][at]["index"] for at in (0, 5)]])
    assert np.array(logits) == pytest.approx(forward(model.spec, weights, images).logits, abs=1e-4)
    exact = moments_of(model).float32(2)["conv2d/kernel"]
    assert np.abs(weights["conv2d/kernel"] - exact).max() <= np.abs(exact).max() / 2 ** found["moments"]["bits"] * 1.01


def test_the_confusion_matrices_are_those_of_the_rounded_weights(made) -> None:
    path, model, pixels = made
    found = read_bundle(path)["moments"]
    for one in found["moments"][:-1]:
        logits = forward(model.spec, rounded(model, one["step"], found["bits"]), to_images(pixels)).logits
        expected = np.zeros((3, 3), int)
        np.add.at(expected, (np.arange(90) % 3, logits.argmax(axis=1)), 1)
        assert one["confusion"] == expected.tolist()


def test_the_slider_moves_the_prediction_the_filters_and_the_matrix_and_leads_back(show, made) -> None:
    path, model, pixels = made
    found = read_bundle(path)
    page = show(path, "#picture=p4&moment=1")
    index = found["pictures"]["entries"][4]["index"]
    logits = forward(model.spec, rounded(model, 2, found["moments"]["bits"]), to_images(pixels[[index]])).logits[0]
    expected = model.class_names[int(logits.argmax())]
    page.wait(f"document.querySelector('.prediction-class').textContent === '{expected}'")
    assert page.self_test() == "true", "the self-test is of the trained network"
    assert "Not the trained network" in page.text(".moment-bar")
    page.tab.keyboard.press("2")
    kernel = "document.querySelector('.kernel canvas').toDataURL()"
    matrix = page.tab.locator(".small-matrix").text_content()
    earlier = page.tab.evaluate(kernel)
    page.tab.locator(".moment-bar input").press("End")
    page.wait(f"{kernel} !== '{earlier}' && !location.hash.includes('moment')")
    assert page.tab.locator(".small-matrix").text_content() != matrix and page.tab.locator(".moment-bar").is_hidden()
    answers = page.tab.locator(".moment-answer").all_inner_texts()
    assert answers[1] == expected and len(answers) == 4
    page.tab.keyboard.press("1")
    assert page.text(".prediction-class") == model.class_names[found["pictures"]["entries"][4]["predicted"]]
    assert page.errors == []


def test_a_large_network_has_fewer_and_coarser_moments_within_the_budget() -> None:
    lines = "Flatten()\nDense(400)\nDense(num_classes, activation='softmax')"
    model = make_model(parse(lines, input_shape=(28, 28, 1), num_classes=10))
    steps = (0, 1, 2, 4, 6, 8, 12)
    found = moments_json(model, moments_of(model, steps=steps), make_data(model))
    size = sum(len(one["weights"]) for one in found["moments"])
    limit = MOST_FRACTION * sum(value.nbytes for value in model.weights.values()) * 4 / 3
    assert LEAST_BYTES < size <= limit and found["bits"] == 4
    kept = [one["step"] for one in found["moments"]]
    assert kept[0] == 0 and kept[-2:] == [12, 16] and found["dropped"] == len(steps) + 1 - len(kept) > 0


def test_the_images_that_excite_a_map_are_those_of_the_forward_pass(show, made) -> None:
    path, model, pixels = made
    entries = read_bundle(path)["pictures"]["entries"]
    found = run_in(
        show(path),
        """const { top_images } = load_module("#web/core/top_images.js");
        return [0, 1].map((layer) => [0, 1, 2, 3].map((channel) => top_images(bundle, layer, channel)));""",
    )
    images = to_images(pixels[[entry["index"] for entry in entries]])
    layers = forward(model.spec, model.weights, images).by_name
    for name, maps in zip(("conv2d", "conv2d_1"), found, strict=True):
        output = layers[name].output
        for channel, one in enumerate(maps):
            largest = output[..., channel].max(axis=(1, 2))
            assert [image["value"] for image in one["images"]] == pytest.approx(np.sort(largest)[::-1][:4], abs=1e-4)
            best = one["images"][0]
            place = output[best["entry"], best["row"], best["column"], channel]
            assert place == pytest.approx(largest.max(), abs=1e-4) and one["examined"] == 90
            # 3×3 with stride 2, then 3×3: 3 and 7 pixels wide, from twice the row on
            width = 3 if name == "conv2d" else 7
            assert best["span"]["r0"] == 2 * best["row"] and best["span"]["r1"] == 2 * best["row"] + width - 1


def test_a_filter_is_shown_in_its_colors_and_an_image_opens_at_its_place(show, made) -> None:
    path, model, _ = made
    page = show(path, "#tab=about&layer=0&channel=2")
    kernel = model.weights["conv2d/kernel"][..., 2]
    shown = page.tab.evaluate(
        "[...document.querySelectorAll('.kernel canvas')[2].getContext('2d').getImageData(0, 0, 3, 3).data]"
    )
    colors = np.array(shown).reshape(3, 3, 4)[..., :3]
    assert np.abs(colors - (127.5 + 127.5 * kernel / np.abs(kernel).max())).max() <= 1
    page.tab.locator(".top-image").first.click()
    page.wait("location.hash.includes('row=') && !location.hash.includes('tab=')")
    page.tab.evaluate("location.hash = '#tab=about&layer=1&channel=1'")
    page.wait("document.querySelectorAll('.kernel').length === 4")
    page.tab.locator(".kernel").nth(3).click()
    page.wait("location.hash.includes('channel=3')")
    assert "map 3 of conv2d_1" in page.text(".about-layout .filters-layout") and page.errors == []


def test_the_address_chooses_german(show, made) -> None:
    page = show(made[0], "?lang=de#tab=evaluation&moment=1")
    assert page.text(".good-test-map h2") == "Karte der Testbilder"
    assert "Nicht das trainierte Netz" in page.text(".moment-bar") and page.errors == []
