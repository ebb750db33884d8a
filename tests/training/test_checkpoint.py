"""A training that is cut off goes on from its checkpoint and ends as if it had never stopped."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from disk import watched
from faults import failing
from test_fit import bars, digest, network, options

from convscope.errors import RunError
from convscope.model.safetensors_io import encode
from convscope.training import checkpoint as module
from convscope.training import fit as fit_module
from convscope.training.checkpoint import (
    Checkpoint,
    CheckpointManager,
    delete_checkpoints,
    latest_checkpoint,
    load_checkpoint,
    lock_run,
    save_checkpoint,
)
from convscope.training.fit import fit
from convscope.training.resume_check import check_same
from convscope.training.run import check_empty

IDENTITY = {"options": {"seed": 0}}
NETWORK = """
Conv2D(4, 3, use_bias=False)
BatchNormalization()
ReLU()
Dropout(0.4)
Flatten()
Dense(num_classes, activation="softmax")
"""


class CutOffError(Exception):
    """Stands for the end of the process."""


class CutCheckpointManager(CheckpointManager):
    """Ends the training right after its n-th checkpoint."""

    def __init__(self, *words: object, after: int) -> None:
        super().__init__(*words)
        self.left = after

    def save(self, *words: object) -> None:
        super().save(*words)
        self.left -= 1
        if self.left == 0:
            raise CutOffError


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after each call of the graph, and calls of few steps: also from the middle of an epoch."""
    monkeypatch.setattr(module, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(fit_module, "SECONDS_PER_CALL", 0.0)


def train(checkpoints: CheckpointManager, **changes: object):
    spec = network("\n".join(NETWORK.split("\n")[1:-1]))
    wanted = options(**({"epochs": 2.0, "shift": 1, "average": 0.5, "rotate": 5.0} | changes))
    return fit(spec, bars(130), bars(40, seed=1), wanted, checkpoints=checkpoints)


def some(step: int = 3, **changes: object) -> Checkpoint:
    state = {"weight/0": np.arange(6, dtype=np.float32).reshape(2, 3), "second/0": np.zeros((), np.float32)}
    losses = np.linspace(1, 0, step).astype(np.float32)
    return replace(Checkpoint(step, state, losses, {min(step, 2): (0.5, 0.75)}, 1.5, IDENTITY), **changes)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "muon"])
def test_cut_off_after_every_checkpoint_the_end_is_the_same_to_the_bit(optimizer: str, tmp_path: Path, often) -> None:
    whole_keeper = CheckpointManager(tmp_path, IDENTITY)
    whole = train(whole_keeper, optimizer=optimizer)
    last = latest_checkpoint(tmp_path).checkpoint
    delete_checkpoints(tmp_path)
    found, stops = None, []
    while True:
        try:
            pieces = train(CutCheckpointManager(tmp_path, IDENTITY, found, after=2), optimizer=optimizer)
            break
        except CutOffError:
            found = latest_checkpoint(tmp_path).checkpoint
            stops.append(found.step)
    assert len(stops) >= 3 and any(step % 6 for step in stops), "also in the middle of an epoch"
    assert digest(pieces.weights) == digest(whole.weights)
    assert pieces.history == whole.history and pieces.steps == whole.steps
    again = latest_checkpoint(tmp_path).checkpoint
    assert again.step == last.step and again.measured == last.measured
    assert again.state.keys() == last.state.keys()
    assert all(np.array_equal(again.state[name], last.state[name]) for name in last.state), "the optimizer's slots too"


def test_a_wish_to_stop_leaves_a_checkpoint_of_that_step(tmp_path: Path) -> None:
    calls: list = []
    fitted = fit(
        network(), bars(200), bars(50, seed=1), options(epochs=500.0),
        checkpoints=CheckpointManager(tmp_path, IDENTITY), on_progress=calls.append, is_stopped=lambda: len(calls) >= 3,
    )  # fmt: skip
    assert fitted.outcome == "interrupted" and latest_checkpoint(tmp_path).checkpoint.step == fitted.steps


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    for given in (some(), some(0, measured={})):
        found = load_checkpoint(save_checkpoint(given, tmp_path))
        assert found.step == given.step and found.measured == given.measured and found.identity == IDENTITY
        np.testing.assert_array_equal(found.losses, given.losses)
        assert all(np.array_equal(found.state[name], given.state[name]) for name in given.state)


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    for step in (1, 2, 3, 10):
        save_checkpoint(some(step), tmp_path / module.FOLDER)
    assert [path.name[5:14] for path in sorted((tmp_path / module.FOLDER).iterdir())] == ["000000003", "000000010"]


@pytest.mark.parametrize("place", [0, 9, 200, -1])
def test_a_damaged_checkpoint_is_said_and_the_one_before_is_used(place: int, tmp_path: Path) -> None:
    for step in (1, 2):
        path = save_checkpoint(some(step), tmp_path / module.FOLDER)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    found = latest_checkpoint(tmp_path)
    assert found.checkpoint.step == 1
    assert len(found.damaged) == 1 and "step-000000002.safetensors is damaged: " in found.damaged[0]
    path.with_name("step-000000001.safetensors").write_bytes(content[:40])
    with pytest.raises(RunError, match=r"Every checkpoint of .* is damaged\."):
        latest_checkpoint(tmp_path)


def test_every_truncation_is_recognised(tmp_path: Path) -> None:
    path = save_checkpoint(some(), tmp_path)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(RunError, match="is damaged"):
            load_checkpoint(path)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
def test_whatever_call_fails_what_was_kept_before_is_whole(number: int, for_good: bool, tmp_path: Path) -> None:
    """Every open, write, fsync and rename of one checkpoint fails in turn."""
    folder = tmp_path / module.FOLDER
    save_checkpoint(some(1), folder)
    k, reached_the_end = 0, False
    while not reached_the_end:
        k += 1
        with watched(failing(k, number, for_good)) as seen:
            try:
                save_checkpoint(some(2), folder)
                reached_the_end = len(seen) < k
            except RunError as error:
                assert os.strerror(number) in str(error) and "untouched" in str(error) and "--resume" in error.hint
        found = latest_checkpoint(tmp_path)
        assert found.checkpoint.step in (1, 2) and not found.damaged
        if found.checkpoint.step == 2 and not reached_the_end:
            (folder / "step-000000002.safetensors").unlink()
        with lock_run(tmp_path):  # where the disk would not even remove it, the next training does
            assert not list(folder.glob(".*")), "nothing half written stays"
    assert k > 4, "open, write, fsync, rename and the folder's fsync were all reached"


def test_what_changed_is_named() -> None:
    then = {"options": {"epochs": 4.0, "seed": 1}, "data": {"train_fingerprint": "a"}}
    check_same(then, {"options": {"epochs": 4.0, "seed": 1}, "data": {"train_fingerprint": "a"}})
    with pytest.raises(RunError, match=r"options\.seed=2, which was 1; data\.train_fingerprint='b', which was 'a'"):
        check_same(then, {"options": {"epochs": 4.0, "seed": 2}, "data": {"train_fingerprint": "b"}})


def test_the_state_of_another_network_is_refused(tmp_path: Path) -> None:
    found = some(3, state={"weight/0": np.zeros((9, 9), np.float32)})
    with pytest.raises(RunError, match="The checkpoint is of another network or optimizer"):
        train(CheckpointManager(tmp_path, IDENTITY, found))


def test_a_second_training_in_the_folder_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from convscope.training.checkpoint import lock_run\n"
        "with lock_run(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match="Another process trains in"), lock_run(tmp_path):
            pass
    finally:
        other.kill()
        other.communicate()
    with lock_run(tmp_path):
        pass


def test_what_a_kill_leaves_before_the_first_checkpoint_is_no_obstacle(tmp_path: Path) -> None:
    run, half = tmp_path / "run", tmp_path / "run" / module.FOLDER / ".step-000000000.safetensors.17.part"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half of a checkpoint")
    (half.parent / module.LOCK_FILE).touch()
    check_empty(run)
    with lock_run(run):
        assert not half.exists()
    save_checkpoint(some(1), run / module.FOLDER)
    with pytest.raises(RunError, match="which is not empty"):
        check_empty(run)


def test_ctrl_c_then_resume_with_other_options_is_refused_by_name(tmp_path: Path, convscope) -> None:
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
    assert done.returncode == 1 and "options.learning_rate=0.5, which was 0.02" in done.stderr
    done = convscope("train", "--resume", "run", "--out", "other", cwd=tmp_path)
    assert done.returncode == 2 and "--resume goes on in its own folder" in done.stderr


def test_without_a_folder_nothing_is_kept_and_nothing_is_due() -> None:
    checkpoints = CheckpointManager()
    assert not checkpoints.is_due(ends_epoch=True)
    checkpoints.save(1, lambda: pytest.fail("nobody asks for the state"), [0.5], {})


def described(tmp_path: Path, text: str) -> Path:
    """A file with a right hash whose words are not those of a checkpoint."""
    folder = tmp_path / module.FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / "step-000000009.safetensors"
    path.write_bytes(b"".join(encode(text, {"losses": np.zeros(1, np.float32)})))
    return path


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"schema_version": 99}', "another version"),
        ("{}", "not that of a checkpoint"),
        ("[]", "not that of a checkpoint"),
        ('{"schema_version": 1, "step": "one", "shapes": {}}', "not that of a checkpoint"),
        ('{"schema_version": 1, "step": 1, "shapes": [1]}', "not that of a checkpoint"),
        ('{"schema_version": 1, "step": 2, "shapes": {}}', "is damaged"),
        ('{"schema_version": 1, "step": 1, "shapes": {}, "measured": [[2, 0.5, 0.5]]}', "not that of a checkpoint"),
        ('{"schema_version": 1, "step": 1, "shapes": {}, "measured": [[-5, 0.5, 0.5]]}', "not that of a checkpoint"),
        ('{"schema_version": 1, "step": 1, "shapes": {}, "measured": [[1, "nan", 0.5]]}', "not that of a checkpoint"),
        (
            '{"schema_version": 1, "step": 1, "shapes": {}, "measured": [], "seconds": "inf"}',
            "not that of a checkpoint",
        ),
        ('{"schema_version": 1, "step": true, "shapes": {}}', "not that of a checkpoint"),
        ("{", "is not JSON"),
    ],
)
def test_words_that_are_not_a_checkpoints_are_refused_though_their_hash_is_right(
    text: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=says):
        load_checkpoint(described(tmp_path, text))


def test_where_every_checkpoint_is_damaged_that_is_said(tmp_path: Path) -> None:
    described(tmp_path, "{}")
    with pytest.raises(RunError, match=r"Every checkpoint of .* is damaged"):
        latest_checkpoint(tmp_path)


def test_a_folder_without_a_checkpoint_is_nothing_to_go_on_with(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no training to go on with.*which holds no checkpoint"):
        latest_checkpoint(tmp_path)


def test_a_checkpoint_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        load_checkpoint(tmp_path / "step-000000001.safetensors")


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*words: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "glob", refused)
    with pytest.raises(RunError, match="Permission denied"):
        module.files(tmp_path)


def test_where_files_cannot_be_locked_training_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with lock_run(tmp_path), lock_run(tmp_path):
        pass


def test_somebodys_own_folder_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "run" / module.FOLDER / "important.txt"
    own.parent.mkdir(parents=True)
    own.write_text("years of work")
    with pytest.raises(RunError, match="which is not empty"):
        check_empty(tmp_path / "run")
    save_checkpoint(some(1), own.parent)
    with lock_run(tmp_path / "run"):
        pass
    delete_checkpoints(tmp_path / "run")
    assert [path.name for path in own.parent.iterdir()] == ["important.txt"]


@pytest.mark.parametrize("name", [module.FOLDER, "file"])
def test_a_link_or_a_file_in_the_place_of_the_checkpoints_is_not_an_empty_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="which is not empty"):
        check_empty(tmp_path / "run")


def test_checkpoints_that_are_a_link_are_not_written(tmp_path: Path) -> None:
    for name in ("run", "other"):
        (tmp_path / name).mkdir()
    save_checkpoint(some(1), tmp_path / "other" / module.FOLDER)
    (tmp_path / "run" / module.FOLDER).symlink_to(tmp_path / "other" / module.FOLDER)
    with pytest.raises(RunError, match="which is a link"), lock_run(tmp_path / "run"):
        pass
    assert latest_checkpoint(tmp_path / "other").checkpoint.step == 1


def test_a_lock_that_is_no_file_of_ours_is_refused_untouched(tmp_path: Path) -> None:
    lock, precious = tmp_path / module.FOLDER / module.LOCK_FILE, tmp_path / "precious"
    precious.write_text("years of work")
    lock.parent.mkdir()
    for make in (lambda: lock.symlink_to(precious), lambda: os.mkfifo(lock), lock.mkdir):
        make()
        with pytest.raises(RunError, match="cannot be written"), lock_run(tmp_path):
            pass
        assert precious.read_text() == "years of work"
        lock.rmdir() if lock.is_dir() else lock.unlink()


def test_a_checkpoint_of_a_longer_training_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="of a longer training"):
        train(CheckpointManager(tmp_path, IDENTITY, some(500)))


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our opening and our locking, the process that held it ends and removes it."""
    real, removed = os.open, []

    def open_then_remove(path: object, *words: object, **named: object) -> int:
        descriptor = real(path, *words, **named)
        if str(path).endswith(module.LOCK_FILE) and not removed:
            removed.append(Path(str(path)).unlink())
        return descriptor

    monkeypatch.setattr(os, "open", open_then_remove)
    with lock_run(tmp_path):
        assert removed and (tmp_path / module.FOLDER / module.LOCK_FILE).is_file()
        with pytest.raises(RunError, match="Another process trains in"), lock_run(tmp_path):
            pass


def test_a_checkpoint_that_cannot_be_removed_does_not_keep_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2):
        save_checkpoint(some(step), tmp_path / module.FOLDER)
    real = Path.unlink

    def unlink(path: Path, *words: object, **named: object) -> None:
        if "000000001" in path.name:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(path, *words, **named)

    monkeypatch.setattr(Path, "unlink", unlink)
    delete_checkpoints(tmp_path)
    assert [path.name for path in module.files(tmp_path / module.FOLDER)] == ["step-000000001.safetensors"]
