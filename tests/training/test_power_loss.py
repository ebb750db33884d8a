"""The short version of `scripts/prove power`."""

from __future__ import annotations

from pathlib import Path

import pytest
from power_loss import prove


@pytest.mark.parametrize("each", [2, pytest.param(4, marks=pytest.mark.long)])
def test_a_power_loss_after_any_disk_operation_loses_no_checkpoint(each: int, tmp_path: Path) -> None:
    outcomes = prove(tmp_path, each=each, resumed=2, report=lambda outcomes: None)
    assert outcomes.trouble == []
    assert outcomes.whole > outcomes.nothing_yet > outcomes.finished > 0 and outcomes.resumed == 2
    assert outcomes.images == outcomes.whole + outcomes.nothing_yet + outcomes.finished == each * outcomes.operations
