"""Commands in processes forked from one that has imported convscope, Keras and TensorFlow.

To import them takes more processor time than a small training. At a fork, TensorFlow has computed nothing and no other
thread runs, so a forked process begins as a new one does after its imports; only the seed of Python's hashes is that
of its parent. Linux.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
NAMESPACES = Path("/var/run/netns")


def import_everything() -> None:
    """Import what a command of convscope imports while it trains. TensorFlow computes nothing."""
    import convscope.api
    import convscope.cli

    for package in (convscope.cli, convscope.api):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
    for heavy in ("convscope.training.fit", "convscope.distributed.workers"):
        importlib.import_module(heavy)
    _draw_nothing()
    gc.freeze()  # a child copies less memory


def _draw_nothing() -> None:
    """Leave out the pictures and the page of a run, which are made after its last step and take as long."""
    from convscope.api import conclude_training, pictures

    pictures.draw_run = conclude_training.write_page_if_small = lambda *words, **more: None


class Forked:
    """A process that this one has forked, with the methods of `subprocess.Popen` that are needed."""

    def __init__(self, pid: int, errors: Path) -> None:
        self.pid, self.returncode, self._errors = pid, None, errors

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        if self.returncode is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if done else None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = 600) -> tuple[str, str]:
        """Wait for its end: nothing, and what it has written to stderr."""
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("convscope", timeout)
            time.sleep(0.02)
        return "", self._errors.read_text(encoding="utf-8", errors="replace")


def fork(words: tuple[str, ...], folder: Path, namespace: str = "") -> Forked:
    """Run `convscope` with these words in a forked process.

    Args:
        words: The arguments of the command.
        folder: Its working folder.
        namespace: Network namespace of the process; empty is that of this one.

    Raises:
        RuntimeError: Another thread of this process runs.
    """
    handle, name = tempfile.mkstemp(prefix="stderr-", dir=folder)
    pid = os.fork()
    if pid == 0:
        _run(words, folder, namespace, handle)
    os.close(handle)
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208
        os.kill(pid, signal.SIGKILL)
        raise RuntimeError("Expected a process with one thread.")
    return Forked(pid, Path(name))


def fork_function(function, *values: object) -> int:
    """Call a function in a forked process, which ends with it, or by SIGTERM as by `sys.exit`; the process id."""
    pid = os.fork()
    if pid:
        return pid
    end_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    code = 1
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        try:
            function(*values)
            code = 0
        except Exception:
            import traceback

            traceback.print_exc()
    os._exit(code)


def end_with_parent() -> None:
    """End this process when its parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _run(words: tuple[str, ...], folder: Path, namespace: str, errors: int) -> NoReturn:
    """In the child: run the command."""
    code = 99
    try:
        end_with_parent()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not as in a lane, see `fork_function`
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number, target in ((0, nothing), (1, nothing), (2, errors)):
            os.dup2(target, number)
        if namespace:
            _enter(namespace)
        os.chdir(folder)
        sys.argv = ["convscope", *words]
        from convscope.cli import program

        program(words)
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _enter(namespace: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    with (NAMESPACES / namespace).open() as file:
        if libc.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"Could not enter the network namespace {namespace}.")
