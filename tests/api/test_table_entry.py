"""Several processes classify a folder: the same table, and nothing is left behind, however it ends."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.api import prediction_stream
from convscope.api.prediction_table import model_mark
from convscope.api.run import load_run
from convscope.data.mnist import load_part
from convscope.data.parallel import CHUNK
from convscope.data.preprocess import Preprocessing
from convscope.model.model_file import weights_sha256

IMAGES = 5 * CHUNK + 3


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits as photos of several sizes, one that is damaged, and one without ink."""
    folder = tmp_path_factory.mktemp("digits")
    for index, pixels in enumerate(load_part("test").pixels[:IMAGES, :, :, 0]):
        size = 60 + index
        Image.fromarray(255 - pixels).resize((size, size)).save(folder / f"{index}.png")
    (folder / "40.png").write_bytes((folder / "39.png").read_bytes()[:200])
    Image.fromarray(np.full((50, 50), 200, np.uint8)).save(folder / "41.png")
    return folder


def command(digits: Path, run: Path, out: str, processes: int) -> list[str]:
    words = ["predict", str(digits), "--run", str(run), "--out", out, "--processes", str(processes)]
    return [sys.executable, "-m", "convscope", *words]


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--split", "--top", "2", "--engine", "onnx", "--reject", "5%")])
def test_the_table_is_that_of_one_process_to_the_byte(
    options: tuple[str, ...], digits: Path, short_run: Path, tmp_path: Path
) -> None:
    tables = []
    for processes in (1, 3):
        words = command(digits, short_run, f"{processes}.csv", processes)
        done = subprocess.run([*words, *options], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 1 and "Traceback" not in done.stderr  # one image could not be read
        tables.append((tmp_path / f"{processes}.csv").read_bytes())
    assert tables[0] == tables[1] and tables[0].count(b"\n") >= IMAGES + 1
    assert b"40.png" in tables[0] and b"no ink" in tables[0]


def wait_for_rows(table: Path) -> None:
    until = time.monotonic() + 60
    while not (table.is_file() and table.read_bytes().count(b"\n") > 1) and time.monotonic() < until:
        time.sleep(0.01)


def children_of(process: subprocess.Popen) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def have_ended(pids: list[int]) -> bool:
    """Within a few seconds; a zombie has ended too."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        states = [Path(f"/proc/{pid}/stat") for pid in pids]
        if all(not one.exists() or one.read_text().rpartition(")")[2].split()[0] == "Z" for one in states):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def many(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    for copy in range(60):
        for index in range(30):
            os.link(digits / f"{index}.png", folder / f"{copy}-{index}.png")
    return folder


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("ends", ["worker killed", "program killed", "interrupted"])
def test_however_it_ends_no_process_is_left_and_the_same_command_goes_on(
    ends: str, many: Path, short_run: Path, tmp_path: Path
) -> None:
    words = command(many, short_run, "table.csv", 2)
    process = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_for_rows(tmp_path / "table.csv")
    children = children_of(process)
    assert len(children) >= 2
    if ends == "worker killed":
        os.kill(children[-1], signal.SIGKILL)
    elif ends == "program killed":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert have_ended(children) and "Traceback" not in error
    if ends == "worker killed":
        assert process.returncode == 1 and "Received: one that ended early" in error
    if ends == "interrupted":
        assert process.returncode == 130
    before = (tmp_path / "table.csv").read_bytes().count(b"\n")
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and 1 < before < 1801
    whole = subprocess.run(command(many, short_run, "whole.csv", 1), cwd=tmp_path, capture_output=True)
    assert whole.returncode == 0
    assert (tmp_path / "table.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.slow
def test_a_run_that_is_replaced_or_out_of_sight_meanwhile_changes_nothing(
    digits: Path, short_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(short_run, tmp_path / "a" / "run")
    monkeypatch.chdir(tmp_path / "a")
    run = load_run("run")
    mark = model_mark(weights_sha256(run.model.weights))
    (tmp_path / "a" / "run" / "model.safetensors").write_bytes(b"another network")
    monkeypatch.chdir(tmp_path)
    for processes in (1, 2):
        run.predict_folder(digits, out=tmp_path / f"{processes}.csv", processes=processes)
    tables = [(tmp_path / f"{processes}.csv").read_text() for processes in (1, 2)]
    assert tables[0] == tables[1] and tables[0].count(mark) == IMAGES


def test_few_photos_that_are_large_are_decoded_at_once(
    digits: Path, short_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, most, lock = 0, 0, threading.Lock()
    frame = Preprocessing.frame

    def counted(self: Preprocessing, picture: np.ndarray):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.01)
        try:
            return frame(self, picture)
        finally:
            with lock:
                at_once -= 1

    monkeypatch.setattr(Preprocessing, "frame", counted)
    monkeypatch.setattr(prediction_stream, "usable_cores", lambda: 8)
    found = []
    for large in (10**9, 0):
        most = 0
        monkeypatch.setattr(prediction_stream, "LARGE_PIXELS", large)
        load_run(short_run).predict_folder(digits, out=tmp_path / f"{large}.csv", processes=1)
        found.append(most)
    assert found[0] > 2 and found[1] == 2
