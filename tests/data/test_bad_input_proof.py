"""`proofs/bad_input.py`, all of it: it takes seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bad_input import MEGABYTES
from bad_inputs import CASES, all_cases

PROOFS = Path(__file__).parents[2] / "proofs"


@pytest.fixture(scope="module")
def results() -> list[dict[str, Any]]:
    """One process reads every case, each in a child of its own."""
    done = subprocess.run(
        [sys.executable, PROOFS / "bad_input.py", "--json"], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("source", CASES)
def test_every_bad_input_gets_one_clear_line_soon_with_little_memory(
    source: str, results: list[dict[str, Any]]
) -> None:
    of_source = [result for result in results if result["source"] == source]
    assert [result["name"] for result in of_source] == list(all_cases()[source])
    # How long it takes belongs to the proof: machines are shared.
    bad = [result for result in of_source if result["trouble"] and not result["trouble"].endswith(" MB")]
    assert not bad, bad
    assert max(result["megabytes"] for result in of_source) < MEGABYTES


def test_there_are_as_many_as_promised(results: list[dict[str, Any]]) -> None:
    assert len(results) >= 320
