"""The binary files of CIFAR, written byte by byte; the pickles are refused by name."""

from __future__ import annotations

import io
import pickle
import tarfile

import numpy as np
import pytest

from convscope.data.readers import detect, load
from convscope.errors import DataError
from data.makers import write_pictures


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), np.uint8)


def binary(pixels: np.ndarray, labels: list[int], coarse: bytes = b"") -> bytes:
    out = bytearray()
    for picture, label in zip(pixels, labels, strict=True):
        out += coarse + bytes([label])
        for channel in range(3):
            out += picture[:, :, channel].tobytes()
    return bytes(out)


@pytest.mark.parametrize("place", ["", "cifar-10-batches-bin"])
def test_cifar_10_is_read_with_names_and_parts(place, tmp_path):
    folder = tmp_path / place
    folder.mkdir(exist_ok=True)
    for number in (1, 2):
        (folder / f"data_batch_{number}.bin").write_bytes(binary(images(6, number), [0, 1, 2] * 2))
    (folder / "test_batch.bin").write_bytes(binary(images(3, 9), [2, 1, 0]))
    (folder / "batches.meta.txt").write_text("airplane\nautomobile\nbird\n\n")
    (folder / "readme.html").write_text("<html>")
    data = load(tmp_path)
    assert (data.kind, data.train.class_names) == ("cifar", ("airplane", "automobile", "bird"))
    assert (data.train.pixels == np.concatenate([images(6, 1), images(6, 2)])).all()
    assert data.test is not None and (data.test.pixels == images(3, 9)).all()
    assert data.test.labels.tolist() == [2, 1, 0]


def test_cifar_100_has_the_fine_label_second(tmp_path):
    (tmp_path / "train.bin").write_bytes(binary(images(6), [0, 1, 0, 1, 1, 0], b"\x07"))
    (tmp_path / "test.bin").write_bytes(binary(images(2, 1), [1, 0], b"\x07"))
    data = load(tmp_path)
    assert data.train.labels.tolist() == [0, 1, 0, 1, 1, 0] and data.train.class_names == ("0", "1")
    assert (data.train.pixels == images(6)).all()


def test_a_file_of_another_length_is_refused_by_name(tmp_path):
    (tmp_path / "data_batch_1.bin").write_bytes(binary(images(4), [0, 1, 0, 1])[:-1])
    with pytest.raises(DataError, match=r"images of 3,073 bytes each.*data_batch_1\.bin, 12,291 bytes"):
        load(tmp_path)


def test_the_pickles_are_refused_with_the_way_out_and_never_opened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return open, (str(tmp_path / "opened"), "w")

    for name in ("data_batch_1", "test_batch", "batches.meta"):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb(), 2))
    with pytest.raises(DataError, match="the Python version, whose files are pickles") as caught:
        load(tmp_path)
    assert caught.value.hint.startswith("Download the binary version")
    assert not (tmp_path / "opened").exists()


def test_class_folders_called_train_and_test_are_no_cifar(tmp_path):
    write_pictures(tmp_path, {"train/a": 3, "train/b": 3, "test/a": 2, "test/b": 2})
    assert detect(tmp_path) == "folder"


def write_archive(path, members: dict[str, bytes], mode: str = "w:gz") -> None:
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


TEN = {
    "cifar-10-batches-bin/batches.meta.txt": b"airplane\nautomobile\nbird\n\n",
    "cifar-10-batches-bin/data_batch_2.bin": binary(images(6, 2), [0, 1, 2] * 2),
    "cifar-10-batches-bin/data_batch_1.bin": binary(images(6, 1), [0, 1, 2] * 2),
    "cifar-10-batches-bin/readme.html": b"<html>",
    "cifar-10-batches-bin/test_batch.bin": binary(images(3, 9), [2, 1, 0]),
}


@pytest.mark.parametrize(("name", "mode"), [("cifar-10-binary.tar.gz", "w:gz"), ("c10.tar", "w"), ("x.tar.xz", "w:xz")])
def test_the_archive_is_read_like_the_folder(name, mode, tmp_path):
    write_archive(tmp_path / name, TEN, mode)
    for member, data in TEN.items():
        (tmp_path / member).parent.mkdir(exist_ok=True)
        (tmp_path / member).write_bytes(data)
    one, other = load(tmp_path / name), load(tmp_path / "cifar-10-batches-bin")
    assert (one.kind, one.train.class_names) == ("cifar", ("airplane", "automobile", "bird"))
    for part in ("train", "test"):
        assert getattr(one, part).fingerprint() == getattr(other, part).fingerprint()


def test_the_archive_of_cifar_100_is_read(tmp_path):
    members = {
        "cifar-100-binary/fine_label_names.txt": b"apple\naquarium_fish\n",
        "cifar-100-binary/train.bin": binary(images(6), [0, 1, 0, 1, 1, 0], b"\x07"),
        "cifar-100-binary/test.bin": binary(images(2, 1), [1, 0], b"\x07"),
    }
    write_archive(tmp_path / "cifar-100-binary.tar.gz", members)
    data = load(tmp_path / "cifar-100-binary.tar.gz")
    assert data.train.class_names == ("apple", "aquarium_fish") and data.test.labels.tolist() == [1, 0]


def test_the_archive_of_pickles_is_refused_with_the_way_out_and_never_opened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'opened')!r}, 'w')",))

    names = ("data_batch_4", "readme.html", "test_batch", "data_batch_1", "batches.meta")
    members = {f"cifar-10-batches-py/{name}": pickle.dumps(Bomb(), protocol=2) for name in names}
    write_archive(tmp_path / "cifar-10-python.tar.gz", members)
    with pytest.raises(DataError, match="pickles and could execute code") as caught:
        load(tmp_path / "cifar-10-python.tar.gz")
    assert "cifar-10-binary.tar.gz" in caught.value.hint
    assert not (tmp_path / "opened").exists()


def test_a_damaged_archive_is_refused_by_name(tmp_path):
    write_archive(tmp_path / "good.tar.gz", TEN)
    whole = (tmp_path / "good.tar.gz").read_bytes()
    short = dict(TEN) | {"cifar-10-batches-bin/data_batch_1.bin": binary(images(4), [0, 1, 0, 1])[:-1]}
    write_archive(tmp_path / "short.tar.gz", short)
    with pytest.raises(DataError, match=r"images of 3,073 bytes each.*data_batch_1\.bin, 12,291 bytes"):
        load(tmp_path / "short.tar.gz")
    for place in (len(whole) // 2, len(whole) - 4):
        (tmp_path / "cut.tar.gz").write_bytes(whole[:place])
        with pytest.raises(DataError, match=r"undamaged tar archive.*cut\.tar\.gz"):
            load(tmp_path / "cut.tar.gz")


def test_other_archives_are_read_as_before(tmp_path):
    write_pictures(tmp_path / "d", {"train": 4, "test": 4})
    members = {
        path.relative_to(tmp_path / "d").as_posix(): path.read_bytes() for path in (tmp_path / "d").rglob("*.png")
    }
    write_archive(tmp_path / "d.tar.gz", members)
    assert detect(tmp_path / "d.tar.gz") == "tar"
