"""The short version of `scripts/prove model-file`."""

from __future__ import annotations

from pathlib import Path

from model_file import prove


def test_a_changed_byte_or_a_missing_end_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    outcomes = prove(tmp_path, 1)
    assert not outcomes.trouble
    assert outcomes.refused + outcomes.identical == outcomes.changes + outcomes.truncations
    assert outcomes.changes == outcomes.truncations == outcomes.size_bytes
