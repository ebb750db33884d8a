"""Processes that work on items, which they are sent through pipes.

Python runs one thread at a time, and waits whenever it changes from one to another: on a machine with many cores, many
threads that read images are slower than a few processes.

These are not the processes of `multiprocessing`, which import the program that started them, so that a script without
``if __name__ == "__main__":`` would start itself again. Each ends when its input is closed, also because the process
that started it was killed.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from convscope.errors import OptionError, RunError

T = TypeVar("T")
R = TypeVar("R")

MOST_PROCESSES = 32
MOST_BY_DEFAULT = 16
"""Each takes some 50 MB, and 100 MB more while it decodes a photo of 12 megapixels."""

FEW_CORES = 3
"""Up to here, threads: processes were measured on four cores and more."""

FEW_ITEMS = 2_000
"""Up to here, the start of the processes takes longer than they gain."""

VARIABLE = "CONVSCOPE_PROCESSES"
"""The environment variable with the default number: 1 in processes that share the machine with others like them."""

CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")
COMMAND = "from convscope.data.processes import main; main()"
READY = b"convscope: ready\n"
"""What comes before it was printed by something else, such as ``sitecustomize``."""

LENGTH_BYTES = 8


class ProcessEndedError(RunError):
    """A process could not be started, or ended before its work was done."""


def usable_cores() -> int:
    """How many cores this process may use: those that it may run on, and no more than its container is given."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _quota(CGROUP_LIMIT)))


@functools.cache
def _quota(file: Path) -> int:
    """The cores that a control group (version 2) may use on average, rounded up; without a limit, any number."""
    try:
        quota, period = file.read_text(encoding="ascii").split()
        return -(-int(quota) // int(period))
    except (OSError, ValueError):  # no such group; or "max"
        return sys.maxsize


def process_count(processes: int | None, items: int) -> int:
    """How many processes work on so many items.

    Args:
        processes: As asked for; None for one on each core, at most 16, or 1 where the cores are few, or the items.
        items: Their number.

    Raises:
        OptionError: ``processes``, or the environment variable, is out of range.
    """
    if processes is None:
        if getattr(sys, "frozen", False) or not sys.executable:  # a program that is no Python
            return 1
        count = _default_count()
        return count if items > FEW_ITEMS else 1
    if type(processes) is not int or not 1 <= processes <= MOST_PROCESSES:
        raise OptionError(
            f"processes must be a whole number from 1 to {MOST_PROCESSES}. Received: processes={processes!r}."
        )
    return processes


def _default_count() -> int:
    """For many items: what the environment variable says; else one on each core, or 1 where these are few."""
    given = os.environ.get(VARIABLE)
    if not given:
        cores = min(usable_cores(), MOST_BY_DEFAULT)
        return cores if cores > FEW_CORES else 1
    if not given.isdecimal() or not 1 <= int(given) <= MOST_PROCESSES:
        raise OptionError(f"{VARIABLE} must be a whole number from 1 to {MOST_PROCESSES}. Received: {given!r}.")
    return int(given)


def can_be_sent(value: object) -> bool:
    """Whether a function, for example, can be sent to another process."""
    try:
        pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return True


class ProcessPool(Generic[T, R]):
    """Processes that apply one function to items, until it is closed.

    Args:
        work: The function. It and the items are sent as `pickle` does, results and errors too.
        count: The number of processes.

    Raises:
        ProcessEndedError: The system starts no more processes.
    """

    def __init__(self, work: Callable[[T], R], count: int) -> None:
        self.count = count
        self._tasks: queue.SimpleQueue[tuple[T, Future[R]] | None] = queue.SimpleQueue()
        self._has_failed = False
        self._processes: list[subprocess.Popen[bytes]] = []
        self._threads: list[threading.Thread] = []
        data, environment = _packed(work), _environment()
        try:
            for _ in range(count):
                process = subprocess.Popen(
                    [sys.executable, "-P", "-c", COMMAND],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=environment,
                    start_new_session=True,  # Ctrl-C is for the process that started it
                    creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
                )
                self._processes.append(process)
                feeder = threading.Thread(target=self._feed, args=(process, data), name="convscope", daemon=True)
                feeder.start()
                self._threads.append(feeder)
        except OSError as error:
            self.close()
            raise ProcessEndedError(f"Expected {count} processes. Received: {error.strerror or error}.") from None
        except BaseException:
            self.close()
            raise

    def submit(self, item: T) -> Future[R]:
        """Work on an item.

        The result raises what the function raises, and `ProcessEndedError` if the process ended by itself.
        """
        future: Future[R] = Future()
        self._tasks.put((item, future))
        if self._has_failed:
            self._fail_waiting()
        return future

    def close(self) -> None:
        """End the processes, also those that work."""
        for one in self._processes:  # they hold nothing that could be lost
            one.kill()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()
        self._has_failed = True
        self._fail_waiting()
        for one in self._processes:
            one.wait()
            for pipe in (one.stdin, one.stdout):
                with contextlib.suppress(OSError):  # what was not sent
                    if pipe:
                        pipe.close()

    def _feed(self, process: subprocess.Popen[bytes], work: bytes) -> None:
        """Send items to a process, one after another, until there are none left or it has ended."""
        assert process.stdin and process.stdout
        with contextlib.suppress(OSError):  # the first item says so
            _write(process.stdin, work)
            while (line := process.stdout.readline()) and not line.endswith(READY):
                pass
        while (task := self._tasks.get()) is not None:
            item, future = task
            try:
                _write(process.stdin, _packed(item))
                is_result, value = _receive(process.stdout)
            except (OSError, EOFError):
                self._has_failed = True
                future.set_exception(_ended())
                self._fail_waiting()
                return
            except Exception as problem:  # what cannot be sent
                future.set_exception(problem)
                continue
            if is_result:
                future.set_result(value)
            else:
                future.set_exception(value)

    def _fail_waiting(self) -> None:
        """Give up what no process has begun, so that nobody waits for it."""
        ends = 0
        with contextlib.suppress(queue.Empty):
            while True:
                task = self._tasks.get_nowait()
                if task is None:  # which is for a thread that waits
                    ends += 1
                else:
                    task[1].set_exception(_ended())
        for _ in range(ends):
            self._tasks.put(None)


def _environment() -> dict[str, str]:
    """That of this process, with the modules that it can import, and one thread for each matrix product."""
    own = str(Path(__file__).resolve().parents[2])
    paths = [own, *(os.path.abspath(path) for path in sys.path if isinstance(path, str))]  # noqa: PTH100
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return os.environ | threads | {"PYTHONPATH": os.pathsep.join(paths), VARIABLE: "1"}


def _ended() -> ProcessEndedError:
    return ProcessEndedError(
        "Expected each process to finish its work. Received: one that ended early.",
        hint="If the memory is short, use fewer processes.",
    )


def _packed(value: object) -> bytes:
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def _write(pipe: IO[bytes], data: bytes) -> None:
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:
    head = pipe.read(LENGTH_BYTES)
    size = int.from_bytes(head, "big")
    data = pipe.read(size)
    if len(head) < LENGTH_BYTES or len(data) < size:
        raise EOFError
    return pickle.loads(data)


def main() -> None:
    """What such a process does: it reads the function, then items, until its input ends."""
    for number in (signal.SIGINT, signal.SIGTERM):  # which may be sent to a whole group; the end of the input follows
        signal.signal(number, signal.SIG_IGN)
    given, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    try:
        _write(answers, READY)
        work = _receive(given)
        while True:
            item = _receive(given)
            try:
                answer = _packed((True, work(item)))
            except Exception as error:
                answer = _packed((False, error if can_be_sent(error) else RuntimeError(repr(error))))
            _write(answers, answer)
    except (EOFError, OSError):
        os._exit(0)
