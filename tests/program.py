"""The program `convscope` as a person runs it, quickly: a process forked from one that has imported everything.

A new interpreter spends most of a second on imports, TensorFlow three. The server below imports once and forks for each
call, so that every call still has a process, a working folder, and output streams of its own. A call that sets an
environment variable gets a new interpreter, because many of them are read only when one starts.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HEAVY_COMMANDS = ("train", "import")
KILLED = -signal.SIGKILL


def run_convscope(
    *arguments: object, cwd: Path, timeout: float = 180, first_on_path: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `convscope` with these arguments in a folder; returns its exit code and what it printed.

    The modules in the folder `first_on_path` hide others that convscope has not imported when it starts: TensorFlow.
    """
    words = [str(argument) for argument in arguments]
    if environment:
        return subprocess.run(
            [sys.executable, "-m", "convscope", *words],
            cwd=cwd,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
    if first_on_path:
        return _server(with_tensorflow=False).run(words, Path(cwd), timeout, first_on_path)
    trains = words[:1] in [[name] for name in HEAVY_COMMANDS] or (words[:2] == ["data", "check"] and "--run" in words)
    trains = trains and "--help" not in words
    return _server(trains).run(words, Path(cwd), timeout)


def before_all(folder: Path) -> str:
    """A PYTHONPATH on which the modules of a folder hide all others."""
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))


_servers: dict[bool, ProgramServer] = {}


def _server(with_tensorflow: bool) -> ProgramServer:
    if with_tensorflow not in _servers:
        _servers[with_tensorflow] = ProgramServer(with_tensorflow)
    return _servers[with_tensorflow]


def stop_servers() -> None:
    """End the servers; they also end when this process does, because their input closes."""
    for server in _servers.values():
        server.close()
    _servers.clear()


class ProgramServer:
    """One process that has imported convscope, and forks a child for each call."""

    def __init__(self, with_tensorflow: bool) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "heavy" if with_tensorflow else "light"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(
        self, words: list[str], cwd: Path, timeout: float, first_on_path: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            call = {"words": words, "cwd": str(cwd), "env": dict(os.environ), "out": str(out), "err": str(err)}
            call |= {"timeout": timeout, "first_on_path": str(first_on_path or "")}
            self._process.stdin.write(json.dumps(call) + "\n")
            self._process.stdin.flush()
            reply = json.loads(self._process.stdout.readline())
            printed = [path.read_text(encoding="utf-8") if path.is_file() else "" for path in (out, err)]
        if reply["timed_out"]:
            raise subprocess.TimeoutExpired(words, timeout, *printed)
        return subprocess.CompletedProcess([sys.executable, "-m", "convscope", *words], reply["code"], *printed)

    def close(self) -> None:
        """End it; no call is running."""
        self._process.kill()
        self._process.communicate()


def _import_everything(which: str) -> None:
    import importlib
    import pkgutil

    import convscope.api
    import convscope.cli

    for package in (convscope.cli, convscope.api):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
    if which == "heavy":
        # Import only: the first operation starts threads, which would not survive the fork.
        os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "KERAS_HOME": "/dev/null/keras"}
        import keras  # noqa: F401
        import tensorflow  # noqa: F401


def _become(call: dict) -> None:
    """In the child: run the command and never return."""
    from convscope.cli import program

    code = 99
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        for name, number in (("out", 1), ("err", 2)):
            os.dup2(os.open(call[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.environ.clear()
        os.environ.update(call["env"])
        os.chdir(call["cwd"])
        sys.argv = ["convscope", *call["words"]]
        sys.path[0] = call["cwd"]
        if call["first_on_path"]:
            sys.path.insert(0, call["first_on_path"])
        program(call["words"])
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _wait(child: int, timeout: float) -> dict:
    deadline = time.monotonic() + timeout
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return {"code": os.waitstatus_to_exitcode(status), "timed_out": False}
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return {"code": KILLED, "timed_out": True}
        time.sleep(0.004)


def serve(which: str) -> None:
    """Fork a child for each line of the input, which is one call as JSON; answer with its exit code."""
    calls, replies = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _import_everything(which)
    gc.freeze()  # so that a child does not copy the memory of objects that it only counts
    for line in calls:
        call = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(call)
        replies.write(json.dumps(_wait(child, call["timeout"])) + "\n")
        replies.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
