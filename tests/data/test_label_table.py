"""Tables of file names and labels: read with the images beside them, never as pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from convscope.data.readers import detect, load, load_all
from convscope.errors import DataError
from data.makers import png, write_pictures


def store(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png(rng.integers(0, 256, (8, 8), np.uint8)))


def lines(names: list[str], *, header: str = "file,label", separator: str = ",") -> str:
    rows = [f"{name}{separator}{('cat', 'dog')[index % 2]}" for index, name in enumerate(names)]
    return "\n".join([header, *rows] if header else rows) + "\n"


NAMES = [f"{index}.png" for index in range(12)]


@pytest.mark.parametrize("header", ["file,label", "filename,class", "Image,Target", "id,breed", "label,path", ""])
@pytest.mark.parametrize("place", ["", "images"])
def test_a_table_beside_its_images_or_above_their_folder_is_read(header: str, place: str, tmp_path: Path) -> None:
    store(tmp_path / place, NAMES)
    text = lines(NAMES, header=header)
    if header.startswith("label"):
        text = "\n".join(",".join(reversed(line.split(","))) for line in text.splitlines()).replace(header, "", 1)
        text = f"{header}\n" + "\n".join(line for line in text.splitlines()[1:])
    (tmp_path / "labels.csv").write_text(text)
    data = load(tmp_path / "labels.csv", test_fraction=0)
    assert data.kind == "label_table" and data.skipped == ()
    assert data.train.class_names == ("cat", "dog") and data.train.class_counts == (6, 6)
    assert load(tmp_path, test_fraction=0).train.fingerprint() == data.train.fingerprint()


def test_semicolons_tabs_quotes_and_bom_are_read(tmp_path: Path) -> None:
    store(tmp_path, NAMES)
    for name, separator in (("a.csv", ";"), ("b.tsv", "\t")):
        (tmp_path / name).write_text("\ufeff" + lines(NAMES, header=f"file{separator}label", separator=separator))
        assert load(tmp_path / name, test_fraction=0).train.class_counts == (6, 6)
        (tmp_path / name).unlink()


def test_ids_without_extension_match_files_with_one(tmp_path: Path) -> None:
    store(tmp_path / "train", NAMES)
    (tmp_path / "labels.csv").write_text(lines([str(index) for index in range(12)], header="id,breed"))
    data = load(tmp_path, test_fraction=0)
    assert data.train.class_counts == (6, 6) and "train/0.png" in data.train.names


def test_paths_in_a_table_are_relative_to_it(tmp_path: Path) -> None:
    names = [f"deep/{'ab'[index % 2]}{index}.png" for index in range(12)]
    store(tmp_path, names)
    (tmp_path / "x.csv").write_text(lines([name.replace("/", "\\") for name in names]))
    assert load(tmp_path / "x.csv", test_fraction=0).train.class_counts == (6, 6)


def test_tables_named_train_and_test_are_the_parts(tmp_path: Path) -> None:
    for part in ("train", "test"):
        store(tmp_path / part, NAMES)
        (tmp_path / f"{part}.csv").write_text(lines(NAMES))
    (tmp_path / "sample_submission.csv").write_text(lines(NAMES))
    data = load(tmp_path)
    assert data.test is not None and data.test.class_counts == (6, 6)
    assert {name.split("/")[0] for name in data.test.names} == {"test"}
    assert len(load_all(tmp_path)[0]) == 24


def test_missing_images_are_named_and_too_many_are_refused(tmp_path: Path) -> None:
    store(tmp_path, NAMES)
    (tmp_path / "x.csv").write_text(lines([*NAMES, "gone.png"]))
    (entry,) = load(tmp_path / "x.csv").skipped
    assert (entry.file, entry.reason) == ("gone.png", "named in x.csv, but not found")
    (tmp_path / "y.csv").write_text(lines([*NAMES, *(f"gone{index}.png" for index in range(9))]))
    with pytest.raises(DataError, match=r"9 of 21 are not there: gone0\.png, gone1\.png, gone2\.png"):
        load(tmp_path / "y.csv")


def test_images_that_the_table_does_not_name_are_counted(tmp_path: Path) -> None:
    store(tmp_path, [*NAMES, "more1.png", "more2.png"])
    (tmp_path / "x.csv").write_text(lines(NAMES))
    assert [(one.count, one.reason) for one in load(tmp_path).skipped] == [(2, "2 images that x.csv does not name")]


def test_an_image_with_two_labels_is_refused(tmp_path: Path) -> None:
    store(tmp_path, NAMES)
    (tmp_path / "x.csv").write_text(lines(NAMES) + "0.png,owl\n")
    with pytest.raises(DataError, match=r"0\.png has 'cat' and 'owl'"):
        load(tmp_path / "x.csv")


@pytest.mark.parametrize("header", ["id,label", "file,label", "image_id,class", "id,label,fold"])
def test_class_folders_beside_a_table_are_read_and_the_table_is_skipped(header: str, tmp_path: Path) -> None:
    write_pictures(tmp_path, {f"{part}/{name}": 12 for part in ("train", "test") for name in ("cat", "dog")})
    extra = ",0" * (header.count(",") - 1)
    (tmp_path / "train.csv").write_text(header + "\n" + "".join(f"{i},{i % 2}{extra}\n" for i in range(24)))
    data = load(tmp_path)
    assert data.kind == "folder" and data.train.class_names == ("cat", "dog")
    assert [(entry.file, entry.reason) for entry in data.skipped] == [("train.csv", "not an image")]
    with pytest.raises(DataError, match=r"24 of 24 are not there: 0, 1, 2\. Put the images beside the table"):
        load(tmp_path / "train.csv")


def test_a_table_whose_images_are_in_folders_of_their_class_leaves_the_folder_as_it_is(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"cat": 12, "dog": 12})
    names = [f"{label}/{index}.png" for label in ("cat", "dog") for index in range(12)]
    (tmp_path / "train.csv").write_text("file,label\n" + "".join(f"{name},{name[:3]}\n" for name in names))
    assert detect(tmp_path) == "folder"
    assert load(tmp_path / "train.csv", test_fraction=0).train.class_counts == (12, 12)


@pytest.mark.parametrize("text", ["id,label\n1,0\n2,1\n", "label,x\n1,0\n", "a,b,c,d,label\n1,2,3,4,0\n", "1,0\n2,1\n"])
def test_no_table_is_read_as_images_of_a_few_pixels(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text * 3)
    with pytest.raises(DataError, match=r"Received: file=.*t\.csv"):
        load(tmp_path / "t.csv")


def test_a_table_cannot_reach_files_outside_its_folder(tmp_path: Path) -> None:
    store(tmp_path / "outside", NAMES)
    (tmp_path / "d").mkdir()
    (tmp_path / "d/x.csv").write_text(lines([f"../outside/{name}" for name in NAMES]))
    (tmp_path / "d/y.csv").write_text(lines([str(tmp_path / "outside" / name) for name in NAMES]))
    for name in ("x.csv", "y.csv"):
        with pytest.raises(DataError, match="12 of 12 are not there"):
            load(tmp_path / "d" / name)


def json_lines(names: list[str]) -> list[str]:
    return [json.dumps({"width": 8, "file_name": name, "label": i % 2}) for i, name in enumerate(names)]


def test_json_lines_beside_the_images_are_a_table_as_hugging_face_writes_it(tmp_path: Path) -> None:
    for part, count in (("train", 12), ("test", 4)):
        store(tmp_path / part, NAMES[:count])
        (tmp_path / part / "metadata.jsonl").write_text("\n".join(json_lines(NAMES[:count])) + "\n")
    data = load(tmp_path, class_names=("cat", "dog"))
    assert data.kind == "label_table" and data.test is not None
    assert (data.train.class_counts, data.test.class_counts) == ((6, 6), (2, 2))
    assert data.train.class_names == ("cat", "dog")
    (tmp_path / "train/metadata.csv").write_text(lines(NAMES, header="file_name,label"))
    (tmp_path / "train/metadata.jsonl").unlink()
    csv = load(tmp_path / "train", test_fraction=0)
    assert (csv.train.pixels == data.train.pixels).all()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"file_name": "1.png"}', "line 2: label=None"),
        ('{"file_name": "1.png", "label": [1]}', r"line 2: label=\[1\]"),
        ('{"file_name": "1.png", "label": true}', "line 2: label=True"),
        ("[1]", "Expected a JSON object in each line"),
        ("[" * 50_000, "Expected a JSON object in each line"),
        ('{"file_name": "1.png", "label"', "Expected a JSON object in each line"),
    ],
)
def test_a_wrong_line_of_json_is_named(line: str, message: str, tmp_path: Path) -> None:
    store(tmp_path, NAMES)
    (tmp_path / "metadata.jsonl").write_text("\n".join([json_lines(NAMES)[0], line, *json_lines(NAMES)[2:]]))
    with pytest.raises(DataError, match=message):
        load(tmp_path / "metadata.jsonl")


def test_json_lines_without_labels_beside_class_folders_are_skipped(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"cat": 3, "dog": 3})
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "cat/0.png", "text": "a cat", "n": 1}\n')
    assert detect(tmp_path) == "folder"
