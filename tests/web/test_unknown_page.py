"""The page says of the same images as `predict` that they are unlike anything that the network was trained on."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from conftest import PageResult, bundle_of, make_model, read_bundle, write_page

from convscope.arrays import to_images
from convscope.data import mnist
from convscope.data.dataset import Dataset
from convscope.evaluation.fit_reliability import fit_reliability
from convscope.evaluation.predict import predict
from convscope.evaluation.reliability import reliability_of
from convscope.model.features import logits_and_features
from convscope.model.model_file import Model
from convscope.model.presets import load_spec

ASK = """(async (words) => {
  const { read_bundle, picture_bytes } = load_module("#web/core/bundle.js");
  const { create_session } = load_module("#web/core/session.js");
  const { load_kinds } = load_module("#web/core/layer_kinds.js");
  const { parse_hash } = load_module("#web/core/state.js");
  const { read_familiarity } = load_module("#web/core/familiarity.js");
  const bundle = read_bundle(document.getElementById("bundle").textContent);
  await load_kinds(bundle.network.layers.map(({ kind }) => kind));
  const session = create_session(bundle, await picture_bytes(bundle.pictures));
  const familiarity = read_familiarity(session);
  return words.map((picture) => {
    const state = { ...parse_hash(""), picture };
    session.select(state);
    const answer = familiarity(state);
    return answer && { ...answer, nearest: answer.nearest() };
  });
})"""

TITLE = """(() => {
  const title = document.querySelector(".prediction-class");
  const box = title.getBoundingClientRect();
  const letters = document.createRange();
  let seen = "", right = 0;
  for (let at = 0; at < title.firstChild.length; at++) {
    letters.setStart(title.firstChild, at);
    letters.setEnd(title.firstChild, at + 1);
    const letter = letters.getBoundingClientRect();
    right = Math.max(right, letter.right);
    if (letter.bottom <= box.bottom + 2 && letter.right <= box.right + 1) seen += title.textContent[at];
  }
  return [seen, Math.floor(right)];
})()"""
"""The letters that lie within the box of the title, and its right border."""

PARTS = ".prediction-head, .prediction-note, .unknown > *, .prediction-bars, .network-attribution"
STACK = """(parts) => [...document.querySelectorAll(parts)]
  .map((one) => [one.className || one.textContent, one.getBoundingClientRect()])
  .filter(([, box]) => box.height)
  .map(([name, box]) => [name, box.top, box.bottom])"""
"""What is said, from top to bottom."""


def word_of(pixels: np.ndarray) -> str:
    """A picture as the address writes it: each run of zeros as a 0 and its length."""
    packed, values = bytearray(), pixels.ravel().tolist()
    for value in values:
        if value:
            packed.append(value)
        elif len(packed) > 1 and packed[-2] == 0 and packed[-1] < 255:
            packed[-1] += 1
        else:
            packed += bytes([0, 1])
    return "d" + base64.urlsafe_b64encode(bytes(packed)).decode().rstrip("=")


@dataclass(frozen=True)
class Scored:
    """A network with scores for unknown images, its page, the data it was fitted on, and noise, which is unknown."""

    model: Model
    pixels: np.ndarray
    shown: Dataset
    noise: np.ndarray
    path: Path


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    data = mnist.load_part("test").take(np.arange(1_500))
    pixels, labels = data.pixels, data.labels
    model = make_model(load_spec("quick", input_shape=(28, 28, 1), num_classes=10), tuple("0123456789"))
    model, _ = fit_reliability(replace(model, calibration={}), pixels[:700], pixels[700:1_200], labels[700:1_200])
    shown = replace(data.take(np.arange(1_300, 1_340)), names=(), known_wrong=())
    noise = np.random.default_rng(3).integers(1, 256, (2, 28, 28, 1)).astype(np.uint8)
    path = write_page(bundle_of(model, shown), tmp_path_factory.mktemp("scored") / "page.html")
    return Scored(model, pixels, shown, noise, path)


def test_a_drawn_picture_has_the_score_of_predict_and_its_nearest_images(
    show: Callable[..., PageResult], scored: Scored
) -> None:
    model, pixels, shown, noise, path = scored.model, scored.pixels, scored.shown, scored.noise, scored.path
    rejection = reliability_of(model).rejection
    assert rejection and model.subspace and model.subspace.directions.shape == (576, 64)
    drawn = np.concatenate([pixels[1_200:1_204], noise])
    page = show(path)
    found = page.tab.evaluate(f"{ASK}({[word_of(one) for one in drawn]})")
    scores = predict(model, drawn).scores
    threshold = rejection.threshold(0.01)
    assert scores is not None and threshold is not None
    for answer, score in zip(found, scores.tolist(), strict=True):
        np.testing.assert_allclose(answer["score"], score, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(answer["rank"], rejection.rank(score), atol=2e-3)
        assert answer["known"] is (score <= threshold)
    assert [one["known"] for one in found][-2:] == [False, False]

    entries = read_bundle(path)["pictures"]["entries"]
    right = [at for at, one in enumerate(entries) if one["label"] == one["predicted"]]
    images = np.concatenate([shown.pixels[[entries[at]["index"] for at in right]], drawn])
    features = logits_and_features(model.spec, model.weights, to_images(images))[1]
    codes = (features - model.subspace.center) @ model.subspace.directions[:, :16].astype(np.float32)
    for answer, code in zip(found, codes[len(right) :], strict=True):
        distances = np.linalg.norm(codes[: len(right)] - code, axis=1)
        nearest = [distances[right.index(at)] for at in answer["nearest"]]
        assert len(nearest) == min(4, len(right))
        np.testing.assert_allclose(nearest, np.sort(distances)[: len(nearest)], rtol=0.02)

    page.tab.goto(f"{path.as_uri()}#picture={word_of(noise[0])}")
    page.tab.reload()
    page.tab.wait_for_selector(".unknown:not([hidden])")
    said = page.text(".network-prediction")
    assert said.split("\n\n")[1] == "Unlike anything it was trained on" and "of 500 held-out images" in said
    assert page.tab.locator(".unknown-image").count() == min(4, len(right)) and not page.errors
    page.tab.locator(".unknown-image").first.click()
    page.tab.wait_for_selector(".unknown[hidden]", state="attached")
    page.wait("location.hash.includes('picture=p')")  # written later than the picture is shown

    held_out = predict(model, pixels[700:1_200]).scores
    assert held_out is not None
    below = held_out < threshold - 1e-3  # the image at the threshold itself may be rounded to either side
    unusual = pixels[700 + int(np.argmax(np.where(below, held_out, -np.inf)))]
    page.tab.goto(f"{path.as_uri()}#picture={word_of(unusual)}")
    page.tab.reload()
    page.tab.wait_for_selector(".prediction-unusual")
    assert re.search(r"Unusual: less familiar than 9[5-9]\S* % of 500", page.text(".prediction-note"))


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_title_of_an_unknown_picture_is_whole_on_a_phone(
    show: Callable[..., PageResult], scored: Scored, language: str
) -> None:
    page = show(scored.path, f"?lang={language}#picture={word_of(scored.noise[0])}")
    page.tab.wait_for_selector(".prediction-unknown")
    for size in ("", "large"):
        page.tab.evaluate(f"document.documentElement.dataset.size = '{size}'")
        for width in (390, 360, 320):
            page.tab.set_viewport_size({"width": width, "height": 800})
            lines, right = page.tab.evaluate(TITLE)
            assert lines == page.text(".prediction-class"), (size, width)
            assert right <= width, (size, width)


@pytest.mark.parametrize("language", ["en", "de"])
def test_what_is_said_of_an_unknown_picture_covers_nothing(
    show: Callable[..., PageResult], scored: Scored, language: str
) -> None:
    page = show(scored.path, f"?lang={language}#picture={word_of(scored.noise[0])}")
    page.tab.wait_for_selector(".unknown:not([hidden])")
    page.tab.wait_for_selector(".dock-where:visible")
    for width, height in ((1280, 720), (1440, 900), (844, 390)):
        page.tab.set_viewport_size({"width": width, "height": height})
        boxes = page.tab.evaluate(STACK, PARTS)
        assert len(boxes) >= 4
        for (name, _, bottom), (other, top, _) in itertools.pairwise(boxes):
            assert bottom <= top + 1, (width, name, other)
