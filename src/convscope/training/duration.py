"""Durations, such as 90s, 5m or 1h. Light."""

import re

from convscope.errors import OptionError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def parse_time(text: str) -> float:
    """The seconds of a duration.

    Raises:
        OptionError: It is not a number followed by s, m or h, or not between one second and 100 hours.

    Example:
        >>> parse_time("5m"), parse_time("1.5h"), parse_time("90")
        (300.0, 5400.0, 90.0)
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*(s|m|h)?", text.strip())
    seconds = float(found[1]) * UNITS[found[2] or "s"] if found else 0.0
    if not 1 <= seconds <= 360_000:
        raise OptionError(f"time must be a duration from 1s to 100h, such as 90s, 5m or 1h. Received: time={text!r}.")
    return seconds
