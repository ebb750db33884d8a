"""Durations: what is accepted, and what they are in seconds."""

from __future__ import annotations

import pytest

from convscope.errors import OptionError
from convscope.training.duration import parse_time
from convscope.training.options import TrainOptions


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("1.5h", 5400), ("30", 30), (" 2 m ", 120)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5 min", "0s", "-3m", "1000h", "5mm"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="time must be a"):
        TrainOptions(time=text)
