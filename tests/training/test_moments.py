"""Weights kept while a training runs: at which steps, through interruptions, and as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from samples import IDENTITY, EveryStep, bars, digest, network, options

from convscope.errors import RunError
from convscope.training import checkpoint
from convscope.training import loop as training_loop
from convscope.training.checkpoint import CheckpointManager, delete_checkpoints, latest_checkpoint
from convscope.training.fit import fit
from convscope.training.moments import MOMENTS_FILE, Moments, moment_steps, read_moments, write_moments
from convscope.training.run_folder import check_empty

WANTED = options(epochs=2.0)  # 12 steps


class StoppedError(Exception):
    """Stands for the end of the process."""


class Stopping(CheckpointManager):
    """Ends the training right after the checkpoint of some step."""

    def __init__(self, *words: object, at: int) -> None:
        super().__init__(*words)
        self._at = at

    def save(self, step: int, *words: object) -> None:
        super().save(step, *words)
        if step >= self._at:
            raise StoppedError


def train(checkpoints: CheckpointManager):
    return fit(network(), bars(120), bars(40, seed=1), WANTED, checkpoints=checkpoints)


def same(one: Moments, other: Moments) -> bool:
    return list(one.weights) == list(other.weights) and all(
        digest(one.weights[step]) == digest(other.weights[step]) for step in one.weights
    )


def test_moments_double_from_a_sixty_fourth_to_half_of_the_training() -> None:
    assert moment_steps(6400) == (0, 100, 200, 400, 800, 1600, 3200)
    assert moment_steps(1) == (0,) and moment_steps(12) == (0, 1, 3, 6)


def test_the_kept_weights_are_those_of_their_steps_in_half_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_loop, "SECONDS_PER_CALL", 0.0)  # a checkpoint after every step
    every = EveryStep()
    found = train(every).moments
    assert list(found.weights) == [0, 1, 3, 6] and (found.total_steps, found.steps_per_epoch) == (12, 6)
    for step, weights in found.weights.items():
        exact = every.weights(step, list(weights))
        for name, value in weights.items():
            assert value.dtype == np.float16 and value == pytest.approx(exact[name], rel=1e-3, abs=1e-6)


def test_keeping_moments_does_not_change_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = digest(train(CheckpointManager()).weights)
    monkeypatch.setattr(training_loop, "MAX_PARAMETERS", 0)
    without = train(CheckpointManager())
    assert without.moments is None and digest(without.weights) == usual


def test_a_resumed_training_has_the_moments_of_an_uninterrupted_one(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN", 0.0)
    whole = train(CheckpointManager()).moments
    with pytest.raises(StoppedError):
        train(Stopping(tmp_path, IDENTITY, at=3))
    saved = latest_checkpoint(tmp_path).checkpoint
    assert 3 <= saved.step < 12
    resumed = train(CheckpointManager(tmp_path, IDENTITY, saved)).moments
    assert same(resumed, whole)


def test_a_damaged_file_of_moments_does_not_stop_a_resumed_training(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN", 0.0)
    usual = digest(train(CheckpointManager()).weights)
    with pytest.raises(StoppedError):
        train(Stopping(tmp_path, IDENTITY, at=3))
    (tmp_path / checkpoint.FOLDER / MOMENTS_FILE).write_bytes(b"damaged")
    resumed = train(CheckpointManager(tmp_path, IDENTITY, latest_checkpoint(tmp_path).checkpoint))
    assert digest(resumed.weights) == usual and max(resumed.moments.weights) == 6


def test_a_folder_with_moments_but_without_a_checkpoint_counts_as_empty(tmp_path: Path) -> None:
    place = tmp_path / checkpoint.FOLDER
    place.mkdir()
    for name in (MOMENTS_FILE, f".{MOMENTS_FILE}.17.part"):
        (place / name).write_bytes(b"half")
    check_empty(tmp_path)
    delete_checkpoints(tmp_path)
    assert not place.exists()


def a_file(tmp_path: Path) -> tuple[Path, Moments]:
    shapes = network().weight_shapes()
    rng = np.random.default_rng(0)
    weights = {
        step: {name: rng.normal(size=shape).astype(np.float16) for name, shape in shapes.items()} for step in (0, 3)
    }
    moments = Moments(12, 6, weights)
    write_moments(moments, tmp_path / MOMENTS_FILE)
    return tmp_path / MOMENTS_FILE, moments


def test_a_file_is_read_back_and_other_libraries_read_it(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    path, moments = a_file(tmp_path)
    found = read_moments(path, network())
    assert same(found, moments) and (found.total_steps, found.steps_per_epoch) == (12, 6)
    assert found.float32(3)["dense/bias"].dtype == np.float32
    assert np.array_equal(load_file(path)["3/dense/kernel"], moments.weights[3]["dense/kernel"])
    assert read_moments(tmp_path / "none", network()) is None


@pytest.mark.parametrize("place", [0, 9, 300, -1])
def test_a_damaged_file_is_reported(place: int, tmp_path: Path) -> None:
    path, _ = a_file(tmp_path)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"moments\.safetensors is damaged"):
        read_moments(path, network())


def test_moments_of_another_network_are_refused(tmp_path: Path) -> None:
    path, _ = a_file(tmp_path)
    with pytest.raises(RunError, match="its tensors are not those"):
        read_moments(path, network("Flatten()\nDense(num_classes, activation='softmax')"))
