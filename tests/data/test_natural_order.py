"""The natural order of names."""

from __future__ import annotations

from convscope.data.natural_order import natural_key


def test_natural_order_survives_odd_digits() -> None:
    names = ["img12", "img2", "IMG2", "٣", "3", "", "²", "1" * 5000]
    assert sorted(names, key=natural_key)[:2] == ["", "3"]
    assert len({natural_key(name) for name in names}) == len(names)
