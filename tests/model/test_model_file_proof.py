"""The short version of `scripts/prove model-file`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROOFS = Path(__file__).parents[2] / "proofs"


@pytest.mark.long
def test_a_changed_byte_or_a_missing_end_is_refused_or_changes_nothing() -> None:
    # In a process of its own, since checking the annotations under pytest takes six times as long.
    done = subprocess.run(
        [sys.executable, PROOFS / "model_file.py", "--values", "1", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    assert outcomes["trouble"] == []
    assert outcomes["refused"] + outcomes["identical"] == outcomes["changes"] + outcomes["truncations"]
    assert outcomes["changes"] == outcomes["truncations"] == outcomes["size_bytes"] > 0
