"""Waiting in native code, which holds Python's lock: no Python code of this process runs meanwhile. Light."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

WATCH = """
import os, select, signal, sys
if not select.select([0], [], [], float(sys.argv[1]))[0]:
    os.write(2, sys.argv[3].encode())
    os.kill(int(sys.argv[2]), getattr(signal, "SIGKILL", signal.SIGTERM))
"""
"""A program that ends another process after some seconds, unless its input is closed before."""


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let the system end the process at SIGINT and SIGTERM, because Python would not handle them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [(number, signal.signal(number, signal.SIG_DFL)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """End this process, with one line, if the block takes longer. Another process watches the time.

    Args:
        seconds: The longest time allowed.
    """
    words = f"convscope: Expected TensorFlow to connect all workers within {seconds:.0f} s. Received: no connection.\n"
    command = [sys.executable, "-I", "-S", "-c", WATCH, str(seconds), str(os.getpid()), words]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as watch:
        try:
            yield
        finally:
            watch.kill()
