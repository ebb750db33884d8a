"""How large a page becomes: images within a budget."""

from __future__ import annotations

import base64
import zlib

import numpy as np
from conftest import bundle_of, make_data, make_model

from convscope.data.dataset import Dataset
from convscope.model.spec_parser import parse
from convscope.report.bundle import Bundle
from convscope.report.bundle_pictures import PICTURES_BYTES


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
