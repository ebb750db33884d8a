"""The short version of `scripts/prove power`."""

from __future__ import annotations

from pathlib import Path

from power_loss import prove


def test_a_power_loss_after_any_disk_operation_loses_no_checkpoint(tmp_path: Path) -> None:
    outcomes = prove(tmp_path, each=4, resumed=2, report=lambda outcomes: None)
    assert outcomes.trouble == []
    assert outcomes.whole > outcomes.nothing_yet > outcomes.finished > 0 and outcomes.resumed == 2
    assert outcomes.images == outcomes.whole + outcomes.nothing_yet + outcomes.finished == 4 * outcomes.operations
