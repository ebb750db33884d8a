"""What commands write, and where they say it: nothing of anybody's is written over, and nobody need listen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

NETWORK = 'Flatten()\nDense(num_classes, activation="softmax")'


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, convscope) -> Path:
    """A data set, a network, a picture, and a run of them."""
    folder = tmp_path_factory.mktemp("home")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    np.savez(folder / "d.npz", x=pixels, y=np.arange(40) % 2)
    (folder / "n.txt").write_text(NETWORK)
    Image.fromarray(pixels[0]).save(folder / "p.png")
    done = convscope("train", "d.npz", "--model", "n.txt", "--epochs", "1", "--out", "run", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    "words",
    [
        "open run --out run/model.safetensors",
        "open run --out d.npz",
        "predict p.png --out runs/one/model.safetensors",
        "explain p.png --run runs/one --method gradient --out runs/one/run.json",
        "open run --out ./run/../run/run.json",
        "data check d.npz --out d.npz",
        "data check --run run --out run/model.safetensors",
        "summary n.txt --out n.txt",
        "predict --run run p.png --out p.png",
        "predict --run run p.png --out link.png",
        "explain p.png --run run --method gradient --out p.png",
        "explain p.png --method gradient --out one --npz one",
        "conv --input p.png --out p.png",
    ],
)
def test_what_is_read_is_not_written_over(words: str, home: Path, tmp_path: Path, convscope) -> None:
    place = shutil.copytree(home, tmp_path / "home")
    shutil.copytree(place / "run", place / "runs" / "one")  # the newest below runs/, which nobody need name
    (place / "link.png").symlink_to("p.png")
    before = contents(place)
    done = convscope(*words.split(), cwd=place)
    assert done.returncode == 2 and "neither an input nor another output" in done.stderr, done.stderr
    assert contents(place) == before


@pytest.mark.parametrize("target", ["pipe", ".", "folder", ""])
def test_only_an_ordinary_file_is_replaced(target: str, home: Path, tmp_path: Path, convscope) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for words in (("open", home / "run"), ("data", "check", home / "d.npz"), ("summary", "quick")):
        done = convscope(*words, "--out", target, cwd=tmp_path)
        assert done.returncode == 1 and len(done.stderr.splitlines()) <= 4, done.stderr
        assert "internal error" not in done.stderr and "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]
    assert (tmp_path / "pipe").is_fifo()


def shell(words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """As a shell runs it, with its redirections."""
    command = f"{sys.executable} -m convscope {words}"
    return subprocess.run(
        ["bash", "-c", command], cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    "words", ["evaluate run >&-", "--help >&-", "--version >&-", "data check d.npz 2>&-", "summary"]
)
def test_a_stream_that_is_closed_stops_nothing(words: str, home: Path) -> None:
    done = shell(words, home)
    assert done.returncode == 0 and "Traceback" not in done.stderr and "internal error" not in done.stderr, done.stderr


@pytest.mark.parametrize(
    "redirection", [">&- 2>&-", pytest.param("2> >(head -c 3 >/dev/null)", marks=pytest.mark.long)]
)
def test_a_training_that_nobody_listens_to_comes_to_its_end(redirection: str, home: Path, tmp_path: Path) -> None:
    words = f"train {home / 'd.npz'} --model {home / 'n.txt'} --epochs 3 --out run {redirection}"
    assert shell(words, tmp_path).returncode == 0
    assert (tmp_path / "run" / "run.json").is_file()


def test_a_terminal_of_one_column_has_its_help(tmp_path: Path) -> None:
    assert "--epochs" in shell("train --help", tmp_path, COLUMNS="1").stdout


def test_what_somebody_draws_with_elsewhere_does_not_matter_here(home: Path, tmp_path: Path) -> None:
    done = shell(f"evaluate run --out {tmp_path / 'pictures'}", home, MPLBACKEND="nonsense")
    assert done.returncode == 0, done.stderr


def test_names_of_pictures_are_printed_as_escapes_where_they_move_the_cursor(
    home: Path, tmp_path: Path, convscope
) -> None:
    picture = tmp_path / "e\x1b[31m.png"
    shutil.copyfile(home / "p.png", picture)
    done = convscope("predict", "--run", home / "run", picture, cwd=tmp_path)
    assert done.returncode == 0 and r"e\x1b[31m.png" in done.stdout and "\x1b" not in done.stdout


def test_a_folder_of_pictures_may_have_its_answers_in_it(home: Path, tmp_path: Path, convscope) -> None:
    (tmp_path / "pictures").mkdir()
    for name in ("a.png", "b.png"):
        shutil.copyfile(home / "p.png", tmp_path / "pictures" / name)
    before = contents(tmp_path / "pictures")
    done = convscope("predict", "--run", home / "run", "pictures", "--out", "pictures", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "pictures").items() > before.items()


@pytest.mark.parametrize("encoding", ["ascii:strict", "cp1252:strict", "utf-8:strict"])
def test_json_is_json_whatever_the_terminal_takes(encoding: str, home: Path, tmp_path: Path) -> None:
    picture = tmp_path / "smile \U0001f600 \udcff.png"
    shutil.copyfile(home / "p.png", picture)
    done = subprocess.run(
        [sys.executable, "-m", "convscope", "predict", "--run", home / "run", picture, "--json"],
        env=os.environ | {"PYTHONIOENCODING": encoding}, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode(encoding.split(":")[0]))["images"][0]["name"] == str(picture)
