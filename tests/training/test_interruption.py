"""The short version of `scripts/prove kill`, `SIGINT` and `SIGTERM`."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest
from interruption import is_begun, prepare, prove, start


@pytest.mark.parametrize("kind, cuts", [("kill", 4), ("SIGINT", 1), ("SIGTERM", 1)])
def test_interrupted_trainings_end_with_the_same_result(kind: str, cuts: int) -> None:
    outcomes = prove(kind, cuts, at_once=1)
    assert not outcomes.trouble
    assert outcomes.cuts >= cuts and outcomes.identical == outcomes.trainings
    assert outcomes.exits_wrong == 0


@pytest.mark.long
def test_a_hundred_kills() -> None:
    outcomes = prove("kill", 100)
    assert not outcomes.trouble and outcomes.identical == outcomes.trainings
    assert outcomes.inside >= 0.3 * outcomes.cuts


def half_trained(folder: Path) -> None:
    """A training that was killed while it wrote its second checkpoint."""
    prepare(folder)
    process = start(folder, "run", die_at=50)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL and is_begun(folder, "run")


def test_a_changed_training_is_refused_by_name_and_keeps_its_checkpoints(tmp_path: Path, convscope) -> None:
    half_trained(tmp_path)
    data, network = (tmp_path / "data.npz").read_bytes(), (tmp_path / "net.txt").read_text()
    kept = sorted(path.name for path in (tmp_path / "run" / "checkpoints").glob("step-*"))

    def refused() -> str:
        done = convscope("train", "--resume", "run", cwd=tmp_path)
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert sorted(path.name for path in (tmp_path / "run" / "checkpoints").glob("step-*")) == kept
        return done.stderr

    with np.load(tmp_path / "data.npz") as arrays:
        changed = dict(arrays)
    changed["x_train"][7, 3, 3] ^= 1
    np.savez(tmp_path / "data.npz", **changed)
    assert "data.train_fingerprint='" in refused()
    changed["x_train"][7, 3, 3] ^= 1
    np.savez(tmp_path / "data.npz", **changed, class_names=np.array(["a", "b", "c"]))
    assert "data.class_names.1='a' (was '0')" in refused()
    (tmp_path / "data.npz").write_bytes(data)
    (tmp_path / "net.txt").write_text(network.replace("Dropout(0.4)", "Dropout(0.3)"))
    assert "network.layers.4.rate=0.3 (was 0.4)" in refused()
    (tmp_path / "net.txt").write_text(network)
    assert convscope("train", "--resume", "run", cwd=tmp_path).returncode == 0
