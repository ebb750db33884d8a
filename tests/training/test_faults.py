"""The short version of `scripts/prove faults`."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from faults import WAYS, prove


@pytest.mark.long
@pytest.mark.parametrize(
    "every, ways",
    [(140, ((errno.EIO, False), (errno.ENOSPC, True))), pytest.param(7, WAYS, marks=pytest.mark.long)],
    ids=["two operations", "every seventh operation"],
)
def test_a_training_survives_a_fault_of_any_disk_operation(
    every: int, ways: tuple[tuple[int, bool], ...], tmp_path: Path
) -> None:
    outcomes = prove(tmp_path, every=every, ways=ways, report=lambda outcomes: None)
    assert outcomes.trouble == []
    assert outcomes.faults == len(ways) * len(range(1, outcomes.operations + 1, every))
    assert outcomes.faults == outcomes.resumed + outcomes.again + outcomes.unharmed
    assert outcomes.resumed and outcomes.again
