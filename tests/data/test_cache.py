"""The cache of decoded pixels: the same images as in memory, resumed, checked, and refused in one line."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from convscope.data import cache as cache_module
from convscope.data import cache_file, decode_images
from convscope.data.dataset import LoadedData, image_hashes, joined
from convscope.data.load_options import Caching
from convscope.data.mapped_pixels import MappedPixels
from convscope.data.readers import load
from convscope.data.splits import stratified_split
from convscope.errors import DataError, RunError
from data.makers import png, write_pictures, write_zip


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "BLOCK_BYTES", 3 * 8 * 8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "d", {"a": 11, "b": 9})
    return tmp_path / "d"


def from_cache(source: Path, where: Path, **how) -> LoadedData:
    return load(source, caching=Caching(where), **how)


def same(one: LoadedData, two: LoadedData) -> bool:
    tests = [part.test.fingerprint() if part.test else "" for part in (one, two)]
    return (
        one.train.fingerprint() == two.train.fingerprint()
        and tests[0] == tests[1]
        and one.train.names == two.train.names
        and one.skipped == two.skipped
        and one.preprocessing == two.preprocessing
    )


def because(loaded: LoadedData) -> str:
    return next(one.because for one in loaded.decisions if one.what == "cache")


def pixels_file(where: Path) -> Path:
    (found,) = where.glob("*/pixels.u8")
    return found


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("how", [{}, {"size": (5, 7)}, {"channels": 3}, {"channels": 1}, {"transpose": "yes"}])
def test_a_cache_gives_the_images_of_memory(colour: bool, how: dict, tmp_path: Path) -> None:
    write_pictures(tmp_path / "d", {"train/a": 11, "train/b": 9, "test/a": 3, "test/b": 2}, colour=colour)
    (tmp_path / "d/train/a/bad.png").write_bytes(b"bad")
    stored = from_cache(tmp_path / "d", tmp_path / "cache", **how)
    assert isinstance(stored.train.pixels, MappedPixels)
    assert same(stored, load(tmp_path / "d", **how))
    assert "decoded before" not in because(stored)
    again = from_cache(tmp_path / "d", tmp_path / "cache", **how)
    assert same(again, stored) and because(again).endswith("decoded before")


def test_one_image_in_color_among_gray_ones_makes_all_of_them_rgb(folder: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(cache_module, "SAMPLE", 2)
    color = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    gray = (folder / "a/7.png").read_bytes()
    (folder / "a/7.png").write_bytes(png(color))
    stored = from_cache(folder, tmp_path / "cache")
    assert stored.train.image_shape == (8, 8, 3) and same(stored, load(folder))
    del stored  # and with it the lock, at once
    (folder / "a/7.png").write_bytes(gray)
    stored = from_cache(folder, tmp_path / "cache")
    assert stored.train.image_shape == (8, 8, 1) and same(stored, load(folder))


def test_a_zip_is_cached_too(tmp_path: Path) -> None:
    pictures = {f"{name}/{n}.png": png(np.full((8, 8), 9 * n, np.uint8)) for name in "ab" for n in range(5)}
    write_zip(tmp_path / "d.zip", pictures)
    assert same(from_cache(tmp_path / "d.zip", tmp_path / "cache"), load(tmp_path / "d.zip"))
    assert because(from_cache(tmp_path / "d.zip", tmp_path / "cache")).endswith("decoded before")


def test_small_data_stay_in_memory(folder: Path, tmp_path: Path) -> None:
    loaded = load(folder, caching=Caching(tmp_path / "cache", above=10_000))
    assert isinstance(loaded.train.pixels, np.ndarray) and not (tmp_path / "cache").exists()


def test_splits_and_joins_read_nothing(folder: Path, tmp_path: Path) -> None:
    stored, plain = from_cache(folder, tmp_path / "cache"), load(folder)
    for one, two in zip(
        stratified_split(stored.train, fraction=0.3, seed=1),
        stratified_split(plain.train, fraction=0.3, seed=1),
        strict=True,
    ):
        assert isinstance(one.pixels, MappedPixels) and one.fingerprint() == two.fingerprint()
        assert (image_hashes(one.pixels) == image_hashes(two.pixels)).all()
    assert isinstance(joined(stored).pixels, MappedPixels)
    assert joined(stored).fingerprint() == joined(plain).fingerprint()


KEYS = [3, slice(2, 9, 2), [4, 1, 1], np.arange(17) % 3 == 0, (slice(None), 2), (1, 0, 0, 0), -1]


@pytest.mark.parametrize("key", KEYS)
def test_indexing_is_that_of_an_array(key, folder: Path, tmp_path: Path) -> None:
    pixels = from_cache(folder, tmp_path / "cache").train.pixels
    np.testing.assert_array_equal(pixels[key], np.asarray(pixels)[key])


def test_an_interrupted_decoding_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done >= 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(folder, caching=Caching(tmp_path / "cache", on_images=stop))
    stored = from_cache(folder, tmp_path / "cache")
    assert same(stored, load(folder))
    reused = int(because(stored).split(", ")[1].split(" of ")[0])
    assert 3 <= reused <= 20


def test_a_request_to_stop_is_one_line_and_what_is_decoded_is_kept(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"Stopped while decoding images, after \d+ of 20\."):
        load(folder, caching=Caching(tmp_path / "cache", is_stopped=lambda: True))
    assert same(from_cache(folder, tmp_path / "cache"), load(folder))


def test_reading_stops_within_two_seconds(folder: Path, tmp_path: Path, monkeypatch) -> None:
    """Each image takes half a second; the request comes meanwhile."""
    decode = decode_images.decode
    monkeypatch.setattr(decode_images, "decode", lambda *words, **how: (time.sleep(0.5), decode(*words, **how))[1])
    monkeypatch.setattr(cache_module, "SAMPLE", 1)
    began = []

    def stop(done: int, total: int) -> None:
        began.append(time.monotonic())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(folder, caching=Caching(tmp_path / "cache", on_images=stop))
    assert time.monotonic() - began[0] < 2


def test_a_picture_that_was_replaced_is_named_and_decoded_again(folder: Path, tmp_path: Path) -> None:
    from_cache(folder, tmp_path / "cache")
    (folder / "b/3.png").write_bytes((folder / "b/4.png").read_bytes() + b"\0")
    stored = from_cache(folder, tmp_path / "cache")
    assert because(stored).endswith("17 of 20 images decoded before; b/3.png changed since")
    assert same(stored, load(folder))


def test_a_picture_that_changes_while_it_is_read_is_refused_by_name(folder: Path, tmp_path: Path, monkeypatch) -> None:
    decode = decode_images.decode

    def decode_and_change(data: bytes, name: str, **how):
        if name == "b/3.png":
            (folder / name).write_bytes(data + b"\0")
        return decode(data, name, **how)

    monkeypatch.setattr(cache_module, "SAMPLE", 1)
    monkeypatch.setattr(decode_images, "decode", decode_and_change)
    with pytest.raises(DataError, match=r"b/3\.png, changed or removed meanwhile"):
        from_cache(folder, tmp_path / "cache")
    monkeypatch.undo()
    assert same(from_cache(folder, tmp_path / "cache"), load(folder))


@pytest.mark.parametrize("place", [0, 7, -1])
def test_a_flipped_bit_is_found_and_the_block_decoded_again(place: int, folder: Path, tmp_path: Path) -> None:
    from_cache(folder, tmp_path / "cache")
    raw = bytearray(pixels_file(tmp_path / "cache").read_bytes())
    raw[place] ^= 1
    pixels_file(tmp_path / "cache").write_bytes(raw)
    stored = from_cache(folder, tmp_path / "cache")
    assert because(stored).endswith("1 of 7 blocks were damaged")
    assert same(stored, load(folder))


@pytest.mark.parametrize("name", cache_file.FILES)
@pytest.mark.parametrize("damage", ["cut", "empty", "missing", "noise"])
def test_a_damaged_or_half_written_cache_is_made_anew(name: str, damage: str, folder: Path, tmp_path: Path) -> None:
    from_cache(folder, tmp_path / "cache")
    path = pixels_file(tmp_path / "cache").parent / name
    raw = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"cut": raw[: len(raw) // 2], "empty": b"", "noise": bytes(reversed(raw))}[damage])
    assert same(from_cache(folder, tmp_path / "cache"), load(folder))
    assert because(from_cache(folder, tmp_path / "cache")).endswith("decoded before")


def test_a_line_cut_off_by_a_crash_costs_one_block(folder: Path, tmp_path: Path) -> None:
    from_cache(folder, tmp_path / "cache")
    path = pixels_file(tmp_path / "cache").with_name("blocks.txt")
    path.write_bytes(path.read_bytes()[:-10])
    stored = from_cache(folder, tmp_path / "cache")
    assert same(stored, load(folder)) and "of 20 images decoded before" in because(stored)


def test_other_images_of_the_same_names_are_not_taken_for_these(folder: Path, tmp_path: Path) -> None:
    from_cache(folder, tmp_path / "cache")
    for path in folder.glob("*/*.png"):
        path.write_bytes(png(np.random.default_rng(len(path.name)).integers(0, 256, (8, 8), np.uint8)))
    assert same(from_cache(folder, tmp_path / "cache"), load(folder))


def test_each_size_has_a_cache_of_its_own(folder: Path, tmp_path: Path) -> None:
    for side in (4, 6, 4):
        assert from_cache(folder, tmp_path / "cache", size=(side, side)).train.image_shape == (side, side, 1)
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_cache_that_is_written_by_another_process_is_refused(folder: Path, tmp_path: Path) -> None:
    held = from_cache(folder, tmp_path / "cache")
    (folder / "a/0.png").write_bytes((folder / "a/1.png").read_bytes() + b"\0")
    with pytest.raises(DataError, match="no other process uses"):
        from_cache(folder, tmp_path / "cache")
    assert len(held.train)


def test_a_full_disk_is_one_line_before_anything_is_decoded(folder: Path, tmp_path: Path, monkeypatch) -> None:
    def full(descriptor: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DataError, match=r"Expected 1,280 bytes of disk space .* bytes free") as caught:
        from_cache(folder, tmp_path / "cache")
    assert "\n" not in str(caught.value) and "--cache" in caught.value.hint
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_limit_of_the_system_is_one_line_too(folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from convscope.data.readers import load;"
        "from convscope.data.load_options import Caching; from convscope.errors import DataError\n"
        f"try: load({str(folder)!r}, caching=Caching(Path({str(tmp_path / 'cache')!r})))\n"
        "except DataError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        capture_output=True,
        text=True,
    )
    assert done.stdout.count("\n") == 1 and "File too large" in done.stdout, done.stderr


def test_a_file_where_the_folder_should_be_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(DataError, match="that can be written"):
        from_cache(folder, tmp_path / "cache")


def test_nothing_is_written_outside_the_folder(folder: Path, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    from_cache(folder, tmp_path / "cache")
    after = set(tmp_path.rglob("*")) - before
    assert all(path.is_relative_to(tmp_path / "cache") for path in after)
    assert {path.name for path in after if path.is_file()} == set(cache_file.FILES)


def test_caches_are_removed_and_other_files_stay(folder: Path, tmp_path: Path) -> None:
    from_cache(folder, tmp_path / "cache")
    assert cache_file.is_cache_folder(tmp_path / "cache")
    cache_file.remove_caches(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    from_cache(folder, tmp_path / "cache")
    (tmp_path / "cache/notes.txt").write_text("mine")
    assert not cache_file.is_cache_folder(tmp_path / "cache")
    cache_file.remove_caches(tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["notes.txt"]


def test_a_set_that_no_cache_can_hold_is_refused(folder: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(decode_images, "MAX_CACHE_BYTES", 1000)
    with pytest.raises(DataError, match="Use fewer images"):
        from_cache(folder, tmp_path / "cache")
