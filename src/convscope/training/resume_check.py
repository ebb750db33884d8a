"""Whether a training that goes on is the training that began."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from convscope.errors import RunError


def check_same(then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with something else.

    Raises:
        RunError: The message names what differs.

    Example:
        >>> check_same({"seed": 0}, {"seed": 1})
        Traceback (most recent call last):
            ...
        convscope.errors.RunError: To go on, everything must be as it was. Received: seed=1, which was 0. \
Train anew with another --out, or put it back.
    """
    flat_then, flat_now = dict(_flat(then)), dict(_flat(json.loads(json.dumps(now))))
    different = [
        f"{name}={flat_now.get(name)!r}, which was {flat_then.get(name)!r}"
        for name in {**flat_then, **flat_now}
        if flat_then.get(name) != flat_now.get(name)
    ]
    if different:
        raise RunError(
            f"To go on, everything must be as it was. Received: {'; '.join(different[:3])}.",
            hint="Train anew with another --out, or put it back.",
        )


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping | list):
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value, start=1):
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value
