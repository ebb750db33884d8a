"""``convscope runs``: list, compare, remove."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from convscope.cli.app import main
from convscope.training.checkpoint import lock_run


@pytest.fixture
def place(short_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the runs `first` and `second`, the newer one."""
    for age, name in ((100, "first"), (0, "second")):
        run = shutil.copytree(short_run, tmp_path / "runs" / name)
        when = (run / "run.json").stat().st_mtime - age
        os.utime(run / "run.json", (when, when))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_list_has_a_line_for_each_run_newest_first(place: Path, capfd) -> None:
    assert main(["runs"]) == 0
    head, *lines = capfd.readouterr().out.splitlines()
    assert head.split() == ["run", "data", "network", "accuracy", "date", "size"]
    assert [line.split()[0] for line in lines] == ["second", "first"]
    accuracy = json.loads((place / "runs" / "first" / "run.json").read_text())["test"]["accuracy"]
    assert f"{accuracy['rate'] * 100:.2f} %" in lines[0] and "n=10,000" in lines[0] and lines[0].endswith("MB")


def test_json_has_the_same_as_values(place: Path, capfd) -> None:
    assert main(["runs", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert [one["name"] for one in found["runs"]] == ["second", "first"] and found["skipped"] == []


def test_without_runs_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["runs"]) == 0
    assert capfd.readouterr().out == "No runs in runs.\nTrain a network: convscope train\n"
    assert main(["runs", "--quiet"]) == 0
    assert capfd.readouterr().out == "No runs in runs.\n"


def test_two_runs_are_compared_with_a_paired_interval(place: Path, capfd) -> None:
    assert main(["runs", "first", "runs/second"]) == 0
    words = capfd.readouterr().out
    assert "second minus first: +0.00 points (-0.0" in words and "p=1)" in words and "Newcombe" in words
    assert main(["runs", "first", "second", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["paired"]["n"] == 10_000 and found["paired"]["difference"] == 0 and found["options"] == {}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("runs first", 2, "Expected two runs to compare"),
        ("runs first nowhere", 1, "Received: nowhere"),
        ("runs --remove", 2, "Expected the runs to remove"),
        ("runs --remove nowhere --yes", 1, "Received: nowhere"),
        ("runs --remove first", 2, "add --yes"),
    ],
)
def test_wrong_usage_is_one_line_and_removes_nothing(arguments: str, code: int, says: str, place: Path, capfd) -> None:
    assert main(arguments.split()) == code
    out, err = capfd.readouterr()
    assert out == "" and says in err and err.startswith("convscope: ") and "Traceback" not in err
    assert sorted(path.name for path in (place / "runs").iterdir()) == ["first", "second"]


def test_yes_removes_without_asking(place: Path, capfd) -> None:
    assert main(["runs", "--remove", "first", "--yes", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["removed"] == ["runs/first"]
    assert [path.name for path in (place / "runs").iterdir()] == ["second"]


class Terminal(io.StringIO):
    """A stream of a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 1), ("\n", 1, 2), ("no\n", 1, 2), ("", 1, 2)])
def test_in_a_terminal_it_asks(answer: str, code: int, left: int, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", screen)
    assert main(["runs", "--remove", "first"]) == code
    assert screen.getvalue().startswith("Remove runs/first (") and "[y/N]" in screen.getvalue()
    assert len(list((place / "runs").iterdir())) == left


def test_a_run_that_is_being_trained_stays(place: Path, capfd) -> None:
    with lock_run(place / "runs" / "first"):
        assert main(["runs", "--remove", "first", "--yes"]) == 1
    assert "Another process is training in" in capfd.readouterr().err
    assert (place / "runs" / "first" / "model.safetensors").is_file()
