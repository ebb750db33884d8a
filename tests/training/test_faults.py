"""The short version of `scripts/prove faults`."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import CODES, prove


@pytest.mark.parametrize("every", [100, pytest.param(7, marks=pytest.mark.long)])
def test_a_disk_that_fails_at_any_operation_of_a_training_costs_nothing(every: int, tmp_path: Path) -> None:
    found = prove(tmp_path, every=every, report=lambda found: None)
    assert found.trouble == []
    assert found.faults == 2 * len(CODES) * len(range(1, found.operations + 1, every))
    assert found.faults == found.resumed + found.again + found.unharmed
    assert found.resumed and found.again
