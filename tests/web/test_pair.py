"""Two networks on one page: the same image through both, and the images on which they disagree."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convscope.api.load_data import load_data
from convscope.api.open_pair import PairPage, open_pair
from convscope.errors import RunError
from convscope.evaluation.predict import predict
from convscope.model.model_file import Model, load_model, save_model


def changed_run(run: Path, folder: Path, **changes: object) -> tuple[Path, Model]:
    """A copy of a run with other weights or facts in its model."""
    shutil.copytree(run, folder)
    model = load_model(run / "model.safetensors")
    kernel = model.weights["dense/kernel"] * np.linspace(0.5, 1.4, 10, dtype=np.float32)
    changed = replace(model, **({"weights": {**model.weights, "dense/kernel": kernel}} | changes))
    save_model(changed, folder / "model.safetensors")
    return folder, changed


@pytest.fixture(scope="module")
def pair(short_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[PairPage, list[Model]]:
    folder = tmp_path_factory.mktemp("pair")
    other, model = changed_run(short_run, folder / "changed")
    (other / "proof.safetensors").unlink()  # it belongs to the other weights
    page = open_pair(short_run, other, out=folder / "pair.html", browser=False)
    return page, [load_model(short_run / "model.safetensors"), model]


def test_the_listed_images_are_those_on_which_the_networks_disagree(show, pair) -> None:
    written, models = pair
    test = load_data("mnist").test
    assert test is not None
    first, second = (predict(model, test.pixels).logits.argmax(axis=1) for model in models)
    differ = np.flatnonzero(first != second)
    assert written.disagreements == len(differ) > 20 and written.n == 10_000 and written.missing == ""
    page = show(written.path)
    bundle = json.loads(page.tab.locator("#bundle").text_content())
    counts = {
        "both": (first == test.labels) & (second == test.labels),
        "first_only": (first == test.labels) & (second != test.labels),
    }
    assert {name: bundle["paired"][name] for name in counts} == {name: int(one.sum()) for name, one in counts.items()}
    titles = page.tab.locator(".pair-list .evaluation-tile").evaluate_all("all => all.map((one) => one.title)")
    shown = [int(re.match(r"test image (\d+)", title)[1]) for title in titles]
    assert shown and set(shown) <= set(differ.tolist())
    assert page.errors == [] and "passed for both" in page.text(".self-test")


def test_one_image_goes_through_both_networks(show, pair) -> None:
    written, models = pair
    page = show(written.path)
    page.tab.locator(".pair-list .evaluation-tile").first.click()
    page.wait("document.querySelector('.pair-verdict').textContent.startsWith('They disagree')")
    position = int(
        page.tab.evaluate("new Promise((done) => setTimeout(() => done(location.hash), 600))").split("p")[-1]
    )
    test = load_data("mnist").test
    assert test is not None
    entry = json.loads(page.tab.locator("#bundle").text_content())["first"]["pictures"]["entries"][position]
    expected = [predict(model, test.pixels[[entry["index"]]]) for model in models]
    shown = page.tab.locator(".prediction-class").all_inner_texts()
    assert shown == [one.top(0)[0].name for one in expected]
    rates = page.tab.locator(".prediction-probability").all_inner_texts()
    for rate, one in zip(rates, expected, strict=True):
        assert float(rate.strip(" %<>")) == pytest.approx(100 * one.top(0)[0].probability, abs=0.06)
    page.tab.set_viewport_size({"width": 390, "height": 844})
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class_names": tuple("1023456789")}, "Expected two networks with the same classes in the same order."),
        ({"preprocessing": None}, "Expected two networks with the same preprocessing."),
    ],
)
def test_networks_that_cannot_be_compared_are_refused(short_run: Path, tmp_path: Path, change, message) -> None:
    if "preprocessing" in change:
        model = load_model(short_run / "model.safetensors")
        change = {"preprocessing": {**model.preprocessing, "polarity": "dark_on_light"}}
    other, _ = changed_run(short_run, tmp_path / "other", **change)
    with pytest.raises(RunError, match=re.escape(message)):
        open_pair(short_run, other, out=tmp_path / "pair.html", browser=False)
    assert not (tmp_path / "pair.html").exists()
