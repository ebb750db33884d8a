"""``convscope data``."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.data.readers import READERS


def test_the_list_names_every_kind_of_data(tmp_path: Path, convscope) -> None:
    done = convscope("data", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    for reader in READERS.values():
        assert reader.form in done.stdout and reader.contents in done.stdout


def test_the_list_as_json_has_the_same(tmp_path: Path, convscope) -> None:
    told = json.loads(convscope("data", "--json", cwd=tmp_path).stdout)
    assert [entry["kind"] for entry in told["sources"]] == list(READERS)


def test_mnist_is_described(tmp_path: Path, convscope) -> None:
    told = json.loads(convscope("data", "mnist", "--json", cwd=tmp_path).stdout)
    assert sum(told["class_counts"]["train"]) == 60_000 and sum(told["class_counts"]["test"]) == 10_000
    assert told["class_names"] == list("0123456789") and told["image_shape"] == [28, 28, 1]


def test_a_folder_of_pictures_is_described(shapes_folder: Path, tmp_path: Path, convscope) -> None:
    done = convscope("data", shapes_folder, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    assert "102 training and 18 test images" in done.stdout and "images: 24×32, RGB\n" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(("bar", "disc", "pole"))]
    assert rows == [["bar", "34", "6"], ["disc", "34", "6"], ["pole", "34", "6"]]


def test_size_brings_the_pictures_to_a_square(shapes_folder: Path, tmp_path: Path, convscope) -> None:
    told = json.loads(convscope("data", shapes_folder, "--size", "16", "--json", cwd=tmp_path).stdout)
    assert told["image_shape"] == [16, 16, 3] and told["skipped"] == []


@pytest.mark.long
def test_a_sheet_of_augmented_images_is_drawn(shapes_folder: Path, tmp_path: Path, convscope) -> None:
    done = convscope("data", shapes_folder, "--augment", "sheet.png", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.rstrip().endswith("sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert "7 augmented versions" in sheet.info["Description"] and "pole" in sheet.info["Description"]
        pixels = np.asarray(sheet.convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100
