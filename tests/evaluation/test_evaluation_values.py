"""The values of evaluation cannot be changed once they are made."""

from __future__ import annotations

import pytest
from values import check_frozen, modules


@pytest.mark.parametrize("name", modules("convscope.evaluation"))
def test_every_dataclass_is_frozen(name: str) -> None:
    check_frozen(name)
