"""Folders as tables: what is in the rows, what interruptions leave, and what is refused."""

import csv
import importlib.util
import json
import os
import re
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from harness import random_weights
from PIL import Image

from convscope.api.callbacks import Callbacks
from convscope.api.predict_folder import predict_folder
from convscope.api.run import Run
from convscope.data.mnist import load_part
from convscope.data.parallel import CHUNK
from convscope.data.preprocess import Preprocessing
from convscope.errors import MissingExtraError, OptionError, RunError
from convscope.model.model_file import Model, load_model, save_model
from convscope.model.spec_parser import parse
from convscope.training.lock import lock_file, unlock_file
from convscope.training.run_folder import MODEL_FILE

NAMES = ("bar", "pole", "disc")
LAYERS = "Conv2D(4, 3, activation='relu')\nFlatten()\nDense(num_classes, activation='softmax')"


def make_run(folder: Path, *, seed: int = 0, names: tuple[str, ...] = NAMES, digits: bool = False) -> Run:
    shape = (28, 28, 1) if digits else (12, 12, 3)
    spec = parse(LAYERS, input_shape=shape, num_classes=len(names))
    contract = Preprocessing(*shape, fit="mnist", polarity="auto") if digits else Preprocessing(*shape)
    folder.mkdir(parents=True)
    weights = random_weights(spec, seed=seed)
    save_model(Model(spec, weights, names, contract.to_json(), {}, {}), folder / MODEL_FILE)
    return Run(folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs") / "colors")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three chunks and a half of small color images, of different sizes and formats."""
    folder, rng = tmp_path / "photos", np.random.default_rng(3)
    folder.mkdir()
    for index in range(3 * CHUNK + CHUNK // 2):
        pixels = rng.integers(0, 256, (3, 3, 3)).astype(np.uint8)
        size = (20 + index, 24)
        image = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
        image.save(folder / f"{index}.{('png', 'jpg', 'bmp')[index % 3]}")
    return folder


def rows_of(table: Path) -> list[dict[str, str]]:
    text = table.read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_each_row_is_what_predict_says_of_that_image_alone(run: Run, photos: Path, tmp_path: Path) -> None:
    result = predict_folder(photos, run=run, out=tmp_path / "all.csv", top=2)
    rows = rows_of(tmp_path / "all.csv")
    assert [row["file"] for row in rows] == [str(file) for file in sorted(photos.iterdir(), key=lambda p: int(p.stem))]
    for row in rows:
        (alone,) = run.predict(row["file"], top=2)
        assert (row["prediction"], row["class_2"]) == tuple(choice.name for choice in alone.choices)
        for column, choice in zip(("probability", "probability_2"), alone.choices, strict=True):
            assert float(row[column]) == pytest.approx(choice.probability, abs=2e-6)
    assert list(rows[0]) == [
        "file", "prediction", "probability", "class_2", "probability_2", "note", "error", "model",
    ]  # fmt: skip
    assert result.total == len(rows) and sum(result.counts.values()) == len(rows) and result.resumed == 0


def test_json_lines_hold_the_same_values_with_types(run: Run, photos: Path, tmp_path: Path) -> None:
    predict_folder(photos, run=run, out=tmp_path / "a.csv")
    predict_folder(photos, run=run, out=tmp_path / "a.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    for row, line in zip(rows_of(tmp_path / "a.csv"), lines, strict=True):
        assert list(row) == list(line) and line["error"] is None
        assert all(row[name] == line[name] for name in ("file", "prediction", "class_2", "class_3", "model"))
        assert float(row["probability"]) == pytest.approx(line["probability"], abs=1e-6)


def stop_after(images: int) -> Callbacks:
    def count(done: int, total: int) -> None:
        if done >= images:
            raise KeyboardInterrupt

    return Callbacks(images=count)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_after_an_interruption_the_same_call_does_the_rest_and_only_the_rest(
    run: Run, photos: Path, tmp_path: Path, suffix: str
) -> None:
    out, whole = tmp_path / f"out.{suffix}", tmp_path / f"whole.{suffix}"
    predict_folder(photos, run=run, out=whole)
    with pytest.raises(KeyboardInterrupt):
        predict_folder(photos, run=run, out=out, callbacks=stop_after(2 * CHUNK + 3))
    done = out.read_bytes()
    assert whole.read_bytes().startswith(done) and done.count(b"\n") >= 2 * CHUNK
    for file in list(photos.iterdir()):
        if int(file.stem) < 2 * CHUNK:
            file.write_bytes(b"reading it again would be an error")
    result = predict_folder(photos, run=run, out=out)
    assert result.resumed == 2 * CHUNK and result.total == 3 * CHUNK + CHUNK // 2 and not result.skipped
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_file_cut_at_any_byte_is_completed(run: Run, photos: Path, tmp_path: Path, suffix: str) -> None:
    for file in list(photos.iterdir()):
        if int(file.stem) > 2:
            file.unlink()
    out = tmp_path / f"out.{suffix}"
    predict_folder(photos, run=run, out=out)
    whole = out.read_bytes()
    last_row = whole.splitlines()[-1]
    for damaged in (*(whole[:size] for size in range(0, len(whole), 5)), whole + last_row):
        out.write_bytes(damaged)
        predict_folder(photos, run=run, out=out)
        assert out.read_bytes() == whole, damaged


def test_a_table_of_another_network_or_of_other_options_is_refused_and_left_as_it_is(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    other = make_run(tmp_path / "other", seed=1)
    for suffix in ("csv", "jsonl"):
        out = tmp_path / f"out.{suffix}"
        predict_folder(photos, run=run, out=out)
        before = out.read_bytes()
        with pytest.raises(OptionError, match=r"another model \([0-9a-f]{12}\).*another file name"):
            predict_folder(photos, run=other, out=out)
        with pytest.raises(OptionError, match="other columns"):
            predict_folder(photos, run=run, out=out, top=1)
        assert out.read_bytes() == before


@pytest.mark.parametrize("content", [b"name,age\nAda,36\n", b"file,prediction\n", b"\x00\x01\n", b"\n", b"no end"])
def test_a_file_that_is_no_such_table_is_refused_and_left_as_it_is(
    run: Run, photos: Path, tmp_path: Path, content: bytes
) -> None:
    for name in ("own.csv", "own.jsonl", "own.CSV"):
        out = tmp_path / name
        out.write_bytes(content)
        with pytest.raises(OptionError, match=re.escape(str(out))):
            predict_folder(photos, run=run, out=out)
        assert out.read_bytes() == content


def test_unreadable_images_have_a_row_with_the_reason_and_are_counted_each_time(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    (photos / "5.bmp").write_bytes(b"BM and nothing more")
    (photos / "7.jpg").write_bytes(b"")
    for resumed in (0, 3 * CHUNK + CHUNK // 2):
        result = predict_folder(photos, run=run, out=tmp_path / "out.csv")
        assert [Path(one.file).name for one in result.skipped] == ["5.bmp", "7.jpg"] and result.resumed == resumed
        rows = {Path(row["file"]).name: row for row in rows_of(tmp_path / "out.csv")}
        assert "damaged" in rows["5.bmp"]["error"] and rows["5.bmp"]["prediction"] == ""
        assert "0 bytes" in rows["7.jpg"]["error"] and rows["6.png"]["error"] == ""


def test_any_file_name_is_one_row_that_is_found_again(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    names = ["a,b.png", 'say "hi".png', "line\nbreak.png", "größe.png", "=1+1.png", " space.png"]
    for name in names:
        Image.fromarray(np.full((4, 4, 3), 90, np.uint8)).save(folder / name)
    for resumed in (0, len(names)):
        for suffix in ("csv", "jsonl"):
            assert predict_folder(folder, run=run, out=tmp_path / f"out.{suffix}").resumed == resumed
    assert len((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()) == len(names) + 1
    assert {Path(row["file"]).name for row in rows_of(tmp_path / "out.csv")} == {
        name.replace("\n", "\\n") for name in names
    }


def test_two_processes_do_not_write_one_table(run: Run, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    held = lock_file(out)
    with pytest.raises(RunError, match="being written by another process"):
        predict_folder(photos, run=run, out=out)
    unlock_file(held, out)
    assert predict_folder(photos, run=run, out=out).total == 3 * CHUNK + CHUNK // 2


def test_memory_does_not_grow_with_the_images(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (1200, 1000, 3)).astype(np.uint8)).save(folder / "0.bmp")
    for index in range(1, 80):
        os.link(folder / "0.bmp", folder / f"{index}.bmp")
    decoded = 80 * 1200 * 1000 * 3
    calls: list[Callable[[], object]] = [
        lambda: predict_folder(folder, run=run, out=tmp_path / "out.csv"),
        lambda: run.predict(folder),
    ]
    for call in calls:
        tracemalloc.start()
        kept = call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert kept is not None and peak < decoded / 2, f"{peak / 1e6:.0f} MB"


def test_the_original_of_a_prediction_is_read_when_it_is_asked_for(run: Run, photos: Path) -> None:
    (one,) = run.predict(photos / "3.png")
    with Image.open(photos / "3.png") as image:
        assert np.array_equal(one.original, np.asarray(image))


def test_each_digit_has_a_row_and_the_last_image_is_done_again(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", names=tuple("0123456789"), digits=True)
    folder = tmp_path / "pairs"
    folder.mkdir()
    digits = load_part("test").pixels[..., 0]
    for index in range(2):
        pair = np.concatenate([digits[2 * index], np.zeros((28, 30), np.uint8), digits[2 * index + 1]], axis=1)
        Image.fromarray(pair).save(folder / f"{index}.png")
    Image.fromarray(np.zeros((30, 30), np.uint8)).save(folder / "2.png")
    out = tmp_path / "out.csv"
    result = predict_folder(folder, run=run, out=out, split=True)
    rows = rows_of(out)
    assert [(Path(row["file"]).name, row["digit"]) for row in rows] == [
        ("0.png", "1"), ("0.png", "2"), ("1.png", "1"), ("1.png", "2"), ("2.png", ""),
    ]  # fmt: skip
    assert "no ink" in rows[-1]["note"].lower() and rows[-1]["prediction"] == "" and result.without_prediction == 1
    whole = out.read_bytes()
    out.write_bytes(b"".join(whole.splitlines(keepends=True)[:4]))  # between the two digits of 1.png
    assert predict_folder(folder, run=run, out=out, split=True).resumed == 1
    assert out.read_bytes() == whole


def test_options_that_make_no_sense_are_refused_before_anything_is_read(run: Run, tmp_path: Path) -> None:
    wrong = [
        ({}, "neither out nor copy_to"),
        ({"out": "seen.png"}, r"ends in \.csv"),
        ({"out": "a.csv", "top": 0}, "top must be"),
        ({"out": "a.csv", "split": True, "copy_to": tmp_path / "sorted"}, "split or copy_to"),
    ]
    for options, words in wrong:
        with pytest.raises(OptionError, match=words):
            predict_folder("nowhere", run=run, **options)
    with pytest.raises(OptionError, match="paths of images"):
        predict_folder(np.zeros((3, 4, 4)), run=run, out="a.csv")


def test_a_parquet_table_without_pyarrow_says_which_line_brings_it(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyarrow" else find(name))
    with pytest.raises(MissingExtraError, match=r"pip install 'convscope\[parquet\]'"):
        predict_folder(photos, run=run, out=tmp_path / "out.parquet")
    assert not list(tmp_path.glob("out*"))


def test_a_parquet_table_has_the_rows_of_the_csv_and_is_continued(run: Run, photos: Path, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out.parquet"
    with pytest.raises(KeyboardInterrupt):
        predict_folder(photos, run=run, out=out, callbacks=stop_after(CHUNK + 1))
    assert not out.exists()
    assert predict_folder(photos, run=run, out=out).resumed == CHUNK
    predict_folder(photos, run=run, out=tmp_path / "out.csv")
    table = pq.read_table(out).to_pylist()
    assert [row["file"] for row in table] == [row["file"] for row in rows_of(tmp_path / "out.csv")]
    assert [path.name for path in sorted(tmp_path.glob("out*"))] == ["out.csv", "out.parquet"]
    shutil.copyfile(photos / "0.png", photos / "1000.png")
    assert predict_folder(photos, run=run, out=out).resumed == len(table)
    assert pq.read_table(out).num_rows == len(table) + 1
    before = out.read_bytes()
    with pytest.raises(OptionError, match="another model"):
        predict_folder(photos, run=make_run(tmp_path / "other", seed=1), out=out)
    (bad := tmp_path / "bad.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(OptionError, match=r"bad\.parquet"):
        predict_folder(photos, run=run, out=bad)
    assert out.read_bytes() == before and [path.name for path in tmp_path.glob("*.partial*")] == []


def by_class(run: Run, photos: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in run.predict(photos):
        found.setdefault(str(one.class_name), set()).add(Path(one.name).name)
    return found


def sorted_into(folder: Path) -> dict[str, set[str]]:
    return {inner.name: {file.name for file in inner.iterdir()} for inner in folder.iterdir()}


def test_images_are_sorted_by_links_that_leave_the_originals_where_they_are(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    before = {file: file.read_bytes() for file in photos.iterdir()}
    for _ in range(2):  # the second call changes nothing
        result = predict_folder(photos, run=run, out=tmp_path / "out.csv", copy_to=tmp_path / "sorted")
        assert result.sorted == len(before)
        assert sorted_into(tmp_path / "sorted") == by_class(run, photos)
    assert {file: file.read_bytes() for file in photos.iterdir()} == before
    for file in (tmp_path / "sorted").glob("*/*"):
        assert file.samefile(photos / file.name)


def test_where_there_are_no_links_images_are_copied(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*paths: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    for _ in range(2):
        predict_folder(photos, run=run, copy_to=tmp_path / "sorted")
        assert sorted_into(tmp_path / "sorted") == by_class(run, photos)
    for file in (tmp_path / "sorted").glob("*/*"):
        assert not file.samefile(photos / file.name) and file.read_bytes() == (photos / file.name).read_bytes()


def test_nothing_is_overwritten_when_names_are_equal(run: Run, photos: Path, tmp_path: Path) -> None:
    twins = tmp_path / "twins"
    for part in ("a", "b"):
        (twins / part).mkdir(parents=True)
        shutil.copyfile(photos / "0.png", twins / part / "0.png")
    (kept,) = by_class(run, photos / "0.png")
    target = tmp_path / "sorted" / kept
    target.mkdir(parents=True)
    (target / "0.png").write_text("a person's own file")
    for _ in range(2):
        predict_folder(twins, run=run, recursive=True, copy_to=tmp_path / "sorted")
        assert {file.name for file in target.iterdir()} == {"0.png", "0-2.png", "0-3.png"}
    assert (target / "0.png").read_text() == "a person's own file"
    assert (target / "0-2.png").samefile(twins / "a" / "0.png") and (target / "0-3.png").samefile(twins / "b" / "0.png")


def test_sorting_into_the_source_is_refused(run: Run, photos: Path, tmp_path: Path) -> None:
    before = sorted(photos.rglob("*"))
    (link := tmp_path / "link").symlink_to(photos)
    for target in (photos, photos / "sorted", link / "sorted"):
        with pytest.raises(OptionError, match="outside the images"):
            predict_folder(photos, run=run, copy_to=target)
    (nested := tmp_path / "home" / "bar").mkdir(parents=True)
    shutil.copyfile(photos / "0.png", nested / "0.png")
    with pytest.raises(OptionError, match="outside the images"):
        predict_folder(nested, run=run, copy_to=tmp_path / "home")  # the folder of class "bar" would be the source
    assert sorted(photos.rglob("*")) == before


def test_class_names_that_are_no_folder_names_are_adapted(tmp_path: Path, photos: Path) -> None:
    run = make_run(tmp_path / "run", names=("..", "a/b", "A_B", ".", "x" * 200))
    predict_folder(photos, run=run, copy_to=tmp_path / "sorted")
    folders = {folder.name for folder in (tmp_path / "sorted").iterdir()}
    assert folders <= {"_", "a_b", "A_B (2)", "_ (2)", "x" * 100} and len(folders) > 1
    assert sum(1 for _ in (tmp_path / "sorted").rglob("*.*")) == 3 * CHUNK + CHUNK // 2


def test_the_mark_of_the_model_is_the_start_of_its_checksum(run: Run, photos: Path, tmp_path: Path) -> None:
    predict_folder(photos, run=run, out=tmp_path / "out.csv")
    header = (run.folder / MODEL_FILE).read_bytes()[:100_000].decode("latin-1")
    checksum = re.search(r"weights_sha256\W+([0-9a-f]{64})", header)
    assert checksum and {row["model"] for row in rows_of(tmp_path / "out.csv")} == {checksum[1][:12]}
    assert load_model(run.folder / MODEL_FILE).class_names == NAMES


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("parts", [2, 3, 7])
def test_the_parts_of_a_folder_join_to_the_bytes_of_the_whole(
    run: Run, photos: Path, tmp_path: Path, suffix: str, parts: int
) -> None:
    (photos / "6.png").write_bytes(b"no image")
    whole = tmp_path / f"whole.{suffix}"
    predict_folder(photos, run=run, out=whole)
    joined, total = b"", 0
    for number in range(1, parts + 1):
        out = tmp_path / f"part-{number}.{suffix}"
        total += predict_folder(photos, run=run, out=out, shard=f"{number}/{parts}").total
        joined += out.read_bytes()
    assert joined == whole.read_bytes() and total == 3 * CHUNK + CHUNK // 2


def test_a_later_part_that_was_cut_at_any_byte_is_completed(run: Run, photos: Path, tmp_path: Path) -> None:
    for file in list(photos.iterdir()):
        if int(file.stem) > CHUNK + 2:
            file.unlink()
    out = tmp_path / "part.csv"
    predict_folder(photos, run=run, out=out, shard="2/2")
    whole = out.read_bytes()
    assert whole.count(b"\n") == 3 and not whole.startswith(b"file,")
    for size in range(0, len(whole), 7):
        out.write_bytes(whole[:size])
        predict_folder(photos, run=run, out=out, shard="2/2")
        assert out.read_bytes() == whole, size


def test_the_table_of_another_part_or_another_file_is_refused_and_left_as_it_is(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "part.jsonl"
    predict_folder(photos, run=run, out=out, shard="1/2")
    before = out.read_bytes()
    with pytest.raises(OptionError, match=r"Expected a new file, or the table of part 2/2. Received: .*another part"):
        predict_folder(photos, run=run, out=out, shard="2/2")
    assert out.read_bytes() == before
    notes = tmp_path / "notes.csv"
    notes.write_text("my notes, without an end")
    with pytest.raises(OptionError, match="or no table"):
        predict_folder(photos, run=run, out=notes, shard="2/2")
    assert notes.read_text() == "my notes, without an end"


@pytest.mark.parametrize("shard", ["0/2", "3/2", "2", "1/0", "a/b", "1/2/3", "-1/2", "1/1000000"])
def test_a_part_that_does_not_exist_is_refused_in_one_line(run: Run, photos: Path, tmp_path: Path, shard: str) -> None:
    with pytest.raises(OptionError, match=r"shard must be a part and the number of parts.*Received: shard='"):
        predict_folder(photos, run=run, out=tmp_path / "a.csv", shard=shard)
    assert not (tmp_path / "a.csv").exists()
