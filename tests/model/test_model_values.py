"""The values of model cannot be changed once they are made."""

from __future__ import annotations

import pytest
from values import check_frozen, modules

HEAVY = {"convscope.model.build", "convscope.model.tensorflow"}


@pytest.mark.parametrize("name", sorted(set(modules("convscope.model")) - HEAVY))
def test_every_dataclass_is_frozen(name: str) -> None:
    check_frozen(name)
