"""Describing and checking data in bounded memory: images are decoded, looked at, and given up."""

from __future__ import annotations

import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from convscope.api import load_data as module
from convscope.api.callbacks import Callbacks
from convscope.api.data_summary import summary_json
from convscope.api.load_data import load_data, load_on_demand
from convscope.data.data_checks import check_dataset
from convscope.data.parallel import in_threads
from convscope.data.scan import scan
from convscope.errors import DataError, RunError
from data.makers import png, write_pictures


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "MOST_BYTES", 0)
    write_pictures(tmp_path / "d", {"cat": 20, "dog": 20}, side=12)
    (tmp_path / "d/dog/7.png").write_bytes(b"damaged")
    (tmp_path / "d/cat/3.png").write_bytes(png(np.zeros((12, 12, 3), np.uint8) + np.uint8([200, 0, 9])))
    return tmp_path / "d"


def test_data_on_demand_are_described_like_data_in_memory(folder: Path) -> None:
    kept, on_demand = load_data(folder), load_on_demand(folder)
    assert isinstance(kept.train.pixels, np.ndarray) and not isinstance(on_demand.train.pixels, np.ndarray)
    assert summary_json(on_demand) == summary_json(kept)
    for one, other in ((kept.train, on_demand.train), (kept.test, on_demand.test)):
        assert one.names == other.names and (one.labels == other.labels).all()
        assert (one.pixels == other.pixels[:]).all() and one.fingerprint() == other.fingerprint()


def test_an_image_that_is_gone_when_it_is_used_is_named(folder: Path) -> None:
    on_demand = load_on_demand(folder)
    (folder / on_demand.train.names[0]).unlink()
    with pytest.raises(DataError, match=on_demand.train.names[0]):
        _ = on_demand.train.pixels[:2]


def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """160 images of 128×128 in color have 7.9 MB of pixels; what is decoded ahead has 3.1 MB for 8 cores."""
    monkeypatch.setattr(module, "MOST_BYTES", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    picture = png(np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8))
    for index in range(160):
        place = tmp_path / "d" / "ab"[index % 2] / f"{index}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(picture)
    load_on_demand(tmp_path / "d", size=128)  # imports what it needs
    tracemalloc.start()
    load_on_demand(tmp_path / "d", size=128)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6_000_000


def test_reading_tells_its_progress_and_stops_when_it_is_asked_to(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr("convscope.data.decode_images.SECONDS_BETWEEN_STOPS", 0)
    told: list[tuple[int, int]] = []
    stop = Callbacks(images=lambda done, total: told.append((done, total)), is_stopped=lambda: len(told) == 5)
    for load in (load_data, load_on_demand):
        told.clear()
        with pytest.raises(RunError, match="after 5 of 40"):
            load(folder, callbacks=stop)
        assert told == [(count, 40) for count in range(1, 6)]


def test_images_of_very_many_have_no_fingerprints_but_blank_ones_are_found(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr("convscope.data.near_duplicates.MAX_COMPARED", 39)
    found = scan(folder)
    sizes = {record.name: None if record.fingerprint is None else record.fingerprint.size for record in found.records}
    assert sizes.pop("cat/3.png") is None and set(sizes.values()) == {0}
    report = check_dataset(found)
    assert not report.is_compared and report.counts["blank"] == 1


def test_results_come_in_order_however_long_each_takes() -> None:
    def slow(number: int) -> int:
        time.sleep((number * 7 % 5) / 1000)
        return number * number

    assert list(in_threads(slow, range(100))) == [number * number for number in range(100)]


def test_few_items_are_worked_on_ahead_and_none_after_the_end() -> None:
    begun: list[int] = []
    lock = threading.Lock()

    def work(number: int) -> int:
        with lock:
            begun.append(number)
        return number

    results = in_threads(work, range(100_000))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    assert len(begun) <= 16 * 16
    results.close()
    count = len(begun)
    time.sleep(0.05)
    assert len(begun) == count


def test_an_error_of_one_item_ends_the_work() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_threads(lambda number: 1 / number, [3, 2, 1, 0, 5]))
