"""``convscope train``: what it prints, what it leaves, and what it leaves alone."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.model.model_file import load_model, weights_sha256
from convscope.training.options import TrainOptions, resolve
from convscope.training.threads import default_threads

PICTURES = {"learning_curves", "confusion_matrix", "predictions", "mistakes", "reliability"}
NATIVE_LINES = ("cuda", "oneDNN", "cpu_feature_guard", "TensorRT", "WARNING", "absl", "I0000", "E0000", "W0000")


@pytest.fixture(scope="module")
def plain_training(tmp_path_factory: pytest.TempPathFactory, convscope):
    """`convscope train --epochs 0.05` at home, in an empty folder, with an empty home."""
    folder, home = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("home")
    there = {"HOME": str(home), "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": "", "MPLCONFIGDIR": ""}
    done = convscope("train", "--epochs", "0.05", "--seed", "3", cwd=folder, **there)
    assert done.returncode == 0, done.stderr
    return done, folder, home


def test_results_go_to_stdout_and_progress_to_stderr(plain_training) -> None:
    done, folder, _ = plain_training
    run = next((folder / "runs").iterdir())
    assert done.stdout.startswith("accuracy ")
    for word in ("on the test split", "confused", "calibration", "time", f"runs/{run.name}", "Next:"):
        assert word in done.stdout
    phases = [line for line in done.stderr.splitlines() if line.endswith("…")]
    assert phases == ["reading mnist …", "starting TensorFlow …", "training …", "evaluating …", "drawing …"]
    about_data = tuple(f"{what}: " for what in ("data", "classes", "images", "framing", "recipe"))
    others = [line for line in done.stderr.splitlines() if not line.endswith("…") and not line.startswith(about_data)]
    assert others and all(line.startswith("step ") and "loss" in line and "validation" in line for line in others)


def test_the_next_commands_that_it_names_work(plain_training, convscope) -> None:
    done, folder, _ = plain_training
    lines = [line.split() for line in done.stdout.partition("Next:")[2].splitlines() if line.strip()]
    assert [line[:2] for line in lines] == [["convscope", verb] for verb in ("open", "predict", "evaluate", "summary")]
    Image.new("L", (40, 40), 255).save(folder.parent / "your-photo.png")
    for _, verb, *arguments in lines:
        given = [str(folder.parent / word) if word in ("your-photo.png", "seen.png") else word for word in arguments]
        assert convscope(verb, *given, cwd=folder).returncode == 0


def test_tensorflow_s_own_lines_never_appear(plain_training) -> None:
    done, _, _ = plain_training
    for word in NATIVE_LINES:
        assert word not in done.stderr and word not in done.stdout


def test_nothing_is_written_outside_the_working_folder(plain_training) -> None:
    _, folder, home = plain_training
    assert list(home.iterdir()) == []
    assert [path.name for path in folder.iterdir()] == ["runs"]
    assert len(list((folder / "runs").iterdir())) == 1


def test_the_config_of_a_run_trains_the_same_weights_again(plain_training, convscope) -> None:
    _, folder, _ = plain_training
    run = next((folder / "runs").iterdir())
    record = json.loads((run / "run.json").read_text())
    words = ("train", "--config", run / "config.toml", "--out", folder.parent / "again", "--json")
    done = convscope(*words, cwd=folder, PYTHONHASHSEED="2")
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)
    assert again["run"]["weights_sha256"] == record["weights_sha256"]
    assert again["run"]["options"] == record["options"]
    assert again["run"]["test"] == record["test"]
    assert again["folder"] == str(folder.parent / "again") and len(again["figures"]) == 5


def test_the_run_folder_holds_model_record_options_and_pictures(short_run: Path) -> None:
    files = {str(path.relative_to(short_run)) for path in short_run.rglob("*") if path.is_file()}
    pictures = {f"pictures/{name}.png" for name in PICTURES}
    written = {"model.safetensors", "proof.safetensors", "moments.safetensors", "run.json", "config.toml", "page.html"}
    assert files == written | pictures


def test_the_record_and_the_model_tell_of_the_same_weights(short_run: Path) -> None:
    record, model = json.loads((short_run / "run.json").read_text()), load_model(short_run / "model.safetensors")
    assert record["weights_sha256"] == weights_sha256(model.weights)
    assert record["network"]["parameters"] == model.spec.parameters
    assert record["outcome"] == "finished" and record["test"]["n"] == 10_000
    assert (record["data"]["train"], record["data"]["validation"], record["data"]["test"]) == (54_999, 5_001, 10_000)
    assert 0.9 < record["test"]["accuracy"]["rate"] < 1
    assert all(record["seconds"][name] >= 0 for name in ("load", "start", "train", "evaluate", "draw"))


def test_the_saved_options_are_fully_resolved(short_run: Path) -> None:
    saved = tomllib.loads((short_run / "config.toml").read_text())
    full = resolve(TrainOptions(model="quick", epochs=0.2, precision="float32", threads=default_threads()))
    assert saved == {name: value for name, value in vars(full).items() if value is not None}


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_every_picture_of_a_run_has_words_for_those_who_cannot_see_it(name: str, short_run: Path) -> None:
    with Image.open(short_run / "pictures" / f"{name}.png") as picture:
        assert picture.format == "PNG" and min(picture.size) > 300
        words = picture.info.get("Description", "")
    assert len(words) > 40 and words.strip().endswith((".", ")")), words


def test_a_picture_folder_of_one_s_own_with_a_spec_of_one_s_own(tmp_path: Path, shapes_folder: Path, convscope) -> None:
    shutil.copytree(shapes_folder, tmp_path / "shapes")
    broken = tmp_path / "shapes" / "disc" / "disc-07.png"
    broken.write_bytes(broken.read_bytes()[:80])
    lines = [
        "# mine",
        'Conv2D(12, 3, strides=2, activation="relu")',
        'Conv2D(16, 3, activation="relu")',
        "MaxPooling2D(2)",
        "Flatten()",
        'Dense(num_classes, activation="softmax")',
    ]
    (tmp_path / "mine.txt").write_text("\n".join(lines))
    done = convscope(
        *("train", "shapes", "--model", "mine.txt", "--epochs", "30", "--batch-size", "16", "--out", "deep/mine"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "skipped     1 unreadable files" in done.stdout and "disc-07.png" in done.stdout
    record = json.loads((tmp_path / "deep" / "mine" / "run.json").read_text())
    assert record["network"]["name"] == "mine"
    assert record["data"]["class_names"] == ["bar", "disc", "pole"] and record["data"]["image_shape"] == [24, 32, 3]
    assert record["test"]["accuracy"]["rate"] > 0.6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "mine.txt", "shapes"]

    pole = shapes_folder / "pole" / "pole-03.png"
    predicted = convscope("predict", "--run", "deep/mine", pole, "--json", cwd=tmp_path)
    choices = json.loads(predicted.stdout)["images"][0]["choices"]
    assert {choice["name"] for choice in choices} == {"bar", "disc", "pole"} and choices[0]["name"] == "pole"
    assert sum(choice["probability"] for choice in choices) == pytest.approx(1, abs=1e-5)

    measured = convscope("evaluate", "deep/mine", "--json", cwd=tmp_path)
    assert json.loads(measured.stdout)["evaluation"] == record["test"]


def test_an_out_that_is_not_empty_is_refused_and_untouched(short_run: Path, tmp_path: Path, convscope) -> None:
    shutil.copytree(short_run, tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    done = convscope("train", "--out", "run", cwd=tmp_path)
    assert done.returncode == 1 and "not empty" in done.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


def test_without_a_test_part_the_next_command_names_the_validation_part(shapes_folder, tmp_path, convscope) -> None:
    done = convscope("train", shapes_folder, "--epochs", 1, "--test-fraction", 0, "--out", "run", cwd=tmp_path)
    assert "convscope evaluate run --part validation" in done.stdout
    assert convscope("evaluate", "run", "--part", "validation", cwd=tmp_path).returncode == 0


@pytest.fixture(scope="module")
def run_with_a_strange_name(tmp_path_factory: pytest.TempPathFactory, convscope) -> Path:
    """Trained in a terminal that takes only ASCII: what UTF-8 cannot encode, ASCII cannot either."""
    folder = tmp_path_factory.mktemp("strange")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    data, run = folder / "d\udcff\x1b[31m.npz", folder / "r\udcff"
    np.savez(data, x=pixels, y=np.arange(40) % 2)
    (folder / "net.txt").write_text("Flatten()\nDense(num_classes, activation='softmax')")
    words = ("train", data, "--model", "net.txt", "--epochs", "1", "--out", run)
    done = convscope(*words, cwd=folder, PYTHONIOENCODING="ascii:strict")
    assert done.returncode == 0, done.stderr
    return run


@pytest.mark.parametrize("encoding", ["ascii:strict", "utf-8:strict"])
def test_names_that_are_no_text_and_a_terminal_that_takes_little_stop_nothing(
    encoding: str, run_with_a_strange_name: Path, tmp_path: Path, convscope
) -> None:
    run = run_with_a_strange_name
    done = convscope("evaluate", run, cwd=tmp_path, PYTHONIOENCODING=encoding)
    assert done.returncode == 0 and r"d\udcff\x1b[31m.npz" in done.stdout
    assert convscope("open", run, cwd=tmp_path, PYTHONIOENCODING=encoding).returncode == 0
    assert convscope("summary", "quick", cwd=tmp_path, PYTHONIOENCODING=encoding).returncode == 0
