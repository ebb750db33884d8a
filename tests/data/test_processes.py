"""Processes that read images: the same result as threads, also when one ends or nothing can be sent."""

import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope.api.callbacks import Callbacks
from convscope.data import parallel, processes
from convscope.data.decode import decode
from convscope.data.parallel import in_parallel, in_processes
from convscope.data.processes import ProcessPool, process_count
from convscope.data.scan import scan
from convscope.errors import DataError, ModelFileError, OptionError, RunError

IMAGES = 70


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Color images of several sizes in two classes, one of them damaged."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for index in range(IMAGES):
        place = folder / ("a", "b")[index % 2] / f"{index}.{('png', 'jpg')[index % 3 == 0]}"
        place.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (20 + index, 40, 3)).astype(np.uint8)).save(place)
    (folder / "a" / "10.png").write_bytes(b"no image")
    return folder


@pytest.fixture
def many_cores(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """As on a machine with four cores, where these images are many; the sizes of the pools that are made."""
    made: list[int] = []

    class Counted(ProcessPool):
        def __init__(self, work, count: int) -> None:
            made.append(count)
            super().__init__(work, count)

    monkeypatch.setattr(processes, "usable_cores", lambda: 4)
    monkeypatch.setattr(processes, "FEW_ITEMS", 10)
    monkeypatch.setattr(parallel, "ProcessPool", Counted)
    monkeypatch.setattr("convscope.data.cache.ProcessPool", Counted)
    monkeypatch.delenv("CONVSCOPE_PROCESSES", raising=False)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("cached", [False, True])
def test_processes_read_what_threads_read(cached: bool, photos: Path, tmp_path: Path, many_cores: list[int]) -> None:
    found = []
    for cores in (1, 4):
        processes.usable_cores = lambda cores=cores: cores  # undone by the fixture
        how = {"cache": tmp_path / str(cores)} if cached else {}
        found.append(cs.load_data(photos, size=24, **how))
    assert many_cores == [4, 4], "for the sizes, and for the pixels"
    for part in ("train", "test"):
        one, other = (getattr(loaded, part) for loaded in found)
        np.testing.assert_array_equal(one.pixels[:], other.pixels[:])
        np.testing.assert_array_equal(one.labels, other.labels)
    assert found[0].skipped == found[1].skipped and len(found[0].skipped) == 1


@pytest.mark.slow
def test_processes_scan_what_threads_scan_and_an_archive_is_read_by_threads(
    photos: Path, tmp_path: Path, many_cores: list[int]
) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for file in sorted(photos.rglob("*.*")):
            archive.write(file, file.relative_to(photos))
    zipped = scan(tmp_path / "photos.zip")
    assert many_cores == []
    scanned = scan(photos)
    assert many_cores == [4]
    assert sorted(one.digest for one in zipped.records) == sorted(one.digest for one in scanned.records)
    assert [one.reason for one in zipped.unreadable] == [one.reason for one in scanned.unreadable]
    first = scanned.records[0]
    np.testing.assert_array_equal(first.load(), decode((photos / first.name).read_bytes(), first.name).pixels)


def number_or_error(number: int) -> int:
    if number == 37:
        raise DataError("Expected another number.", hint="Take 38.")
    return number * number


def end_at_37(number: int) -> int:
    if number == 37:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_an_error_is_raised_in_order_with_all_it_says() -> None:
    results = in_processes(parallel.Each(number_or_error), range(100), processes=2, at_once=1)
    with closing(results), pytest.raises(DataError, match=r"Expected another number\. Take 38\.") as caught:
        for index in range(100):
            assert next(results) == index * index
    assert index == 37 and caught.value.hint == "Take 38."


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_process_that_ends_is_one_line_and_nobody_waits_for_ever() -> None:
    with pytest.raises(RunError, match=r"Received: one that ended early\. If the memory is short"):
        list(in_processes(parallel.Each(end_at_37), range(400), processes=2, at_once=1))
    pool = ProcessPool(end_at_37, 2)
    waiting = [pool.submit(37) for _ in range(6)]
    for one in waiting:
        assert isinstance(one.exception(timeout=20), RunError)
    assert isinstance(pool.submit(1).exception(timeout=20), RunError), "there is nobody left"
    pool.close()


def test_a_pool_that_is_closed_early_ends_its_processes_at_once() -> None:
    pool = ProcessPool(time.sleep, 2)
    waiting = [pool.submit(60) for _ in range(5)]
    began = time.monotonic()
    pool.close()
    assert time.monotonic() - began < 10
    assert all(isinstance(one.exception(timeout=5), RunError) for one in waiting)


def end_at_37_elsewhere(number: int) -> int:
    if number == 37 and os.environ.get("CONVSCOPE_PROCESSES") == "1":  # which those that are started have
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_threads_do_the_rest_when_a_process_ends(many_cores: list[int]) -> None:
    assert list(in_parallel(end_at_37_elsewhere, range(400), can_send_items=True, at_once=5)) == list(range(400))
    assert many_cores == [4]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_cache_is_filled_when_a_process_ends(
    photos: Path, tmp_path: Path, many_cores: list[int], monkeypatch
) -> None:
    expected = cs.load_data(photos, size=24)
    original = processes.ProcessPool.submit

    def submit(pool: ProcessPool, item):
        pool._processes[0].kill()
        return original(pool, item)

    monkeypatch.setattr(processes.ProcessPool, "submit", submit)
    found = cs.load_data(photos, size=24, cache=tmp_path / "cache")
    np.testing.assert_array_equal(found.train.pixels[:], expected.train.pixels[:])


def wait_long(file) -> tuple[np.ndarray, int]:
    time.sleep(60)
    raise AssertionError


@pytest.mark.slow
def test_a_cache_that_is_stopped_does_not_wait_for_its_processes(
    photos: Path, tmp_path: Path, many_cores: list[int], monkeypatch
) -> None:
    monkeypatch.setattr("convscope.data.decode_images._Decode", lambda *how: wait_long)
    monkeypatch.setattr("convscope.data.cache._channels_of_sample", lambda files, decode_file: 3)
    began = time.monotonic()
    with pytest.raises(RunError, match="Stopped while decoding images"):
        cs.load_data(
            photos, size=24, cache=tmp_path, callbacks=Callbacks(is_stopped=lambda: time.monotonic() - began > 2)
        )
    assert many_cores == [4, 4] and time.monotonic() - began < 20


SCRIPT = """
import os, sys, pathlib
sys.path.insert(0, {source!r}); sys.path.append(pathlib.Path("elsewhere"))
import convscope as cs
from convscope.api.callbacks import Callbacks
from convscope.data import processes
processes.usable_cores, processes.FEW_ITEMS = (lambda: 4), 10
os.chdir({folder!r})
print("once", len(cs.load_data("photos", size=24).train))
"""


@pytest.mark.slow
def test_a_script_without_a_main_guard_that_changes_its_folder_reads_in_processes(photos: Path, tmp_path: Path) -> None:
    """A module that prints when Python starts is no answer."""
    source = Path(cs.__file__).resolve().parents[1]
    (tmp_path / "photos").symlink_to(photos)
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise" / "sitecustomize.py").write_text("print('hello')\n")
    (tmp_path / "script.py").write_text(SCRIPT.format(source=os.path.relpath(source, tmp_path), folder=str(tmp_path)))
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "noise")}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["hello", "once 59"] and "Traceback" not in done.stderr


def test_a_signal_for_a_whole_group_leaves_the_end_to_the_one_that_started_it() -> None:
    pool = ProcessPool(number_or_error, 1)
    assert pool.submit(3).result(timeout=20) == 9
    os.kill(pool._processes[0].pid, signal.SIGTERM)
    assert pool.submit(4).result(timeout=20) == 16
    pool.close()


def test_a_container_that_is_given_two_cores_has_two(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    for text, cores in (("200000 100000", 2), ("150000 100000", 2), ("max 100000", 64), ("", 64)):
        file = tmp_path / f"{cores}{len(text)}"
        file.write_text(text)
        monkeypatch.setattr(processes, "CGROUP_LIMIT", file)
        assert processes.usable_cores() == cores


def test_what_cannot_be_sent_is_done_by_threads(many_cores: list[int]) -> None:
    shift = 3
    found = in_parallel(lambda number: number + shift, range(100), can_send_items=True)
    assert list(found) == list(range(3, 103)) and many_cores == []


def test_one_process_for_few_images_or_cores_and_one_for_each_core_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "usable_cores", lambda: 20)
    assert [process_count(None, images) for images in (1, 2_000, 2_001)] == [1, 1, 16]
    assert process_count(5, 1) == 5
    monkeypatch.setenv("CONVSCOPE_PROCESSES", "1")
    assert process_count(None, 10**6) == 1
    monkeypatch.setenv("CONVSCOPE_PROCESSES", "12")
    assert process_count(None, 10**6) == 12
    for wrong in ("0", "33", "-1", "many", "2.0"):
        monkeypatch.setenv("CONVSCOPE_PROCESSES", wrong)
        with pytest.raises(OptionError, match=r"CONVSCOPE_PROCESSES must be a whole number from 1 to 32\. Received:"):
            process_count(None, 1)
    monkeypatch.delenv("CONVSCOPE_PROCESSES")
    monkeypatch.setattr("sys.frozen", True, raising=False)
    assert process_count(None, 10**6) == 1, "that program is no Python"
    monkeypatch.setattr(processes, "usable_cores", lambda: 3)
    assert process_count(None, 10**6) == 1
    for wrong in (0, 33, True):
        with pytest.raises(OptionError, match=r"processes must be a whole number from 1 to 32\. Received: processes="):
            process_count(wrong, 1)


@pytest.mark.parametrize("kind", [DataError, ModelFileError, OptionError])
def test_an_error_of_another_process_keeps_what_it_says(kind: type) -> None:
    error = kind("Expected a. Received: b.", hint="Do c.", file="d.png", reason="e")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind and str(copy) == str(error) and vars(copy) == vars(error)
