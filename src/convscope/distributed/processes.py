"""Several workers on this machine: start them, show their lines, and end all when one fails. Light."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import IO, Any

from convscope.data.processes import VARIABLE
from convscope.errors import OptionError

GRACE_SECONDS = 12.0
"""After one worker has failed, the others notice it by themselves and end; after so long they are ended."""

KILL_SECONDS = 5.0
"""After SIGTERM."""

MAX_PROCESSES = 64


def free_addresses(count: int) -> tuple[str, ...]:
    """Addresses of this machine with ports that are free now.

    Example:
        >>> len(free_addresses(2))
        2
    """
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return tuple(f"127.0.0.1:{one.getsockname()[1]}" for one in sockets)
    finally:
        for one in sockets:
            one.close()


def run_processes(
    command: Sequence[str], count: int, *, say: Callable[[str], None], write: Callable[[str], None]
) -> int:
    """Run a command as several workers, and wait for them.

    SIGINT and SIGTERM are passed on to all of them.

    Args:
        command: A command that takes ``--workers`` and ``--rank``.
        count: Number of workers, 1 to 64.
        say: Called with each line that a worker prints on stderr, with its rank before it.
        write: Called with what the first worker prints on stdout.

    Returns:
        0, or the exit code of the first worker that failed: 1 if a signal ended it, or 128 and the signal's number if
        it was passed on.

    Raises:
        OptionError: ``count`` is out of range.
    """
    if not 1 <= count <= MAX_PROCESSES:
        raise OptionError(f"processes must be an integer from 1 to {MAX_PROCESSES}. Received: processes={count}.")
    addresses = ",".join(free_addresses(count))
    workers = [
        subprocess.Popen(
            [*command, "--workers", addresses, "--rank", str(rank)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches them once, through this process
            env=os.environ | {VARIABLE: "1"},  # each of them would read with all cores
        )
        for rank in range(count)
    ]
    readers = [threading.Thread(target=_copy, args=(one.stderr, say, f"[{rank}] ")) for rank, one in enumerate(workers)]
    readers += [threading.Thread(target=_copy, args=(one.stdout, write, "")) for one in workers]
    for reader in readers:
        reader.start()
    passed: set[int] = set()
    before = _pass_on(workers, passed)
    try:
        return _watch(workers, say, passed)
    finally:
        for one in workers:
            if one.poll() is None:
                one.kill()
            one.wait()
        for reader in readers:
            reader.join()
        for number, handler in before:
            signal.signal(number, handler)


def command_of(arguments: Sequence[str]) -> list[str]:
    """A command of convscope as a process of its own.

    Example:
        >>> command_of(["train", "mnist"])[1:]
        ['-m', 'convscope', 'train', 'mnist']
    """
    return [sys.executable, "-m", "convscope", *arguments]


def _copy(stream: IO[str] | None, to: Callable[[str], None], before: str) -> None:
    for line in stream or ():
        to(before + line.rstrip("\n"))


def _pass_on(workers: list[subprocess.Popen[str]], passed: set[int]) -> list[tuple[int, Any]]:
    """Pass signals on, and note which; returns the handlers before."""
    if threading.current_thread() is not threading.main_thread():
        return []

    def send(number: int, frame: FrameType | None) -> None:
        passed.add(number)
        for one in workers:
            if one.poll() is None:
                one.send_signal(number)

    return [(number, signal.signal(number, send)) for number in (signal.SIGINT, signal.SIGTERM)]


def _code_of(worker: subprocess.Popen[str], passed: set[int]) -> int | None:
    """Its exit code; one that ended by a signal passed on, before it could handle signals, has stopped as others do."""
    code = worker.poll()
    return 128 - code if code is not None and -code in passed else code


def _watch(workers: list[subprocess.Popen[str]], say: Callable[[str], None], passed: set[int]) -> int:
    """Wait until all have ended; after the first failure, not longer than the times above."""
    failed, deadline, is_asked, codes = 0, float("inf"), False, [None]
    while None in codes:
        codes = [_code_of(one, passed) for one in workers]
        if not failed and any(codes):
            rank = min((k for k, code in enumerate(codes) if code), key=lambda k: codes[k] or 0)  # a signal first
            failed, deadline = codes[rank] or 1, time.monotonic() + GRACE_SECONDS
            if failed < 0:
                others = "; ending the others" if None in codes else ""
                say(f"convscope: worker {rank} was ended by {signal.Signals(-failed).name}{others}.")
        if time.monotonic() > deadline:
            for one in workers:
                if one.poll() is None:
                    one.kill() if is_asked else one.terminate()
            is_asked, deadline = True, time.monotonic() + KILL_SECONDS
        time.sleep(0.05 if None in codes else 0)
    return failed if failed >= 0 else 1
