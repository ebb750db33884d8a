"""Checkpoint files: written, read back, damaged, locked. No TensorFlow."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from disk import failing, watched
from samples import IDENTITY, a_checkpoint

from convscope.errors import RunError
from convscope.model.safetensors_io import encode
from convscope.training import checkpoint
from convscope.training.checkpoint import (
    CheckpointManager,
    delete_checkpoints,
    latest_checkpoint,
    load_checkpoint,
    lock_run,
    save_checkpoint,
)
from convscope.training.resume_check import check_same
from convscope.training.run_folder import check_empty


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    for given in (a_checkpoint(), a_checkpoint(0, measured={})):
        found = load_checkpoint(save_checkpoint(given, tmp_path))
        assert found.step == given.step and found.measured == given.measured and found.identity == IDENTITY
        np.testing.assert_array_equal(found.losses, given.losses)
        assert all(np.array_equal(found.state[name], given.state[name]) for name in given.state)


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    for step in (1, 2, 3, 10):
        save_checkpoint(a_checkpoint(step), tmp_path / checkpoint.FOLDER)
    assert [path.name[5:14] for path in sorted((tmp_path / checkpoint.FOLDER).iterdir())] == ["000000003", "000000010"]


@pytest.mark.parametrize("place", [0, 9, 200, -1])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(place: int, tmp_path: Path) -> None:
    for step in (1, 2):
        path = save_checkpoint(a_checkpoint(step), tmp_path / checkpoint.FOLDER)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    found = latest_checkpoint(tmp_path)
    assert found.checkpoint.step == 1
    assert len(found.damaged) == 1 and "step-000000002.safetensors is damaged: " in found.damaged[0]
    path.with_name("step-000000001.safetensors").write_bytes(content[:40])
    with pytest.raises(RunError, match=r"Every checkpoint of .* is damaged\."):
        latest_checkpoint(tmp_path)


def test_every_truncation_is_detected(tmp_path: Path) -> None:
    path = save_checkpoint(a_checkpoint(), tmp_path)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(RunError, match="is damaged"):
            load_checkpoint(path)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
def test_whichever_disk_operation_fails_the_earlier_checkpoint_is_complete(
    number: int, for_good: bool, tmp_path: Path
) -> None:
    """Every open, write, fsync and rename of one checkpoint fails in turn."""
    folder = tmp_path / checkpoint.FOLDER
    save_checkpoint(a_checkpoint(1), folder)
    k, reached_the_end = 0, False
    while not reached_the_end:
        k += 1
        with watched(failing(k, number, for_good)) as seen:
            try:
                save_checkpoint(a_checkpoint(2), folder)
                reached_the_end = len(seen) < k
            except RunError as error:
                assert (
                    os.strerror(number) in str(error)
                    and "Earlier checkpoints are untouched." in str(error)
                    and "--resume" in error.hint
                )
        found = latest_checkpoint(tmp_path)
        assert found.checkpoint.step in (1, 2) and not found.damaged
        if found.checkpoint.step == 2 and not reached_the_end:
            (folder / "step-000000002.safetensors").unlink()
        with lock_run(tmp_path):  # a part that the disk would not even delete goes with the next training
            assert not list(folder.glob(".*")), "no partly written file stays"
    assert k > 4, "open, write, fsync, rename and the folder's fsync were all reached"


def test_the_first_three_differences_are_named_and_lists_are_counted_from_one() -> None:
    saved, current = {"a": [1, 2], "b": {"c": 1}, "d": 1, "e": 1}, {"a": [1, 3], "b": {"c": None}, "d": 2, "e": 2}
    with pytest.raises(RunError, match=r"differ: a\.2=3 \(was 2\); b\.c=None \(was 1\); d=2 \(was 1\)\. Use"):
        check_same(saved, current)
    with pytest.raises(RunError, match=r"differ: a\.2=None \(was 2\)\."):
        check_same({"a": [1, 2]}, {"a": (1,)})


def test_the_options_that_differ_are_named() -> None:
    then = {"options": {"epochs": 4.0, "seed": 1}, "data": {"train_fingerprint": "a"}}
    check_same(then, {"options": {"epochs": 4.0, "seed": 1}, "data": {"train_fingerprint": "a"}})
    with pytest.raises(RunError, match=r"differ: options\.seed=2 \(was 1\); data\.train_fingerprint='b' \(was 'a'\)\."):
        check_same(then, {"options": {"epochs": 4.0, "seed": 2}, "data": {"train_fingerprint": "b"}})


def test_a_second_training_in_the_folder_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from convscope.training.checkpoint import lock_run\n"
        "with lock_run(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match="Another process is training in"), lock_run(tmp_path):
            pass
    finally:
        other.kill()
        other.communicate()
    with lock_run(tmp_path):
        pass


def test_the_leftovers_of_a_kill_before_the_first_checkpoint_do_not_matter(tmp_path: Path) -> None:
    run, half = tmp_path / "run", tmp_path / "run" / checkpoint.FOLDER / ".step-000000000.safetensors.17.part"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half a checkpoint")
    (half.parent / checkpoint.LOCK_FILE).touch()
    check_empty(run)
    with lock_run(run):
        assert not half.exists()
    save_checkpoint(a_checkpoint(1), run / checkpoint.FOLDER)
    with pytest.raises(RunError, match="which is not empty"):
        check_empty(run)


def test_without_a_folder_nothing_is_saved_or_due() -> None:
    checkpoints = CheckpointManager()
    assert not checkpoints.is_due(ends_epoch=True)
    checkpoints.save(1, lambda: pytest.fail("the state was read"), [0.5], {})


def with_description(tmp_path: Path, text: str) -> Path:
    """A file with a valid hash and any description."""
    folder = tmp_path / checkpoint.FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / "step-000000009.safetensors"
    path.write_bytes(b"".join(encode(text, {"losses": np.zeros(1, np.float32)})))
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema_version": 99}', "another version"),
        ("{}", "not the one of a checkpoint"),
        ("[]", "not the one of a checkpoint"),
        ('{"schema_version": 1, "step": "one", "shapes": {}}', "not the one of a checkpoint"),
        ('{"schema_version": 1, "step": 1, "shapes": [1]}', "not the one of a checkpoint"),
        ('{"schema_version": 1, "step": 2, "shapes": {}}', "is damaged"),
        ('{"schema_version": 1, "step": 1, "shapes": {}, "measured": [[2, 0.5, 0.5]]}', "not the one of a checkpoint"),
        ('{"schema_version": 1, "step": 1, "shapes": {}, "measured": [[-5, 0.5, 0.5]]}', "not the one of a checkpoint"),
        (
            '{"schema_version": 1, "step": 1, "shapes": {}, "measured": [[1, "nan", 0.5]]}',
            "not the one of a checkpoint",
        ),
        (
            '{"schema_version": 1, "step": 1, "shapes": {}, "measured": [], "seconds": "inf"}',
            "not the one of a checkpoint",
        ),
        ('{"schema_version": 1, "step": true, "shapes": {}}', "not the one of a checkpoint"),
        ("{", "is not JSON"),
    ],
)
def test_a_description_of_something_else_is_refused_though_its_hash_is_valid(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=message):
        load_checkpoint(with_description(tmp_path, text))


def test_an_error_says_that_every_checkpoint_is_damaged(tmp_path: Path) -> None:
    with_description(tmp_path, "{}")
    with pytest.raises(RunError, match=r"Every checkpoint of .* is damaged"):
        latest_checkpoint(tmp_path)


def test_there_is_nothing_to_resume_in_a_folder_without_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"Nothing to resume in .*: it has no checkpoint\..*convscope train"):
        latest_checkpoint(tmp_path)


def test_a_checkpoint_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        load_checkpoint(tmp_path / "step-000000001.safetensors")


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*words: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "glob", refused)
    with pytest.raises(RunError, match="Permission denied"):
        checkpoint.files(tmp_path)


def test_a_folder_of_that_name_with_other_files_is_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "run" / checkpoint.FOLDER / "important.txt"
    own.parent.mkdir(parents=True)
    own.write_text("precious")
    with pytest.raises(RunError, match="which is not empty"):
        check_empty(tmp_path / "run")
    save_checkpoint(a_checkpoint(1), own.parent)
    with lock_run(tmp_path / "run"):
        pass
    delete_checkpoints(tmp_path / "run")
    assert [path.name for path in own.parent.iterdir()] == ["important.txt"]


@pytest.mark.parametrize("name", [checkpoint.FOLDER, "file"])
def test_a_link_or_a_file_in_the_place_of_the_checkpoints_is_not_an_empty_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="which is not empty"):
        check_empty(tmp_path / "run")


def test_checkpoints_that_are_a_link_are_not_written(tmp_path: Path) -> None:
    for name in ("run", "other"):
        (tmp_path / name).mkdir()
    save_checkpoint(a_checkpoint(1), tmp_path / "other" / checkpoint.FOLDER)
    (tmp_path / "run" / checkpoint.FOLDER).symlink_to(tmp_path / "other" / checkpoint.FOLDER)
    with pytest.raises(RunError, match="which is a link"), lock_run(tmp_path / "run"):
        pass
    assert latest_checkpoint(tmp_path / "other").checkpoint.step == 1


def test_a_lock_that_is_not_a_regular_file_is_refused_and_untouched(tmp_path: Path) -> None:
    lock, precious = tmp_path / checkpoint.FOLDER / checkpoint.LOCK_FILE, tmp_path / "precious"
    precious.write_text("precious")
    lock.parent.mkdir()
    for make in (lambda: lock.symlink_to(precious), lambda: os.mkfifo(lock), lock.mkdir):
        make()
        with pytest.raises(RunError, match="cannot be written"), lock_run(tmp_path):
            pass
        assert precious.read_text() == "precious"
        lock.rmdir() if lock.is_dir() else lock.unlink()


def test_a_lock_file_that_was_removed_meanwhile_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between our opening and our locking, the process that held it ends and removes it."""
    real, removed = os.open, []

    def open_then_remove(path: object, *words: object, **named: object) -> int:
        descriptor = real(path, *words, **named)
        if str(path).endswith(checkpoint.LOCK_FILE) and not removed:
            removed.append(Path(str(path)).unlink())
        return descriptor

    monkeypatch.setattr(os, "open", open_then_remove)
    with lock_run(tmp_path):
        assert removed and (tmp_path / checkpoint.FOLDER / checkpoint.LOCK_FILE).is_file()
        with pytest.raises(RunError, match="Another process is training in"), lock_run(tmp_path):
            pass


def test_a_checkpoint_that_cannot_be_deleted_does_not_keep_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2):
        save_checkpoint(a_checkpoint(step), tmp_path / checkpoint.FOLDER)
    real = Path.unlink

    def unlink(path: Path, *words: object, **named: object) -> None:
        if "000000001" in path.name:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(path, *words, **named)

    monkeypatch.setattr(Path, "unlink", unlink)
    delete_checkpoints(tmp_path)
    assert [path.name for path in checkpoint.files(tmp_path / checkpoint.FOLDER)] == ["step-000000001.safetensors"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that checkpoints see, in seconds."""
    now = [1.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    return now


def test_a_checkpoint_is_due_at_each_epoch_and_ten_seconds_after_the_last(tmp_path: Path, clock: list[float]) -> None:
    checkpoints = CheckpointManager(tmp_path, IDENTITY)
    assert checkpoints.is_due(ends_epoch=True) and not checkpoints.is_due(ends_epoch=False)
    clock[0] += 9.9
    assert not checkpoints.is_due(ends_epoch=False)
    clock[0] += 0.1
    assert checkpoints.is_due(ends_epoch=False)
    checkpoints.save(1, lambda: {}, [0.5], {})
    assert not checkpoints.is_due(ends_epoch=False)
    clock[0] += 10
    assert checkpoints.is_due(ends_epoch=False)


def test_seconds_count_the_training_and_not_the_interruption(tmp_path: Path, clock: list[float]) -> None:
    first = CheckpointManager(tmp_path, IDENTITY)
    clock[0] += 7
    first.save(1, lambda: {}, [0.5], {})
    saved = latest_checkpoint(tmp_path).checkpoint
    assert saved.seconds == 7
    clock[0] += 1000
    second = CheckpointManager(tmp_path, IDENTITY, saved)
    clock[0] += 5
    second.save(2, lambda: {}, [0.5, 0.4], {1: (0.25, 0.5)})
    resumed = latest_checkpoint(tmp_path).checkpoint
    assert (resumed.seconds, resumed.step, resumed.measured) == (12, 2, {1: (0.25, 0.5)})
    assert resumed.losses.tolist() == [0.5, np.float32(0.4)] and resumed.identity == IDENTITY
