"""The number of threads of an operation: set once, recorded, and never changed in silence."""

from __future__ import annotations

import pytest

from convscope.errors import OptionError
from convscope.training.options import TrainOptions
from convscope.training.resume_check import check_same
from convscope.training.threads import default_threads


def test_the_default_is_tensorflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "7")
    assert default_threads() == 7
    for nothing in ("", "0", "many"):
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", nothing)
        monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 3, 5}, raising=False)
        assert default_threads() == 3


def test_a_process_that_has_computed_keeps_its_number() -> None:
    from convscope.model.tensorflow import set_threads, start_devices, threads_of_process

    start_devices()
    now = threads_of_process(default_threads())
    set_threads(now, default_threads())
    with pytest.raises(OptionError, match=rf"Received: threads={now + 1}"):
        set_threads(now + 1, default_threads())
    assert threads_of_process(default_threads()) == now


def test_a_training_is_not_resumed_with_another_number() -> None:
    before, now = ({"options": {"threads": threads}} for threads in (2, 3))
    with pytest.raises(Exception, match=r"options.threads=3 \(was 2\)"):
        check_same(before, now)


def test_a_record_of_an_older_version_has_the_plain_step() -> None:
    options = TrainOptions.from_record({"model": "quick"})
    assert (options.threads, options.shards) == (None, 1)
