"""What happens seldom: limits that no test data reach, disks that fail in the middle, two ways to say one thing."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from bad_inputs import CASES, add_case, digits, drawn, npy, npz_file, pictures, zip_of
from PIL import Image

from convscope.data import files, png
from convscope.data.build_dataset import Part, assemble
from convscope.data.data_checks import check_dataset
from convscope.data.dataset import Skipped
from convscope.data.decode import decode
from convscope.data.formats import csv_format, folder, npz, zip_archive
from convscope.data.load_options import LoadOptions
from convscope.data.near_duplicates import fingerprint
from convscope.data.pixels import to_grey
from convscope.data.readers import load
from convscope.data.scan import FileFacts, ImageRecord, ScanResult, scan
from convscope.errors import DataError
from data.makers import idx_bytes, write_pictures

GOOD = "label,p0,p1,p2,p3\n" + "0,1,2,3,4\n1,5,6,7,8\n" * 3


def test_colour_arrays_become_grayscale_where_that_is_asked_for(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "d.npz", x=pixels, y=np.arange(20) % 2)
    loaded = load(tmp_path / "d.npz", channels=1, test_fraction=0)
    assert (loaded.train.pixels == np.stack([to_grey(picture) for picture in pixels])).all()


def test_a_label_without_a_name_is_refused() -> None:
    pixels, labels = digits()
    part = Part(pixels[..., None], labels.astype(np.int64))
    with pytest.raises(DataError, match="label 1"):
        assemble("npz", "d", part, None, options=LoadOptions(), class_names={0: "a"})


def test_a_image_for_which_memory_does_not_suffice_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(image: Image.Image) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", too_much)
    with pytest.raises(DataError, match=r"photo.*available memory"):
        decode(drawn("BMP"), "photo")


def record(name: str, label: str, *, part: str = "train", size: tuple[int, int] = (9, 9), seed: int = 0) -> ImageRecord:
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 1), np.uint8)
    return ImageRecord(name, part, label, size, name.encode(), fingerprint(pixels), None, lambda: pixels)


def test_a_class_that_is_small_next_to_the_largest_is_named() -> None:
    records = [record(f"a{index}", "a", seed=index) for index in range(500)]
    records += [record(f"b{index}", "b", seed=1000 + index) for index in range(22)]
    findings = check_dataset(ScanResult("d", "npz", tuple(records))).findings
    assert [finding.words for finding in findings] == ["class b has 22 training images, the largest class 500"]


def test_twenty_images_of_a_class_are_enough_and_nineteen_are_few() -> None:
    records = [
        record(f"{label}{index}", label, seed=100 * n + index) for n, label in enumerate("ab") for index in range(20)
    ]
    assert check_dataset(ScanResult("d", "npz", tuple(records))).findings == ()
    assert check_dataset(ScanResult("d", "npz", tuple(records[1:]))).counts == {"tiny_class": 1}


@pytest.mark.parametrize(
    ("size", "words"),
    [((18, 18), "larger"), ((4, 4), "smaller"), ((3, 27), "wider"), ((27, 3), "narrower")],
)
def test_the_size_of_a_class_is_described(size: tuple[int, int], words: str) -> None:
    records = [record(f"a{index}", "a", size=size, seed=index) for index in range(20)]
    records += [
        record(f"{label}{index}", label, seed=200 + index + 50 * n)
        for n, label in enumerate("bc")
        for index in range(20)
    ]
    (finding,) = check_dataset(ScanResult("d", "npz", tuple(records))).findings
    assert finding.words == (
        f"class a is {words} than the others in 100% of comparisons: median {size[0]}×{size[1]}, others 9×9"
    )


def test_the_most_serious_findings_come_first() -> None:
    records = [record(f"a{index}", "a", seed=index) for index in range(3)] + [record("b", "b", seed=0)]
    records[3] = ImageRecord("b", "train", "b", (9, 9), b"a0", records[0].fingerprint, None, records[0].load)
    odd = FileFacts(".png", "GIF", "CMYK", 6, 2)
    records[1] = ImageRecord("a1", "train", "a", (9, 9), b"x", None, odd, records[1].load)
    found = check_dataset(
        ScanResult("d", "folder", tuple(records), unreadable=(Skipped("z", "0 bytes"),), empty=("c",))
    )
    kinds = list(dict.fromkeys(finding.kind for finding in found.findings))
    assert kinds == [
        "unreadable", "missing_class", "two_labels", "blank", "tiny_class", "wrong_extension", "turned", "odd_mode",
        "animated",
    ]  # fmt: skip
    assert list(found.counts) == kinds


def test_sizes_of_a_class_with_very_few_images_say_nothing() -> None:
    records = [record(f"a{index}", "a", seed=index) for index in range(30)]
    records += [record(f"b{index}", "b", size=(90, 90), seed=100 + index) for index in range(4)]
    assert check_dataset(ScanResult("d", "npz", tuple(records))).counts == {"tiny_class": 1}


def test_a_file_that_may_not_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, *words: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "d.npz").write_bytes(b"x")
    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(DataError, match=r"d\.npz, Permission denied"):
        load(tmp_path / "d.npz")


def test_a_stream_that_holds_more_than_it_may_is_refused() -> None:
    assert files.read_at_most(io.BytesIO(b"x" * 10), 10, "n") == b"x" * 10
    with pytest.raises(DataError, match="file=n, more than that"):
        files.read_at_most(io.BytesIO(b"x" * 11), 10, "n")


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(DataError, match="Permission denied"):
        load(tmp_path)


def test_more_files_than_there_may_be_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_FILES", 3)
    monkeypatch.setattr(zip_archive, "MAX_FILES", 3)
    write_pictures(tmp_path / "d", {"a": 3, "b": 3})
    (tmp_path / "d.zip").write_bytes(zip_of(pictures("a", "b")))
    for source in ("d", "d.zip"):
        with pytest.raises(DataError, match="at most 3 files"):
            load(tmp_path / source)


def test_a_link_in_an_archive_is_skipped_by_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for name, content in pictures("a", "b").items():
            archive.writestr(name, content or b"")
        link = zipfile.ZipInfo("a/link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    skipped = load(tmp_path / "d.zip", test_fraction=0).skipped
    assert [(entry.file, entry.reason) for entry in skipped] == [("a/link.png", "a link or a device, not a file")]


def test_an_array_that_ends_before_its_directory_says_is_refused(tmp_path: Path) -> None:
    pixels, labels = digits()
    short = npy(pixels)[:-1]
    content = bytearray(npz_file({"x": short, "y": npy(labels)}, packing=zipfile.ZIP_DEFLATED))
    place = content.index(b"PK\1\2") + 24
    assert struct.unpack("<I", content[place : place + 4])[0] == len(short)
    content[place : place + 4] = struct.pack("<I", len(short) + 1)
    (tmp_path / "d.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"Received: .*bytes"):
        load(tmp_path / "d.npz")


def test_validation_images_of_another_size_are_refused(tmp_path: Path) -> None:
    pixels, labels = digits()
    np.savez(tmp_path / "d.npz", x_train=pixels, y_train=labels, x_val=digits(20, 9)[0], y_val=labels)
    with pytest.raises(DataError, match="training and validation images of the same shape"):
        load(tmp_path / "d.npz")


def test_strict_stops_at_what_is_no_file_too(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"a": 3, "b": 3})
    (tmp_path / "a" / "x.png").symlink_to("gone")
    assert [entry.file for entry in load(tmp_path).skipped] == ["a/x.png"]
    with pytest.raises(DataError, match=r"a/x\.png"):
        load(tmp_path, strict=True)


def test_the_further_images_of_an_animated_png_are_not_checked() -> None:
    frames = [Image.fromarray(np.full((9, 9), level, np.uint8)) for level in (10, 200)]
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    content = file.getvalue()
    assert b"fdAT" in content
    png.check(content)
    assert decode(content, "p").pixels[0, 0, 0] == 10


def test_a_png_without_its_last_chunk_is_whole_if_its_pixels_are() -> None:
    content = drawn("PNG")
    png.check(content[: content.index(b"IEND") - 4])
    with pytest.raises(ValueError, match="bytes of pixels"):
        png.check(content[:33])


@pytest.mark.parametrize(("depth", "colour"), [(1, 0), (2, 0), (4, 3), (8, 2), (8, 4), (8, 6), (16, 0), (16, 6)])
def test_the_length_of_a_pngs_rows_is_right_for_every_kind_of_pixel(depth: int, colour: int) -> None:
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = b"\0" + bytes(-(-13 * samples * depth // 8))
    for rows, fits in ((7, True), (6, False)):
        head = struct.pack(">IIBBBBB", 13, 7, depth, colour, 0, 0, 0)
        content = png.MAGIC
        for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(row * rows)), (b"IEND", b"")):
            content += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        if fits:
            png.check(content)
        else:
            with pytest.raises(ValueError, match="bytes of pixels"):
                png.check(content)


def test_an_interrupt_while_looking_ends_it_at_once(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    write_pictures(tmp_path, {"a": 3, "b": 3})
    with pytest.raises(KeyboardInterrupt):
        scan(tmp_path, stop)


def test_a_table_of_more_than_there_may_be_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = csv_format.LINES_PER_BATCH * "0,1,2,3,4\n"
    (tmp_path / "d.csv").write_text("label,p0,p1,p2,p3\n" + rows)
    monkeypatch.setattr(csv_format, "MAX_BYTES", 4 * csv_format.LINES_PER_BATCH - 1)
    with pytest.raises(DataError, match=r"at most 3,999 pixels.*d\.csv, more than that"):
        load(tmp_path / "d.csv")


def test_lines_that_all_lack_the_column_of_the_header_are_refused_by_the_first(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("label,p0,p1,p2,p3\n0,1,2,3\n1,5,6,7\n")
    with pytest.raises(DataError, match=r"Expected 5 columns in each line.*d\.csv, line 2, 4 columns"):
        load(tmp_path / "d.csv")


def test_spaces_around_numbers_are_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(GOOD)
    (tmp_path / "e.csv").write_text(GOOD.replace("3,4", " 3 ,\u00a04"), "utf-8")
    one, other = (load(tmp_path / name, test_fraction=0).train for name in ("d.csv", "e.csv"))
    assert (one.pixels == other.pixels).all()


def test_every_case_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CASES, "folder", {})
    add_case("folder", "no such folder", lambda path: path)
    with pytest.raises(ValueError, match="twice"):
        add_case("folder", "no such folder", lambda path: path)


def test_an_empty_array_of_huge_sides_is_refused(tmp_path: Path) -> None:
    assert npz.MAX_BYTES < 2**32
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 1099511627776, 1099511627776)}"
    raw = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header
    (tmp_path / "d.npz").write_bytes(npz_file({"x": raw, "y": npy(np.zeros(0, "i8"))}))
    with pytest.raises(DataError, match="at most"):
        load(tmp_path / "d.npz")


def test_arrays_without_a_image_are_refused_whatever_their_numbers_are(tmp_path: Path) -> None:
    for dtype in (np.uint8, np.int32, np.float32, np.bool_):
        np.savez(tmp_path / "d.npz", x=np.zeros((0, 8, 8), dtype), y=np.zeros(0, np.int64))
        with pytest.raises(DataError, match="Received: none"):
            load(tmp_path / "d.npz")


def emnist(folder: Path, mapping: str | None = None) -> Path:
    for kind, array in zip(("images-idx3", "labels-idx1"), digits(), strict=True):
        (folder / f"emnist-x-train-{kind}-ubyte").write_bytes(idx_bytes(array))
    if mapping is not None:
        (folder / "emnist-x-mapping.txt").write_text(mapping)
    return folder


def test_emnist_without_its_mapping_goes_by_number(tmp_path: Path) -> None:
    assert load(emnist(tmp_path), test_fraction=0).train.class_names == ("0", "1")


@pytest.mark.parametrize("line", [f"0 {'9' * 5000}", f"{'9' * 5000} 65"])
def test_a_mapping_with_a_number_of_five_thousand_digits_is_refused_by_its_line(line: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"in line 2\. Received: file=.*mapping\.txt"):
        load(emnist(tmp_path, f"1 66 98\n{line}\n"))
