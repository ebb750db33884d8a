"""``convscope summary``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from convscope.model.model_file import load_model
from convscope.model.presets import PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_a_table_whose_json_adds_up(preset: str, tmp_path: Path, convscope) -> None:
    told = json.loads(convscope("summary", preset, "--json", cwd=tmp_path).stdout)
    assert told["name"] == preset and told["input_shape"] == [28, 28, 1]
    assert sum(layer["parameters"] for layer in told["layers"]) == told["parameters"]
    assert sum(layer["multiply_adds"] for layer in told["layers"]) == told["multiply_adds"]
    assert told["layers"][-1]["output_shape"] == [10]


def test_the_tutorial_s_network_has_258826_parameters(tmp_path: Path, convscope) -> None:
    done = convscope("summary", "classic", "--out", "figures.png", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    assert "258,826 parameters, 43,041,024 multiply-adds per image." in done.stdout
    row = next(line for line in done.stdout.splitlines() if "Conv2D(128" in line)
    assert all(word in row for word in ("24×24×128", "73,856", "42,467,328", "5×5"))
    with Image.open(tmp_path / "figures.png") as picture:
        picture.load()
        assert picture.format == "PNG" and len(picture.info["Description"]) > 40


def test_quick_is_what_is_meant_when_nothing_is_said(tmp_path: Path, convscope) -> None:
    assert convscope("summary", cwd=tmp_path).stdout.startswith("quick: input 28×28×1, 10 classes")


def test_a_run_tells_its_own_network(short_run: Path, tmp_path: Path, convscope) -> None:
    spec = load_model(short_run / "model.safetensors").spec
    told = json.loads(convscope("summary", short_run, "--json", cwd=tmp_path).stdout)
    assert told["parameters"] == spec.parameters and len(told["layers"]) == len(spec.layers)


def test_input_and_classes_fit_a_spec_file_to_other_pictures(tmp_path: Path, convscope) -> None:
    (tmp_path / "mine.txt").write_text("Flatten()\nDense(num_classes, activation='softmax')\n")
    done = convscope("summary", "mine.txt", "--input-shape", "8x6x3", "--num-classes", "4", "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert told["parameters"] == 8 * 6 * 3 * 4 + 4 and told["layers"][0]["output_shape"] == [144]


def test_the_table_can_be_pasted_back_as_a_spec_file(tmp_path: Path, convscope) -> None:
    told = json.loads(convscope("summary", "quick", "--json", cwd=tmp_path).stdout)
    (tmp_path / "pasted.txt").write_text("\n".join(layer["layer"] for layer in told["layers"]))
    again = json.loads(convscope("summary", "pasted.txt", "--json", cwd=tmp_path).stdout)
    assert again["layers"] == told["layers"]


@pytest.mark.parametrize(("encoding", "character"), [("cp1252", "#"), ("ascii", "#"), ("utf-8", "█")])
def test_bars_are_drawn_in_any_console(encoding: str, character: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "convscope", "summary", "quick"],
        cwd=tmp_path, env=os.environ | {"PYTHONIOENCODING": encoding}, capture_output=True, timeout=60,
    )  # fmt: skip
    bars = [line.split()[-1] for line in done.stdout.decode(encoding).splitlines() if "Conv2D" in line]
    assert done.returncode == 0 and max(bars, key=len) == character * len(max(bars, key=len))
