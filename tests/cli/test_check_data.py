"""``convscope data check`` as a person runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def spoiled(shapes_folder: Path, tmp_path: Path) -> Path:
    """The shapes, with a copy under another label, a broken file, a hostile name and a blank picture."""
    folder = shutil.copytree(shapes_folder, tmp_path / "shapes")
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    first = sorted(classes[0].iterdir())[0]
    shutil.copyfile(first, classes[1] / "copy.png")
    (classes[0] / "<script>alert(1)<script>.png").write_bytes(b"no picture")
    Image.new("RGB", (32, 24), (9, 9, 9)).save(classes[2] / "blank.png")
    return folder


def test_it_says_what_is_wrong_with_names_and_what_to_do(spoiled: Path, convscope) -> None:
    done = convscope("data", "check", spoiled.name, cwd=spoiled.parent)
    assert done.returncode == 0, done.stderr
    for words in ("Unreadable files: 1", "alert(1)", "in two classes: 1", "copy.png", "Blank images: 1"):
        assert words in done.stdout
    assert "Keep the image once" in done.stdout


def test_json_and_page_hold_all_findings(spoiled: Path, convscope) -> None:
    done = convscope("data", "check", spoiled.name, "--json", "--out", "check.html", cwd=spoiled.parent)
    told = json.loads(done.stdout)
    assert told["counts"]["two_labels"] == 1 and told["counts"]["unreadable"] == 1 and told["counts"]["blank"] == 1
    page = (spoiled.parent / "check.html").read_text(encoding="utf-8")
    for finding in told["findings"]:
        for name in finding["files"]:
            assert name.replace("<", "&lt;").replace(">", "&gt;") in page
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    assert page.count("<img ") == page.count('<img alt="') >= 3


def test_good_data_are_said_to_be_good(convscope, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 20, 20), np.uint8)
    np.savez(tmp_path / "d.npz", images=pixels, labels=np.arange(60) % 2)
    done = convscope("data", "check", "d.npz", cwd=tmp_path)
    assert done.returncode == 0 and "No problems found." in done.stdout


def test_without_data_and_run_it_is_one_clear_line(convscope, tmp_path: Path) -> None:
    done = convscope("data", "check", cwd=tmp_path)
    assert done.returncode == 2 and "--run RUN" in done.stderr and done.stdout == ""
    done = convscope("data", "check", "nowhere", cwd=tmp_path)
    assert done.returncode == 1 and "nowhere" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.long
def test_with_a_run_wrong_labels_are_found(shapes_folder: Path, convscope, tmp_path: Path) -> None:
    folder = shutil.copytree(shapes_folder, tmp_path / "shapes")
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    for index in (2, 5, 8):
        path = sorted(classes[0].glob("*"))[index]
        shutil.move(path, classes[1] / f"moved-{path.name}")
    done = convscope("train", "--data", "shapes", "--epochs", "25", "--size", "24", "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = convscope("data", "check", "--run", "run", "--json", cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    named = [f["files"][0] for f in told["findings"] if f["kind"] in ("label_error", "label_doubt")]
    assert sum("moved-" in name for name in named[:6]) >= 2, named
    assert told["cross_validated_accuracy"] > 0.7
