"""`load_all`: every labeled image of a source as one dataset, whatever parts it has."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from convscope.data.readers import load, load_all
from convscope.errors import DataError
from data.makers import digits, png, write_idx, write_pictures, write_zip


def test_a_folder_with_only_a_test_part_is_read_whole(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"test/cat": 3, "test/dog": 1})
    dataset, skipped, _ = load_all(tmp_path)
    assert dataset.class_names == ("cat", "dog") and dataset.class_counts == (3, 1)
    assert skipped == () and dataset.names[0] == "test/cat/0.png"


def test_all_parts_are_joined(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"train/a": 3, "train/b": 2, "val/a": 1, "test/b": 4})
    dataset, _, _ = load_all(tmp_path, size=(6, 5), channels=3)
    assert dataset.class_counts == (4, 6) and dataset.image_shape == (6, 5, 3)


def test_one_class_and_one_image_are_enough(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"cat": 1})
    assert load_all(tmp_path)[0].class_counts == (1,)
    with pytest.raises(DataError, match="at least 2 classes"):
        load(tmp_path)


@pytest.mark.parametrize("keys", [("x_test", "y_test"), ("test_images", "test_labels"), ("x_val", "y_val"), ("x", "y")])
def test_an_npz_file_with_only_one_part_is_read_whole(keys: tuple[str, str], tmp_path: Path) -> None:
    images, labels = digits(5)
    np.savez(tmp_path / "d.npz", **{keys[0]: images, keys[1]: labels + 3})
    dataset, _, _ = load_all(tmp_path / "d.npz")
    assert dataset.class_names == ("3", "4") and (dataset.pixels[..., 0] == images).all()


def test_the_three_parts_of_an_npz_file_are_joined(tmp_path: Path) -> None:
    images, labels = digits(9)
    parts = {
        f"{kind}_{part}": array[place::3]
        for kind, array in (("x", images), ("y", labels))
        for place, part in enumerate(("train", "val", "test"))
    }
    np.savez(tmp_path / "d.npz", **parts)
    assert len(load_all(tmp_path / "d.npz")[0]) == 9
    assert load_all(tmp_path / "d.npz")[0].class_counts == tuple(np.bincount(labels))


@pytest.mark.parametrize("part", ["t10k", "test", "train"])
def test_idx_files_of_one_part_are_read_whole(part: str, tmp_path: Path) -> None:
    images, labels = digits(7)
    write_idx(tmp_path, images, labels, part=part)
    assert (load_all(tmp_path)[0].pixels[..., 0] == images).all()


def test_both_parts_of_idx_files_are_joined(tmp_path: Path) -> None:
    images, labels = digits(7)
    write_idx(tmp_path, images, labels)
    write_idx(tmp_path, images, labels, part="t10k")
    assert len(load_all(tmp_path)[0]) == 14


def test_a_csv_file_is_read_whole(tmp_path: Path) -> None:
    images, labels = digits(5)
    rows = [",".join(map(str, [label, *image.ravel()])) for image, label in zip(images, labels, strict=True)]
    (tmp_path / "test.csv").write_text("\n".join(rows))
    assert (load_all(tmp_path / "test.csv")[0].pixels[..., 0] == images).all()


def test_a_zip_archive_with_only_a_test_part_is_read_whole(tmp_path: Path) -> None:
    image = png(digits(1)[0][0])
    write_zip(tmp_path / "d.zip", {"d/test/cat/1.png": image, "d/test/dog/1.png": image})
    assert load_all(tmp_path / "d.zip")[0].class_names == ("cat", "dog")


def test_arrays_and_tables_are_read_whole(tmp_path: Path) -> None:
    images, labels = digits(6)
    assert len(load_all((images, labels))[0]) == 6
    assert len(load_all(((images, labels), (images, labels)))[0]) == 12
    (tmp_path / "a.png").write_bytes(io.BytesIO(png(images[0])).getvalue())
    assert load_all([(str(tmp_path / "a.png"), "cat")])[0].class_names == ("cat",)


def test_mnist_is_read_whole_and_keeps_its_known_errors() -> None:
    dataset, _, _ = load_all("mnist")
    assert len(dataset) == 70_000 and len(dataset.known_wrong) == 15 and dataset.known_wrong[0] == 60_947


def test_unreadable_files_are_skipped_or_stop_it(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"test/cat": 3, "test/dog": 3})
    (tmp_path / "test/cat/bad.png").write_bytes(b"\x89PNG bad")
    dataset, skipped, _ = load_all(tmp_path)
    assert len(dataset) == 6 and [entry.file for entry in skipped] == ["test/cat/bad.png"]
    with pytest.raises(DataError, match=r"bad\.png"):
        load_all(tmp_path, strict=True)
