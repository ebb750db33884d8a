"""The run lock on both kinds of systems. Windows is simulated: its branch runs on Linux with a stand-in for ``msvcrt``.

The stand-in has the two properties of Windows that the code relies on: ``locking`` raises PermissionError if another
handle holds the byte, and an open file cannot be removed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from convscope.errors import RunError
from convscope.training.checkpoint import FOLDER, LOCK_FILE, lock_run

WINDOWS = '''
import errno, fcntl as real, os, sys, types
from pathlib import Path

def locking(descriptor, mode, count):
    assert (mode, count) == (2, 1)
    try:
        real.flock(descriptor, real.LOCK_EX | real.LOCK_NB)
    except BlockingIOError:
        raise PermissionError(errno.EACCES, "Permission denied") from None

def opened(path):
    """Whether any process has the file open."""
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.path.samestat(entry.stat(), path.lstat()):
                return True
        except OSError:
            pass
    return False

def unlink(path, missing_ok=False):
    if path.name == "lock" and path.exists() and opened(path):
        raise PermissionError(errno.EACCES, "The process cannot access the file because another process uses it")
    return before(path, missing_ok=missing_ok)

before = Path.unlink
simulated = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
'''

HOLD = """
from convscope.training.checkpoint import lock_run
with lock_run(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["unix", "windows"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Code that a child process runs first; this process is set up the same way."""
    if request.param == "unix":
        return "import sys\nfrom pathlib import Path\n"
    names: dict = {}
    exec(WINDOWS, names)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", names["simulated"])
    monkeypatch.setattr(Path, "unlink", names["unlink"])
    monkeypatch.delattr(os, "O_NOFOLLOW")
    monkeypatch.delattr(os, "O_NONBLOCK")
    return WINDOWS + (
        "import convscope.training.checkpoint, subprocess\n"  # which look for msvcrt themselves
        "sys.modules['fcntl'], sys.modules['msvcrt'], Path.unlink = None, simulated, unlink\n"
        "del os.O_NOFOLLOW, os.O_NONBLOCK\n"
    )


def hold(system: str, run: Path) -> subprocess.Popen[bytes]:
    other = subprocess.Popen(
        [sys.executable, "-c", system + HOLD, run],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert other.stdout and other.stdout.readline() == b"held\n", other.communicate()[1]
    return other


@pytest.mark.parametrize("ends", ["killed", "by itself"])
def test_another_process_is_kept_out_until_the_holder_ends(ends: str, system: str, tmp_path: Path) -> None:
    other = hold(system, tmp_path)
    try:
        for _ in range(2):
            with pytest.raises(RunError, match="Another process is training in"), lock_run(tmp_path):
                pass
        assert (tmp_path / FOLDER / LOCK_FILE).is_file(), "who is refused removes nothing"
    finally:
        other.kill() if ends == "killed" else other.communicate()
        other.communicate()
    with lock_run(tmp_path):
        assert (tmp_path / FOLDER / LOCK_FILE).is_file()
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_the_same_process_is_kept_out_too(system: str, tmp_path: Path) -> None:
    with lock_run(tmp_path), pytest.raises(RunError, match="Another process is training in"), lock_run(tmp_path):
        pass


def test_links_and_folders_are_refused_untouched(system: str, tmp_path: Path) -> None:
    lock, precious = tmp_path / FOLDER / LOCK_FILE, tmp_path / "precious"
    precious.write_text("precious")
    lock.parent.mkdir()
    for make in (lambda: lock.symlink_to(precious), lambda: lock.symlink_to(tmp_path / "missing"), lock.mkdir):
        make()
        with pytest.raises(RunError, match="cannot be written"), lock_run(tmp_path):
            pass
        assert precious.read_text() == "precious" and not (tmp_path / "missing").exists()
        lock.rmdir() if lock.is_dir() and not lock.is_symlink() else lock.unlink()


def test_what_else_lies_in_the_folder_stays(system: str, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "notes.txt").write_text("precious")
    with lock_run(tmp_path):
        pass
    assert (tmp_path / FOLDER / "notes.txt").read_text() == "precious"
