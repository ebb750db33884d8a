"""The short version of `scripts/prove kill`, `SIGINT` and `SIGTERM`."""

from __future__ import annotations

import pytest
from cuts import prove


@pytest.mark.parametrize("kind, cuts", [("kill", 10), ("SIGINT", 1), ("SIGTERM", 1)])
def test_trainings_that_were_cut_off_end_as_if_nobody_had_cut_them(kind: str, cuts: int) -> None:
    found = prove(kind, cuts, at_once=1)
    assert not found.trouble
    assert found.cuts >= cuts and found.identical == found.trainings
    assert found.exits_wrong == 0


@pytest.mark.long
def test_a_hundred_kills() -> None:
    found = prove("kill", 100)
    assert not found.trouble and found.identical == found.trainings
    assert found.inside >= 0.3 * found.cuts
