"""Engines are opened once for a run."""

from pathlib import Path

import numpy as np
import pytest

from convscope.api.run import Run
from convscope.api.run_engine import engine_for_calls, engine_of
from convscope.data.mnist import load_part
from convscope.exporting import engines


@pytest.mark.parametrize("name", ["onnx", "litert"])
def test_a_runtime_is_opened_once_for_a_run(short_run: Path, name: str) -> None:
    run, other = Run(short_run), Run(short_run)
    first = engine_of(run, name, images=1)
    assert engine_of(run, name, images=1000) is first
    assert engine_of(run, name, images=1, threads=2) is not first
    assert engine_of(other, name, images=1) is not first
    pixels = load_part("test").pixels[:3]
    answers = [run.predict(pixels, engine=name).probabilities for _ in range(2)]
    assert np.array_equal(*answers)
    np.testing.assert_allclose(answers[0], run.predict(pixels, engine="numpy").probabilities, atol=1e-5)


def test_what_auto_chooses_depends_on_each_call(short_run: Path) -> None:
    run = Run(short_run)
    assert engine_of(run, "auto", images=1).name == "numpy"
    assert engine_of(run, "auto", images=10**9).name != "numpy"
    assert engine_of(run, "auto", images=1).name == "numpy"


def test_for_calls_auto_opens_a_runtime_once_unless_that_takes_long(short_run: Path, monkeypatch) -> None:
    run = Run(short_run)
    found = engine_for_calls(run, "auto", images=1)
    assert found.name == "litert" and engine_for_calls(run, "auto", images=7) is found
    monkeypatch.setattr(engines, "FAST_SECONDS", 0.0)
    assert engine_for_calls(Run(short_run), "auto", images=1).name == "numpy"
    assert engine_for_calls(Run(short_run), "auto", images=10**9).name == "litert"
