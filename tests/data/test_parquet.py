"""Parquet files as Hugging Face writes them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from convscope.data.readers import detect, load
from convscope.data.scan import scan
from convscope.errors import DataError, MissingExtraError
from data.makers import png, write_pictures

pyarrow = pytest.importorskip("pyarrow")
from pyarrow import parquet  # noqa: E402

FEATURES = {"info": {"features": {"label": {"names": ["dog", "cat"], "_type": "ClassLabel"}}}}


def picture(seed: int) -> bytes:
    return png(np.random.default_rng(seed).integers(0, 256, (8, 8), np.uint8))


def write(path: Path, count: int, *, start: int = 0, features: bool = True, **columns: list) -> Path:
    rows = {
        "image": [{"bytes": picture(start + index), "path": f"{index}.png"} for index in range(count)],
        "label": [index % 2 for index in range(count)],
    } | columns
    table = pyarrow.table(rows)
    if features:
        table = table.replace_schema_metadata({"huggingface": json.dumps(FEATURES)})
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path)
    return path


def test_a_file_is_read_with_the_names_of_its_labels(tmp_path):
    data = load(write(tmp_path / "d.parquet", 10), test_fraction=0)
    assert data.kind == "parquet"
    assert data.train.class_names == ("cat", "dog") and data.train.class_counts == (5, 5)
    plain = [picture(index) for index in (1, 3, 5, 7, 9)]
    write_pictures(tmp_path / "f", {"cat": 0, "dog": 0})
    for index, one in enumerate(plain):
        (tmp_path / f"f/cat/{index}.png").write_bytes(one)
        (tmp_path / f"f/dog/{index}.png").write_bytes(picture(2 * index))
    assert (load(tmp_path / "f", test_fraction=0).train.pixels == data.train.pixels).all()
    assert len(scan(tmp_path / "d.parquet").records) == 10


def test_a_folder_has_the_parts_that_its_files_name(tmp_path):
    write(tmp_path / "d/data/train-00000-of-00002.parquet", 8)
    write(tmp_path / "d/data/train-00001-of-00002.parquet", 4, start=20)
    write(tmp_path / "d/data/validation-00000-of-00001.parquet", 2, start=30)
    write(tmp_path / "d/data/test-00000-of-00001.parquet", 4, start=40)
    data = load(tmp_path / "d")
    assert data.test is not None and (len(data.train), len(data.test)) == (14, 4)


def test_plain_bytes_texts_and_numbers_without_names_are_read(tmp_path):
    pictures = [picture(index) for index in range(6)]
    texts = write(tmp_path / "a.parquet", 6, image=pictures, label=["x", "y"] * 3, features=False)
    assert load(texts, test_fraction=0).train.class_names == ("x", "y")
    numbers = write(tmp_path / "b.parquet", 6, image=pictures, label=[10, 9] * 3, features=False)
    assert load(numbers, test_fraction=0).train.class_names == ("9", "10")
    assert load(numbers, test_fraction=0, class_names=("nine", "ten")).train.class_names == ("nine", "ten")


def test_rows_without_label_or_image_are_skipped_by_name(tmp_path):
    images = [{"bytes": picture(index), "path": None} for index in range(50)]
    images[4] = {"bytes": None, "path": "4.png"}
    path = write(tmp_path / "d.parquet", 50, image=images, label=[-1, None, *[0, 1] * 24])
    skipped = {entry.file: entry.reason for entry in load(path, test_fraction=0).skipped}
    assert skipped == {
        "d.parquet, row 0": "an image without a label",
        "d.parquet, row 1": "an image without a label",
        "d.parquet, row 4": "no bytes of an image",
    }


def test_other_tables_and_damaged_files_are_refused_in_one_line(tmp_path):
    path = write(tmp_path / "d.parquet", 30)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    parquet.write_table(pyarrow.table({"text": ["a"], "n": [1]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"Expected a column image and a column label.*columns: text, n"):
        load(tmp_path / "t.parquet")
    for trial in range(40):
        data = bytearray(whole[: int(rng.integers(1, len(whole)))] if trial % 3 == 0 else whole)
        for place in rng.integers(0, len(data), 5):
            data[place] = rng.integers(0, 256)
        path.write_bytes(data)
        try:
            load(path)
        except DataError as error:
            assert "\n" not in error.message
    path.write_bytes(b"PAR1 stuff")
    with pytest.raises(DataError, match=r"Expected an undamaged Parquet file\. Received: file=.*d\.parquet"):
        load(path)


def test_without_pyarrow_the_install_line_is_named(tmp_path, monkeypatch):
    path = write(tmp_path / "d.parquet", 4)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError) as caught:
        load(path)
    assert caught.value.hint == "Run: pip install 'convscope[parquet]'"


def test_class_folders_beside_a_parquet_file_are_read_as_folders(tmp_path):
    write_pictures(tmp_path, {"cat": 3, "dog": 3})
    write(tmp_path / "embeddings.parquet", 4)
    assert detect(tmp_path) == "folder"
