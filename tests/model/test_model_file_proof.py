"""The short version of `scripts/prove model-file`."""

from __future__ import annotations

from pathlib import Path

from model_file import prove


def test_a_changed_byte_or_a_missing_end_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    found = prove(tmp_path, 1)
    assert not found.trouble
    assert found.refused + found.identical == found.changes + found.truncations
    assert found.changes == found.truncations == found.size_bytes
