"""The values of training cannot be changed once they are made."""

from __future__ import annotations

import pytest
from values import check_frozen, modules

HEAVY = {f"convscope.training.{name}" for name in ("augment", "fit", "optimizer")}


@pytest.mark.parametrize("name", sorted(set(modules("convscope.training")) - HEAVY))
def test_every_dataclass_is_frozen(name: str) -> None:
    check_frozen(name)
