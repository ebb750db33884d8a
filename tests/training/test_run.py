import dataclasses
import json
import os
from pathlib import Path

import pytest

from convscope.errors import OptionError, RunError
from convscope.training.config import load_config, to_toml
from convscope.training.options import TrainOptions, resolve
from convscope.training.run import SCHEMA_VERSION, HistoryRow, RunRecord, from_json
from convscope.training.run_folder import MODEL_FILE, RUN_FILE, find_run, load_record, new_folder, save_run, write_text


def example() -> RunRecord:
    return RunRecord(
        name="a-run",
        created="2026-01-01T00:00:00+00:00",
        outcome="finished",
        options=resolve(TrainOptions(model="quick")),
        data={"source": "made up"},
        network={"name": "quick"},
        environment={},
        history=(HistoryRow(0.5, 1.0, 0.01), HistoryRow(1.0, 0.5, 0.0, 0.4, 0.9)),
        seconds={"train": 1.0},
        weights_sha256="0" * 64,
    )


def test_a_run_survives_its_file(tmp_path: Path) -> None:
    save_run(example(), tmp_path)
    assert load_record(tmp_path) == example()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "record of a run"),
        ({}, "schema_version"),
        ({"schema_version": SCHEMA_VERSION + 1}, "newer convscope"),
        ({"schema_version": 1}, "expected fields"),
        ({"schema_version": True}, "schema_version"),
    ],
)
def test_a_record_of_something_else_is_refused(value: object, message: str) -> None:
    with pytest.raises(RunError, match=message):
        from_json(value)


def test_a_record_with_an_unknown_or_wrong_option_is_refused() -> None:
    record = example().to_json()
    for change in ({"magic": 1}, {"epochs": -1}):
        options = dataclasses.asdict(example().options) | change
        with pytest.raises(RunError, match="expected fields"):
            from_json(record | {"options": options})


@pytest.mark.parametrize(
    "change",
    [
        {"name": 3},
        {"data": []},
        {"data": {}},
        {"data": {"source": 3}},
        {"network": {"parameters": 1}},
        {"environment": "x"},
        {"seconds": {"train": "x"}},
        {"seconds": {"train": True}},
        {"test": []},
        {"history": [{"epoch": "x", "loss": 1.0, "learning_rate": 0.1}]},
    ],
)
def test_a_record_with_a_value_of_another_kind_is_refused(change: dict) -> None:
    with pytest.raises(RunError, match="expected fields"):
        from_json(example().to_json() | change)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\x00", '{"schema_version": NaN}', '{"a": 1e999}'])
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / RUN_FILE).write_text(text)
    with pytest.raises(RunError, match=r"run\.json"):
        load_record(tmp_path)


def test_a_folder_that_is_not_empty_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="not empty"):
        new_folder(tmp_path, name="x")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        new_folder(tmp_path / "file" / "run", name="x")


def test_without_a_name_the_newest_run_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="convscope train"):
        find_run(None)
    for name in ("old", "new"):
        folder = new_folder(None, name=name)
        save_run(example(), folder)
        (folder / MODEL_FILE).write_bytes(b"")
    os.utime(tmp_path / "runs" / "old" / RUN_FILE, (1, 1))
    assert find_run(None) == Path("runs/new")
    assert find_run("runs/old/model.safetensors") == Path("runs/old")


def test_writing_replaces_the_whole_file_or_nothing(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "one")
    write_text(tmp_path / "a.txt", "two")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    with pytest.raises(RunError, match="could not be written"):
        write_text(tmp_path / "missing" / "a.txt", "x")


def test_the_record_is_plain_json(tmp_path: Path) -> None:
    save_run(example(), tmp_path)
    assert json.loads((tmp_path / RUN_FILE).read_text())["history"][1]["validation_accuracy"] == 0.9


@pytest.mark.parametrize("path", ["a/b", 'quote" and \\ and tab\t', "smile \U0001f600", "del \x7f", "bell \x07"])
def test_a_path_comes_back_from_the_config_as_it_was(path: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(to_toml({"data": path}), encoding="utf-8")
    assert load_config(tmp_path / "c.toml") == {"data": path}


def test_a_path_that_is_no_text_is_shown_in_the_config_as_an_escape(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(to_toml({"data": "d\udcff"}), encoding="utf-8")
    assert load_config(tmp_path / "c.toml") == {"data": "d\\udcff"}


@pytest.mark.parametrize("text", ["seed = " + "9" * 5000, "data = " + "[" * 5000, "]]]"])
def test_a_config_that_is_not_toml_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(OptionError, match=r"c\.toml is not TOML"):
        load_config(tmp_path / "c.toml")


def test_a_hundredth_run_in_one_second_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(1, 98):
        (tmp_path / "runs" / ("x" if number == 1 else f"x-{number}")).mkdir(parents=True)
    assert new_folder(None, name="x").name == "x-98"
    with pytest.raises(RunError, match="cannot be written"):
        new_folder(None, name="x")


def test_a_record_with_nan_is_not_written(tmp_path: Path) -> None:
    save_run(example(), tmp_path)
    before = (tmp_path / RUN_FILE).read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_run(dataclasses.replace(example(), seconds={"train": float("nan")}), tmp_path)
    assert (tmp_path / RUN_FILE).read_bytes() == before


def test_the_schema_of_the_record_is_the_first() -> None:
    assert example().to_json()["schema_version"] == SCHEMA_VERSION == 1


def test_a_notebook_shows_epochs_seconds_accuracy_and_loss() -> None:
    accuracy = {"rate": 0.99, "low": 0.98787, "high": 0.99178, "n": 10_000}
    run = dataclasses.replace(
        example(), network={"name": "quick", "parameters": 12_345}, test={"accuracy": accuracy}, data={"source": "<x>"}
    )
    page = run._repr_html_()
    for text in ("12,345 parameters", "1 epochs in 1.0 s", "99.00 % (98.79 to 99.18, n=10,000)", "&lt;x&gt;",
                 "training loss from 1.000 to 0.500 in 1 epochs"):  # fmt: skip
        assert text in page
    assert "validation accuracy" not in page


def test_a_config_of_a_million_bytes_is_read_and_one_more_is_not(tmp_path: Path) -> None:
    line = "seed = 3\n"
    (tmp_path / "c.toml").write_text(line + "#" * (1_000_000 - len(line)))
    assert load_config(tmp_path / "c.toml") == {"seed": 3}
    (tmp_path / "c.toml").write_text(line + "#" * (1_000_001 - len(line)))
    with pytest.raises(OptionError, match="cannot be read"):
        load_config(tmp_path / "c.toml")


def test_two_runs_that_begin_in_one_second_have_a_folder_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [new_folder(None, name="x").name for _ in range(3)] == ["x", "x-2", "x-3"]


def test_a_run_without_its_model_is_not_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("whole", "half"):
        save_run(example(), new_folder(None, name=name))
    (tmp_path / "runs" / "whole" / MODEL_FILE).write_bytes(b"")
    os.utime(tmp_path / "runs" / "whole" / RUN_FILE, (1, 1))
    assert find_run(None) == Path("runs/whole")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / RUN_FILE)
    with pytest.raises(RunError, match="not a regular file"):
        load_record(tmp_path)
    with pytest.raises(OptionError, match="not a regular file"):
        load_config(tmp_path / RUN_FILE)


def test_a_record_larger_than_any_is_not_read(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).touch()
    os.truncate(tmp_path / RUN_FILE, 10**12)  # sparse: it takes no room
    with pytest.raises(RunError, match="more than 64,000,000 bytes"):
        load_record(tmp_path)
