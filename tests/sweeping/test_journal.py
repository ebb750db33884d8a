"""The journal: what it keeps when writers are killed, and what it refuses."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from convscope.errors import RunError
from convscope.sweeping.definition import Definition
from convscope.sweeping.journal import Journal
from convscope.sweeping.records import Trial

DEFINITION = Definition("mnist", ("epochs=1..4", "optimizer=adam,sgd"))


def trial(number: int) -> Trial:
    return Trial(number, 0, {"epochs": 1.5, "optimizer": "sgd"}, "complete", 0.9, 0.3, {"0.5": 0.8}, "quick", 1.5)


def joined(path: Path) -> Journal:
    journal = Journal(path)
    journal.join(DEFINITION)
    return journal


def test_a_journal_gives_back_what_was_added_and_optuna_reads_it_too(tmp_path: Path) -> None:
    path = tmp_path / "new" / "journal.log"
    failed = Trial(0, 0, {"epochs": 2.0, "optimizer": "adam"}, "failed", reason="it does not fit")
    for one in (trial(1), failed):
        joined(path).add(one)
    again = joined(path)
    assert again.trials() == {0: failed, 1: trial(1)} and again.definition == DEFINITION
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalStorage

    study = optuna.load_study(study_name="convscope", storage=JournalStorage(JournalFileBackend(str(path))))
    assert study.best_value == 0.9 and study.best_params == {"epochs": 1.5, "optimizer": "sgd"}


def test_a_journal_cut_at_any_byte_keeps_every_whole_trial_and_takes_more(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    journal = joined(path)
    begin = path.stat().st_size
    for number in range(2):
        journal.add(trial(number))
    whole = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == 10]
    for size in range(begin, len(whole), 37):
        path.write_bytes(whole[:size])
        again = joined(path)
        kept = sum(end <= size for end in ends) - sum(end <= begin for end in ends)
        assert sorted(again.trials()) == list(range(kept)), size
        again.add(trial(7))
        assert sorted(joined(path).trials()) == [*range(kept), 7], size


def test_a_journal_whose_first_line_was_not_finished_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    path.write_bytes(b'{"op_code":0,"worker_i')
    assert joined(path).trials() == {}


@pytest.mark.parametrize("content", [b"my notes", b"my notes\n", b'{"a": 1}\n', b"\x00\xff" * 50, b"[1]\n"])
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"Expected a new file, or the journal of a sweep. Received: .*notes.txt"):
        Journal(path)
    assert path.read_bytes() == content and list(tmp_path.iterdir()) == [path]


def test_a_folder_and_a_place_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="which is not a regular file"):
        Journal(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        Journal(tmp_path / "file" / "journal.log")


def test_a_damaged_line_in_the_middle_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    joined(path).add(trial(0))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"{damaged\n", *lines[1:]]))
    with pytest.raises(RunError, match="is damaged"):
        joined(path)


def test_other_data_are_refused_by_their_fingerprint(tmp_path: Path) -> None:
    joined(tmp_path / "journal.log").check_data(["a", None])
    joined(tmp_path / "journal.log").check_data(["a", None])
    with pytest.raises(RunError, match="Expected the images of the other trials"):
        joined(tmp_path / "journal.log").check_data(["b", None])


def test_the_search_ends_once_with_the_first_list_of_trials(tmp_path: Path) -> None:
    joined(tmp_path / "journal.log").close([0, 1])
    other = joined(tmp_path / "journal.log")
    other.close([0, 1, 2])
    assert other.closed == [0, 1]


def hold(path: Path, taken) -> None:
    with Journal(path).claim("trial-0") as is_mine:
        assert is_mine
        taken.set()
        signal.pause()


def test_a_claim_keeps_others_out_and_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    journal = joined(path)
    context = multiprocessing.get_context("fork")
    taken = context.Event()
    holder = context.Process(target=hold, args=(path, taken), daemon=True)
    holder.start()
    assert taken.wait(60)
    with journal.claim("trial-0") as is_mine:
        assert not is_mine
    with journal.claim("trial-1") as is_mine:
        assert is_mine
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    with journal.claim("trial-0") as is_mine:
        assert is_mine
