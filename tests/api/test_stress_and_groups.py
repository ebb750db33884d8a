"""Stress tests and accuracies by group, on one short run and on results made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from convscope.api.evaluate import EvaluateResult, evaluate_predictions
from convscope.api.groups import accuracy_by_group
from convscope.data.dataset import Dataset
from convscope.errors import DataError, OptionError
from convscope.evaluation.corruptions import CORRUPTIONS
from convscope.evaluation.predict import Predictions


@pytest.mark.long
def test_the_command_measures_every_corruption_and_draws_them(short_run: Path, convscope, tmp_path: Path) -> None:
    done = convscope("evaluate", short_run, "--stress", "--json", "--out", "figures", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    stressed = json.loads(done.stdout)["stress"]
    assert [row["corruption"] for row in stressed["rows"][::5]] == list(CORRUPTIONS)
    assert stressed["images"] == 500 == stressed["clean"]["accuracy"]["n"]
    assert stressed["clean"]["accuracy"]["rate"] > 0.9 > stressed["mean_accuracy"] > 0.4
    noisiest = stressed["rows"][4]
    assert noisiest["rejected"]["rate"] > 0.2 > stressed["clean"]["rejected"]["rate"]
    assert (tmp_path / "figures" / "corruptions.png").stat().st_size > 10_000


def result(names: list[str], correct: list[bool], class_names: tuple[str, ...] = ("cat", "dog")) -> EvaluateResult:
    labels = np.zeros(len(names), np.int64)
    pixels = np.zeros((len(names), 2, 2, 1), np.uint8)
    dataset = Dataset(pixels, labels, class_names, source="made", names=tuple(names))
    logits = np.array([[1, 0] if right else [0, 1] for right in correct], np.float32)
    predictions = Predictions(logits, class_names)
    return EvaluateResult(evaluate_predictions(predictions, dataset), dataset, predictions, Path("run"), "all")


def test_the_group_is_the_folder_without_the_class() -> None:
    names = ["anna/cat/1.png", "anna/cat/2.png", "ben/cat/1.png", "ben/cat/2.png"]
    found = accuracy_by_group(result(names, [True, True, True, False]))
    assert [(one.name, one.accuracy.successes, one.accuracy.n) for one in found.rows] == [("ben", 1, 2), ("anna", 2, 2)]
    assert found.mean == 0.75


def test_an_expression_finds_the_group_in_the_name() -> None:
    names = [f"cat/w{writer}-{index}.png" for writer in (1, 2, 30) for index in range(4)] + ["cat/x.png"]
    found = accuracy_by_group(result(names, [True] * 13), r"w([0-9]+)-")
    assert {one.name for one in found.rows} == {"1", "2", "30", "(no group)"}


def test_the_interval_over_groups_is_student_s() -> None:
    names = [f"{group}/cat/{index}.png" for group in "abc" for index in range(10)]
    correct = [index < right for right in (9, 8, 7) for index in range(10)]
    found = accuracy_by_group(result(names, correct))
    assert (found.mean - found.low) == pytest.approx(4.303 * 0.1 / np.sqrt(3), rel=1e-3)
    assert found.high == 1.0  # cut at the top


def test_one_group_or_no_names_is_refused() -> None:
    with pytest.raises(DataError, match=r"at least two groups\. Received: one"):
        accuracy_by_group(result(["cat/1.png", "cat/2.png"], [True, False]))
    with pytest.raises(DataError, match="Received: images without names"):
        accuracy_by_group(_without_names())
    for wrong in ("(", "x" * 300):
        with pytest.raises(OptionError, match="group"):
            accuracy_by_group(result(["a/1.png", "b/1.png"], [True, False]), wrong)


def _without_names() -> EvaluateResult:
    made = result(["a", "b"], [True, True])
    dataset = Dataset(made.dataset.pixels, made.dataset.labels, made.dataset.class_names, source="made")
    return EvaluateResult(made.evaluation, dataset, made.predictions, made.folder, "all")


def test_groups_that_are_in_the_training_data_too_are_counted() -> None:
    names = ["anna/cat/1.png", "ben/cat/1.png", "cleo/cat/2.png"]
    measured = result(names, [True, True, True])
    known = result(["ben/cat/7.png", "dora/cat/1.png", "anna/cat/3.png"], [True] * 3).dataset
    assert accuracy_by_group(measured).shared is None
    found = accuracy_by_group(measured, trained_on=known)
    assert found.shared == 2 and found.to_json()["shared"] == 2
