"""The short version of `scripts/prove kill`, `SIGINT` and `SIGTERM`."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from interruption import (
    Outcome,
    interrupt_by_kill,
    interrupt_by_signal,
    is_begun,
    outcome,
    prepare,
    prove,
    start,
)

AT_ANY_MOMENT = 5
"""A seed of a kill that is not at a disk operation."""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that was killed while it wrote its second checkpoint."""
    folder = tmp_path_factory.mktemp("killed")
    prepare(folder)
    process = start(folder, "run", die_at=50)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL and is_begun(folder, "run")
    return folder


@pytest.fixture
def half_trained(killed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(killed, tmp_path / "half")


@pytest.mark.long
def test_a_training_killed_twice_and_stopped_by_a_signal_ends_with_the_same_result(half_trained: Path) -> None:
    """The first kill is inside a checkpoint, the other one at a random moment."""
    outcomes = Outcome()
    interrupt_by_kill(half_trained, "run", random.Random(AT_ANY_MOMENT), outcomes)
    interrupt_by_signal(half_trained, "run", random.Random(1), outcomes, "SIGTERM")
    assert outcomes.trouble == []
    assert (outcomes.cuts, outcomes.inside, outcomes.exits_wrong) == (2, 0, 0)
    assert outcome(half_trained, "run") == outcome(half_trained, "whole")


@pytest.mark.long
@pytest.mark.parametrize("kind", ["SIGINT", "SIGTERM"])
def test_ten_signals(kind: str) -> None:
    outcomes = prove(kind, 10)
    assert not outcomes.trouble and outcomes.exits_wrong == 0
    assert outcomes.cuts >= 10 and outcomes.identical == outcomes.trainings


@pytest.mark.long
def test_a_hundred_kills() -> None:
    outcomes = prove("kill", 100)
    assert not outcomes.trouble and outcomes.identical == outcomes.trainings
    assert outcomes.inside >= 0.3 * outcomes.cuts


def test_a_changed_training_is_refused_by_name_and_keeps_its_checkpoints(half_trained: Path, convscope) -> None:
    data, network = (half_trained / "data.npz").read_bytes(), (half_trained / "net.txt").read_text()
    kept = sorted(path.name for path in (half_trained / "run" / "checkpoints").glob("step-*"))

    def refused() -> str:
        done = convscope("train", "--resume", "run", cwd=half_trained)
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert sorted(path.name for path in (half_trained / "run" / "checkpoints").glob("step-*")) == kept
        return done.stderr

    with np.load(half_trained / "data.npz") as arrays:
        changed = dict(arrays)
    changed["x_train"][7, 3, 3] ^= 1
    np.savez(half_trained / "data.npz", **changed)
    assert "data.train_fingerprint='" in refused()
    changed["x_train"][7, 3, 3] ^= 1
    np.savez(half_trained / "data.npz", **changed, class_names=np.array(["a", "b", "c"]))
    assert "data.class_names.1='a' (was '0')" in refused()
    (half_trained / "data.npz").write_bytes(data)
    (half_trained / "net.txt").write_text(network.replace("Dropout(0.4)", "Dropout(0.3)"))
    assert "network.layers.4.rate=0.3 (was 0.4)" in refused()
    (half_trained / "net.txt").write_text(network)
    assert convscope("train", "--resume", "run", cwd=half_trained).returncode == 0
