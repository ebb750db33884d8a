"""`proofs/bad_input.py`, all of it: it takes seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bad_input import MEGABYTES
from bad_inputs import CASES

PROOFS = Path(__file__).parents[2] / "proofs"


@pytest.mark.parametrize("source", CASES)
def test_every_bad_input_gets_one_clear_line_soon_with_little_memory(source: str) -> None:
    done = subprocess.run(
        [sys.executable, PROOFS / "bad_input.py", "--source", source, "--json"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert [result["name"] for result in results] == list(CASES[source])
    # How long it takes belongs to the proof: machines are shared.
    bad = [result for result in results if result["trouble"] and not result["trouble"].endswith(" MB")]
    assert not bad, bad
    assert max(result["megabytes"] for result in results) < MEGABYTES


def test_there_are_as_many_as_promised() -> None:
    assert sum(map(len, CASES.values())) >= 320
