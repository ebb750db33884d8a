"""Folders and zips of pictures: levels, order, sizes, and what happens to files that cannot be read."""

from __future__ import annotations

import io
import os
import stat
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.data import decode_images
from convscope.data.readers import load
from convscope.errors import DataError
from data.makers import png, write_pictures, write_zip


def zipped(root: Path, target: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(root.rglob("*")):
            archive.write(path, prefix + str(path.relative_to(root)))
    return target


@pytest.fixture(params=["folder", "zip"])
def bring(request, tmp_path):
    """Give a folder to the reader as it is, or as a zip of it."""
    return (lambda root: root) if request.param == "folder" else lambda root: zipped(root, tmp_path / "packed.zip")


def test_classes_are_sub_folders_sorted_as_people_count(bring, tmp_path):
    write_pictures(tmp_path / "d", {"10": 3, "2": 3, "1": 3, "b": 2, "A": 2})
    data = load(bring(tmp_path / "d"), test_fraction=0)
    assert data.train.class_names == ("1", "2", "10", "A", "b")
    assert data.train.class_counts == (3, 3, 3, 2, 2)
    assert data.train.names[:3] == ("1/0.png", "1/1.png", "1/2.png")
    assert data.train.image_shape == (8, 8, 1)
    assert data.skipped == ()


def test_pixels_are_those_of_the_files(bring, tmp_path):
    write_pictures(tmp_path / "d", {"a": 11, "b": 2}, colour=True)
    data = load(bring(tmp_path / "d"), test_fraction=0)
    for name, pixels in zip(data.train.names, data.train.pixels, strict=True):
        assert (pixels == np.asarray(Image.open(tmp_path / "d" / name))).all()
    assert data.train.names[:11] == tuple(f"a/{number}.png" for number in range(11))


@pytest.mark.parametrize("level", ["train", "Training"])
def test_train_validation_and_test_levels_are_understood(bring, level, tmp_path):
    write_pictures(tmp_path / "d", {f"{level}/a": 4, f"{level}/b": 4, "valid/a": 1, "test/a": 2, "test/b": 1})
    data = load(bring(tmp_path / "d"))
    assert data.test is not None
    assert data.train.class_counts == (5, 4)
    assert data.test.class_counts == (2, 1)
    assert all(name.startswith("test/") for name in data.test.names)


def test_a_wrapping_folder_and_folders_inside_a_class_are_ignored(bring, tmp_path):
    write_pictures(tmp_path / "d", {"outer/inner/a/x/y": 2, "outer/inner/a": 1, "outer/inner/b": 3})
    data = load(bring(tmp_path / "d"), test_fraction=0)
    assert data.train.class_names == ("a", "b")
    assert data.train.class_counts == (3, 3)


def test_hidden_files_and_leftovers_are_passed_over(bring, tmp_path):
    write_pictures(tmp_path / "d", {"a": 2, "b": 2, ".git": 2, "__MACOSX/a": 1})
    for name in ("a/._0.png", "a/.DS_Store", "a/Thumbs.db", "b/desktop.ini"):
        (tmp_path / "d" / name).write_bytes(b"junk")
    data = load(bring(tmp_path / "d"), test_fraction=0)
    assert data.train.class_counts == (2, 2)
    assert data.skipped == ()


def test_files_in_no_class_are_listed(bring, tmp_path):
    write_pictures(tmp_path / "d", {"train/a": 2, "train/b": 2})
    (tmp_path / "d" / "README.md").write_text("about")
    (tmp_path / "d" / "test").mkdir()
    for number in range(9):
        (tmp_path / "d" / "test" / f"{number}.png").write_bytes(png(np.zeros((8, 8), np.uint8)))
    data = load(bring(tmp_path / "d"), test_fraction=0)
    assert data.test is None
    assert {(entry.file, entry.reason) for entry in data.skipped} == {
        ("README.md", "not an image"),
        ("test", "9 files outside any class folder"),
    }


def test_unreadable_files_are_skipped_by_name(bring, tmp_path):
    write_pictures(tmp_path / "d", {"a": 20, "b": 20})
    whole = (tmp_path / "d/a/0.png").read_bytes()
    (tmp_path / "d/a/cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "d/a/empty.png").touch()
    (tmp_path / "d/b/notes.txt").write_text("hello")
    data = load(bring(tmp_path / "d"), test_fraction=0)
    assert data.train.class_counts == (20, 20)
    assert sorted(entry.file for entry in data.skipped) == ["a/cut.png", "a/empty.png", "b/notes.txt"]
    assert all(entry.reason and "Expected" not in entry.reason for entry in data.skipped), data.skipped
    with pytest.raises(DataError, match=r"a/cut\.png|cut\.png"):
        load(bring(tmp_path / "d"), strict=True)


def test_too_many_unreadable_files_stop_it(bring, tmp_path):
    write_pictures(tmp_path / "d", {"a": 20, "b": 16})
    for number in range(4):
        (tmp_path / f"d/a/bad{number}.png").write_bytes(b"bad")
    assert len(load(bring(tmp_path / "d")).skipped) == 4  # 4 of 40: exactly a tenth
    (tmp_path / "d/a/bad4.png").write_bytes(b"bad")
    with pytest.raises(DataError, match=r"5 of 41 that are not: a/bad0\.png"):
        load(bring(tmp_path / "d"))


def test_a_class_without_a_readable_image_stops_it(bring, tmp_path):
    write_pictures(tmp_path / "d", {"a": 20, "b": 20, "c": 0})
    (tmp_path / "d/c/only.png").write_bytes(b"bad")
    with pytest.raises(DataError, match=r"none in class 'c'; skipped: c/only\.png"):
        load(bring(tmp_path / "d"))


def test_nothing_readable_stops_it(bring, tmp_path):
    for name in "ab":
        (tmp_path / "d" / name).mkdir(parents=True)
        (tmp_path / "d" / name / "1.png").write_bytes(b"bad")
    with pytest.raises(DataError, match="2 of 2 that are not"):
        load(bring(tmp_path / "d"))


def test_grayscale_unless_one_image_is_in_color(tmp_path):
    write_pictures(tmp_path / "grey", {"a": 2, "b": 2})
    (tmp_path / "grey/a/9.png").write_bytes(png(np.full((8, 8, 3), 77, np.uint8)))
    assert load(tmp_path / "grey", test_fraction=0).train.image_shape == (8, 8, 1)
    assert load(tmp_path / "grey", test_fraction=0, channels=3).train.image_shape == (8, 8, 3)
    (tmp_path / "grey/a/10.png").write_bytes(png(np.full((8, 8, 3), (1, 2, 3), np.uint8)))
    data = load(tmp_path / "grey", test_fraction=0)
    assert data.train.image_shape == (8, 8, 3)
    assert (data.train.pixels[0, ..., 0] == data.train.pixels[0, ..., 2]).all()
    assert load(tmp_path / "grey", test_fraction=0, channels=1).train.image_shape == (8, 8, 1)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(8, 8)] * 4, (8, 8)),
        ([(64, 40)] * 4, (64, 40)),
        ([(100, 200)] * 4, (32, 64)),
        ([(32, 512)] * 4, (16, 256)),
        ([(10, 300)] * 4, (10, 300)),
        ([(8, 900)] * 4, (6, 679)),
        ([(400, 200)] * 4, (64, 32)),
        ([(10, 20), (12, 20), (14, 20), (90, 20)], (12, 20)),
        ([(100, 50), (100, 50), (200, 50), (300, 50)], (64, 32)),
    ],
)
def test_without_a_size_the_images_decide(sizes, expected, tmp_path):
    for index, size in enumerate(sizes):
        folder = tmp_path / "ab"[index % 2]
        folder.mkdir(exist_ok=True)
        (folder / f"{index}.png").write_bytes(png(np.full(size, 50, np.uint8)))
    data = load(tmp_path, test_fraction=0)
    assert data.train.image_shape == (*expected, 1)
    assert (data.train.pixels == 50).all()  # letterboxed with the border's colour
    assert load(tmp_path, size=(5, 6), test_fraction=0).train.image_shape == (5, 6, 1)


def test_exif_orientation_counts_for_size_and_pixels(tmp_path):
    for index, name in enumerate("aabb"):
        exif = Image.Exif()
        exif[0x0112] = 6 if index % 2 else 1
        array = np.arange(40, dtype=np.uint8).reshape((4, 10) if index % 2 else (10, 4))
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / f"{index}.png").write_bytes(png(array, exif=exif))
    data = load(tmp_path, test_fraction=0)
    assert data.train.image_shape == (10, 4, 1)
    assert (data.train.pixels[1, ..., 0] == np.rot90(np.arange(40).reshape(4, 10), -1)).all()


def test_names_equal_in_unicode_are_one_class_and_cases_are_two(tmp_path):
    write_pictures(tmp_path, {unicodedata.normalize("NFC", "é"): 2, unicodedata.normalize("NFD", "é"): 2})
    write_pictures(tmp_path, {"Cat": 2, "cat": 2, "<b>": 2})
    data = load(tmp_path, test_fraction=0)
    assert data.train.class_names == ("<b>", "Cat", "cat", "é")
    assert data.train.class_counts == (2, 2, 2, 4)


def test_mnist_as_images_gets_mnists_contract(tmp_path):
    from convscope.data import mnist

    test = mnist.load_part("test")
    for index in range(60):
        folder = tmp_path / str(test.labels[index] % 2)
        folder.mkdir(exist_ok=True)
        (folder / f"{index}.png").write_bytes(png(test.pixels[index, :, :, 0]))
    data = load(tmp_path)
    assert (data.preprocessing.fit, data.preprocessing.polarity) == ("mnist", "auto")


def test_links_out_of_the_folder_loops_and_pipes_are_skipped_by_name(tmp_path):
    write_pictures(tmp_path / "d", {"a": 20, "b": 20})
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(np.zeros((8, 8), np.uint8)))
    (tmp_path / "d/a/out.png").symlink_to(secret)
    (tmp_path / "d/a/in.png").symlink_to(tmp_path / "d/b/1.png")
    (tmp_path / "d/b/loop").symlink_to(tmp_path / "d")
    os.mkfifo(tmp_path / "d/b/pipe.png")
    data = load(tmp_path / "d", test_fraction=0)
    assert data.train.class_counts == (21, 20)
    assert {entry.file: entry.reason for entry in data.skipped} == {
        "a/out.png": "a link that leads out of the folder",
        "b/loop": "a link to a folder",
        "b/pipe.png": "not a regular file",
    }


def test_a_link_to_nowhere_is_skipped(tmp_path):
    write_pictures(tmp_path / "d", {"a": 20, "b": 20})
    (tmp_path / "d/a/gone.png").symlink_to(tmp_path / "nothing")
    assert [entry.file for entry in load(tmp_path / "d").skipped] == ["a/gone.png"]


def test_malicious_members_of_a_zip_are_skipped_by_name(tmp_path):
    picture = png(np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8))
    members = {f"{name}/{number}.png": picture for name in "ab" for number in range(30)}
    members |= {"../../evil.png": picture, "/etc/evil.png": picture, "C:\\evil.png": picture}
    path = tmp_path / "d.zip"
    write_zip(path, members)
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("a/link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("b/bomb.png", b"\0" * 20_000_001, zipfile.ZIP_DEFLATED)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a/0.png", picture)
    data = load(path, test_fraction=0)
    assert data.train.class_counts == (30, 30)
    assert {entry.file for entry in data.skipped} == {
        *("../../evil.png", "/etc/evil.png", "C:/evil.png", "a/link.png", "b/bomb.png", "a/0.png"),
    }
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["d.zip"]  # nothing was extracted


def test_a_zip_made_by_windows_is_read(tmp_path):
    picture = png(np.zeros((8, 8), np.uint8))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("x\\a\\1.png", "x\\a\\2.png", "x\\b\\1.png", "x\\b\\2.png"):
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            archive.writestr(info, picture)
    (tmp_path / "w.zip").write_bytes(file.getvalue())
    assert load(tmp_path / "w.zip", test_fraction=0).train.class_names == ("a", "b")


def test_damaged_members_are_skipped_and_a_cut_archive_is_refused(tmp_path):
    write_pictures(tmp_path / "d", {"a": 20, "b": 20})
    path = zipped(tmp_path / "d", tmp_path / "d.zip")
    raw = bytearray(path.read_bytes())
    place = raw.index(b"\x89PNG") + 30
    raw[place] ^= 255
    path.write_bytes(raw)
    assert [entry.file for entry in load(path).skipped] == ["a/0.png"]
    for length in range(1, len(raw), 997):
        path.write_bytes(raw[:length])
        with pytest.raises(DataError, match=r"d\.zip"):
            load(path)


def test_a_size_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    write_pictures(tmp_path / "d", {"a": 2, "b": 2})
    monkeypatch.setattr(decode_images, "MAX_MEMORY_BYTES", 10_000)
    with pytest.raises(DataError, match="or a smaller --size"):
        load(tmp_path / "d", size=(100, 100))


def test_loading_twice_gives_the_same_data(bring, tmp_path):
    write_pictures(tmp_path / "d", {"a": 9, "b": 9})
    first, second = (load(bring(tmp_path / "d"), seed=1) for _ in range(2))
    assert first.test is not None
    assert second.test is not None
    assert first.train.fingerprint() == second.train.fingerprint()
    assert first.test.fingerprint() == second.test.fingerprint()


def test_links_to_class_folders_are_refused_with_the_way_out(tmp_path):
    write_pictures(tmp_path / "real", {"a": 2, "b": 2})
    (tmp_path / "links").mkdir()
    for name in "ab":
        (tmp_path / "links" / name).symlink_to(tmp_path / "real" / name, target_is_directory=True)
    with pytest.raises(DataError, match="a: a link to a folder that leads out of the dataset") as caught:
        load(tmp_path / "links")
    assert "pass the folder that holds the real ones" in caught.value.hint
    write_pictures(tmp_path / "links", {"c": 2, "d": 2})
    assert {entry.file for entry in load(tmp_path / "links").skipped} == {"a", "b"}


def test_images_of_a_format_or_size_that_is_not_read_are_refused_with_the_remedy(tmp_path):
    write_pictures(tmp_path, {"a": 2, "b": 2})
    for index in range(5):
        (tmp_path / f"a/x{index}.jxl").write_bytes(b"\xff\x0a" + bytes(50))
    with pytest.raises(DataError, match="JPEG XL is not supported") as caught:
        load(tmp_path)
    assert caught.value.hint.startswith("Convert them to JPEG or PNG")
    for index in range(5):
        (tmp_path / f"a/x{index}.jxl").unlink()
        (tmp_path / f"a/x{index}.ppm").write_bytes(b"P5 6000 6000 255 ")
    with pytest.raises(DataError, match="6000×6000 pixels, more than 25,000,000") as caught:
        load(tmp_path)
    assert caught.value.hint.startswith("Reduce them to at most 25 megapixels")
