"""A training on several processes: the same weights, and what happens when one of them fails.

Short versions of the experiments in proofs/cluster.py.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cluster
import numpy as np
import pytest
from interruption import prepare
from program import run_convscope

from convscope.distributed.processes import free_addresses

SMALL = ("--data", "data.npz", "--model", "net.txt", "--epochs", "3", "--batch-size", "32", "--shards", "4")


def convscope(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "convscope", "train", *words], cwd=cwd, env=os.environ | environment,
        capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


def test_two_processes_give_the_weights_of_one(folder: Path) -> None:
    two = convscope(*SMALL, "--out", "two", "--processes", "2", "--json", cwd=folder)
    assert two.returncode == 0, two.stderr
    assert json.loads(two.stdout)["run"], "stdout is that of the first worker"
    assert all(line.startswith("[0] ") for line in two.stderr.splitlines()), two.stderr
    one = run_convscope("train", *SMALL, "--out", "one", "-q", cwd=folder)
    assert one.returncode == 0, one.stderr
    records = [json.loads((folder / name / "run.json").read_text(encoding="utf-8")) for name in ("one", "two")]
    assert records[0]["weights_sha256"] == records[1]["weights_sha256"]
    assert records[0]["history"] == records[1]["history"]
    assert [record["options"]["shards"] for record in records] == [4, 4]
    assert [record["options"]["threads"] for record in records] == [1, 1]
    assert sorted(path.name for path in folder.iterdir()) == ["data.npz", "net.txt", "one", "two"], "one writes"


def needs(*programs: str) -> None:
    if sys.platform != "linux" or os.geteuid() != 0 or not all(map(shutil.which, programs)):
        pytest.skip(f"network namespaces need Linux, root, {' and '.join(programs)}")


@pytest.fixture
def lane(folder: Path) -> cluster.Lane:
    return cluster.Lane(folder)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["kill", "stop", "cut"])
def test_a_worker_that_fails_ends_the_others_and_the_training_goes_on_elsewhere(kind: str, lane: cluster.Lane) -> None:
    if kind == "cut":
        needs("ip")
    row = lane.fault(kind, 0, lane.train("whole", 1), 0)
    assert not row["trouble"]
    assert row["identical"]
    assert len(row["seconds"]) == (2 if kind == "cut" else 1)
    assert all(row["one_line"]) and max(row["seconds"]) <= cluster.LIMIT


@pytest.mark.long
def test_a_link_that_delays_packets_changes_nothing(lane: cluster.Lane) -> None:
    needs("ip", "tc")
    row = lane.slow(0, lane.train("whole", 1))
    assert row["identical"] and row["delayed"] > 0, row["trouble"]


@pytest.mark.long
def test_workers_share_no_folder_and_one_that_resumes_needs_the_checkpoint(tmp_path: Path) -> None:
    """Only the first has the run. To resume, the second gets a copy, and is refused with an older one."""
    first, second = (tmp_path / name for name in ("first", "second"))
    for place in (first, second):
        place.mkdir()
        prepare(place)

    def start(*words: str) -> list[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "convscope", "train", *words, "--workers", ",".join(free_addresses(2))]
        return [
            subprocess.Popen([*command, "--rank", str(rank)], cwd=place, text=True, stderr=subprocess.PIPE)
            for rank, place in enumerate((first, second))
        ]

    workers = start(*cluster.OPTIONS, "--out", "run")
    assert cluster.wait_for_checkpoint(first, "run", workers)
    workers[1].send_signal(signal.SIGTERM)
    errors = [one.communicate(timeout=120)[1] for one in workers]
    assert [one.returncode for one in workers] == [1, 143], errors
    assert sorted(path.name for path in second.iterdir()) == ["data.npz", "net.txt"], "it writes nothing"

    shutil.copytree(first / "run", second / "run")
    max((second / "run" / "checkpoints").glob("step-*")).unlink()
    workers = start("--resume", "run")
    errors = [one.communicate(timeout=120)[1] for one in workers]
    assert [one.returncode for one in workers] == [1, 1]
    assert all("with other checkpoint than worker 0." in error for error in errors), errors

    shutil.rmtree(second / "run")
    shutil.copytree(first / "run", second / "run")
    copied = sorted(path.name for path in (second / "run").rglob("*"))
    assert not cluster.finish(start("--resume", "run"))
    assert sorted(path.name for path in (second / "run").rglob("*")) == copied, "it writes nothing"
    assert cluster.outcome_of(first, "run") == cluster.Lane(first).train("whole", 1)


@pytest.mark.long
def test_forked_workers_end_like_whole_commands() -> None:
    """In a process of its own: this one may have computed something."""
    program = "import json, cluster; print(json.dumps(list(cluster.prove([('equal', 1), ('kill', 1)], at_once=2))))"
    paths = os.pathsep.join([str(Path(cluster.__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": paths}
    )
    assert done.returncode == 0, done.stderr
    rows = {row["kind"]: row for row in json.loads(done.stdout)}
    assert rows["equal"]["identical"] and not rows["equal"]["commands"]
    assert rows["kill"]["identical"] and rows["kill"]["one_line"] == [True]


@pytest.mark.long
def test_a_worker_that_never_starts_is_named_and_sigterm_ends_the_waiting(folder: Path) -> None:
    addresses = free_addresses(2)
    words = (*SMALL, "--workers", ",".join(addresses), "--rank", "0", "--out", "run")
    done = convscope(*words, "--connect-timeout", "5s", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2] == (
        f"convscope: Expected 2 workers within 5 s. Received: nothing from worker 1 ({addresses[1]})."
    )
    assert not (folder / "run").exists()
    waiting = subprocess.Popen(
        [sys.executable, "-m", "convscope", "train", *words], cwd=folder, text=True, stderr=subprocess.PIPE
    )
    for line in waiting.stderr or ():
        if "waiting for 2 workers" in line:
            break
    time.sleep(2)  # TensorFlow waits in native code by now
    waiting.send_signal(signal.SIGTERM)
    began = time.monotonic()
    _, error = waiting.communicate(timeout=60)
    assert waiting.returncode == 143 and time.monotonic() - began < 10
    assert error.strip().splitlines()[-1] == "convscope: stopped while waiting for 2 workers."


@pytest.mark.long
def test_workers_with_other_data_or_options_are_refused(folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    prepare(other)
    with np.load(folder / "data.npz") as arrays:
        changed = dict(arrays)
    changed["x_train"][0, 0, 0] += 1
    np.savez(other / "data.npz", **changed)
    addresses = ",".join(free_addresses(2))
    words = [sys.executable, "-m", "convscope", "train", *SMALL, "--workers", addresses]
    first = subprocess.Popen([*words, "--rank", "0", "--out", "run"], cwd=folder, text=True, stderr=subprocess.PIPE)
    second = subprocess.run([*words, "--rank", "1", "--shift", "1"], cwd=other, capture_output=True, text=True)
    _, error = first.communicate(timeout=120)
    expected = "Received: worker 1 (" + addresses.partition(",")[2] + ") with other data and options than worker 0."
    assert first.returncode == second.returncode == 1
    assert expected in error and expected in second.stderr
    assert not (folder / "run").exists()


@pytest.mark.long
def test_when_one_process_is_killed_the_launcher_ends_all_and_the_run_resumes(folder: Path) -> None:
    """And SIGTERM to the launcher stops all workers at one step, with a checkpoint."""
    words = (*cluster.OPTIONS, "--out", "run", "--processes", "2")
    launcher = subprocess.Popen(
        [sys.executable, "-m", "convscope", "train", *words], cwd=folder, text=True, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert cluster.wait_for_checkpoint(folder, "run", [launcher])
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text(encoding="ascii").split()
    os.kill(int(random.Random(0).choice(children)), signal.SIGKILL)
    began = time.monotonic()
    _, error = launcher.communicate(timeout=120)
    assert launcher.returncode == 1 and time.monotonic() - began < 40
    assert "was ended by SIGKILL" in error
    assert not any(Path(f"/proc/{child}").exists() for child in children)

    stopped = subprocess.Popen(
        [sys.executable, "-m", "convscope", "train", "--resume", "run", "--processes", "4"],
        cwd=folder, text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    for line in stopped.stderr or ():
        if "step " in line or "training" in line:
            break
    stopped.send_signal(signal.SIGTERM)
    _, error = stopped.communicate(timeout=120)
    assert stopped.returncode in (0, 143), error
    lane = cluster.Lane(folder)
    ended = lane.train("run", 1, resume=True) if (folder / "run" / "checkpoints").is_dir() else None
    assert (ended or cluster.outcome_of(folder, "run")) == lane.train("whole", 1)


TWO = "127.0.0.1:4000,127.0.0.1:4001"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--processes", "2", "--rank", "1"), "Expected --processes, or --workers with --rank."),
        (("--processes", "0"), "processes must be an integer from 1 to 64"),
        (("--processes", "3", "--connect-timeout", "soon"), "connect_timeout must be a duration"),
        (("--rank", "1"), "without them"),
        (("--workers", TWO), "Expected --rank with --workers."),
        (("--workers", "10.0.0.1:4000,10.0.0.2:4000", "--rank", "0"), "Expected addresses of this machine"),
        (("--workers", f"{TWO},127.0.0.1:4002", "--rank", "0"), "workers that divides the shards. Received: 3 workers"),
        (("--workers", TWO, "--rank", "0", "--folds", "3"), "folds is for a training on one worker"),
        (("--shards", "5"), "divides the batch size. Received: shards=5, batch_size=32"),
        (("--threads", "2"), "Each shard is computed by one thread. Received: threads=2 with shards=4"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(words: tuple[str, ...], message: str, folder: Path) -> None:
    given = SMALL[: SMALL.index("--shards")] if "--shards" in words else SMALL
    done = run_convscope("train", *given, "--out", "run", *words, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr and "Traceback" not in done.stderr
    assert not (folder / "run").exists(), "no empty folder stays behind"
