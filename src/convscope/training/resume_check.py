"""Check that a resumed training has the options, data and network that it was started with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from convscope.errors import RunError
from convscope.training.run import PATH_FROM_RUN

MAY_DIFFER = (PATH_FROM_RUN, "options.cache")
"""Data may have moved, and so may the cache of their pixels."""


def check_same(saved: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """Compare the identity of a checkpoint with that of the training that resumes it.

    Raises:
        RunError: They differ; the message names what differs.

    Example:
        >>> check_same({"seed": 0}, {"seed": 1})
        Traceback (most recent call last):
            ...
        convscope.errors.RunError: Cannot resume: these options differ: seed=1 (was 0). \
Use the same ones, or train again with another --out.
    """
    before, after = (
        {name: value for name, value in _flat(identity) if name not in MAY_DIFFER}
        for identity in (saved, json.loads(json.dumps(current)))
    )
    different = [
        f"{name}={after.get(name)!r} (was {before.get(name)!r})"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]
    if different:
        raise RunError(
            f"Cannot resume: these options differ: {'; '.join(different[:3])}.",
            hint="Use the same ones, or train again with another --out.",
        )


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping | list):
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value, start=1):
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value
