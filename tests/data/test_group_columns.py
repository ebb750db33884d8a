"""A column of the table of the images says which images belong together, whatever the format of the table."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.api.groups import accuracy_by_group
from convscope.api.load_data import load_data
from convscope.api.run import load_run
from convscope.api.run_data import part_of_run
from convscope.api.train import train
from convscope.data.grouping import fold_positions, group_names, groups_of
from convscope.errors import DataError
from convscope.evaluation.intervals import Proportion

WRITERS = ("anna", "ben", "cleo", "dora", "emil", "fay")
ROWS = [(f"{index:03d}.png", ("cat", "dog")[index % 2], WRITERS[index // 2 % 6]) for index in range(96)]


def png(index: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(index).integers(0, 90, (12, 12)).astype(np.uint8)
    pixels[:, :6] += np.uint8(150 * (index % 2))
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def write_images(folder: Path) -> None:
    folder.mkdir(parents=True)
    for index, (name, *_) in enumerate(ROWS):
        (folder / name).write_bytes(png(index))


def as_csv(folder: Path) -> Path:
    write_images(folder / "pictures")
    lines = ["file,label,Writer,age", *(f"{name},{label},{writer},7" for name, label, writer in ROWS)]
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def as_tsv(folder: Path) -> Path:
    write_images(folder / "pictures")
    lines = ["writer\tlabel\tfile", *(f"{writer}\t{label}\t{name}" for name, label, writer in ROWS)]
    (folder / "labels.tsv").write_text("\n".join(lines))
    return folder / "labels.tsv"


def as_json_lines(folder: Path) -> Path:
    write_images(folder)
    rows = [{"file_name": name, "label": label, "writer": writer} for name, label, writer in ROWS]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def as_metadata_beside_folders(folder: Path) -> Path:
    for index, (name, label, _) in enumerate(ROWS):
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / name).write_bytes(png(index))
    lines = ["file_name,writer", *(f"{label}/{name},{writer}" for name, label, writer in ROWS)]
    (folder / "metadata.csv").write_text("\n".join(lines))
    return folder


def as_parquet(folder: Path) -> Path:
    import pyarrow
    from pyarrow import parquet

    folder.mkdir()
    columns = {
        "image": [{"bytes": png(index), "path": name} for index, (name, *_) in enumerate(ROWS)],
        "label": [label for _, label, _ in ROWS],
        "writer": [writer for *_, writer in ROWS],
    }
    parquet.write_table(pyarrow.table(columns), folder / "all.parquet")
    return folder / "all.parquet"


def as_columns_in_memory(folder: Path) -> dict[str, list[str]]:
    write_images(folder)
    return {
        "path": [str(folder / name) for name, *_ in ROWS],
        "label": [label for _, label, _ in ROWS],
        "writer": [writer for *_, writer in ROWS],
    }


FORMS: dict[str, Callable] = {
    form.__name__: form
    for form in (as_csv, as_tsv, as_json_lines, as_metadata_beside_folders, as_parquet, as_columns_in_memory)
}


@pytest.mark.parametrize("form", FORMS)
def test_a_column_groups_the_images_and_no_group_is_in_two_parts(form: str, tmp_path: Path) -> None:
    source = FORMS[form](tmp_path / "data")
    loaded = load_data(source, group="writer", test_fraction=0.3)
    assert loaded.test is not None
    whole = load_data(source, test_fraction=0).train
    by_name = {
        Path(name).name.split("-")[-1]: writer
        for name, writer in zip(whole.names, groups_of(whole, "writer"), strict=True)
    }
    assert by_name == {name: writer for name, _, writer in ROWS}
    held_out, kept = set(groups_of(loaded.test, "writer")), set(groups_of(loaded.train, "writer"))
    assert len(held_out) == 2 and held_out | kept == set(WRITERS) and not held_out & kept
    assert any("2 whole groups by column writer" in one.because.lower() for one in loaded.decisions)
    folds = fold_positions(loaded.train, 2, seed=0, group="writer")
    first, second = (set(groups_of(loaded.train.take(one), "writer")) for one in folds)
    assert first | second == kept and not first & second


def test_a_column_goes_before_an_expression_and_an_unknown_name_lists_the_columns(tmp_path: Path) -> None:
    dataset = load_data(as_csv(tmp_path / "data"), test_fraction=0).train
    assert groups_of(dataset, "WRITER") == [writer for *_, writer in ROWS]
    assert len(set(groups_of(dataset, r"(\d\d)\d\.png"))) == 10
    with pytest.raises(DataError, match=r"at least two groups\. Received: one, '\(no group\)'") as caught:
        groups_of(dataset, "pen")
    assert "has the columns Writer, age" in caught.value.hint
    with pytest.raises(DataError, match=r"two groups\. Received: one, '7'"):
        groups_of(dataset, "age")


def test_a_table_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    folder = as_metadata_beside_folders(tmp_path / "data")
    (folder / "metadata.csv").write_bytes(b"file_name,writer,age\n\xff\xfe,\0")
    loaded = load_data(folder, test_fraction=0)
    assert len(loaded.train) == len(ROWS) and loaded.train.columns == {}


@pytest.mark.long
def test_training_and_evaluation_group_by_a_column(tmp_path: Path, convscope) -> None:
    source = as_csv(tmp_path / "data")
    (tmp_path / "net.txt").write_text('Flatten()\nDense(num_classes, activation="softmax")\n')
    how = {
        "group": "writer",
        "test_fraction": 0.3,
        "validation_fraction": 0.3,
        "epochs": 2,
        "model": str(tmp_path / "net.txt"),
    }
    run = train(source, out=tmp_path / "run", **how)
    parts = [set(group_names(part_of_run(load_run(run), part), "writer")) for part in ("train", "validation")]
    result = load_run(run).evaluate()
    assert not parts[0] & parts[1] and not (parts[0] | parts[1]) & set(groups_of(result.dataset, "writer"))
    found = accuracy_by_group(result, "writer", trained_on=part_of_run(load_run(run), "train"))
    assert found.shared == 0 and sum(one.accuracy.n for one in found.rows) == len(result.dataset)
    done = convscope("evaluate", "run", "data", "--group", "writer", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    groups = json.loads(done.stdout)["groups"]
    assert groups["by"] == "writer"
    rows = {row["group"]: Proportion.from_json(row["accuracy"]).n for row in groups["groups"]}
    assert rows.keys() <= set(WRITERS) and len(rows) == 2
