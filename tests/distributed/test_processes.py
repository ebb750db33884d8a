"""Processes that are started and watched together."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from convscope.distributed.processes import run_processes

BOTH_AT_ONCE = """
import os, signal, sys, time
mine, rank = sys.argv[1], int(sys.argv[-1])
names = [f"{mine}/{k}" for k in (0, 1)]
with open(names[rank] + ".new", "w") as file:
    file.write(str(os.getpid()))
os.rename(names[rank] + ".new", names[rank])
while not all(map(os.path.exists, names)):
    time.sleep(0.01)
if rank == 0:
    time.sleep(60)
os.kill(int(open(names[0]).read()), signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_workers_that_are_killed_at_the_same_time_are_reported(tmp_path: Path) -> None:
    """None is left to be ended, so the line must not depend on that."""
    said: list[str] = []
    command = [sys.executable, "-c", BOTH_AT_ONCE, str(tmp_path)]
    assert run_processes(command, count=2, say=said.append, write=said.append) == 1
    assert len(said) == 1 and said[0].startswith("convscope: worker ") and "was ended by SIGKILL" in said[0]


@pytest.mark.parametrize(("code", "expected"), [("0", 0), ("3", 3)])
def test_the_exit_code_is_that_of_the_worker_that_failed(code: str, expected: int) -> None:
    command = [sys.executable, "-c", f"import sys; sys.exit({code} if sys.argv[-1] == '1' else 0)"]
    assert run_processes(command, count=2, say=print, write=print) == expected


def test_workers_that_end_by_the_signal_that_ends_all_have_stopped_and_not_failed(tmp_path: Path) -> None:
    """While Python starts, a worker does not handle signals yet."""
    said: list[str] = []
    waits = f"import pathlib, sys, time; pathlib.Path(r'{tmp_path}', sys.argv[-1]).touch(); time.sleep(60)"

    def send_when_both_wait() -> None:
        until = time.monotonic() + 30
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        if len(list(tmp_path.iterdir())) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    sender = threading.Thread(target=send_when_both_wait)
    sender.start()
    code = run_processes([sys.executable, "-c", waits], count=2, say=said.append, write=said.append)
    sender.join()
    assert code == 128 + signal.SIGTERM and said == []
