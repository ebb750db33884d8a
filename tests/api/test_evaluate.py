import json
from pathlib import Path

import pytest

from convscope.api.evaluate import evaluate
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
