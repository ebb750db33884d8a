"""Data in memory: the same data give the same dataset, whether from arrays, a table or files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.data.readers import load, load_test
from convscope.errors import DataError
from data.makers import png, write_pictures

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 8, 8), np.uint8)
LABELS = np.arange(20) % 2


class Frame:
    """What a data frame has, as far as it is read."""

    def __init__(self, **columns: list) -> None:
        self._columns = columns
        self.columns = list(columns)

    def to_dict(self, orient: str) -> dict[str, list]:
        assert orient == "list"
        return self._columns


def test_arrays_give_what_a_file_of_them_gives(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=PIXELS, y=LABELS)
    file, memory = load(tmp_path / "d.npz", seed=3), load((PIXELS, LABELS), seed=3)
    assert memory.kind == "arrays" and memory.preprocessing == file.preprocessing
    assert memory.train.fingerprint() == file.train.fingerprint()
    assert memory.test and file.test and memory.test.fingerprint() == file.test.fingerprint()


@pytest.mark.parametrize("scale", [1 / 255, 1.0], ids=["0..1", "0..255"])
def test_floats_give_the_same_pixels_and_say_how_they_were_read(scale: float) -> None:
    whole, floats = load((PIXELS, LABELS)), load((PIXELS * np.float64(scale), LABELS))
    assert floats.train.fingerprint() == whole.train.fingerprint()
    assert "pixel values" not in {one.what for one in whole.decisions}
    (decision,) = (one for one in floats.decisions if one.what == "pixel values")
    expected = "float64 from 0 to 1, multiplied by 255" if scale < 1 else "float64 whole numbers from 0 to 255"
    assert decision.chosen == expected
    assert expected in floats._repr_html_()


def test_keras_parts_are_kept_apart() -> None:
    data = load(((PIXELS, LABELS), (PIXELS[:4], LABELS[:4, None])))
    assert len(data.train) == 20 and data.test and len(data.test) == 4
    assert load_test(((PIXELS, LABELS), (PIXELS[:4], LABELS[:4]))).fingerprint() == data.test.fingerprint()


def test_text_labels_are_numbered_in_natural_order() -> None:
    names = [f"class {number}" for number in (10, 2)]
    data = load((PIXELS, [names[label] for label in LABELS]), test_fraction=0)
    assert data.train.class_names == ("class 2", "class 10")
    assert data.train.labels.tolist() == (1 - LABELS).tolist()


def test_a_list_of_arrays_is_stacked() -> None:
    assert load((list(PIXELS), LABELS)).train.fingerprint() == load((PIXELS, LABELS)).train.fingerprint()


@pytest.mark.parametrize("column", ["path", "file", "filename", "image", "Path"])
@pytest.mark.parametrize("make", [dict, Frame])
def test_a_table_gives_what_the_folder_gives(make: type, column: str, tmp_path: Path) -> None:
    write_pictures(tmp_path, {"cat": 6, "dog": 6})
    paths = sorted(str(path) for path in tmp_path.rglob("*.png"))
    table = make(**{column: paths, "label": [Path(path).parent.name for path in paths]})
    data, folder = load(table, test_fraction=0), load(tmp_path, test_fraction=0)
    assert data.kind == "table" and data.train.class_names == ("cat", "dog")
    assert data.train.fingerprint() == folder.train.fingerprint()
    assert data.train.names == tuple(paths)


def test_pairs_of_path_and_number_are_a_table(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"a": 4, "b": 4})
    pairs = [(path, np.int64(3 + (path.parent.name == "b"))) for path in sorted(tmp_path.rglob("*.png"))]
    assert load(pairs, test_fraction=0).train.class_names == ("3", "4")
    assert load(tuple(pairs[3:5] * 2), test_fraction=0).train.class_names == ("3", "4")


def test_unreadable_files_of_a_table_are_skipped_with_reasons(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"a": 20, "b": 20})
    (tmp_path / "bad.png").write_text("no image")
    pairs = [(path, path.parent.name) for path in sorted(tmp_path.rglob("[ab]/*.png"))]
    pairs += [(tmp_path / "bad.png", "a"), (tmp_path / "missing.png", "b")]
    reasons = {Path(entry.file).name: entry.reason for entry in load(pairs).skipped}
    assert reasons["missing.png"] == "No such file or directory" and "not an image" in reasons["bad.png"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (42, "Received: source=int"),
        (None, "Received: source=NoneType"),
        ([], r"Received: source=list of 0"),
        ((PIXELS, LABELS, LABELS), r"source=tuple of 3 \(ndarray, ndarray, ndarray\)"),
        (PIXELS, "Received: source=ndarray"),
        ((PIXELS, LABELS[:19]), "Received: 20 images, 19 labels"),
        ((PIXELS, np.eye(2)[LABELS]), "argmax"),
        ((PIXELS, [None] * 20), "Received: label=None"),
        ((PIXELS, ["a", float("nan")] * 10), "Received: label=nan"),
        ((PIXELS - 0.5, LABELS), "the images. Received: -0.5 to 254.5"),
        (([PIXELS[0], PIXELS[0, 1:]], [0, 1]), r"shapes \(7, 8\), \(8, 8\)"),
        (((PIXELS, ["a", "b"] * 10), (PIXELS, ["a", "c"] * 10)), "Received: label='c' in the test images"),
        (((PIXELS, LABELS), (PIXELS, LABELS + 1)), "label 2 at position 1"),
        ({"path": ["a.png"]}, "Received: columns=path"),
        ({}, "Received: columns=none"),
        ({"path": ["a.png"], "label": []}, "Received: 1 paths, 0 labels"),
        ({"path": [PIXELS[0]], "label": [0]}, "Expected paths in column 'path'"),
        ({"path": ["a.png"], "label": [None]}, "Received: label=None"),
        ({"path": ["a.png"], "label": [1.5]}, "Received: label=1.5"),
        ({"path": ["a.png"], "label": ["two\nlines"]}, "printable characters"),
    ],
)
def test_what_is_not_a_dataset_is_refused_in_one_line(source: object, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        load(source)
    assert str(caught.value).startswith("Expected ") and str(caught.value).isprintable()


def test_a_png_of_the_pixels_and_the_array_give_one_image(tmp_path: Path) -> None:
    for index, pixels in enumerate(PIXELS):
        (tmp_path / f"{index:02}.png").write_bytes(png(pixels))
    table = {"file": sorted(map(str, tmp_path.glob("*.png"))), "class": LABELS.tolist()}
    assert Image.open(table["file"][1]).size == (8, 8)
    assert load(table).train.fingerprint() == load((PIXELS, LABELS)).train.fingerprint()
