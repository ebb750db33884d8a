"""``convscope evaluate``."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.cli.results import evaluation_lines
from convscope.evaluation.metrics import measure


@pytest.fixture(scope="module")
def record(short_run: Path) -> dict:
    return json.loads((short_run / "run.json").read_text())


def test_the_test_split_measured_again_gives_what_the_run_recorded(short_run: Path, record, convscope) -> None:
    done = convscope("evaluate", short_run / "model.safetensors", "mnist", "--json", cwd=short_run)
    assert done.returncode == 0 and done.stderr == ""
    told = json.loads(done.stdout)
    assert told["evaluation"] == record["test"]
    assert (told["part"], told["figures"]) == ("test", [])


def test_the_validation_split_is_the_one_of_the_training(short_run: Path, record, convscope) -> None:
    done = convscope("evaluate", short_run, "--part", "validation", "--json", cwd=short_run)
    told = json.loads(done.stdout)["evaluation"]
    assert told["n"] == 5001 and told["accuracy"] == record["validation"]["accuracy"]


def test_text_gives_interval_classes_matrix_and_worst_mistakes(
    short_run: Path, record, convscope, tmp_path: Path
) -> None:
    shutil.copytree(short_run, tmp_path / "runs" / "older")
    done = convscope("evaluate", "--out", "figures", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    accuracy = record["test"]["accuracy"]
    assert f"accuracy    {accuracy['rate'] * 100:.2f} %" in done.stdout and "n=10,000" in done.stdout
    assert "n=9,985) without the 15 labels known to be wrong" in done.stdout
    for word in ("runs/older", "MNIST test, 10,000 images", "confused", "calibration ECE", "precision", "recall"):
        assert word in done.stdout
    rows = done.stdout.partition("Confusion matrix")[2].splitlines()[2:12]
    matrix = [[0 if cell == "·" else int(cell) for cell in row.split()[1:]] for row in rows]
    assert matrix == record["test"]["confusion"]
    assert done.stdout.count("  image ") == 10 and "predicted" in done.stdout
    drawn = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert drawn == ["confusion_matrix.png", "mistakes.png", "predictions.png", "reliability.png"]
    for name in drawn:
        with Image.open(tmp_path / "figures" / name) as picture:
            picture.load()
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "figures"}


def test_an_accuracy_that_may_be_the_largest_class_by_chance_is_told_from_one_that_is_not_above_it() -> None:
    labels = np.array([0] * 150 + [1] * 2)

    def lines_of(predicted: np.ndarray) -> list[str]:
        logits = np.eye(2, dtype=np.float32)[predicted] * 5
        return evaluation_lines(measure(logits, labels, class_names=("common", "rare")), "the test split")

    always = lines_of(np.zeros_like(labels))
    place = always.index("warning     no better than always predicting common, the largest class (98.7%)")
    assert "train longer" in always[place + 1]
    assert "            classes without a correct prediction: rare" in always
    right = lines_of(labels)
    place = next(index for index, line in enumerate(right) if line.startswith("warning     not certainly better"))
    assert "on more images" in right[place + 1]


def test_pairs_are_compared_only_with_three_classes_and_five_errors() -> None:
    def lines_of(names: tuple[str, ...], errors: int, n: int = 300) -> str:
        labels = np.arange(n) % len(names)
        logits = np.eye(len(names), dtype=np.float32)[labels] * 5
        logits[:errors] = np.roll(logits[:errors], 1, axis=1)
        return "\n".join(evaluation_lines(measure(logits, labels, class_names=names), "the test split"))

    said = "not distinguishable from the other pairs"
    assert said in lines_of(("a", "b", "c"), 6)
    assert said not in lines_of(("a", "b", "c"), 4) and said not in lines_of(("a", "b"), 60)
    assert "confused    a and b" in lines_of(("a", "b"), 60)
