"""An interrupted training resumes from its checkpoint and ends as if it had never stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from samples import IDENTITY, a_checkpoint, bars, digest, network, options

from convscope.errors import RunError
from convscope.training import checkpoint
from convscope.training import loop as training_loop
from convscope.training.checkpoint import CheckpointManager, delete_checkpoints, latest_checkpoint
from convscope.training.fit import fit

NETWORK = """
Conv2D(4, 3, use_bias=False)
BatchNormalization()
ReLU()
Dropout(0.4)
Flatten()
Dense(num_classes, activation="softmax")
"""


class InterruptedByTestError(Exception):
    """Stands for the end of the process."""


class InterruptingCheckpoints(CheckpointManager):
    """Ends the training right after its n-th checkpoint."""

    def __init__(self, *words: object, after: int) -> None:
        super().__init__(*words)
        self.left = after

    def save(self, *words: object) -> None:
        super().save(*words)
        self.left -= 1
        if self.left == 0:
            raise InterruptedByTestError


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after each call of the graph, and calls of few steps: also from the middle of an epoch."""
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(training_loop, "SECONDS_PER_CALL", 0.0)


def train(checkpoints: CheckpointManager, **changes: object):
    spec = network("\n".join(NETWORK.split("\n")[1:-1]))
    wanted = options(**({"epochs": 2.0, "shift": 1, "average": 0.5, "rotate": 5.0} | changes))
    return fit(spec, bars(130), bars(40, seed=1), wanted, checkpoints=checkpoints)


@pytest.mark.parametrize(("optimizer", "after"), [("adam", 2), ("sgd", 3), ("muon", 3)])
def test_a_training_interrupted_after_every_checkpoint_ends_bit_for_bit_the_same(
    optimizer: str, after: int, tmp_path: Path, often
) -> None:
    checkpoints = CheckpointManager(tmp_path, IDENTITY)
    whole = train(checkpoints, optimizer=optimizer)
    last = latest_checkpoint(tmp_path).checkpoint
    delete_checkpoints(tmp_path)
    found, stops = None, []
    while True:
        try:
            resumed = train(InterruptingCheckpoints(tmp_path, IDENTITY, found, after=after), optimizer=optimizer)
            break
        except InterruptedByTestError:
            found = latest_checkpoint(tmp_path).checkpoint
            stops.append(found.step)
    assert len(stops) >= 2 and any(step % 6 for step in stops), "also in the middle of an epoch"
    assert digest(resumed.weights) == digest(whole.weights)
    assert resumed.history == whole.history and resumed.steps == whole.steps
    again = latest_checkpoint(tmp_path).checkpoint
    assert again.step == last.step and again.measured == last.measured
    assert again.state.keys() == last.state.keys()
    kinds = {name.split("/")[0] for name in last.state}
    assert kinds == {"weight", "moving", "average", "momentum", "second"}, "the names in the files of 0.1"
    assert all(np.array_equal(again.state[name], last.state[name]) for name in last.state), "the optimizer state too"


def test_stopping_leaves_a_checkpoint_of_that_step(tmp_path: Path) -> None:
    calls: list = []
    fitted = fit(
        network(), bars(200), bars(50, seed=1), options(epochs=500.0),
        checkpoints=CheckpointManager(tmp_path, IDENTITY), on_progress=calls.append, is_stopped=lambda: len(calls) >= 3,
    )  # fmt: skip
    assert fitted.outcome == "interrupted" and latest_checkpoint(tmp_path).checkpoint.step == fitted.steps


def test_the_state_of_another_network_is_refused(tmp_path: Path) -> None:
    found = a_checkpoint(3, state={"weight/0": np.zeros((9, 9), np.float32)})
    with pytest.raises(RunError, match="The checkpoint belongs to another network or optimizer"):
        train(CheckpointManager(tmp_path, IDENTITY, found))


@pytest.mark.slow
def test_resuming_with_other_options_is_refused_by_name(tmp_path: Path, convscope) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "convscope", "train", "--epochs", "50", "--out", "run"], cwd=tmp_path, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    for line in process.stderr:
        if line.startswith("step "):
            break
    process.terminate()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 143 and "convscope train --resume run" in out
    done = convscope("train", "--resume", "run", "--learning-rate", "0.5", cwd=tmp_path)
    assert done.returncode == 1 and "options.learning_rate=0.5 (was 0.02)" in done.stderr
    done = convscope("train", "--resume", "run", "--out", "other", cwd=tmp_path)
    assert done.returncode == 2 and "--resume continues in its own folder" in done.stderr


def test_a_checkpoint_of_a_longer_training_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="belongs to a longer training"):
        train(CheckpointManager(tmp_path, IDENTITY, a_checkpoint(500)))
