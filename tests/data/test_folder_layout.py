"""Which folders are parts and which are classes: decided by structure, reported, and refused where it is unclear."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from convscope.data.readers import load, load_all
from convscope.data.scan import scan
from convscope.errors import DataError, OptionError
from data.makers import png, write_pictures, write_zip

Sizes = dict[str, int]


def both(**parts: int) -> Sizes:
    """Folders cat and dog in each part, a double underscore standing for a slash."""
    return {f"{part.replace('__', '/')}/{name}": count for part, count in parts.items() for name in ("cat", "dog")}


def swapped(**parts: int) -> Sizes:
    return {"/".join(reversed(path.split("/"))): count for path, count in both(**parts).items()}


PARTS: dict[str, tuple[Sizes, int, int]] = {
    "set suffixes": (both(training_set=6, test_set=2), 12, 4),
    "data suffixes": (both(train_data=6, test_data=2), 12, 4),
    "capitals": (both(TRAIN=6, TEST=2), 12, 4),
    "compound words": (both(TrainSet=6, testData=2), 12, 4),
    "three parts": (both(train=6, valid=3, test=2), 18, 4),
    "dev and eval": (both(train=6, dev=3, eval=2), 18, 4),
    "holdout": (both(train=6) | {"hold-out/cat": 2, "hold-out/dog": 2}, 12, 4),
    "below two wrappers": (both(a__b__train=4, a__b__test=4), 8, 8),
    "a class missing in test": (both(train=6) | {"test/cat": 2}, 12, 2),
    "a folder of its name inside": (both(seg_train__seg_train=6, seg_test__seg_test=2), 12, 4),
    "a folder images inside": (both(train__images=6, test__images=2), 12, 4),
    "folds": (both(fold1=4, fold2=4, fold3=4), 24, 0),
    "train and validation": (both(train=5, validation=5), 20, 0),
    "train alone": (both(train=5), 10, 0),
    "an image that belongs to no part": (both(training_set=6, test_set=2) | {"single": 1}, 12, 4),
    "images without labels": (both(train=6) | {"predict": 9}, 12, 0),
    "parts inside the classes": (swapped(train=6, test=2), 12, 4),
    "parts inside the classes, one without test": (
        {"cat/train": 6, "cat/val": 2, "cat/test": 2, "dog/train": 6}, 14, 2),
}  # fmt: skip


def store(root: Path, sizes: Sizes, form: str) -> Path:
    if form == "folder":
        write_pictures(root / "d", sizes)
        return root / "d"
    write_pictures(root / "unpacked", sizes)
    files = [path for path in sorted((root / "unpacked").rglob("*")) if path.is_file()]
    write_zip(root / "d.zip", {str(path.relative_to(root / "unpacked")): path.read_bytes() for path in files})
    return root / "d.zip"


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("name", PARTS)
def test_folders_with_the_same_folders_are_parts(name: str, form: str, tmp_path: Path) -> None:
    sizes, train, test = PARTS[name]
    source = store(tmp_path, sizes, form)
    data = load(source, test_fraction=0)
    assert data.train.class_names == ("cat", "dog")
    assert (len(data.train), len(data.test) if data.test else 0) == (train, test)
    (decision,) = (one for one in data.decisions if one.what == "parts")
    assert "training part" in decision.chosen and decision.option == "--parts"
    assert len(load_all(source)[0]) == train + test


CLASSES: dict[str, tuple[Sizes, tuple[str, ...], str]] = {
    "a class called train": ({"bus": 3, "car": 3, "train": 3}, ("bus", "car", "train"), "train holds images"),
    "capitals": ({"Bus": 3, "Train": 3, "Truck": 3}, ("Bus", "Train", "Truck"), "Train holds images"),
    "test and training": ({"test": 3, "training": 3}, ("test", "training"), "test, training hold images"),
    "test alone": ({"exam": 3, "test": 3}, ("exam", "test"), "test holds images"),
    "train with models inside": (
        {"bus": 3, "car": 3, "train/steam": 3, "train/diesel": 3}, ("bus", "car", "train"), "belong to their class"),
    "the same folders inside by chance": (
        {f"{c}/{place}": 3 for c in ("cat", "dog") for place in ("indoor", "outdoor")},
        ("cat", "dog"), "indoor, outdoor"),
    "the same folders in three classes, one called train": (
        {f"{c}/{time}": 3 for c in ("bus", "car", "train") for time in ("day", "night")},
        ("bus", "car", "train"), "day, night"),
    "nested classes": (
        {"animals/cat": 3, "animals/dog": 3, "plants/oak": 3, "plants/rose": 3},
        ("animals", "plants"), "cat, dog, oak"),
    "deep folders": ({"a/x/y": 3, "b": 3}, ("a", "b"), "(x)"),
}  # fmt: skip


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("name", CLASSES)
def test_other_folders_are_classes_whatever_their_names(name: str, form: str, tmp_path: Path) -> None:
    sizes, names, words = CLASSES[name]
    data = load(store(tmp_path, sizes, form), test_fraction=0)
    assert data.train.class_names == names and len(data.train) == sum(sizes.values())
    (decision,) = (one for one in data.decisions if one.what == "parts")
    assert decision.chosen.startswith("none; the classes are") and words in decision.because


def test_a_plain_folder_needs_no_decision_about_parts(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"cat": 3, "dog": 3})
    assert not any(one.what == "parts" for one in load(tmp_path).decisions)


UNCLEAR: dict[str, Sizes] = {
    "parts in another language": {"lernen/cat": 9, "lernen/dog": 9, "pruefen/cat": 3, "pruefen/dog": 3},
    "one part in another language": {"entrenar/cat": 6, "entrenar/dog": 6, "test/cat": 6, "test/dog": 6},
    "parts without a name": {f"{part}/{digit}": 2 for part in "AB" for digit in range(10)},
    "a class or a part": {"train/steam": 3, "train/diesel": 3, "bus/city": 3, "bus/coach": 3},
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_an_unclear_structure_is_refused_with_the_way_out(name: str, tmp_path: Path) -> None:
    write_pictures(tmp_path, UNCLEAR[name])
    with pytest.raises(DataError, match=r"Received: .*Rename parts to train, validation and test.*--parts none"):
        load(tmp_path)
    tops = {path.split("/")[0] for path in UNCLEAR[name]}
    assert set(load(tmp_path, parts="none").train.class_names) == tops


def test_only_a_test_part_is_refused_for_training_and_can_be_passed_itself(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"test/cat": 3, "test/dog": 3})
    with pytest.raises(DataError, match=r"Expected a train folder.*pass the folder test itself"):
        load(tmp_path)
    assert load(tmp_path / "test").train.class_names == ("cat", "dog")
    assert load(tmp_path, parts="none").train.class_names == ("cat", "dog")


def test_the_option_takes_the_outer_folders_as_classes(tmp_path: Path) -> None:
    write_pictures(tmp_path, {f"{part}/{name}": 3 for part in ("train", "test") for name in ("cat", "dog")})
    data = load(tmp_path, parts="none")
    assert data.train.class_names == ("test", "train") and len(scan(tmp_path, parts="none").records) == 12
    with pytest.raises(OptionError, match="Expected one of auto, none for parts"):
        load(tmp_path, parts="maybe")


def test_empty_folders_are_refused_as_classes_and_ignored_as_parts(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"train/cat": 3, "train/dog": 3})
    (tmp_path / "test").mkdir()
    assert load(tmp_path, test_fraction=0).test is None
    (tmp_path / "train/owl").mkdir()
    with pytest.raises(DataError, match="none in class 'owl'"):
        load(tmp_path)


SIDECARS = {
    "one file per image": [f"{name}/{index}.json" for name in ("cat", "dog") for index in range(12)],
    "two files per image": [f"{name}/{index}.{kind}" for name in ("cat", "dog") for index in range(12)
                            for kind in ("xml", "txt")],
    "checksums and notes": ["cat/MD5SUMS", "cat/README", "dog/notes.md", "dog/labels.csv", "LICENSE", "dog/data.npy"],
    "a folder of annotations": [f"annotations/{index}.xml" for index in range(24)],
    "beside the classes": ["classes.txt", "data.yaml", "annotations.json", "a.pdf"],
}  # fmt: skip


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("name", SIDECARS)
def test_files_that_are_not_images_are_listed_and_never_counted(name: str, form: str, tmp_path: Path) -> None:
    root = tmp_path / ("d" if form == "folder" else "unpacked")
    for path in SIDECARS[name]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("{}")
    source = store(tmp_path, {"cat": 12, "dog": 12}, form)
    data = load(source, test_fraction=0)
    assert data.train.class_counts == (12, 12)
    (entry,) = (one for one in data.skipped if one.count > 1)
    assert entry.count == len(SIDECARS[name]) and entry.reason == f"{entry.count} files that are not images"
    found = scan(source)
    assert found.refusal == "" and sum(one.count for one in found.others) == len(SIDECARS[name])


def test_only_files_that_claim_to_be_images_count_as_unreadable(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"cat": 12, "dog": 12})
    for index, name in enumerate(("a.png", "b.jfif", "c.tif", "d.heic")):
        (tmp_path / "cat" / name).write_bytes(b"" if index % 2 else b"nothing")
    (tmp_path / "cat" / "e").write_bytes(png_start())
    with pytest.raises(DataError, match="5 of 29 that are not"):
        load(tmp_path)
    assert "5 of 29 that are not" in scan(tmp_path).refusal


def png_start() -> bytes:
    return b"\x89PNG\r\n\x1a\n"


def test_a_format_that_is_not_supported_is_named(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"cat": 12, "dog": 12})
    jpeg_2000 = b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(20)
    (tmp_path / "cat/a.jp2").write_bytes(jpeg_2000)
    (tmp_path / "cat/b.jpg").write_bytes(jpeg_2000)
    reasons = {one.file: one.reason for one in load(tmp_path).skipped}
    assert reasons == dict.fromkeys(("cat/a.jp2", "cat/b.jpg"), "JPEG 2000 is not supported")


def test_check_and_train_refuse_the_same(tmp_path: Path) -> None:
    import numpy as np

    cases: dict[str, Sizes] = {
        "empty": {"a": 5, "b": 5, "c": 0},
        "one": {"a": 5, "b": 1},
        "single": {"a": 5},
        "test": {"train/a": 5, "train/b": 5, "test/c": 2},
        "good": {"a": 5, "b": 5},
    }
    for name, sizes in cases.items():
        write_pictures(tmp_path / name, sizes)
        try:
            load(tmp_path / name)
        except DataError as error:
            assert scan(tmp_path / name).refusal == str(error)
            assert re.match("Expected", str(error))
        else:
            assert name == "good" and scan(tmp_path / name).refusal == ""
    (tmp_path / "good/a/x.png").write_bytes(png(np.zeros((8, 8), np.uint8))[:40])
    assert scan(tmp_path / "good").refusal == ""
