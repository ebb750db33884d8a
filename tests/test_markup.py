"""What values show of themselves in a notebook, read by an HTML parser."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.api.open import page as write_run_page
from convscope.data.dataset import Dataset, LoadedData, Skipped
from convscope.data.preprocess import Preprocessing
from convscope.decisions import Decision
from convscope.evaluation.predict import Predictions
from convscope.training.run_folder import load_record

HOSTILE = '<script>alert("x")</script>'


class Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def pixels_of(attributes: dict) -> np.ndarray:
    content = base64.b64decode(attributes["src"].removeprefix("data:image/png;base64,"))
    return np.array(Image.open(io.BytesIO(content)))


def test_a_dataset_shows_its_counts_and_its_first_images() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (12, 4, 5, 3)).astype(np.uint8)
    data = Dataset(pixels, np.array([0] * 10 + [1] * 2), ("cat", HOSTILE), source="made up")
    seen = Reader(data._repr_html_())
    strips = seen.all("img")
    assert [strip["alt"] for strip in strips] == ["8 images of class cat", f"2 images of class {HOSTILE}"]
    np.testing.assert_array_equal(pixels_of(strips[0]), np.concatenate(pixels[:8], axis=1))
    assert not seen.all("script") and HOSTILE in seen.text and "10" in seen.text


def test_a_class_without_images_has_an_empty_place() -> None:
    seen = Reader(Dataset(np.zeros((1, 2, 2, 1), np.uint8), np.array([1]), ("a", "b"), source="x")._repr_html_())
    assert len(seen.all("img")) == 1


def test_loaded_data_show_their_parts_what_was_skipped_and_how_values_were_read() -> None:
    part = Dataset(np.zeros((3, 2, 2, 1), np.uint8), np.array([0, 1, 1]), ("a", HOSTILE), source="photos")
    skipped = tuple(Skipped(f"{index}-{HOSTILE}", "0 bytes") for index in range(11))
    data = LoadedData(
        part,
        None,
        Preprocessing(2, 2, 1),
        skipped,
        decisions=(Decision("pixel values", "float32 from 0 to 1", "range"),),
    )
    seen = Reader(data._repr_html_())
    for words in ("photos", "3 images", "none", "2×2, grayscale", "fit pad", "float32 from 0 to 1", "11 files", "7-"):
        assert words in seen.text, words
    assert "and 3 more" in seen.text and "8-" not in seen.text and not seen.all("script")
    assert repr(data) == "LoadedData(3 training images, 0 test images, 2×2×1, 2 classes, photos)"


def test_predictions_show_the_likeliest_classes_with_bars() -> None:
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], np.float32))
    seen = Reader(Predictions(logits, ("a", HOSTILE, "c"))._repr_html_())
    assert "a 70.0%" in seen.text and "c 80.0%" in seen.text and not seen.all("script")
    widths = [span["style"] for span in seen.all("span") if "width:70.0%" in span.get("style", "")]
    assert len(widths) == 1


def test_a_run_shows_its_figures_and_its_curve(short_run: Path) -> None:
    run = load_record(short_run)
    seen = Reader(run._repr_html_())
    assert f"{100 * run.test['accuracy']['rate']:.2f} %" in seen.text and "quick" in seen.text
    points = seen.all("polyline")[0]["points"].split()
    assert len(points) == len(run.history)
    assert "training loss from" in seen.text


def test_the_page_opens_inside_a_cell(short_run: Path, tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    opened = write_run_page(short_run, out=tmp_path / "page.html")
    frame = Reader(opened._repr_html_()).all("iframe")
    assert len(frame) == 1 and frame[0]["srcdoc"] == (tmp_path / "page.html").read_text(encoding="utf-8")
    (tmp_path / "notebook.html").write_text(f"<!doctype html><p>a cell</p>{opened._repr_html_()}", encoding="utf-8")
    complaints: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto((tmp_path / "notebook.html").as_uri())
        inside = page.frame_locator("iframe")
        inside.get_by_role("heading").first.wait_for()
        inside.get_by_role("tab").nth(1).click()
        inside.get_by_role("heading", name="Confusion matrix", exact=True).wait_for(timeout=10_000)
        browser.close()
    assert complaints == []
