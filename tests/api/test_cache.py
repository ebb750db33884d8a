"""Trainings whose data do not fit into memory: the cache in the run folder, its end, and another one by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from data.makers import write_pictures

from convscope.api import training_input
from convscope.api.callbacks import Callbacks
from convscope.api.evaluate import evaluate
from convscope.api.remove_runs import remove_runs
from convscope.api.train import train
from convscope.data.cache_file import FILES
from convscope.errors import RunError
from convscope.training.checkpoint import latest_checkpoint

HOW = {"model": "quick", "epochs": 2, "batch_size": 16, "size": 28}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cached") / "photos"
    write_pictures(root, {"a": 50, "b": 50}, side=20, colour=True)
    return root


@pytest.fixture(scope="module")
def in_memory(photos: Path):
    return train(photos, out=photos.parent / "plain", **HOW)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As if the data were larger than memory."""
    monkeypatch.setattr(training_input, "MEMORY_BYTES", 10_000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def caches(folder: Path) -> list[Path]:
    return sorted(folder.rglob("pixels.u8"))


def decided(run) -> str:
    (found,) = [one for one in run.record.data["decisions"] if one["what"] == "cache"]
    return f"{found['chosen']}: {found['because']}"


def test_large_data_are_cached_in_the_run_folder_until_the_training_has_ended(
    photos: Path, in_memory, large: Path
) -> None:
    during: list[Path] = []
    run = train(photos, callbacks=Callbacks(progress=lambda progress: during.extend(caches(large))), **HOW)
    assert run.record.weights_sha256 == in_memory.record.weights_sha256
    assert run.record.test == in_memory.record.test and run.record.history == in_memory.record.history
    assert {path.parents[1] for path in during} == {large / run.folder / "cache"}
    assert caches(large) == [] and not (run.folder / "cache").exists()
    assert "removed at the end of the training" in decided(run)


def test_an_interrupted_training_resumes_from_its_cache_to_the_same_weights(
    photos: Path, in_memory, large: Path
) -> None:
    seen: list = []
    stop = Callbacks(progress=seen.append, is_stopped=lambda: len(seen) >= 1)
    run = train(photos, out="run", callbacks=stop, **HOW)
    assert run.outcome == "interrupted" and len(caches(large / "run")) == 1
    assert latest_checkpoint(large / "run").checkpoint.step < 10
    resumed = train(resume="run")
    assert resumed.record.weights_sha256 == in_memory.record.weights_sha256
    assert "decoded before" in decided(resumed) and caches(large) == []


def test_a_named_cache_stays_and_serves_the_next_training_and_evaluation(photos: Path, in_memory, large: Path) -> None:
    for name, words in (("one", "read from there"), ("two", "decoded before")):
        run = train(photos, out=name, cache="kept", **HOW)
        assert run.record.weights_sha256 == in_memory.record.weights_sha256 and words in decided(run)
        assert caches(large) == caches(large / "kept") and len(caches(large)) == 1
    assert evaluate("two").accuracy == evaluate(in_memory.folder).accuracy


@pytest.mark.long
def test_decoding_that_was_stopped_goes_on_in_the_same_run_folder(photos: Path, in_memory, large: Path) -> None:
    with pytest.raises(RunError, match="Stopped while decoding images"):
        train(photos, out="run", callbacks=Callbacks(is_stopped=lambda: True), **HOW)
    assert {path.name for path in (large / "run/cache").rglob("*") if path.is_file()} <= set(FILES)
    run = train(photos, out="run", **HOW)
    assert run.record.weights_sha256 == in_memory.record.weights_sha256


def test_a_cache_is_removed_with_its_run(photos: Path, large: Path) -> None:
    with pytest.raises(RunError):
        train(photos, out="run", callbacks=Callbacks(is_stopped=lambda: True), **HOW)
    assert remove_runs("run") == (Path("run"),)
    assert not (large / "run").exists()


def test_a_folder_with_other_files_in_its_cache_is_not_removed(photos: Path, large: Path) -> None:
    with pytest.raises(RunError):
        train(photos, out="run", callbacks=Callbacks(is_stopped=lambda: True), **HOW)
    (large / "run/cache/mine.txt").write_text("x")
    with pytest.raises(RunError):
        remove_runs("run")
    shutil.rmtree(large / "run")
