import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convscope.api.callbacks import Callbacks
from convscope.api.evaluate import evaluate
from convscope.api.run import load_run
from convscope.api.run_data import may_be_own
from convscope.data.decode import decode
from convscope.errors import OptionError


def test_a_part_must_be_one_of_three(short_run: Path) -> None:
    with pytest.raises(OptionError, match="part must be one of test, validation, train"):
        evaluate(short_run, part="everything")


def test_the_measurement_comes_with_what_it_was_taken_of(short_run: Path) -> None:
    measured = evaluate(short_run)
    assert (measured.folder, measured.part) == (short_run, "test")
    assert len(measured.dataset) == len(measured.predictions) == measured.evaluation.n == 10_000
    recorded = json.loads((short_run / "run.json").read_text())["test"]
    assert measured.evaluation.to_json() == recorded


def test_images_of_other_data_are_decoded_once_and_counted(
    short_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    for index in range(40):
        place = tmp_path / "digits" / str(index % 10) / f"{index}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(place)
    decoded, seen = [], []

    def counted(data: bytes, name: str, **how: Any) -> Any:
        decoded.append(name)
        return decode(data, name, **how)

    monkeypatch.setattr("convscope.data.decode_images.decode", counted)
    callbacks = Callbacks(images=lambda done, total: seen.append((done, total)))
    measured = evaluate(short_run, tmp_path / "digits", callbacks=callbacks)
    assert measured.part == "all" and measured.evaluation.n == 40
    assert sorted(decoded) == sorted(set(decoded)) and len(decoded) == 40
    assert seen[-1] == (40, 40)


def test_files_could_be_those_of_a_training_only_with_as_many_of_each_class(short_run: Path, tmp_path: Path) -> None:
    def folder(name: str, counts: dict[str, int]) -> Path:
        for kind, count in counts.items():
            for index in range(count):
                place = tmp_path / name / kind / f"{index}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(b"not read")
        return tmp_path / name

    run = load_run(short_run)
    run.record.data["class_counts"] = {"a": 30, "b": 20}
    assert may_be_own(run, folder("same", {"a": 30, "b": 20}))
    assert may_be_own(run, folder("some of them unreadable", {"a": 33, "b": 21}))
    assert not may_be_own(run, folder("fewer", {"a": 29, "b": 21}))
    assert not may_be_own(run, folder("far more", {"a": 30, "b": 40}))
    assert not may_be_own(run, folder("other classes", {"a": 30, "c": 20}))
