"""How large a page becomes: images within a budget."""

from __future__ import annotations

import base64
import zlib
from dataclasses import replace

import numpy as np
import pytest
from conftest import bundle_of, make_data, make_model
from harness import random_weights

from convscope.api.load_data import load_data
from convscope.data.dataset import Dataset
from convscope.evaluation.predict import predict
from convscope.model.presets import load_spec
from convscope.model.spec_parser import parse
from convscope.report.bundle import Bundle
from convscope.report.bundle_pictures import PICTURES_BYTES
from convscope.report.page import page
from convscope.training.moments import MomentRecorder, moment_steps


def photo_bundle(side: int, *, images: int) -> tuple[Bundle, Dataset]:
    lines = "Conv2D(2, 9, strides=8)\nFlatten()\nDense(num_classes, activation='softmax')"
    model = make_model(parse(lines, input_shape=(side, side, 3), num_classes=3))
    data = make_data(model, n=images)
    return bundle_of(model, data), data


def test_the_images_of_a_page_stay_within_their_budget_with_a_gallery_and_mistakes() -> None:
    bundle, _ = photo_bundle(256, images=80)
    pictures = bundle["pictures"]
    packed = base64.b64decode(pictures["pixels"]["base64"])
    assert pictures["encoding"] == "deflate" and len(packed) < 1.1 * PICTURES_BYTES
    gallery = [entry["gallery"] for entry in pictures["entries"]]
    assert 5 <= sum(gallery) < 60 and gallery.count(False) > 0 and gallery == sorted(gallery, reverse=True)
    assert len(zlib.decompress(packed)) == len(gallery) * 256 * 256 * 3


def test_small_images_are_all_there_and_not_compressed() -> None:
    bundle, data = photo_bundle(24, images=80)
    assert bundle["pictures"]["encoding"] == "" and sum(one["gallery"] for one in bundle["pictures"]["entries"]) == 60
    pixels = np.frombuffer(base64.b64decode(bundle["pictures"]["pixels"]["base64"]), np.uint8)
    positions = [one["index"] for one in bundle["pictures"]["entries"]]
    assert np.array_equal(pixels.reshape(-1, 24, 24, 3), data.pixels[positions])


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "limit"), [("quick", 1_200_000), ("classic", 3_000_000)])
def test_a_page_of_mnist_with_everything_in_it_is_small(preset: str, limit: int) -> None:
    """Random weights, with labels that make as many mistakes as a trained network does."""
    test = load_data("mnist").test
    assert test is not None
    model = make_model(load_spec(preset, input_shape=(28, 28, 1), num_classes=10), tuple("0123456789"))
    data = replace(test.take(np.arange(600)), names=(), known_wrong=())
    labels = predict(model, data.pixels).logits.argmax(axis=1).astype(np.int64)
    labels[:100] = (labels[:100] + 1) % 10
    recorder = MomentRecorder(640, 640)
    for step in moment_steps(640):
        recorder.record(step, random_weights(model.spec, seed=step + 1))
    bundle = bundle_of(model, replace(data, labels=labels), moments=recorder.moments())
    assert bundle["moments"] and bundle["test_map"] and len(bundle["pictures"]["entries"]) > 160
    assert len(page(bundle).encode()) <= limit
    assert len(bundle["moments"]["moments"]) >= (8 if preset == "quick" else 4)
