"""The summary of a dataset: the same few lines from `train` and from ``convscope data``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from data.makers import png, write_pictures

from convscope.api.data_summary import summary_json, summary_lines
from convscope.api.load_data import load_data


def test_mnist_takes_few_lines_and_states_its_framing() -> None:
    lines = summary_lines(load_data("mnist"))
    assert lines[0] == "data: mnist, 60,000 training and 10,000 test images" and len(lines) <= 4
    assert lines[3].startswith("framing: as MNIST's: light ink on dark")


def test_a_clean_folder_takes_few_lines(tmp_path: Path) -> None:
    write_pictures(tmp_path / "d", {"cat": 10, "dog": 10})
    lines = summary_lines(load_data(tmp_path / "d"))
    assert len(lines) == 4
    assert lines[1:3] == ["classes: cat, dog", "images: 8×8, grayscale"] and lines[3].startswith("test split: 4 of 20")


def test_sizes_colors_parts_pages_and_skipped_files_are_stated(tmp_path: Path) -> None:
    write_pictures(tmp_path, {f"{part}/{name}": 12 for part in ("train", "test") for name in ("cat", "dog")})
    for index in range(5):
        (tmp_path / f"train/cat/{index}.json").write_text("{}")
    (tmp_path / "train/cat/large.png").write_bytes(png(np.full((40, 20, 3), (1, 2, 3), np.uint8)))
    (tmp_path / "train/cat/bad.png").write_bytes(b"")
    loaded = load_data(tmp_path)
    lines = summary_lines(loaded)
    assert "images: 8×8, RGB (the images are 8×8 to 40×20, change with --size; 1 of 49 images are in color)" in lines
    assert any(line.startswith("parts: train is the training part, test is the test part (both hold") for line in lines)
    assert "skipped: 5 files that are not images (.json)" in lines
    assert "skipped: train/cat/bad.png: 0 bytes" in lines
    assert summary_json(loaded)["summary"] == lines


def test_many_classes_and_files_are_shortened(tmp_path: Path) -> None:
    write_pictures(tmp_path, {f"c{index}": 3 for index in range(20)})
    for index in range(6):
        (tmp_path / f"c1/bad{index}.png").write_bytes(b"x")
    lines = summary_lines(load_data(tmp_path))
    assert lines[1] == f"classes: {', '.join(f'c{index}' for index in range(12))}, … (20)"
    (skipped,) = (line for line in lines if line.startswith("skipped"))
    assert "c1/bad0.png, c1/bad1.png, c1/bad2.png and 3 more: not an image" in skipped
    assert len(lines) <= 8


@pytest.mark.long
def test_train_prints_the_same_lines_before_it_starts(shapes_folder: Path, tmp_path: Path, convscope) -> None:
    described = convscope("data", shapes_folder, "--size", "28", "--json", cwd=tmp_path)
    lines = json.loads(described.stdout)["summary"]
    words = ("--epochs", "0.01", "--size", "28", "--out", tmp_path / "run")
    done = convscope("train", shapes_folder, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = done.stderr.splitlines()
    start = next(index for index, line in enumerate(shown) if line.startswith("starting TensorFlow"))
    assert shown[1 : 1 + len(lines)] == lines and start > len(lines)
    assert lines[0].startswith(f"data: {shapes_folder}")
