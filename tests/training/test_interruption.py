"""The short version of `scripts/prove kill`, `SIGINT` and `SIGTERM`."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest
from interruption import is_begun, prepare, prove, start


@pytest.mark.parametrize("kind, cuts", [("kill", 4), ("SIGINT", 1), ("SIGTERM", 1)])
def test_trainings_that_were_cut_off_end_as_if_nobody_had_cut_them(kind: str, cuts: int) -> None:
    found = prove(kind, cuts, at_once=1)
    assert not found.trouble
    assert found.cuts >= cuts and found.identical == found.trainings
    assert found.exits_wrong == 0


@pytest.mark.long
def test_a_hundred_kills() -> None:
    found = prove("kill", 100)
    assert not found.trouble and found.identical == found.trainings
    assert found.inside >= 0.3 * found.cuts


def half_trained(folder: Path) -> None:
    """A training that died in the writing of its second checkpoint."""
    prepare(folder)
    process = start(folder, "run", die_at=50)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL and is_begun(folder, "run")


def test_what_changed_since_is_refused_by_name_and_nothing_is_lost(tmp_path: Path, convscope) -> None:
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
    assert "data.class_names.1='a', which was '0'" in refused()
    (tmp_path / "data.npz").write_bytes(data)
    (tmp_path / "net.txt").write_text(network.replace("Dropout(0.4)", "Dropout(0.3)"))
    assert "network.layers.4.rate=0.3, which was 0.4" in refused()
    (tmp_path / "net.txt").write_text(network)
    assert convscope("train", "--resume", "run", cwd=tmp_path).returncode == 0
