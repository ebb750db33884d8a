"""Training on workers that Ray starts. The tests that start Ray run in a network namespace, because Ray listens on all
addresses of a machine.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cluster
import pytest
from interruption import NETWORK, prepare
from program import run_convscope

from convscope.distributed.ray_cluster import RayCluster
from convscope.errors import OptionError
from convscope.training.checkpoint import lock_run

FENCE = ("unshare", "--net", "--pid", "--fork", "--mount-proc", "sh", "-c", 'ip link set lo up && "$@"', "sh")
has_fence = sys.platform == "linux" and os.geteuid() == 0 and shutil.which("ip") and shutil.which("unshare")
OPTIONS = cluster.options(150)  # long enough to be interrupted
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None or not has_fence, reason="Ray, Linux, root, ip and unshare"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    (tmp_path / "net.txt").write_text(NETWORK, encoding="utf-8")
    return tmp_path


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = (*FENCE, sys.executable, "-m", "convscope", "train", *words)
    return subprocess.Popen(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def record(run: Path) -> dict:
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--ray", "local", "--workers", "127.0.0.1:4000"), "With --ray, --workers is a number."),
        (("--ray", "local", "--processes", "2"), "Expected --ray with --workers N."),
        (("--ray", "local", "--workers", "0"), "workers must be an integer from 1 to 256"),
        (("--ray", "10.0.0.1:6379", "--workers", "2"), "no password and no encryption"),
        (("--ray", "local", "--workers", "2", "--connect-timeout", "soon"), "connect_timeout must be a duration"),
    ],
)
def test_options_for_ray_that_do_not_fit_together_are_refused(words, message, tmp_path: Path) -> None:
    done = run_convscope("train", *words, "--out", "run", cwd=tmp_path)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="without Ray")
def test_without_ray_the_command_names_the_extra(tmp_path: Path) -> None:
    done = run_convscope("train", "--ray", "local", "--workers", "2", "--out", "run", cwd=tmp_path)
    assert done.returncode == 1 and "pip install 'convscope[ray]'" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_version_of_ray_without_what_is_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "__init__.py").write_text("__version__ = '1.0'\n", encoding="utf-8")
    words = ("train", "--ray", "local", "--workers", "2", "--out", "run")
    done = run_convscope(*words, cwd=tmp_path, first_on_path=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "Training on Ray needs Ray Train 2.60 or a later one" in done.stderr and "ray.train" in done.stderr
    assert not (tmp_path / "run").exists()


def test_ray_on_other_machines_needs_a_trusted_network() -> None:
    for address in ("auto", "10.0.0.1:6379", "ray://head:10001"):
        with pytest.raises(OptionError, match="--trusted-network"):
            RayCluster(address, 2)
        assert RayCluster(address, 2, is_trusted=True).address == address
    assert RayCluster("ray://127.0.0.1:10001", 2).workers == 2


@needs_ray
@pytest.mark.long
def test_ray_trains_the_weights_of_one_process_also_after_a_worker_was_killed(folder: Path) -> None:
    whole = run_convscope("train", *OPTIONS, "--out", "whole", "-q", cwd=folder)
    assert whole.returncode == 0, whole.stderr
    words = (*OPTIONS, "--out", "run", "--ray", "local", "--workers", "2")
    program = start(folder, *words)
    try:
        assert cluster.wait_for_checkpoint(folder, "run", [program])
        time.sleep(1)
        os.kill(worker_of_ray(folder), signal.SIGKILL)
        _, error = program.communicate(timeout=1800)
    finally:
        program.kill()
    assert program.returncode == 0, error
    assert error.count("[0] training …") == 2, "all workers were started again"
    expected, found = record(folder / "whole"), record(folder / "run")
    assert found["weights_sha256"] == expected["weights_sha256"]
    assert found["history"] == expected["history"]
    assert sorted(path.name for path in folder.iterdir()) == ["data.npz", "net.txt", "run", "whole"]


@needs_ray
@pytest.mark.long
def test_an_option_that_does_not_fit_is_one_line_and_is_not_tried_again(folder: Path) -> None:
    program = start(folder, *OPTIONS[:-1], "5", "--out", "run", "--ray", "local", "--workers", "2")
    _, error = program.communicate(timeout=600)
    assert program.returncode == 2, error
    assert "Expected a number of shards that divides the batch size. Received: shards=5" in error
    assert "Traceback" not in error and not (folder / "run").exists()


@needs_ray
@pytest.mark.long
def test_ctrl_c_stops_all_workers_with_a_checkpoint_and_a_failure_that_would_come_again_ends_at_once(
    folder: Path,
) -> None:
    words = ("--ray", "local", "--workers", "2")
    program = start(folder, *OPTIONS, "--out", "run", *words)
    assert cluster.wait_for_checkpoint(folder, "run", [program])
    os.kill(command_of(program), signal.SIGINT)
    out, error = program.communicate(timeout=600)
    assert program.returncode == 130, error
    assert "convscope: stopping all workers after the same step." in error and "Traceback" not in error
    assert record(folder / "run")["outcome"] == "interrupted" and "--resume" in out
    assert sorted(path.name for path in folder.iterdir()) == ["data.npz", "net.txt", "run"]

    with lock_run(folder / "run"):  # the first worker cannot go on, and the second one waits for it
        program = start(folder, "--resume", "run", *words)
        _, error = program.communicate(timeout=600)
    assert program.returncode == 1
    assert error.count("Another process is training in") == 1 and "Traceback" not in error
    assert error.count("[0] starting TensorFlow") == 1, "the workers were not started again"


def command_of(program: subprocess.Popen[str]) -> int:
    """The command in the namespace: `unshare` starts a shell, which starts it."""
    number = program.pid
    for _ in range(2):
        number = int(Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii").split()[0])
    return number


def worker_of_ray(folder: Path) -> int:
    """A process that trains; its number here, outside the namespace."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            name, where = (path / "cmdline").read_bytes(), (path / "environ").read_bytes()
        except OSError:
            continue
        if b"RayTrainWorker" in name and str(folder).encode() in where:
            return int(path.name)
    raise AssertionError("no worker")
