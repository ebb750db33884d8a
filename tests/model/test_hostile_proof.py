"""`proofs/hostile.py`, all of it: it takes seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROOFS = Path(__file__).parents[2] / "proofs"


def test_no_hostile_file_makes_a_reader_do_anything_but_refuse_it() -> None:
    # In a process of its own, since checking the annotations under pytest executes code while a file is read.
    done = subprocess.run(
        [sys.executable, PROOFS / "hostile.py", "--json"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    # How long it takes belongs to the proof: machines are shared.
    assert [result for result in results if result["trouble"] and not result["trouble"].endswith(" MB")] == []
    assert max(result["megabytes"] for result in results) < 200
    assert len(results) >= 80
