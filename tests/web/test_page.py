"""The finished page in a real browser, opened from disk: interactions and errors."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import PageResult, bundle_of, make_data, make_model, read_bundle, read_pixels, with_bundle, write_page
from PIL import Image

from convscope.api.predict import predict
from convscope.arrays import to_images
from convscope.evaluation.intervals import Proportion
from convscope.model.forward import forward
from convscope.model.model_file import Model, load_model
from convscope.model.spec import Spec
from convscope.model.spec_parser import parse

ROOT = Path(__file__).parents[2]

STRANGE = """
Conv2D(6, (3, 2), strides=(2, 1), padding="same", activation="relu")
Conv2D(4, 3, dilation_rate=2, groups=2, padding="same", activation="tanh")
BatchNormalization()
SeparableConv2D(5, 3, activation="relu")
MaxPooling2D((2, 3))
DepthwiseConv2D(2, depth_multiplier=2)
Flatten()
Dense(num_classes, activation="softmax")
"""
BRANCHED = """
shortcut = Conv2D(4, 1)(input)
Conv2D(4, 3, padding="same")(input)
LeakyReLU(0.1)
Add()(shortcut, leaky_re_lu)
LayerNormalization()
ZeroPadding2D(((1, 0), (2, 1)))
Rescaling(0.5, 0.25)
GlobalMaxPooling2D()
Dense(num_classes, activation="softmax")
"""
HOSTILE = ("</script><script>window.hacked = 1</script>", '{{bundle}}"><img src=x onerror=window.hacked=2>', "<!--")


@pytest.fixture(scope="module")
def mnist_page(short_run: Path) -> Path:
    return short_run / "page.html"


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Model]:
    """Three classes in color at 48×32, strided, dilated, grouped, with hostile class names."""
    spec = parse(STRANGE, input_shape=(32, 48, 3), num_classes=3)
    model = make_model(spec, HOSTILE)
    path = tmp_path_factory.mktemp("strange") / "page.html"
    return write_page(bundle_of(model, make_data(model)), path), model


@pytest.fixture(scope="module")
def branched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Model]:
    """A shortcut around a convolution, and the kinds that the presets do not have."""
    model = make_model(parse(BRANCHED, input_shape=(12, 10, 3), num_classes=3))
    path = tmp_path_factory.mktemp("branched") / "page.html"
    return write_page(bundle_of(model, make_data(model)), path), model


def image_of(path: Path, position: int) -> np.ndarray:
    return to_images(read_pixels(path)[position : position + 1])


@pytest.fixture(scope="module")
def photo_page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A page whose images are compressed, and the images that belong into it."""
    lines = "Conv2D(2, 9, strides=8)\nFlatten()\nDense(num_classes, activation='softmax')"
    model = make_model(parse(lines, input_shape=(90, 70, 3), num_classes=2))
    data = make_data(model, n=20)
    bundle = bundle_of(model, data)
    path = write_page(bundle, tmp_path_factory.mktemp("photos") / "page.html")
    return path, data.pixels[[entry["index"] for entry in bundle["pictures"]["entries"]]]


def test_compressed_images_arrive_in_the_browser_byte_for_byte(show, photo_page):
    path, pixels = photo_page
    assert read_bundle(path)["pictures"]["encoding"] == "deflate"
    page = show(path)
    read = """async () => {
      const { picture_bytes, read_bundle } = load_module("#web/core/bundle.js");
      return [...(await picture_bytes(read_bundle(document.getElementById("bundle").textContent).pictures)).data];
    }"""
    assert np.array_equal(np.array(page.tab.evaluate(read), np.uint8).reshape(pixels.shape), pixels)
    assert page.self_test() == "true" and page.errors == []


def test_a_bundle_with_plain_images_as_older_versions_wrote_them_opens(show, photo_page, tmp_path):
    path, pixels = photo_page
    bundle = read_bundle(path)
    bundle["pictures"]["pixels"]["base64"] = base64.b64encode(pixels.tobytes()).decode()
    del bundle["pictures"]["encoding"]
    old, now = show(with_bundle(path, bundle, tmp_path / "old.html")), show(path)
    assert old.self_test() == "true" and old.errors == []
    for page in (old, now):  # the explanation is the last to come
        page.wait("Boolean(document.querySelector('.network-attribution .scale-bar'))")
    assert old.text("#page") == now.text("#page")


def test_a_cross_validated_accuracy_is_the_one_that_is_quoted(show, photo_page, tmp_path):
    path, _ = photo_page
    folds = {"folds": 5, "accuracy": Proportion(61, 200).to_json()}
    page = show(with_bundle(path, read_bundle(path) | {"cross_validation": folds}, tmp_path / "folds.html"))
    assert "30.5 % accurate" in page.text("h1")
    page.tab.keyboard.press("2")
    verdict = page.text(".evaluation-verdict")
    assert "30.5 % accuracy on 200 images, by 5-fold cross-validation" in " ".join(verdict.split())
    assert "24.5 to 37.2 %" in verdict and "on its test images (n = 20)" in verdict
    assert page.errors == []


def test_images_that_cannot_be_decompressed_are_reported(show, photo_page, tmp_path):
    bundle = read_bundle(photo_page[0])
    bundle["pictures"]["pixels"]["base64"] = base64.b64encode(b"no zlib").decode()
    page = show(with_bundle(photo_page[0], bundle, tmp_path / "bad.html"))
    assert "images cannot be decompressed" in page.text("[role=alert]")


def test_the_page_passes_its_self_test_and_makes_no_requests(show, mnist_page):
    page = show(mnist_page)
    assert page.self_test() == "true"
    assert not page.tab.locator(".self-test-words").is_visible()
    page.tab.locator(".self-test").click()
    assert "TensorFlow" in page.text(".self-test-words")
    assert page.errors == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert len([url for url in page.requests if url.startswith("file:")]) == 1


def test_a_drawn_stroke_is_read_while_it_is_drawn(show, mnist_page):
    page = show(mnist_page)
    box = page.tab.locator(".pad").bounding_box()
    x, y = box["x"] + box["width"] * 0.52, box["y"]
    page.tab.mouse.move(x, y + box["height"] * 0.2)
    page.tab.mouse.down()
    page.tab.mouse.move(x - 3, y + box["height"] * 0.8, steps=8)
    page.tab.wait_for_timeout(400)
    assert page.text(".prediction-class") == "1"  # the pen is still down
    page.tab.mouse.up()
    page.tab.wait_for_timeout(800)  # the address follows when the drawing rests
    assert "picture=d" in page.tab.evaluate("location.hash")
    again = show(mnist_page, page.tab.evaluate("location.hash"))
    assert again.text(".prediction-class") == "1"
    assert again.text(".prediction-probability") == page.text(".prediction-probability")


def test_a_selected_value_is_written_out_as_numpy_computes_it(show, mnist_page, short_run):
    page = show(mnist_page, "#picture=p2&layer=0&channel=5&row=6&column=7")
    model = load_model(short_run / "model.safetensors")
    layer = forward(model.spec, model.weights, image_of(mnist_page, 2)).layers[0]
    before, after = layer.pre_activation[0, 6, 7, 5], layer.output[0, 6, 7, 5]
    lines = sum_lines(page)
    assert lines["sum"] == pytest.approx(before, abs=6e-4)  # three decimals are shown
    assert lines["relu"] == pytest.approx(after, abs=6e-4)
    grids = page.tab.locator(".dock-grid").all()
    window, kernel, products = ([number(text) for text in grid.locator("td").all_inner_texts()] for grid in grids)
    assert np.round(sum(products), 3) == lines.get("25 products")  # the printed products add up to the printed sum
    assert np.dot(window, kernel) == pytest.approx(before, abs=0.1)  # two decimals each


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def sum_lines(page: PageResult) -> dict[str, float]:
    """The sum as it is written out: each term, its result, and what the next layers make of it."""
    page.tab.wait_for_selector(".dock-lines")
    names, values = (page.tab.locator(f".dock-lines {tag}").all_inner_texts() for tag in ("dt", "dd"))
    return {name: number(value) for name, value in zip(names, values, strict=True)}


def sum_lines_text(page: PageResult) -> str:
    return page.text(".dock-lines")


def all_terms(page: PageResult) -> PageResult:
    page.tab.get_by_role("button", name="All terms").click()
    return page


def test_a_click_on_a_map_selects_that_pixel(show, mnist_page):
    page = show(mnist_page, "#layer=0")
    large = page.tab.locator(".layer-large")
    large.scroll_into_view_if_needed()
    box = large.bounding_box()
    page.tab.mouse.click(box["x"] + box["width"] * 3.5 / 14, box["y"] + box["height"] * 9.5 / 14)
    page.wait("location.hash.includes('row=9') && location.hash.includes('column=3')")
    assert "row 9, column 3" in page.text(".dock-where")
    assert page.tab.locator(".network-stage .frame:visible").count() >= 2  # what it sees of the image, and the map


def test_the_window_slides_and_the_output_fills_in(show, mnist_page):
    page = show(mnist_page, "#layer=0")
    page.tab.wait_for_selector(".dock-where")
    for _ in range(3):
        page.tab.keyboard.press("n")
    assert "row 0, column 2" in page.text(".dock-where")
    filled = page.tab.evaluate(
        "(() => { const c = document.querySelector('.layer-large');"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; })()"
    )
    assert filled == 3
    page.tab.keyboard.press("p")
    page.tab.wait_for_timeout(600)
    page.tab.keyboard.press("p")
    where = page.text(".dock-where")
    page.tab.wait_for_timeout(400)
    assert "column 2" not in where and page.text(".dock-where") == where  # it ran, and it rests


def test_a_disabled_filter_changes_the_prediction_as_in_numpy(show, mnist_page, short_run):
    model = load_model(short_run / "model.safetensors")
    silenced = {name: value.copy() for name, value in model.weights.items()}
    silenced["conv2d/kernel"][..., 4] = 0
    page = show(mnist_page, "#picture=p4&layer=0&channel=4")
    page.tab.get_by_role("button", name="Disable map 4").click()
    expected = forward(model.spec, silenced, image_of(mnist_page, 4)).logits[0] / model.calibration["temperature"]
    powers = np.exp(expected - expected.max())
    assert page.text(".prediction-class") == model.class_names[int(expected.argmax())]
    shown = page.text(".prediction-probability").strip(" %").lstrip("> ")
    assert float(shown) == pytest.approx(100 * powers.max() / powers.sum(), abs=0.06)
    assert "disabled" in page.text(".network-prediction")


def test_a_confusion_cell_opens_its_images(show, mnist_page):
    bundle = read_bundle(mnist_page)
    confusion = np.array(bundle["evaluation"]["confusion"])
    np.fill_diagonal(confusion, 0)
    true, predicted = np.unravel_index(confusion.argmax(), confusion.shape)
    page = show(mnist_page, f"#tab=evaluation&cell={true}-{predicted}")
    tiles = page.tab.get_by_role("button", name=re.compile(rf"label {true}, predicted {predicted}"))
    assert tiles.first.is_visible()
    tiles.first.click()
    page.tab.wait_for_selector(".prediction-class")
    assert page.text(".prediction-class") == str(predicted)
    assert f"label {true}: wrong" in page.text(".network-prediction")


def test_everything_can_be_done_by_keyboard(show, mnist_page):
    page = show(mnist_page, "#layer=0&channel=2&row=0&column=0")
    page.tab.keyboard.press("2")
    assert page.tab.get_by_role("tab", selected=True).inner_text() == "Evaluation"
    page.tab.locator("[role=tab][aria-selected=true]").focus()
    page.tab.keyboard.press("ArrowLeft")
    assert page.tab.get_by_role("tab", selected=True).inner_text() == "Network"
    page.tab.locator(".layer-large").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.tab.keyboard.press(key)
    assert "map 2, row 2, column 1" in page.text(".dock-where")


@pytest.mark.parametrize("why", ["gradient", "occlusion"])
def test_an_explanation_has_a_map_and_a_scale(show, mnist_page, why):
    page = show(mnist_page, f"#picture=p1&why={why}")
    page.wait("Boolean(document.querySelector('.network-attribution .scale-bar'))")
    assert "logit" in page.text(".network-attribution .layer-scale")


def test_a_network_of_zeros_has_no_evidence(show, tmp_path):
    spec = parse("Flatten()\nDense(num_classes, activation='softmax')", input_shape=(6, 6, 1), num_classes=2)
    model = make_model(spec)
    model.weights["dense/kernel"][:] = 0
    page = show(write_page(bundle_of(model, make_data(model)), tmp_path / "page.html"), "#why=gradient")
    assert "No evidence" in page.text(".network-attribution .layer-scale")


def test_color_images_strides_dilation_groups_and_hostile_class_names(show, strange):
    path, model = strange
    page = show(path, "#picture=p3&layer=1&channel=2&row=4&column=5")
    assert page.self_test() == "true"
    expected = forward(model.spec, model.weights, image_of(path, 3))
    assert page.text(".prediction-class") == HOSTILE[int(expected.logits.argmax())]
    value = expected.layers[1].output[0, 4, 5, 2]
    assert sum_lines(page)["BatchNormalization"] == pytest.approx(expected.layers[2].output[0, 4, 5, 2], abs=6e-4)
    assert sum_lines(page)["tanh"] == pytest.approx(value, abs=6e-4)
    for key in ("2", "3"):
        page.tab.keyboard.press(key)
        page.tab.wait_for_timeout(100)
    assert page.tab.evaluate("window.hacked") is None
    assert page.errors == []


def test_every_layer_of_a_strange_network_can_be_selected(show, strange):
    path, model = strange
    page = all_terms(show(path, "#picture=p0"))
    for index, row in enumerate(model.spec.table()):
        page.tab.evaluate(f"location.hash = '#picture=p0&layer={index}&row=0&column=0'")
        page.wait(f"document.querySelector('.terms-body').textContent.startsWith('{row.name}, ')")
        assert row.kind in page.text(".dock-where")
        assert page.text(".equation") and sum_lines_text(page)
    assert page.errors == []


def test_every_layer_of_a_network_with_branches_can_be_selected(show, branched):
    path, model = branched
    page = all_terms(show(path, "#picture=p1"))
    assert page.self_test() == "true"
    for index, row in enumerate(model.spec.table()):
        page.tab.evaluate(f"location.hash = '#picture=p1&layer={index}&row=0&column=1&why=gradient'")
        page.wait(f"document.querySelector('.terms-body').textContent.startsWith('{row.name}, ')")
        assert row.kind in page.text(".dock-where")
        assert page.text(".equation") and sum_lines_text(page)
    page.tab.evaluate("location.hash = '#picture=p1&layer=3&channel=2&row=4&column=5'")
    page.wait("document.querySelector('.dock-where').textContent.startsWith('Add map 2, row 4, column 5')")
    layers = {layer.name: layer.output[0] for layer in forward(model.spec, model.weights, image_of(path, 1)).layers}
    expected = [layers[name][4, 5, 2] for name in ("shortcut", "leaky_re_lu", "add")]
    shown = [float(n) for n in re.findall(r"[-−]?\d+\.?\d*", page.text(".equation").replace("−", "-"))]
    assert shown == pytest.approx(expected, abs=6e-4)
    assert "also leaky_re_lu" in page.text(".dock-input figcaption")
    assert page.errors == []


def test_a_corrupted_weight_fails_the_self_test(show, mnist_page, tmp_path):
    bundle = read_bundle(mnist_page)
    kernel = bundle["weights"]["conv2d_1/kernel"]
    values = np.frombuffer(base64.b64decode(kernel["base64"]), "<f4").copy()
    values[100] += 3
    kernel["base64"] = base64.b64encode(values.tobytes()).decode()
    page = show(with_bundle(mnist_page, bundle, tmp_path / "bad.html"))
    assert page.self_test() == "false"
    assert "Do not trust" in page.text(".self-test-words")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda bundle: bundle | {"schema_version": 99}, "Received: schema_version=99"),
        (lambda bundle: {k: v for k, v in bundle.items() if k != "network"}, "has no network"),
        (lambda bundle: "{not json", "damaged"),
        (lambda bundle: bundle | {"weights": {}}, "conv2d"),
    ],
)
def test_a_broken_or_newer_page_shows_an_error(show, mnist_page, tmp_path, change, message):
    page = show(with_bundle(mnist_page, change(read_bundle(mnist_page)), tmp_path / "bad.html"))
    assert message in page.text("[role=alert]")


@pytest.mark.parametrize("tab", ["network", "evaluation", "about"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_tab(show, mnist_page, tab, scheme):
    page = show(mnist_page, f"#tab={tab}&row=5&column=5&why=gradient&cell=4-9", color_scheme=scheme, bypass_csp=True)
    page.self_test()
    page.tab.add_script_tag(path=ROOT / "node_modules" / "axe-core" / "axe.min.js")
    for width in (1440, 820, 390):
        page.tab.set_viewport_size({"width": width, "height": 900})
        page.tab.wait_for_timeout(150)
        found = page.tab.evaluate(
            "axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).slice(0, 3)))"
        )
        assert found == [], width


@pytest.mark.parametrize("width", [1440, 820, 390])
@pytest.mark.parametrize("tab", ["network", "evaluation", "about"])
def test_nothing_overflows_the_viewport(show, mnist_page, tab, width):
    page = show(mnist_page, f"#tab={tab}&row=0&column=4", viewport={"width": width, "height": 900})
    for layer in range(len(read_bundle(mnist_page)["network"]["layers"]) if tab == "network" else 1):
        page.tab.evaluate(f"location.hash = '#tab={tab}&picture=p4&layer={layer}&row=0&column=4&why=occlusion'")
        page.tab.wait_for_timeout(60)
        assert page.tab.evaluate("document.documentElement.scrollWidth") <= width, f"layer {layer}"


def test_firefox_shows_the_first_screen_with_its_prediction(mnist_page, tmp_path):
    picture = tmp_path / "firefox.png"
    command = ["firefox-esr", "--headless", "--profile", str(tmp_path / "profile"), "--window-size", "1440,900"]
    (tmp_path / "profile").mkdir()
    subprocess.run(
        [*command, "--screenshot", str(picture), mnist_page.as_uri()], check=True, timeout=120, capture_output=True
    )
    shown = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    bar = np.abs(shown - (11, 87, 168)).sum(axis=2) < 12
    assert bar.sum() > 1500  # the answer's bar: the network has been computed
    assert (shown < 40).all(axis=2).sum() > 20_000  # the pad and the digit on black


def test_the_network_is_the_one_that_the_spec_says(strange):
    path, model = strange
    assert isinstance(model.spec, Spec)
    assert [layer["name"] for layer in read_bundle(path)["network"]["layers"]] == [
        row.name for row in model.spec.table()
    ]


def test_stored_data_of_this_schema_version_still_opens(show, mnist_page, tmp_path):
    """tests/cases/bundle_2.json is kept as it was written."""
    old = json.loads((ROOT / "tests" / "cases" / "bundle_2.json").read_text())
    page = show(with_bundle(mnist_page, old, tmp_path / "old.html"), "#row=1&column=1")
    assert page.self_test() == "true"
    assert sum_lines(page)
    for key in ("2", "3"):
        page.tab.keyboard.press(key)
        page.tab.wait_for_timeout(100)
    assert page.errors == []


def test_the_next_elementwise_layers_are_shown_with_a_convolution(show, mnist_page, short_run):
    page = all_terms(show(mnist_page, "#picture=p2&layer=2&channel=5&row=2&column=3"))
    model = load_model(short_run / "model.safetensors")
    layers = forward(model.spec, model.weights, image_of(mnist_page, 2)).layers
    shown = page.text(".terms-then").replace("−", "-").splitlines()
    assert [line.split(":")[0] for line in shown] == ["then batch_normalization", "then re_lu"]
    for line, layer in zip(shown, layers[3:5], strict=True):
        assert float(line.split()[-1]) == pytest.approx(layer.output[0, 2, 3, 5], abs=6e-4)


@pytest.mark.parametrize(
    "fragment",
    [
        "#layer=99&channel=999&row=900&column=900&target=77&picture=p99999&cell=99-99&tab=evaluation",
        "#layer=-1&row=-1&why=gradient&target=500&off=conv2d:99999,nothing:1",
        "#picture=dAAAA&layer=2&row=2",
        "#picture=p4&layer=2&channel=3&row=500&column=600",
        "#picture=" + "d" * 30000,
        "#%%%&tab=<script>&layer=1e9",
    ],
)
def test_an_edited_link_breaks_nothing(show, mnist_page, fragment):
    page = show(mnist_page, fragment)
    assert page.self_test() == "true"
    page.tab.evaluate("location.hash = '#layer=98&row=3&column=3&picture=p1'")
    page.tab.wait_for_timeout(100)
    assert page.text(".prediction-class")
    assert page.errors == []


def test_all_three_tabs_are_printed(show, mnist_page, tmp_path):
    page = show(mnist_page)
    page.self_test()
    page.tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.tab.emulate_media(media="print")
    for tab in ("network", "evaluation", "about"):
        assert page.tab.locator(f"#panel-{tab}").bounding_box()["height"] > 300


def test_a_photo_is_prepared_and_read_as_python_does_it(show, mnist_page, short_run, tmp_path):
    digit = 255 - image_pixels(mnist_page, 7)
    photo = tmp_path / "photo.png"  # lossless and without a colour profile: a browser decodes it to the same bytes
    Image.fromarray(digit).resize((300, 300), Image.Resampling.BICUBIC).convert("RGB").save(photo)
    expected = predict(photo, run=short_run)
    page = show(mnist_page)
    page.tab.set_input_files("#file", photo)
    page.wait("location.hash.includes('picture=d')")
    word = re.search("picture=(d[^&]*)", page.tab.evaluate("location.hash"))[1]
    text = base64.urlsafe_b64decode(word[1:] + "=" * (-len(word[1:]) % 4))
    seen, at = np.zeros(28 * 28, np.uint8), 0
    bytes_left = iter(text)
    for value in bytes_left:  # runs of zeros are counted
        if value:
            seen[at] = value
        at += 1 if value else next(bytes_left)
    assert at == seen.size
    np.testing.assert_array_equal(seen.reshape(28, 28, 1), expected[0].seen)
    assert page.text(".prediction-class") == expected[0].choices[0].name


def test_a_file_that_is_not_an_image_is_reported(show, mnist_page, tmp_path):
    (tmp_path / "notes.txt").write_text("not a picture")
    page = show(mnist_page)
    page.tab.set_input_files("#file", tmp_path / "notes.txt")
    page.wait("document.querySelector('.network-pad [role=status]').textContent.includes('notes.txt cannot be read')")


def image_pixels(path: Path, position: int) -> np.ndarray:
    return np.round(image_of(path, position)[0, :, :, 0] * 255).astype(np.uint8)


def test_a_network_for_large_color_photos_classifies_a_photo(show, tmp_path):
    lines = "Conv2D(4, 5, strides=4, activation='relu')\nFlatten()\nDense(num_classes, activation='softmax')"
    model = make_model(parse(lines, input_shape=(120, 120, 3), num_classes=2))
    photo = np.random.default_rng(2).integers(0, 256, (120, 120, 3)).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    page = show(write_page(bundle_of(model, make_data(model, 4)), tmp_path / "page.html"))
    page.tab.set_input_files("#file", tmp_path / "photo.png")
    page.wait("document.querySelector('.network-prediction').textContent.includes('Computed in your browser')")
    expected = forward(model.spec, model.weights, to_images(photo[None])).logits[0] / 1.5
    share = 1 / (1 + np.exp(-abs(expected[0] - expected[1])))
    assert page.text(".prediction-class") == model.class_names[int(expected.argmax())]
    assert float(page.text(".prediction-probability").strip(" %><")) == pytest.approx(100 * share, abs=0.06)


def test_the_softmax_explains_the_temperature(show, mnist_page):
    page = all_terms(show(mnist_page, "#picture=p4&layer=9&row=0&column=4"))
    share = page.text(".prediction-probability")
    assert f"{page.text('.prediction-class')} then has {share}." in page.text(".softmax-temperature")


def test_an_image_without_ink_gets_no_class_and_the_network_does_not_run(show, mnist_page, tmp_path):
    Image.new("RGB", (300, 300), (250, 250, 248)).save(tmp_path / "blank.png")
    page = show(mnist_page)
    page.tab.set_input_files("#file", tmp_path / "blank.png")
    page.wait("document.querySelector('.prediction-class').textContent === 'No ink found'")
    assert page.tab.locator(".prediction-bar:visible").count() == 0
    page.tab.wait_for_timeout(800)  # the address follows
    again = show(mnist_page, page.tab.evaluate("location.hash"))
    assert again.text(".prediction-class") == "No ink found"
    page.tab.get_by_role("button", name="Clear (x)").click()
    page.wait("document.querySelector('.prediction-class').textContent === '–'")
    assert page.errors == [] and again.errors == []


def test_the_page_says_that_there_are_several_digits(show, mnist_page, tmp_path):
    pixels = read_pixels(mnist_page)[:2, :, :, 0]
    Image.fromarray(np.hstack([np.kron(one, np.ones((5, 5), np.uint8)) for one in pixels])).save(tmp_path / "two.png")
    page = show(mnist_page)
    page.tab.set_input_files("#file", tmp_path / "two.png")
    page.wait("document.body.innerText.includes('2 digits found')")
    assert page.errors == []
