"""What proofs/cluster.py counts when its own trainings go wrong. Nothing is trained here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cluster
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the lanes are forked on Linux only")

OUTCOME = "0" * 64


def test_a_repetition_that_fails_is_counted_and_the_next_one_follows(tmp_path, monkeypatch) -> None:
    class Failing(cluster.Lane):
        def fault(self, kind: str, number: int, expected: str, seed: int) -> cluster.Row:
            raise subprocess.TimeoutExpired("convscope", 1800)

        def equal(self, number: int, expected: str) -> cluster.Row:
            return {"workers": 2, "commands": False, "identical": True, "trouble": ""}

    monkeypatch.setattr(tempfile, "tempdir", None)
    (jobs_out, jobs_in), (rows_out, rows_in) = os.pipe(), os.pipe()
    os.write(jobs_in, b"".join(f"{index:0{cluster.RECORD}d}".encode() for index in range(4)))
    os.close(jobs_in)
    jobs = [("kill", 0), ("equal", 0), ("slow", 0), ("equal", 1)]
    cluster._repeat(Failing(tmp_path), jobs, (jobs_out, rows_in), OUTCOME, 0)
    os.close(rows_in)
    with os.fdopen(rows_out) as file:
        rows = [json.loads(line) for line in file]
    os.close(jobs_out)
    assert [row["identical"] for row in rows] == [False, True, False, True]
    assert rows[0]["trouble"].startswith("kill0: TimeoutExpired(") and rows[2]["trouble"].startswith("slow0: ")
    found = cluster.summary(rows)
    assert found["kill"] == {"trainings": 1, "identical": 0}
    assert found["slow"] == {"trainings": 1, "identical": 0, "times_delayed": 0}
    assert found["equal"] == {"trainings": 2, "identical": 2, "commands": 0}


def test_two_workers_that_run_and_save_nothing_are_trouble(tmp_path, monkeypatch) -> None:
    class Sleeping(cluster.Lane):
        def start(self, words, addresses, namespaces=()) -> list[cluster.Worker]:
            command = [sys.executable, "-c", "import time; time.sleep(60)"]
            return [subprocess.Popen(command, text=True, stderr=subprocess.PIPE) for _ in addresses]

    monkeypatch.setattr(cluster, "TIMEOUT", 0.1)
    row = Sleeping(tmp_path).fault("kill", 3, OUTCOME, 0)
    assert row["trouble"] == "kill3-0: no checkpoint within 0.1 s" and not row["identical"]


@pytest.mark.parametrize("error", ["not ended after 1800 s", "exit 1: two\nlines"])
def test_without_an_uninterrupted_training_nothing_is_proved(error: str, monkeypatch) -> None:
    monkeypatch.setattr(cluster.Lane, "train", lambda *_: error)
    with pytest.raises(SystemExit) as caught:
        list(cluster.prove([("equal", 0)], commands=True))
    assert caught.value.code == "The uninterrupted training failed: " + error.replace("\n", " ")


def test_a_training_that_ends_without_a_run_is_an_error_not_an_exception(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(cluster.Lane, "start", lambda *_: [])
    assert cluster.Lane(tmp_path).train("run", 1).startswith("exit 0, and no outcome: FileNotFoundError(")


def lanes(tmp_path: Path, body: str) -> str:
    """Stdout of a program that calls `cluster.prove` with methods of its own for the lanes."""
    program = "import sys, time, cluster\ncluster.Lane.train = lambda *_: '0' * 64\n" + body
    paths = os.pathsep.join([str(Path(cluster.__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


def test_at_the_deadline_a_lane_still_tidies_up(tmp_path: Path) -> None:
    body = """
def slow(self, number, expected):
    try:
        open("begun", "x").close()
        time.sleep(60)
    finally:
        time.sleep(0.2)
        open("tidied", "x").close()
cluster.Lane.slow = slow
print(list(cluster.prove([("slow", 0)], seconds=1, at_once=1, commands=True)))
"""
    assert lanes(tmp_path, body) == "[]\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["begun", "tidied"]


def test_a_lane_that_does_not_end_is_killed(tmp_path: Path) -> None:
    body = """
def slow(self, number, expected):
    try:
        time.sleep(60)
    finally:
        time.sleep(60)
cluster.Lane.slow, cluster.GRACE = slow, 0.5
print(list(cluster.prove([("slow", 0)], seconds=1, at_once=1, commands=True)))
"""
    assert lanes(tmp_path, body) == "[]\n"


def test_more_jobs_than_a_pipe_holds_are_done_once_each(tmp_path: Path) -> None:
    body = """
cluster.Lane.slow = lambda *_: {}
rows = list(cluster.prove([("slow", number) for number in range(10_000)], at_once=3, commands=True))
print(sorted(row["number"] for row in rows) == list(range(10_000)))
"""
    assert lanes(tmp_path, body) == "True\n"


def test_a_whole_command_takes_the_ports_of_its_lane(tmp_path, monkeypatch) -> None:
    used = []
    monkeypatch.setattr(cluster.Lane, "train", lambda lane, run, count: used.append(lane.addresses(count)) or OUTCOME)
    assert cluster.Lane(tmp_path, 2, is_forked=True).equal(0, OUTCOME)["commands"]
    first = cluster.FIRST_PORT + 2 * cluster.PORTS
    assert all(first <= int(one.rpartition(":")[2]) < first + cluster.PORTS for one in used[0])


def test_counts_and_trouble_of_kinds_that_are_not_run_stay(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.syspath_prepend(Path(cluster.__file__).parent.parent / "benchmarks")
    import record

    path = tmp_path / "reliability-cluster.json"
    before = {"summary": {"slow": {"trainings": 1}, "seeds": {"trainings": 9}}, "trouble": ["slow3: a", "seeds: b"]}
    path.write_text(json.dumps(before))
    row = {"kind": "seeds", "number": 0, "identical": False, "trouble": "seeds: c"}
    monkeypatch.setattr(record, "FIGURES", tmp_path)
    monkeypatch.setattr(cluster, "train_with_seeds", lambda *_, **__: [row])
    monkeypatch.setattr(sys, "argv", ["cluster.py", "--kinds", "seeds", "--most", "1"])
    cluster.main()
    written = json.loads(path.read_text())
    assert written["summary"] == {"slow": {"trainings": 1}, "seeds": {"trainings": 1, "identical": 0}}
    assert written["trouble"] == ["slow3: a", "seeds: c"]
