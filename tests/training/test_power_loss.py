"""The short version of `scripts/prove power`."""

from __future__ import annotations

from pathlib import Path

from power_loss import prove


def test_a_power_cut_at_any_operation_of_a_training_takes_nothing_that_was_kept(tmp_path: Path) -> None:
    found = prove(tmp_path, each=4, resumed=2, report=lambda found: None)
    assert found.trouble == []
    assert found.whole > found.nothing_yet > found.finished > 0 and found.resumed == 2
    assert found.images == found.whole + found.nothing_yet + found.finished == 4 * found.operations
