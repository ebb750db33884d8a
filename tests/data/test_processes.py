"""Processes that read images: the same result as threads, also when one ends or nothing can be sent."""

import os
import pickle
import signal
import time
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope as cs
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
    return made


@pytest.mark.slow
@pytest.mark.parametrize("cached", [False, True])
def test_processes_read_what_threads_read(cached: bool, photos: Path, tmp_path: Path, many_cores: list[int]) -> None:
    found = []
    for cores in (1, 4):
        processes.usable_cores = lambda cores=cores: cores  # undone by the fixture
        how = {"cache": tmp_path / str(cores)} if cached else {}
        found.append(cs.load_data(photos, size=24, **how))
    assert many_cores and set(many_cores) == {4}
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
    with pytest.raises(RunError, match=r"Received: one that ended before\. The memory may be short"):
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


def test_what_cannot_be_sent_is_done_by_threads(many_cores: list[int]) -> None:
    shift = 3
    assert list(in_parallel(lambda number: number + shift, range(100))) == list(range(3, 103)) and many_cores == []


def test_one_process_for_few_images_or_cores_and_one_for_each_core_else(monkeypatch) -> None:
    monkeypatch.setattr(processes, "usable_cores", lambda: 16)
    assert [process_count(None, images) for images in (1, 2_000, 2_001)] == [1, 1, 16]
    assert process_count(5, 1) == 5
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
