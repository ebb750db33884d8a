"""Tar archives: class folders, WebDataset samples, folders of them; damaged and malicious ones."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from convscope.data.readers import detect, load
from convscope.data.scan import scan
from convscope.errors import DataError
from data.makers import png, write_pictures


def picture(seed: int) -> bytes:
    return png(np.random.default_rng(seed).integers(0, 256, (8, 8), np.uint8))


def write_tar(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def samples(count: int, labels: str = "01", start: int = 0, kind: str = "png") -> dict[str, bytes]:
    members = {}
    for index in range(start, start + count):
        members[f"{index:06d}.{kind}"] = picture(index)
        members[f"{index:06d}.cls"] = labels[index % len(labels)].encode()
    return members


@pytest.mark.parametrize(
    ("name", "mode"), [("d.tar", "w"), ("d.tar.gz", "w:gz"), ("d.tgz", "w:gz"), ("d.tar.xz", "w:xz")]
)
@pytest.mark.parametrize("wrapped", ["", "photos/"])
def test_class_folders_in_an_archive_are_those_of_the_folder(name, mode, wrapped, tmp_path):
    write_pictures(tmp_path / "folder", {"train/cat": 4, "train/dog": 4, "test/cat": 2, "test/dog": 2})
    with tarfile.open(tmp_path / name, mode) as archive:
        archive.add(tmp_path / "folder", wrapped or ".")
    packed, plain = load(tmp_path / name), load(tmp_path / "folder")
    assert packed.kind == "tar"
    assert packed.train.class_names == plain.train.class_names
    assert packed.train.fingerprint() == plain.train.fingerprint()
    assert packed.test is not None and plain.test is not None
    assert packed.test.fingerprint() == plain.test.fingerprint()
    assert len(scan(tmp_path / name).records) == 12


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_samples_get_the_labels_of_their_names(mode, tmp_path):
    members = samples(6, "210") | {"000003.json": b"{}", "000009.png": picture(9), "x/000003.png": picture(8)}
    data = load(write_tar(tmp_path / "d.tar", members | {"x/000003.cls": b" 2\n"}, mode), test_fraction=0)
    assert data.kind == "webdataset"
    assert data.train.class_names == ("0", "1", "2")
    assert data.train.class_counts == (2, 2, 3)
    assert [entry.reason for entry in data.skipped if "000009.png" in entry.file] == ["an image without a label"]
    named = load(tmp_path / "d.tar", test_fraction=0, class_names=("a", "b", "c"))
    assert named.train.class_names == ("a", "b", "c")


def test_a_folder_of_archives_has_their_parts(tmp_path):
    write_tar(tmp_path / "d/train-000000.tar", samples(6))
    write_tar(tmp_path / "d/train-000001.tar", samples(4, start=6))
    write_tar(tmp_path / "d/test-000000.tar", samples(4, start=10))
    data = load(tmp_path / "d")
    assert data.test is not None
    assert (len(data.train), len(data.test), data.kind) == (10, 4, "webdataset")
    write_tar(tmp_path / "e/train/0.tar", samples(6))
    write_tar(tmp_path / "e/val/0.tar", samples(4, start=6))
    assert len(load(tmp_path / "e", test_fraction=0).train) == 10


def test_class_folders_beside_the_archive_they_came_in_are_read_as_folders(tmp_path):
    write_pictures(tmp_path / "d", {"cat": 4, "dog": 4})
    write_tar(tmp_path / "d/photos.tar", samples(6))
    assert detect(tmp_path / "d") == "folder"
    assert load(tmp_path / "d").train.class_names == ("cat", "dog")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_members_that_leave_the_archive_and_links_are_skipped_by_name(mode, tmp_path):
    members = {f"{name}/{index}.png": picture(index) for name in "ab" for index in range(20)}
    path = write_tar(tmp_path / "d.tar", {**members, "../a/9.png": picture(9), "/a/8.png": picture(8)}, mode)
    with tarfile.open(tmp_path / "e.tar", mode) as archive, tarfile.open(path) as source:
        for member in source:
            archive.addfile(member, source.extractfile(member))
        link = tarfile.TarInfo("a/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        pipe = tarfile.TarInfo("a/pipe.png")
        pipe.type = tarfile.FIFOTYPE
        archive.addfile(pipe)
        for name in ("__MACOSX/a/._0.png", "a/.DS_Store", "a/Thumbs.db", "a/._1.png"):
            archive.addfile(tarfile.TarInfo(name))
    data = load(tmp_path / "e.tar", test_fraction=0)
    assert len(data.train) == 40
    assert {entry.file: entry.reason for entry in data.skipped} == {
        "../a/9.png": "a path that leads out of the archive",
        "/a/8.png": "a path that leads out of the archive",
        "a/link.png": "a link or a device, not a file",
        "a/pipe.png": "a link or a device, not a file",
    }


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_a_cut_or_damaged_archive_is_refused_or_read_in_part_but_never_a_traceback(mode, tmp_path):
    whole = write_tar(tmp_path / "d.tar", samples(12), mode).read_bytes()
    rng = np.random.default_rng(0)
    for trial in range(40):
        data = bytearray(whole)
        if trial % 2:
            data = data[: int(rng.integers(1, len(data)))]
        for place in rng.integers(0, len(data), 6):
            data[place] = rng.integers(0, 256)
        (tmp_path / "e.tar").write_bytes(data)
        try:
            load(tmp_path / "e.tar")
        except DataError as error:
            assert str(error).count("\n") <= 1
    (tmp_path / "e.tar").write_bytes(whole[: len(whole) // 2 + 600])
    with pytest.raises(DataError, match=r"Expected an undamaged tar archive\. Received: file=.*e\.tar"):
        load(tmp_path / "e.tar")


def test_an_archive_cut_between_two_files_is_reported(tmp_path):
    whole = write_tar(tmp_path / "d.tar", samples(12)).read_bytes()
    assert not load(tmp_path / "d.tar", test_fraction=0).skipped
    (tmp_path / "e.tar").write_bytes(whole[: 4 * 12 * 512 // 2])
    cut = load(tmp_path / "e.tar", test_fraction=0)
    assert len(cut.train) == 6
    assert [entry.reason for entry in cut.skipped] == ["no end marker: the archive may be incomplete"]


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    from convscope.data import tar_files

    monkeypatch.setattr(tar_files, "MAX_UNPACKED_BYTES", 10_000)
    write_tar(tmp_path / "d.tar.gz", {**samples(4), "big.png": bytes(1_000_000)}, "w:gz")
    with pytest.raises(DataError, match=r"10,000 bytes when decompressed; unpack it and pass the folder"):
        load(tmp_path / "d.tar.gz")


def test_a_header_that_claims_gigabytes_is_refused(tmp_path):
    info = tarfile.TarInfo("a")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2**33
    (tmp_path / "d.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_240))
    with pytest.raises(DataError, match="Expected an undamaged tar archive"):
        load(tmp_path / "d.tar")


def test_a_label_that_is_no_text_is_refused(tmp_path):
    path = write_tar(tmp_path / "d.tar", {**samples(4), "000001.cls": b"\xff\xfe"})
    with pytest.raises(DataError, match=r"Expected a label as a short text\. Received: file=d\.tar, 000001\.cls"):
        load(path)
