"""The short version of `scripts/prove faults`."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import CODES, prove


@pytest.mark.parametrize("every", [100, pytest.param(7, marks=pytest.mark.long)])
def test_a_training_survives_a_fault_of_any_disk_operation(every: int, tmp_path: Path) -> None:
    outcomes = prove(tmp_path, every=every, report=lambda outcomes: None)
    assert outcomes.trouble == []
    assert outcomes.faults == 2 * len(CODES) * len(range(1, outcomes.operations + 1, every))
    assert outcomes.faults == outcomes.resumed + outcomes.again + outcomes.unharmed
    assert outcomes.resumed and outcomes.again
