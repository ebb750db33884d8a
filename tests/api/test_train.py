"""The verb behind the command: what it returns, what it tells meanwhile, and what it leaves when it is cut short."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.api.callbacks import Callbacks
from convscope.api.evaluate import evaluate
from convscope.api.train import train
from convscope.errors import DataError, OptionError, RunError, SpecError
from convscope.model.model_file import load_model, weights_sha256

LINES = """\
Conv2D(8, 3, strides=2, activation="relu")
Conv2D(8, 3, activation="relu")
Flatten()
Dense(num_classes, activation="softmax")
"""


@pytest.fixture
def options(shapes_folder: Path, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "small.txt").write_text(LINES)
    small = {"model": str(tmp_path / "small.txt"), "epochs": 12, "batch_size": 8, "test_fraction": 0.0, "size": 16}
    return {"data": str(shapes_folder)} | small


def test_without_a_test_part_the_verdict_is_on_validation(options: dict[str, Any], tmp_path: Path) -> None:
    told, steps = [], []
    trained = train(
        **options,
        out=tmp_path / "run",
        callbacks=Callbacks(begin=told.append, progress=lambda now: steps.append(now.step)),
    )
    assert told == [f"reading {options['data']}", "starting TensorFlow", "training", "evaluating", "drawing"]
    assert steps == sorted(steps) and steps[-1] == trained.record.options.total_steps(trained.record.data["train"])
    assert trained.test is None and trained.validation.n == trained.record.data["validation"] > 0
    assert trained.record.data["test"] == 0 and trained.record.data["image_shape"] == [16, 16, 3]
    assert len(trained.figures) == 5 and all(path.is_file() for path in trained.figures)
    again = evaluate(tmp_path / "run", part="validation")
    assert again.evaluation == trained.validation
    learned = evaluate(tmp_path / "run", part="train").dataset
    assert len(learned) == trained.record.data["train"] and not set(learned.names) & set(again.dataset.names)
    with pytest.raises(DataError, match="Expected a test part"):
        evaluate(tmp_path / "run")


def test_a_training_cut_short_keeps_its_weights_and_measures_nothing(options: dict[str, Any], tmp_path: Path) -> None:
    seen = []
    options |= {"epochs": 2000, "average": 0.1}
    callbacks = Callbacks(progress=lambda now: seen.append(now.step), is_stopped=lambda: bool(seen))
    trained = train(**options, out=tmp_path / "run", callbacks=callbacks)
    assert trained.outcome == "interrupted"
    assert (trained.validation, trained.test, trained.figures) == (None, None, ())
    model = load_model(tmp_path / "run" / "model.safetensors")
    assert weights_sha256(model.weights) == trained.record.weights_sha256
    assert 0 < model.provenance["steps"] < trained.record.options.total_steps(trained.record.data["train"])
    assert evaluate(tmp_path / "run", part="validation").evaluation.n > 0


def test_a_training_cut_short_before_its_weights_were_averaged_has_learned(
    options: dict[str, Any], tmp_path: Path
) -> None:
    """The averages are put in place of the last weights at the end: they must not be those of the beginning."""
    seen = []
    options |= {"epochs": 600, "average": 0.1, "learning_rate": 0.003, "warmup": 0.01}
    callbacks = Callbacks(progress=lambda now: seen.append(now.epoch), is_stopped=lambda: bool(seen and seen[-1] > 60))
    trained = train(**options, out=tmp_path / "run", callbacks=callbacks)
    assert trained.outcome == "interrupted"
    accuracy = evaluate(tmp_path / "run", part="train").evaluation.accuracy.rate
    assert accuracy > 0.8, f"{accuracy:.0%} on what it was taught"


def test_the_record_is_json_without_any_number_that_is_none(options: dict[str, Any], tmp_path: Path) -> None:
    train(**options | {"epochs": 1}, out=tmp_path / "run")

    def refuse(number: str) -> None:
        raise AssertionError(number)

    record = json.loads((tmp_path / "run" / "run.json").read_text(), parse_constant=refuse)
    assert record["history"] and all(np.isfinite(row["loss"]) for row in record["history"])


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"data": "nowhere"}, DataError, "not found"),
        ({"model": "quik"}, OptionError, "Did you mean quick"),
        ({"model": "classic", "size": 3}, SpecError, "classic needs images of at least 6×6"),
    ],
    ids=["no data", "no network", "a network that does not fit"],
)
def test_what_cannot_be_trained_leaves_no_folder(
    change: dict, error: type[Exception], says: str, options: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        train(**options | change, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_two_trainings_never_share_a_folder(options: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thing").touch()
    with pytest.raises(RunError, match="not empty"):
        train(**options, out=tmp_path / "run")


def test_without_tensorflow_no_empty_run_folder_stays_behind(tmp_path, convscope) -> None:
    for name in ("tensorflow", "keras"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not here')")
    (tmp_path / "work").mkdir()
    done = convscope("train", "--out", "run", cwd=tmp_path / "work", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1 and "TensorFlow" in done.stderr
    assert list((tmp_path / "work").iterdir()) == []
