"""Images at the door: one image or several, from files, arrays and Pillow; the same picture gives the same pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.data.dataset import Skipped
from convscope.data.image_input import collect_images, images_below
from convscope.data.mnist import load_part
from convscope.errors import DataError
from data.makers import png

GRAY = np.random.default_rng(0).integers(0, 256, (6, 7), np.uint8)
RGB = np.random.default_rng(1).integers(0, 256, (6, 7, 3), np.uint8)


class Tensor:
    """Something that NumPy can convert, as a tensor is."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self.values


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.png").write_bytes(png(GRAY))
    return tmp_path / "a.png"


def only(images: object) -> np.ndarray:
    (one,) = collect_images(images, most=10)
    return one.picture


def test_one_image_is_the_same_by_every_way(file: Path) -> None:
    ways = [
        str(file), file, [file], (str(file),), iter([file]), file.parent, str(file.parent), Image.open(file),
        Image.fromarray(GRAY), GRAY, GRAY[None], GRAY[..., None], GRAY[None, ..., None], [GRAY], GRAY / 255,
        GRAY.astype(np.float32), (GRAY / 255).astype(np.float32), GRAY.astype(np.int64), Tensor(GRAY / 255),
    ]  # fmt: skip
    for way in ways:
        assert (only(way) == GRAY[..., None]).all(), way
        assert only(way if not hasattr(way, "__next__") else [file]).dtype == np.uint8


def test_a_text_is_one_path_and_never_a_sequence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read letter by letter, `a./` would be the file a, the working folder and the root."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.png").write_bytes(png(GRAY))
    (one,) = collect_images("a./", most=10)
    loaded = one.load()
    assert isinstance(loaded, Skipped) and loaded == Skipped("a./", "No such file or directory")
    assert [entry.name for entry in collect_images(".", most=10)] == ["x.png"]


@pytest.mark.parametrize(
    ("shape", "count", "picture"),
    [
        ((5, 6), 1, (5, 6, 1)),
        ((5, 6, 1), 1, (5, 6, 1)),
        ((5, 6, 3), 1, (5, 6, 3)),
        ((5, 6, 4), 1, (5, 6, 4)),
        ((5, 6, 2), 5, (6, 2, 1)),
        ((3, 8, 8), 3, (8, 8, 1)),
        ((5, 6, 7), 5, (6, 7, 1)),
        ((2, 6, 7, 1), 2, (6, 7, 1)),
        ((2, 6, 7, 3), 2, (6, 7, 3)),
    ],
)
def test_the_last_axis_decides_what_an_array_is(shape: tuple, count: int, picture: tuple) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    found = collect_images(array, most=10)
    assert [one.picture.shape for one in found] == [picture] * count
    assert (np.stack([one.picture for one in found]).ravel() == array.ravel()).all()
    assert [one.name for one in found] == [f"image {index}" for index in range(count)]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros(5), r"shape=\(5,\)"),
        (np.zeros((2, 3, 8, 8)), r"np\.moveaxis\(array, 1, -1\)"),
        (np.zeros((2, 8, 8, 5)), r"shape=\(2, 8, 8, 5\)"),
        (np.zeros((1, 2, 8, 8, 3)), r"shape=\(1, 2, 8, 8, 3\)"),
        (np.zeros((0, 8, 8)), r"Expected an array with pixels"),
        (np.array(5), r"shape=\(\)"),
        (GRAY - 128.0, "Expected pixels as floats in 0..1"),
        (GRAY / 2 + 0.25, "with fractions"),
        (np.full((4, 4), np.nan), "Expected finite pixels"),
        (np.eye(4, dtype=int), "may be a mask"),
        (np.full((4, 4), 300), "0 to 255 in image 0. Received: 300 to 300"),
        (np.array([["a"]]), "dtype=<U1"),
    ],
)
def test_ambiguous_arrays_are_refused(array: np.ndarray, words: str) -> None:
    for images in (array, [array]):
        with pytest.raises(DataError, match=words) as caught:
            collect_images(images, most=10)
        assert str(caught.value).startswith("Expected ")


@pytest.mark.parametrize("value", [3, None, [3], [None], b"a.png", [[1, 2], [3, 4]], object()])
def test_what_is_no_image_is_refused_by_its_type(value: object) -> None:
    with pytest.raises(DataError, match=r"Expected an image\. Received: "):
        collect_images(value, most=10)


def test_kinds_can_be_mixed_and_keep_their_order(file: Path) -> None:
    found = collect_images([file, GRAY, "mnist:7", np.stack([GRAY, GRAY]), Image.fromarray(RGB)], most=10)
    assert [one.name for one in found] == [str(file), "image 1", "mnist:7", "image 3", "image 4", "image 5"]
    assert (found[2].picture == load_part("test").pixels[7]).all() and (found[5].picture == RGB).all()
    assert found[1].interpretation == "uint8 from 0 to 255" and found[0].interpretation == ""


def test_a_file_of_that_name_goes_before_the_digit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mnist:7").write_bytes(png(GRAY))
    assert (only("mnist:7") == GRAY[..., None]).all()
    with pytest.raises(DataError, match=r"Expected mnist:0 to mnist:9999\. Received: mnist:10000"):
        collect_images("mnist:10000", most=1)


def test_of_a_folder_the_image_files_are_taken_in_order_of_name(tmp_path: Path) -> None:
    names = ("img10.png", "img2.PNG", "b.jfif", "scan.TIFF", "x.dib", "noextension", ".hidden.png", "._img2.png")
    for name in names:
        (tmp_path / name).write_bytes(png(GRAY))
    (tmp_path / "notes.txt").write_text("no image")
    shown = [Path(one.name).name for one in collect_images(tmp_path, most=10)]
    assert shown == ["b.jfif", "img2.PNG", "img10.png", "noextension", "scan.TIFF", "x.dib"]
    (tmp_path / "void").mkdir()
    with pytest.raises(DataError, match="Expected a folder with images"):
        collect_images(tmp_path / "void", most=10)


def test_unreadable_files_are_skipped_with_the_reason_alone(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"")
    (one,) = collect_images(tmp_path / "bad.png", most=10)
    assert one.load() == Skipped(str(tmp_path / "bad.png"), "0 bytes")
    with pytest.raises(DataError, match="0 bytes"):
        _ = one.picture


def test_more_than_there_may_be_are_refused(file: Path) -> None:
    assert len(collect_images(np.zeros((3, 9, 9)), most=3)) == 3
    for images in (np.zeros((4, 9, 9)), [file] * 4, (file for _ in range(10**9))):
        with pytest.raises(DataError, match="at most 3 images"):
            collect_images(images, most=3)


def test_a_pillow_image_is_turned_and_blended_like_its_file(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "turned.png").write_bytes(png(RGB, exif=exif))
    clear = np.dstack([RGB, np.arange(42, dtype=np.uint8).reshape(6, 7)])
    (tmp_path / "clear.png").write_bytes(png(clear))
    for name in ("turned.png", "clear.png"):
        assert (only(Image.open(tmp_path / name)) == only(tmp_path / name)).all()


def test_unsupported_formats_in_a_folder_are_named_and_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(GRAY))
    (tmp_path / "scan.jxl").write_bytes(b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(9))
    (tmp_path / "map.jp2").write_bytes(b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(9))
    (tmp_path / "photo").write_bytes(b"8BPS" + bytes(9))
    found = [one.load() for one in collect_images(tmp_path, most=10)]
    reasons = [one.reason for one in found if isinstance(one, Skipped)]
    assert reasons == ["JPEG 2000 is not supported", "Photoshop is not supported", "JPEG XL is not supported"]


def test_images_in_subfolders_are_counted_or_read(tmp_path: Path) -> None:
    for name in ("a.png", "x/b.png", "x/y/c.png", "x/y/notes.txt", "z/.hidden/d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(png(GRAY) if name.endswith("png") else b"no image")
    assert len(collect_images(tmp_path, most=10)) == 1
    assert images_below(tmp_path) == (f"2 images in 2 subfolders of {tmp_path} are not read; pass --recursive",)
    found = collect_images(tmp_path, most=10, recursive=True)
    assert [Path(one.name).name for one in found] == ["a.png", "b.png", "c.png"]
    (tmp_path / "x" / "b.png").unlink()
    with pytest.raises(DataError, match=r"1 image in 1 subfolder of .* is not read; pass --recursive"):
        collect_images(tmp_path / "x", most=10)


def test_only_the_first_page_of_a_tiff_is_read_and_that_is_reported(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((9, 9), level, np.uint8)) for level in (10, 200, 90)]
    pages[0].save(tmp_path / "scan.tiff", save_all=True, append_images=pages[1:])
    (one,) = collect_images(tmp_path, most=10)
    assert one.note == ""
    assert (one.picture == 10).all() and one.note.endswith("scan.tiff: the first of 3 frames or pages is read")


def test_an_image_of_mnist_that_was_changed_is_read_unchanged_the_next_time() -> None:
    (first,) = collect_images("mnist:7", most=1)
    first.picture[...] = 0
    (second,) = collect_images("mnist:7", most=1)
    assert second.picture.any()
