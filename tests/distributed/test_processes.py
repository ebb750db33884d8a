"""Processes that are started and watched together."""

import sys
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
