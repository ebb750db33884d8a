"""Runs side by side: the list, the comparison, and removing them without removing anything else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from convscope.api.runs import RunComparison, RunList, runs
from convscope.data.mnist import load_part
from convscope.errors import OptionError, RunError
from convscope.evaluation.predict import predict
from convscope.model.model_file import load_model, save_model
from convscope.training.checkpoint import lock_run


def copy_run(run: Path, folder: Path, name: str, *, age: float = 0, change=lambda record: record) -> Path:
    """A run in a folder of runs, written some seconds ago."""
    place = shutil.copytree(run, folder / name)
    record = json.loads((place / "run.json").read_text())
    (place / "run.json").write_text(json.dumps(change(record | {"name": name})))
    when = (place / "run.json").stat().st_mtime - age
    os.utime(place / "run.json", (when, when))
    return place


@pytest.fixture
def folder(short_run: Path, tmp_path: Path) -> Path:
    """Two runs: `new`, and the older `old`, whose last layer was disturbed."""
    where = tmp_path / "runs"
    where.mkdir()

    def other_options(record: dict) -> dict:
        return record | {"options": record["options"] | {"seed": 7, "epochs": 0.5}}

    old = copy_run(short_run, where, "old", age=100, change=other_options)
    model = load_model(old / "model.safetensors")
    name = next(key for key in reversed(model.weights) if model.weights[key].ndim == 2)
    noise = np.random.default_rng(0).normal(0, 0.1, model.weights[name].shape).astype(np.float32)
    model.weights[name] = model.weights[name] + noise
    save_model(model, old / "model.safetensors")
    copy_run(short_run, where, "new")
    return where


def test_runs_are_listed_newest_first_with_what_their_records_say(folder: Path) -> None:
    found = runs(folder=folder)
    assert isinstance(found, RunList) and [one.folder.name for one in found] == ["new", "old"]
    record = json.loads((folder / "new" / "run.json").read_text())
    first = found.runs[0]
    assert first.accuracy.to_json() == record["test"]["accuracy"] and first.part == "test"
    assert first.size_bytes == sum(path.stat().st_size for path in (folder / "new").rglob("*") if path.is_file())
    html = found._repr_html_()
    assert "new" in html and str(first.accuracy) in html and html.count("<tr>") == 3
    assert json.loads(json.dumps(found.to_json()))["runs"][0]["network"] == "quick"


def test_what_is_no_whole_run_is_skipped_with_the_reason(folder: Path) -> None:
    (folder / "notes").mkdir()
    (folder / "file.txt").write_text("")
    (folder / "old" / "run.json").write_text("{")
    (folder / "half" / "checkpoints").mkdir(parents=True)
    (folder / "half" / "checkpoints" / "step-00000001.safetensors").write_bytes(b"")
    bare = copy_run(folder / "new", folder, "bare")
    (bare / "model.safetensors").unlink()
    empty = copy_run(folder / "new", folder, "empty", change=lambda record: record | {"data": {}})
    found = runs(folder=folder)
    assert [one.folder.name for one in found] == ["new"]
    reasons = {Path(one.file).name: one.reason for one in found.skipped}
    assert set(reasons) == {"old", "half", bare.name, empty.name}
    assert f"--resume {folder / 'half'}" in reasons["half"] and "model.safetensors" in reasons["bare"]


def test_a_comparison_names_the_options_that_differ_and_pairs_the_predictions(folder: Path) -> None:
    found = runs("old", "new", folder=folder)
    assert isinstance(found, RunComparison)
    assert found.options == {"seed": (7, 0), "epochs": (0.5, 0.2)}
    data = load_part("test")
    right = [
        predict(load_model(folder / name / "model.safetensors"), data.pixels).logits.argmax(axis=1) == data.labels
        for name in ("old", "new")
    ]
    paired = found.paired
    assert paired.first_only == (right[0] & ~right[1]).sum() and paired.second_only == (right[1] & ~right[0]).sum()
    assert paired.difference == pytest.approx(right[1].mean() - right[0].mean()) and paired.difference > 0
    assert paired.low < paired.difference < paired.high
    words = found.verdict()
    assert "new minus old" in words and "Newcombe" in words and "McNemar" in words
    assert "seed" in found._repr_html_() and str(paired.n) == "10000"


def test_the_same_run_twice_has_no_difference(folder: Path) -> None:
    found = runs(folder / "new", folder / "new")
    assert found.options == found.network == {} and found.paired.difference == 0 and found.paired.p_value == 1


def test_runs_on_other_images_are_not_paired(folder: Path) -> None:
    copy_run(folder / "new", folder, "moved", change=lambda r: r | {"data": r["data"] | {"test_fingerprint": "0" * 64}})
    found = runs("new", "moved", folder=folder)
    assert found.paired is None and "no longer those of the training" in found.reason
    assert found.reason in found.verdict()


@pytest.mark.parametrize("names", [("new",), ("new", "old", "new")])
def test_other_numbers_of_runs_are_refused(names: tuple[str, ...], folder: Path) -> None:
    with pytest.raises(OptionError, match=f"Received: {len(names)}"):
        runs(*names, folder=folder)


def test_a_run_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(RunError, match="Received: nowhere"):
        runs("new", "nowhere", folder=folder)


def test_removing_takes_the_named_runs_and_nothing_else(folder: Path) -> None:
    before = {path: path.stat().st_size for path in (folder / "new").rglob("*")}
    assert runs("old", remove=True, folder=folder) == (folder / "old",)
    assert not (folder / "old").exists()
    assert {path: path.stat().st_size for path in (folder / "new").rglob("*")} == before


def test_an_unfinished_training_can_be_removed(folder: Path) -> None:
    (folder / "half" / "checkpoints").mkdir(parents=True)
    (folder / "half" / "checkpoints" / "step-00000001.safetensors").write_bytes(b"")
    runs("half", remove=True, folder=folder)
    assert not (folder / "half").exists()


@pytest.mark.parametrize("foreign", ["diary.txt", "pictures/photo.jpg", "sub/x.png", "link"])
def test_a_folder_with_files_of_somebody_else_is_refused_and_untouched(foreign: str, folder: Path) -> None:
    path = folder / "old" / foreign
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(folder / "new" / "run.json") if foreign == "link" else path.write_text("mine")
    before = sorted((folder / "old").rglob("*"))
    with pytest.raises(RunError, match="only files that convscope wrote"):
        runs("new", "old", remove=True, folder=folder)
    assert sorted((folder / "old").rglob("*")) == before and (folder / "new").is_dir(), "all or none"


def test_what_is_no_run_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "run.json").write_text("{}")
    (folder / "alias").symlink_to(folder / "new")
    for name in (tmp_path / "photos", folder, folder / "alias"):
        with pytest.raises(RunError, match="Expected a run folder"):
            runs(name, remove=True, folder=folder)
    with pytest.raises(OptionError, match="Expected the runs to remove"):
        runs(remove=True, folder=folder)
    assert (folder / "new" / "model.safetensors").is_file() and (tmp_path / "photos" / "run.json").is_file()


def test_a_run_that_is_being_trained_is_refused_and_untouched(folder: Path) -> None:
    with lock_run(folder / "old"), pytest.raises(RunError, match="Another process is training in"):
        runs("new", "old", remove=True, folder=folder)
    assert (folder / "new" / "model.safetensors").is_file() and (folder / "old" / "model.safetensors").is_file()


def test_a_folder_with_a_name_that_is_too_long_is_one_clear_error() -> None:
    with pytest.raises(RunError, match="cannot be read"):
        runs(folder="x" * 5000)
