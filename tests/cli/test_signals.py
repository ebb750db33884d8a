"""Ctrl-C and SIGTERM, and a training that goes wrong: what was learned is kept, and nothing is left half done."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.model.model_file import load_model

SECONDS_TO_STOP = 6.0
"""The promise is 2 s on a quiet machine; test machines are not quiet."""

STARTUP_BYTES = 40_000_000
"""More than a command reads before the first image."""

CPU_SECONDS_TO_STOP = 1.0
"""The work that is left when reading is stopped, which does not depend on other processes."""


@contextmanager
def started(*arguments: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "convscope", *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(word: str, process: subprocess.Popen[str]) -> str:
    seen = ""
    for line in process.stderr:
        seen += line
        if word in line:
            return seen
    raise AssertionError(f"{word!r} was never said: {seen}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_a_training_and_keeps_what_was_learned(number: signal.Signals, code: int, tmp_path: Path) -> None:
    with started("train", "--epochs", "500", "--out", "run", cwd=tmp_path) as process:
        read_until("step ", process)
        time.sleep(1)
        asked = time.monotonic()
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
        seconds = time.monotonic() - asked

    assert process.returncode == code, stderr
    assert "Traceback" not in stderr
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["outcome"] == "interrupted" and record["test"] is None
    model = load_model(tmp_path / "run" / "model.safetensors")
    assert model.provenance["outcome"] == "interrupted" and model.provenance["steps"] > 0
    assert "the test split was not used" in stdout
    assert not list((tmp_path / "run").glob(".*"))
    assert seconds < SECONDS_TO_STOP, f"{seconds:.2f} s from the signal to the prompt"


def test_ctrl_c_while_tensorflow_starts_ends_at_once(tmp_path: Path) -> None:
    with started("train", "--out", "run", cwd=tmp_path) as process:
        read_until("starting TensorFlow", process)
        time.sleep(0.3)
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
        seconds = time.monotonic() - asked

    assert process.returncode == 130
    assert stdout == "" and stderr.strip() == "convscope: stopped while starting TensorFlow."
    assert not (tmp_path / "run").exists() or not list((tmp_path / "run").iterdir())
    assert seconds < SECONDS_TO_STOP, f"{seconds:.2f} s from the signal to the prompt"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_while_data_is_read_ends_without_a_run_folder(number: signal.Signals, tmp_path: Path) -> None:
    with started("train", cwd=tmp_path) as process:
        read_until("reading", process)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert stdout == "" and "Traceback" not in stderr and "stopped while reading" in stderr
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_diverges_says_so_and_keeps_the_last_good_weights(
    tmp_path: Path, convscope, shapes_folder: Path
) -> None:
    lines = ["Conv2D(8, 3, activation='relu')", "Conv2D(8, 3)", "Flatten()", "Dense(num_classes, activation='softmax')"]
    (tmp_path / "plain.txt").write_text("\n".join(lines))
    done = convscope(
        *("train", shapes_folder, "--model", "plain.txt", "--optimizer", "sgd", "--learning-rate", "1000"),
        *("--epochs", "20", "--batch-size", "8", "--out", "run"),
        cwd=tmp_path,
    )
    complaint = [line for line in done.stderr.splitlines() if line.startswith("convscope: ")]
    assert done.returncode == 1 and done.stdout == "", done.stderr
    assert len(complaint) == 1 and "finite" in complaint[0] and "--learning-rate" in done.stderr
    assert "Traceback" not in done.stderr
    model = load_model(tmp_path / "run" / "model.safetensors")
    assert all(np.isfinite(weight).all() for weight in model.weights.values())
    assert json.loads((tmp_path / "run" / "run.json").read_text())["outcome"] == "diverged"


def test_ctrl_c_in_a_terminal_is_two_lines_and_a_bar_that_goes_away(tmp_path: Path, shapes_folder: Path) -> None:
    """The same in a pseudo-terminal, where a bar is drawn and the terminal itself sends the signal."""
    leader, follower = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "convscope", "train", str(shapes_folder), "--epochs", "9000", "--out", "run"],
        cwd=tmp_path,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        env=os.environ | {"TERM": "xterm"},
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(follower)
    seen, asked = "", False
    try:
        while True:
            try:
                seen += os.read(leader, 65_536).decode(errors="replace")
            except OSError:  # Linux says so when the other side has gone
                break
            if not asked and "validation" in seen:
                os.write(leader, b"\x03")
                asked = True
        assert process.wait(60) == 130, seen
    finally:
        process.kill()
        os.close(leader)
    assert "epoch" in seen and "Stopped early" in seen and "Traceback" not in seen
    assert "\x1b[?25h" in seen, "the cursor is shown again"


@pytest.fixture(scope="module")
def many_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 links to photos of 1,600×1,200 pixels: 180 MB in all, which take long to decode."""
    folder = tmp_path_factory.mktemp("many") / "photos"
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (400, 300, 3), np.uint8)).resize((1600, 1200))
    for index in range(500):
        place = folder / str(index % 10) / f"{index}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        if index < 10:
            coarse.save(place, quality=85)
        else:
            os.link(folder / str(index % 10) / f"{index % 10}.jpg", place)
    return folder


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="tells how much a process has read on Linux only")
@pytest.mark.parametrize("command", ["data", "data check", "train", "evaluate", "predict"])
def test_ctrl_c_while_images_are_read_ends_at_once(command: str, many_photos: Path, short_run: Path, tmp_path) -> None:
    arguments = {
        "data": ["data", many_photos],
        "data check": ["data", "check", many_photos],
        "train": ["train", many_photos, "--out", tmp_path / "run", "--size", "32"],
        "evaluate": ["evaluate", short_run, many_photos],
        "predict": ["predict", many_photos, "--recursive", "--run", short_run, "--out", tmp_path / "table.csv"],
    }[command]
    size = sum(path.stat().st_size for path in many_photos.rglob("*.jpg"))
    headers = 0 if command in ("data check", "predict") else size  # the others read all headers first
    some = size // 20
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with started(*map(str, arguments), cwd=tmp_path) as process:
        while process.poll() is None and bytes_read(process.pid) < headers + some + STARTUP_BYTES:
            time.sleep(0.05)
        assert process.poll() is None, process.stderr.read()
        asked, spent = time.monotonic(), cpu_seconds(process.pid)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        seconds = time.monotonic() - asked
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert seconds < SECONDS_TO_STOP, f"{seconds:.2f} s from the signal to the prompt"
    work = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime - spent
    assert work < CPU_SECONDS_TO_STOP, f"{work:.2f} s of work after the signal"


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process so far, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bytes_read(pid: int) -> int:
    """How many bytes a process has read, from files and from the system's memory of them."""
    return int(Path(f"/proc/{pid}/io").read_text().split()[1])
