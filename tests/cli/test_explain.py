"""``convscope explain``."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import before_all

from convscope.explanation.saliency import EXPLAINERS


def complaints(stderr: str) -> list[str]:
    """What was said on stderr, without the lines that a slow machine writes while it works."""
    return [line for line in stderr.splitlines() if not line.endswith("…")]


def test_a_digit_is_explained_in_words_with_a_verdict_for_each_map(short_run: Path, tmp_path: Path, convscope) -> None:
    done = convscope("explain", "mnist:0", "--run", short_run, cwd=tmp_path)
    assert done.returncode == 0 and complaints(done.stderr) == []
    lines = done.stdout.splitlines()
    assert lines[0].startswith("mnist:0: 7 (") and lines[1].startswith("Explained: the logit of 7")
    for title in (method.title for method in EXPLAINERS.values()):
        (start,) = (index for index, line in enumerate(lines) if line.startswith(f"{title}: "))
        block = "\n".join(lines[start : start + 6])
        assert (
            "deletion test" in block
            and "parameter-randomization test" in block
            and "random orders" in block
            and "rank correlation" in block
        )
    verdicts = [line for line in lines if line.startswith("    ") and line.endswith(".")]
    assert len(verdicts) == len(EXPLAINERS)
    assert list(tmp_path.iterdir()) == [], "nothing is written unasked"


def test_the_sum_of_integrated_gradients_is_told(short_run: Path, tmp_path: Path, convscope) -> None:
    done = convscope("explain", "mnist:0", "--run", short_run, "--method", "integrated_gradients", cwd=tmp_path)
    (line,) = (line for line in done.stdout.splitlines() if line.strip().startswith("sum "))
    total, difference = (float(word) for word in line.split() if word.replace(".", "").isdigit())
    assert total == pytest.approx(difference, rel=0.01)


def test_one_picture_has_one_png_and_one_array_file(short_run: Path, tmp_path: Path, convscope) -> None:
    words = ["--method", "gradient,grad_cam", "--out", "new/why.png", "--npz", "numbers.npz"]
    done = convscope("explain", "mnist:2", "--run", short_run, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["new/why.png", "numbers.npz"]
    with Image.open(tmp_path / "new" / "why.png") as picture:
        picture.load()
        assert "mnist:2" in picture.info["Description"] and "Grad-CAM" in picture.info["Description"]
    with np.load(tmp_path / "numbers.npz", allow_pickle=False) as stored:
        assert stored["map/gradient"].shape == (28, 28, 1)


def test_several_pictures_have_a_folder(short_run: Path, tmp_path: Path, convscope) -> None:
    words = ["--method", "gradient", "--out", "why", "--npz", "numbers"]
    done = convscope("explain", "mnist:2", "mnist:3", "--run", short_run, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(one.name for one in (tmp_path / "why").iterdir()) == ["0000-mnist-2.png", "0001-mnist-3.png"]
    assert sorted(one.name for one in (tmp_path / "numbers").iterdir()) == ["0000-mnist-2.npz", "0001-mnist-3.npz"]


def test_json_is_one_object_with_everything(short_run: Path, tmp_path: Path, convscope) -> None:
    done = convscope("explain", "mnist:0", "--run", short_run, "nothing.png", "--json", "--target", "2", cwd=tmp_path)
    (line,) = complaints(done.stderr)
    assert done.returncode == 1 and line.startswith("convscope: skipped: ") and "nothing.png" in line
    told = json.loads(done.stdout)
    (one,) = told["images"]
    assert one["target"] == "2" and list(one["maps"]) == list(EXPLAINERS) and one["figure"] is one["arrays"] is None
    assert [entry["name"] for entry in told["skipped"]] == ["nothing.png"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["mnist:0", "--method", "gradcam"], 2, "Did you mean grad_cam"),
        (["mnist:0", "--target", "eleven"], 2, "one of the classes 0, 1, 2"),
        (["mnist:0", "--seed", "-3"], 2, "seed must be a whole number of 0 or more"),
        (["gone.png"], 1, "gone.png"),
        (["mnist:99999"], 1, "mnist:0 to mnist:9999"),
        (["void"], 1, "Expected a folder with images"),
        (["mnist:0", "--out", "file/why.png"], 1, "cannot be made"),
        (["mnist:0", "--npz", "void"], 1, "void cannot be written"),
        ([], 2, "IMAGES"),
    ],
)
def test_bad_input_ends_in_a_line_or_two(
    words: list[str], code: int, says: str, short_run: Path, tmp_path: Path, convscope
) -> None:
    (tmp_path / "void").mkdir()
    (tmp_path / "file").write_text("")
    method = [] if "--method" in words else ["--method", "gradient"]
    done = convscope("explain", *words, "--run", short_run, *method, cwd=tmp_path)
    assert done.returncode == code and done.stdout == "", done.stdout
    lines = complaints(done.stderr)
    assert lines[0].startswith("convscope: ") and len(lines) <= 2 and says in done.stderr
    assert "Traceback" not in done.stderr and list((tmp_path / "void").iterdir()) == []


def test_a_run_that_is_not_there_is_told(tmp_path: Path, convscope) -> None:
    done = convscope("explain", "mnist:0", "--run", "nowhere", cwd=tmp_path)
    assert done.returncode == 1 and "Expected the folder of a run" in done.stderr


def test_nothing_is_asked_of_tensorflow(short_run: Path, tmp_path: Path, convscope) -> None:
    """What makes an answer come soon; scripts/bench measures how soon."""
    (tmp_path / "tensorflow.py").write_text('raise SystemExit("tensorflow was imported")\n')
    done = convscope(
        "explain", "mnist:0", "--run", short_run, "--out", "why.png", cwd=tmp_path, PYTHONPATH=before_all(tmp_path)
    )
    assert done.returncode == 0, done.stderr
