"""A process that waits in native code, with Python's lock held, can still be ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

WAIT = """
import ctypes, signal, sys
from convscope.distributed.native_waiting import ended_by_signals, limited
signal.signal(signal.SIGTERM, lambda *words: print("handled", flush=True))
with ended_by_signals(), limited(float(sys.argv[1])):
    print("waiting", flush=True)
    ctypes.PyDLL(None).sleep(int(sys.argv[2]))  # PyDLL keeps the lock
print("done", flush=True)
signal.raise_signal(signal.SIGTERM)
"""
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")


def start(limit: float, wait: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WAIT, str(limit), str(wait)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_a_wait_beyond_the_limit_ends_with_one_line() -> None:
    process = start(0.5, 300)
    out, error = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL and out == "waiting\n"
    assert error == "convscope: Expected TensorFlow to connect all workers within 0 s. Received: no connection.\n"


def test_sigterm_ends_the_wait() -> None:
    process = start(300, 300)
    assert process.stdout.readline() == "waiting\n"
    began = time.monotonic()
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM and time.monotonic() - began < 30


def test_a_wait_that_ends_leaves_the_process_and_its_handlers_alone() -> None:
    process = start(300, 0)
    assert process.communicate(timeout=60) == ("waiting\ndone\nhandled\n", "")
    assert process.returncode == 0
